#pragma once
// Two tunnels that talk through memory, with a clock that only tests move:
//
//   Side a  10.0.0.1:1000 --- Network: delay, loss, a queue --- 10.0.0.2:2000  Side b
//
// A side does what a worker does: judges handshake messages, seals with what the link says, opens by the session table,
// keeps the link's times and reports confirmation and roaming.

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "tunnel/aead.h"
#include "tunnel/crypto.h"
#include "tunnel/handshake_gate.h"
#include "tunnel/tunnel.h"

namespace isthmus::tunnel {

inline constexpr LaneId kPeer{PeerIndex{0}, 0};
inline constexpr Endpoint kEndpointA{Ipv4Address{0x0a000001}, 1000};
inline constexpr Endpoint kEndpointB{Ipv4Address{0x0a000002}, 2000};

struct Datagram {
  Instant due;
  Endpoint from;
  Endpoint to;
  std::vector<std::uint8_t> bytes;

  MessageType type() const { return static_cast<MessageType>(bytes[0]); }
};

class Side;

class Network {
 public:
  Now now() const;
  Instant instant() const { return instant_; }
  void attach(Side& side) { sides_.push_back(&side); }
  void detach(Side& side) { std::erase(sides_, &side); }
  void send(const Endpoint& from, const Endpoint& to, std::vector<std::uint8_t> bytes);
  // Moves the clock; delivers what is due and ticks every side every 100 ms.
  void advance(Duration duration);

  Duration delay = 10ms;
  std::function<bool(const Datagram&)> lose = [](const Datagram&) { return false; };
  std::function<Duration()> detour = [] { return 0ms; };  // how much longer than others this datagram takes
  Duration wall_step{0};                                  // somebody has set the wall clock, forwards or back
  std::vector<Datagram> sent;                             // all that ever was sent, whether lost or not, except data

 private:
  void deliver(const Datagram& datagram);

  Instant instant_{1000s};
  Instant next_tick_{1000s + 100ms};
  std::deque<Datagram> queue_;
  std::vector<Side*> sides_;
};

class Side final : public TunnelHost {
 public:
  Side(Network& net, const Endpoint& at, std::uint8_t key_byte)
      : endpoint(at), network(net), random_(key_byte), aead_(make_burst_aead(AeadChoice::kPortable)) {
    private_key.bytes.fill(key_byte);
    network.attach(*this);
    restart();
  }
  ~Side() override {
    tunnel.reset();
    network.detach(*this);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  // A new process: nothing is left but the private key.
  void restart() {
    tunnel.reset();
    table = std::make_unique<SessionTable>(64);
    link = std::make_unique<PeerLink>();
    tunnel = std::make_unique<Tunnel>(*this, *table);
    tunnel->set_identity(private_key);
  }
  PublicKey public_key() const { return public_key_of(private_key); }
  static PeerSettings settings_for(const Side& other) {
    PeerSettings settings;
    settings.public_key = other.public_key();
    settings.endpoint = other.endpoint;
    settings.initiate_at_once = false;
    return settings;
  }
  void add(const PeerSettings& settings) { tunnel->add_peer(kPeer, settings, *link, network.now()); }

  bool ready() const { return link->sending.load() != nullptr; }
  // One packet; without a session it waits, as packets do.
  void send_data() {
    ++data_sent;
    Session* session = link->to_seal_with();
    if (session == nullptr) {
      ++waiting;
      tunnel->want_session(kPeer, network.now());
      return;
    }
    link->data_sent.set(network.instant());
    seal_and_send(*session, 16);
  }
  void receive(const Datagram& datagram);

  std::uint64_t count(HandshakeEvent event) const { return tunnel->counts()[static_cast<std::size_t>(event)]; }

  // TunnelHost
  void send(LaneId, const Endpoint& destination, std::span<const std::uint8_t> message) override {
    network.send(endpoint, destination, {message.begin(), message.end()});
  }
  void send_keepalive(LaneId, Session& session) override {
    ++keepalives;
    keepalive_times.push_back(network.instant());
    keepalive_sessions.push_back(session.local_index);
    seal_and_send(session, 0);
  }
  void endpoint_changed(LaneId, const Endpoint& changed) override { endpoints.push_back(changed); }
  void session_ready(LaneId) override {
    ++readies;
    for (; waiting > 0; --waiting) {
      link->data_sent.set(network.instant());
      seal_and_send(*link->sending.load(), 16);
    }
  }
  void session_failed(LaneId) override { failures.push_back(network.instant()); }
  void usable_changed(LaneId, bool usable) override { usables.push_back(usable); }
  void arrivals(LaneId, const ArrivalNews& news) override { arrived.add(news); }
  void retire(std::unique_ptr<Session> session) override {
    arrived.add(session->arrivals.conclude(session->window));
    retired.push_back(std::move(session));
  }
  void fill_random(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    on_random(bytes);
  }

  Endpoint endpoint;  // where it is; a test may move it
  Network& network;
  SecretKey private_key;
  std::unique_ptr<SessionTable> table;
  std::unique_ptr<PeerLink> link;
  std::unique_ptr<Tunnel> tunnel;

  bool under_load = false;
  int cookies_sent = 0;
  std::vector<Admission> refused;  // by the gate
  int data_sent = 0;
  int data_received = 0;
  int data_refused = 0;
  int waiting = 0;
  int readies = 0;
  int keepalives = 0;
  int keepalives_received = 0;
  std::function<void(std::span<const std::uint8_t>)> on_random = [](auto) {};  // sees what it was given
  ArrivalTotals arrived;
  bool report_confirmations = true;  // false: the worker's message about it is lost
  std::vector<Instant> keepalive_times;
  std::vector<std::uint32_t> keepalive_sessions;  // their local indexes
  std::vector<Instant> failures;
  std::vector<bool> usables;
  std::vector<Endpoint> endpoints;
  std::vector<std::unique_ptr<Session>> retired;

 private:
  bool admits(const Datagram& datagram);
  void seal_and_send(Session& session, std::size_t size);

  std::mt19937_64 random_;
  std::unique_ptr<BurstAead> aead_;
  HandshakeGate gate_{0};
};

inline void Side::seal_and_send(Session& session, std::size_t size) {
  link->any_sent.set(network.instant());
  std::vector<std::uint8_t> message(kDataOverhead + size);
  auto* header = reinterpret_cast<DataHeader*>(message.data());
  header->type = static_cast<std::uint32_t>(MessageType::kData);
  header->receiver_index = session.remote_index;
  header->counter = session.reserve_nonces(1);
  AeadJob job{.key = &session.keys.sending,
              .counter = header->counter,
              .data = message.data() + sizeof(DataHeader),
              .length = static_cast<std::uint32_t>(size)};
  aead_->seal({&job, 1});
  network.send(endpoint, *tunnel->view(kPeer).endpoint, std::move(message));
}

inline bool Side::admits(const Datagram& datagram) {
  const GateKeys keys{tunnel->checkers(network.instant()), MacKey(private_key.bytes)};
  if (under_load) gate_.under_load(network.instant());
  MessageCookieReply cookie;
  const Admission admission = gate_.judge(keys, *table, datagram.bytes, datagram.from, network.instant(), cookie);
  if (admission == Admission::kUnproven) {
    ++cookies_sent;
    const Bytes bytes = bytes_of(cookie);
    network.send(endpoint, datagram.from, {bytes.begin(), bytes.end()});
  }
  if (admission != Admission::kAdmitted) refused.push_back(admission);
  return admission == Admission::kAdmitted;
}

inline void Side::receive(const Datagram& datagram) {
  if (datagram.type() != MessageType::kData) {
    if (admits(datagram)) tunnel->receive(datagram.bytes, datagram.from, 0, network.now());
    return;
  }
  std::vector<std::uint8_t> message = datagram.bytes;
  const auto* header = reinterpret_cast<const DataHeader*>(message.data());
  Session* session = table->find(header->receiver_index);
  ++data_refused;
  if (session == nullptr || session->expired(network.instant())) return;
  AeadJob job{.key = &session->keys.receiving,
              .counter = header->counter,
              .data = message.data() + sizeof(DataHeader),
              .length = static_cast<std::uint32_t>(message.size() - kDataOverhead)};
  aead_->open({&job, 1});
  if (!job.authentic || !session->window.accept(job.counter)) return;
  --data_refused;
  link->any_received.set(network.instant());
  if (job.length != 0) link->data_received.set(network.instant());
  ++(job.length != 0 ? data_received : keepalives_received);
  if (!session->confirmed.exchange(true) && report_confirmations) tunnel->confirm(session->local_index, network.now());
  if (datagram.from != tunnel->view(kPeer).endpoint) tunnel->roam(kPeer, datagram.from);
}

inline Now Network::now() const {
  const Duration wall = 1'700'000'000s + instant_.time_since_epoch() + wall_step;
  return {instant_, {static_cast<std::uint64_t>(wall / 1s), static_cast<std::uint32_t>((wall % 1s).count())}};
}

inline void Network::send(const Endpoint& from, const Endpoint& to, std::vector<std::uint8_t> bytes) {
  Datagram datagram{instant_ + delay, from, to, std::move(bytes)};
  if (datagram.type() != MessageType::kData) sent.push_back(datagram);
  if (lose(datagram)) return;
  const Duration longer = detour();
  datagram.due += longer;
  // Without a detour in the order of sending, whatever the delay was before.
  auto place = queue_.end();
  if (longer > 0ms) place = std::ranges::upper_bound(queue_, datagram.due, {}, &Datagram::due);
  queue_.insert(place, std::move(datagram));
}

inline void Network::advance(Duration duration) {
  const Instant end = instant_ + duration;
  for (;;) {
    const bool mail = !queue_.empty() && queue_.front().due <= std::min(next_tick_, end);
    if (!mail && next_tick_ > end) break;
    if (mail) {
      const Datagram datagram = std::move(queue_.front());
      queue_.pop_front();
      instant_ = std::max(instant_, datagram.due);
      deliver(datagram);
    } else {
      instant_ = next_tick_;
      next_tick_ += 100ms;
      for (Side* side : sides_) side->tunnel->tick(now());
    }
  }
  instant_ = end;
}

inline void Network::deliver(const Datagram& datagram) {
  for (Side* side : sides_) {
    if (side->endpoint == datagram.to) side->receive(datagram);
  }
}

inline std::size_t free_indexes(SessionTable& table) {
  std::vector<std::uint32_t> taken;
  while (const std::uint32_t index = table.reserve_index(0)) taken.push_back(index);
  for (const std::uint32_t index : taken) table.release_index(index);
  return taken.size();
}

// Both sides configured for each other; nobody speaks before a test says so.
struct TwoSides {
  Network network;
  Side a{network, kEndpointA, 0x11};
  Side b{network, kEndpointB, 0x22};

  void connect() {
    a.add(Side::settings_for(b));
    b.add(Side::settings_for(a));
  }
  // connect, and a session that both have confirmed, with a as the initiator.
  void agree() {
    connect();
    a.tunnel->want_session(kPeer, network.now());
    network.advance(50ms);
  }
};

}  // namespace isthmus::tunnel
