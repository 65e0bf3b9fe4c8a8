// Arbitrary messages for a gate and the Tunnel behind it, with one peer. The first byte chooses what a stranger could
// not do, so that the fuzzer gets past the macs: bit 0 makes mac1 right, bit 1 puts the gate under load, bit 2 aims at
// the handshake in flight, bit 3 adds time and ticks. The rest is a sequence of messages, each with its length in a
// byte before it. The Tunnel gets what the gate refuses as well: it must bear it.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include "tunnel/handshake_gate.h"
#include "tunnel/tunnel.h"

namespace isthmus::tunnel {
namespace {

constexpr LaneId kPeer{PeerIndex{0}, 0};
constexpr Endpoint kSource{Ipv4Address{0x0a000001}, 1000};

class Host final : public TunnelHost {
 public:
  void send(LaneId, const Endpoint&, std::span<const std::uint8_t> message) override {
    last_sent.assign(message.begin(), message.end());
  }
  void send_keepalive(LaneId, Session&) override {}
  void endpoint_changed(LaneId, const Endpoint&) override {}
  void session_ready(LaneId) override {}
  void session_failed(LaneId) override {}
  void usable_changed(LaneId, bool) override {}
  void arrivals(LaneId, const ArrivalNews&) override {}
  void retire(std::unique_ptr<Session>) override {}
  void fill_random(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = next_++;
  }

  std::vector<std::uint8_t> last_sent;

 private:
  std::uint8_t next_ = 1;
};

SecretKey filled(std::uint8_t byte) {
  SecretKey key;
  key.bytes.fill(byte);
  return key;
}

// What an attacker cannot know: the sender index of our initiation, which is the first field behind the type.
void aim(std::span<std::uint8_t> message, std::span<const std::uint8_t> initiation) {
  const bool is_response = message.size() == sizeof(MessageResponse);
  const std::size_t offset =
      is_response ? offsetof(MessageResponse, receiver_index) : offsetof(MessageCookieReply, receiver_index);
  if (message.size() < offset + 4 || initiation.size() < 8) return;
  std::copy_n(initiation.begin() + 4, 4, message.begin() + static_cast<std::ptrdiff_t>(offset));
}

// Only whole handshake messages come to a gate. Under load no initiation passes it without a cookie, and nobody who
// cannot read what we send has one.
void judge(HandshakeGate& gate, Tunnel& tunnel, const SessionTable& table, Bytes message, bool loaded, Instant now) {
  const bool initiation = message.size() == sizeof(MessageInitiation) && message[0] == 1;
  const bool response = message.size() == sizeof(MessageResponse) && message[0] == 2;
  const bool reply = message.size() == sizeof(MessageCookieReply) && message[0] == 3;
  if (!(initiation || response || reply) || message[1] != 0 || message[2] != 0 || message[3] != 0) return;
  const GateKeys keys{tunnel.checkers(now), MacKey(filled(0x33).bytes)};
  MessageCookieReply cookie;
  const Admission admission = gate.judge(keys, table, message, kSource, now, cookie);
  if (loaded && initiation && admission == Admission::kAdmitted) std::abort();
}

void run(std::uint8_t mode, std::span<const std::uint8_t> input) {
  static const PublicKey public_key = public_key_of(filled(0x11));
  static const PublicKey peer_key = public_key_of(filled(0x22));
  Host host;
  SessionTable table(16);
  PeerLink link;
  Tunnel tunnel(host, table);
  CookieJar jar(public_key);
  Now now{Instant{std::chrono::seconds{1000}}, {1'700'000'000, 0}};
  tunnel.set_identity(filled(0x11));
  PeerSettings settings;
  settings.public_key = peer_key;
  settings.endpoint = kSource;
  tunnel.add_peer(kPeer, settings, link, now);
  const std::vector<std::uint8_t> initiation = host.last_sent;
  HandshakeGate gate(0);
  if (mode & 2) gate.under_load(now.instant);

  while (!input.empty()) {
    const std::size_t length = std::min<std::size_t>(input[0], input.size() - 1);
    std::vector<std::uint8_t> message(input.begin() + 1, input.begin() + 1 + static_cast<std::ptrdiff_t>(length));
    input = input.subspan(1 + length);
    if (mode & 4) aim(message, initiation);
    if ((mode & 1) && message.size() > sizeof(MessageMacs)) jar.add_macs(message, now.instant);
    judge(gate, tunnel, table, message, (mode & 2) != 0 && (mode & 8) == 0, now.instant);
    tunnel.receive(message, kSource, 0, now);
    if (mode & 8) {
      now.instant += std::chrono::seconds{7};
      tunnel.tick(now);
    }
  }
  // Nobody without the peer's private key gets a session.
  const auto completed = tunnel.counts()[static_cast<std::size_t>(HandshakeEvent::kCompleted)];
  if (completed != 0 || tunnel.view(kPeer).has_session) std::abort();
}

}  // namespace
}  // namespace isthmus::tunnel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) isthmus::tunnel::run(data[0], {data + 1, size - 1});
  return 0;
}
