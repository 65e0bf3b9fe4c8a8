#pragma once
// What is said over an API socket: isthmusctl -> isthmusd -> isthmus-dp, one vocabulary for both hops. A message is a
// four-byte big-endian length and that many bytes of JSON (codec.h). The client sends a Request, the server answers
// with one Response; a connection may carry many.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/config/desired_state.h"
#include "dataplane/config/validate.h"

namespace isthmus::config {

inline constexpr std::uint32_t kApiRevision = 3;       // both ends must have the same
inline constexpr std::size_t kMaxMessage = 16U << 20;  // bytes; a longer one closes the connection

enum class Method : std::uint8_t {
  kStatus,    // -> status
  kApply,     // state -> generation, or errors and nothing changed
  kState,     // -> state: the document that was applied last
  kTrace,     // trace_request -> trace: what has been seen so far; asked of the data plane itself
  kEndpoint,  // endpoint -> changed: where the name in the document leads; isthmusd tells the data plane
};

// Follow the next `packets` packets through their walks; 0: only collect what earlier requests have found.
struct TraceRequest {
  std::uint32_t packets = 0;
  std::string address;  // empty: any; else an IPv4 address that is source or destination as the walk first sees it
};

// One packet after one stage.
struct TraceStep {
  std::uint32_t packet = 0;  // counts from 1
  std::string direction;
  std::string stage;
  std::string source;  // empty where the packet is sealed or framed
  std::string destination;
  std::uint16_t length = 0;
  std::string outcome;  // empty: walks on; else the drop reason or who took it
};

// A peer's configured endpoint, as if its address stood in the document in place of the name. It replaces a learned one
// when it differs from the one given before, or when it is given `anew`: because what was learned has failed.
struct EndpointRequest {
  std::string peer;
  std::string endpoint;  // "192.0.2.7:51820"
  bool anew = false;
};

struct Request {
  std::uint32_t revision = kApiRevision;
  Method method = Method::kStatus;
  std::optional<DesiredState> state;        // kApply
  std::optional<TraceRequest> trace;        // kTrace
  std::optional<EndpointRequest> endpoint;  // kEndpoint
};

// One of a peer's WireGuard sessions.
struct LaneStatus {
  std::uint16_t listen_port = 0;
  std::string endpoint;                     // empty: not known yet
  bool usable = false;                      // a session stands, and the peer answers when it is to be replaced
  std::int64_t last_handshake_seconds = 0;  // Unix time; 0: never
};

struct PeerStatus {
  std::string name;
  std::string public_key;
  std::string endpoint;       // of the first lane, configured or learned; empty: not known yet
  std::string endpoint_name;  // in the document: "gw.example.org:51820"; empty: there stands an address, or nothing
  std::string name_trouble;   // why the name has no address at the moment, as far as isthmusd knows
  bool connected = false;     // authenticated traffic within the last 180 s, or a session younger than that
  bool rotating = false;      // new keys wait for their first handshake, the old ones still serve
  std::int64_t last_handshake_seconds = 0;  // Unix time; 0: never
  double last_received_age = -1;            // seconds since anything authenticated came; -1: never
  double handshake_pending_seconds = 0;     // since we wanted a session and got none yet; 0: none is wanted
  std::uint64_t transmit_bytes = 0;         // WireGuard messages, handshakes included (as `wg show transfer`)
  std::uint64_t receive_bytes = 0;
  std::uint64_t outbound_packets = 0;  // inner packets sealed and sent
  std::uint64_t outbound_bytes = 0;
  std::uint64_t inbound_packets = 0;  // inner packets delivered to the cluster
  std::uint64_t inbound_bytes = 0;
  std::uint64_t lost_packets = 0;       // WireGuard messages that the peer sent and that never came
  std::uint64_t duplicate_packets = 0;  // that came again
  std::uint64_t reordered_packets = 0;  // that came behind a later one
  std::uint64_t held_packets = 0;       // now waiting for a session or a neighbour
  std::uint64_t memory_bytes = 0;       // what the data plane keeps of it: counters, lanes, keys, sessions, maps
  std::vector<LaneStatus> lanes;
  std::vector<DesiredMap> remote;
  std::vector<DesiredMap> local;
};

struct DropStatus {
  std::string peer;       // empty: before any peer was known
  std::string direction;  // outbound | inbound
  std::string stage;      // of the walk, or "waiting": it died while held, and is in no walk's `dropped`
  std::string reason;
  std::string help;
  std::uint64_t packets = 0;
};

struct NamedCount {
  std::string name;
  std::uint64_t count = 0;
};

// One walk's books: received + originated + resumed = transmitted + dropped + sum(punted), at every moment between
// bursts.
struct WalkStatus {
  std::string direction;
  std::uint64_t received = 0;     // from the port
  std::uint64_t originated = 0;   // fragments beyond the first, ICMP errors of ours
  std::uint64_t resumed = 0;      // handed back by the service thread
  std::uint64_t transmitted = 0;  // to a port
  std::uint64_t dropped = 0;
  std::vector<NamedCount> punted;  // by Punt's name
};

struct PortStatus {
  std::string role;  // cluster | underlay
  std::string device;
  std::string mac;
  std::vector<std::string> addresses;
  bool kernel = false;
  std::uint64_t missed = 0;  // frames that found the receive rings full: no worker has seen them
};

struct Status {
  std::string version;
  std::uint64_t pid = 0;
  std::int64_t started_seconds = 0;  // Unix time
  std::uint64_t generation = 0;      // 0: nothing applied yet
  std::string name;
  std::string public_key;
  std::string aead;    // the implementation in use
  std::string memory;  // hugepages | ordinary pages
  std::string polling;
  std::vector<std::uint16_t> listen_ports;
  std::vector<std::string> drift;  // in what `wg` has changed the document that was applied last, a sentence each
  std::vector<PortStatus> ports;
  std::vector<PeerStatus> peers;
  std::vector<DropStatus> drops;  // non-zero ones
  std::vector<WalkStatus> walks;
  std::vector<NamedCount> handshakes;  // by HandshakeEvent's name
};

struct Response {
  std::uint32_t revision = kApiRevision;
  std::string error;             // not empty: the request failed as a whole
  ConfigErrors errors;           // kApply refused
  std::uint64_t generation = 0;  // kApply: the generation that runs now
  bool changed = false;          // kApply: false when the same document already ran; kEndpoint: when it was so already
  std::optional<Status> status;
  std::optional<DesiredState> state;
  std::vector<TraceStep> trace;
};

}  // namespace isthmus::config
