// Our side of the wire for wire_test.py: one request a line, one answer a line, bytes as hexadecimal text. All that is
// random comes with the request, so that the twin can say what the answer has to be.
//
//   own PRIVATE REMOTE PRESHARED                            -> public KEY
//   initiate EPHEMERAL INDEX SECONDS NANOSECONDS NOW        -> message BYTES
//   identify MESSAGE                                        -> initiator STATIC INDEX TIMESTAMP
//   respond EPHEMERAL INDEX NOW                             -> message BYTES
//   finish MESSAGE                                          -> agreed INDEX
//   keys                                                    -> keys SENDING RECEIVING
//   seal AEAD PACKET                                        -> message BYTES
//   open AEAD MESSAGE                                       -> packet BYTES
//   demand MESSAGE ADDRESS PORT SECRET NONCE NOW            -> message BYTES        a cookie reply
//   proven MESSAGE ADDRESS PORT NOW                         -> proven               by its mac2
//   cookie MESSAGE NOW                                      -> taken
//
// What it does not believe it answers with "refused". NOW is in seconds; no bytes are written as "-".

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "test/kat/tunnel/hex.h"
#include "tunnel/aead.h"
#include "tunnel/cookie.h"
#include "tunnel/handshake.h"

namespace isthmus::tunnel {
namespace {

using Buffer = std::vector<std::uint8_t>;

[[noreturn]] void die(const std::string& text) {
  std::cerr << "wire_speaker: " << text << '\n';
  std::exit(1);
}

// The words behind a request's name.
class Words {
 public:
  explicit Words(const std::string& line) : in_(line) {}

  std::string text() {
    std::string word;
    if (!(in_ >> word)) die("a word is missing");
    return word;
  }
  Buffer bytes() {
    const std::string word = text();
    return word == "-" ? Buffer{} : unhex(word);
  }
  template <typename Array>
  Array array() {
    Array array;
    const Buffer given = bytes();
    if (given.size() != array.size()) die("not of that size");
    std::copy(given.begin(), given.end(), array.begin());
    return array;
  }
  SecretKey secret() {
    SecretKey key;
    key.bytes = array<PublicKey>();
    return key;
  }
  std::uint64_t number() { return std::stoull(text()); }
  std::uint32_t index() { return static_cast<std::uint32_t>(number()); }
  Instant instant() { return Instant{std::chrono::seconds(number())}; }
  Endpoint endpoint() {
    const Buffer address = bytes();
    const auto port = static_cast<std::uint16_t>(number());
    if (address.size() == 4) {
      Big32 ipv4;
      std::memcpy(&ipv4, address.data(), sizeof(ipv4));
      return {Ipv4Address{ipv4}, port};
    }
    Ipv6Address ipv6;
    if (address.size() != ipv6.bytes.size()) die("not an address");
    std::copy(address.begin(), address.end(), ipv6.bytes.begin());
    return {ipv6, port};
  }

 private:
  std::istringstream in_;
};

template <typename Message>
std::optional<Message> parse(const Buffer& bytes, MessageType type) {
  Message message;
  if (bytes.size() != sizeof(message)) return std::nullopt;
  std::memcpy(&message, bytes.data(), sizeof(message));
  if (message.type != static_cast<std::uint32_t>(type)) return std::nullopt;
  return message;
}

std::string words_of(std::string_view name, std::initializer_list<std::string> words) {
  std::string line(name);
  for (const std::string& word : words) line += ' ' + (word.empty() ? "-" : word);
  return line;
}

const std::string kRefused = "refused";

class Speaker {
 public:
  Speaker(const SecretKey& own, const PublicKey& remote, const SecretKey& preshared)
      : own_(own), remote_(prepare_remote(own_, remote, preshared)), checker_(own_.public_key()), jar_(remote) {}

  const PublicKey& public_key() const { return own_.public_key(); }

  std::string answer(const std::string& name, Words& words) {
    if (name == "initiate") return initiate(words);
    if (name == "identify") return identify(words.bytes());
    if (name == "respond") return respond(words);
    if (name == "finish") return finish(words.bytes());
    if (name == "keys") return words_of("keys", {hex(keys_.sending.bytes), hex(keys_.receiving.bytes)});
    if (name == "seal") return seal(words);
    if (name == "open") return open(words);
    if (name == "demand") return demand(words);
    if (name == "proven") return proven(words);
    if (name == "cookie") return cookie(words);
    die("what is " + name + "?");
  }

 private:
  std::string initiate(Words& words) {
    const SecretKey ephemeral = words.secret();
    local_index_ = words.index();
    WallTime wall;
    wall.seconds = words.number();
    wall.nanoseconds = words.index();
    MessageInitiation message{};
    initiation_ = create_initiation(own_, remote_, ephemeral, make_timestamp(wall, {}), local_index_, message);
    return initiation_ ? with_macs(message, words.instant()) : kRefused;
  }

  std::string identify(const Buffer& bytes) {
    const auto message = parse<MessageInitiation>(bytes, MessageType::kInitiation);
    if (!message || !checker_.mac1_valid(bytes)) return kRefused;
    auto handshake = identify_initiator(own_, *message);
    if (!handshake || handshake->remote_static != remote_.static_public) return kRefused;
    const auto timestamp = consume_initiation(*handshake, remote_, *message);
    if (!timestamp) return kRefused;
    identified_ = handshake;
    return words_of("initiator",
                    {hex(handshake->remote_static), std::to_string(handshake->remote_index), hex(*timestamp)});
  }

  std::string respond(Words& words) {
    const SecretKey ephemeral = words.secret();
    local_index_ = words.index();
    MessageResponse message{};
    const auto keys = create_response(*identified_, remote_, ephemeral, local_index_, message);
    if (!keys) return kRefused;
    begin_session(*keys, identified_->remote_index);
    return with_macs(message, words.instant());
  }

  std::string finish(const Buffer& bytes) {
    const auto message = parse<MessageResponse>(bytes, MessageType::kResponse);
    if (!message || !checker_.mac1_valid(bytes) || message->receiver_index != initiation_->local_index) return kRefused;
    const auto keys = consume_response(*initiation_, own_, remote_, *message);
    if (!keys) return kRefused;
    begin_session(*keys, message->sender_index);
    return words_of("agreed", {std::to_string(remote_index_)});
  }

  void begin_session(const Session::Keys& keys, std::uint32_t remote_index) {
    keys_ = keys;
    remote_index_ = remote_index;
    counter_ = 0;
  }

  template <typename Message>
  std::string with_macs(Message& message, Instant now) {
    jar_.add_macs({reinterpret_cast<std::uint8_t*>(&message), sizeof(message)}, now);
    return words_of("message", {hex(bytes_of(message))});
  }

  std::string seal(Words& words) {
    BurstAead& aead = aead_of(words.text());
    Buffer packet = words.bytes();
    packet.resize((packet.size() + kPaddingMultiple - 1) / kPaddingMultiple * kPaddingMultiple);
    Buffer message(kDataOverhead + packet.size());
    DataHeader header;
    header.type = static_cast<std::uint32_t>(MessageType::kData);
    header.receiver_index = remote_index_;
    header.counter = counter_;
    std::memcpy(message.data(), &header, sizeof(header));
    std::copy(packet.begin(), packet.end(), message.begin() + sizeof(header));
    AeadJob job = job_of(keys_.sending, counter_++, message);
    aead.seal({&job, 1});
    return words_of("message", {hex(message)});
  }

  std::string open(Words& words) {
    BurstAead& aead = aead_of(words.text());
    Buffer message = words.bytes();
    if (message.size() < kDataOverhead) return kRefused;
    DataHeader header;
    std::memcpy(&header, message.data(), sizeof(header));
    if (header.type != static_cast<std::uint32_t>(MessageType::kData)) return kRefused;
    if (header.receiver_index != local_index_) return kRefused;
    AeadJob job = job_of(keys_.receiving, header.counter, message);
    aead.open({&job, 1});
    if (!job.authentic) return kRefused;
    return words_of("packet", {hex(std::span(message).subspan(sizeof(header), job.length))});
  }

  static AeadJob job_of(const AeadKey& key, std::uint64_t counter, Buffer& message) {
    return {.key = &key,
            .counter = counter,
            .data = message.data() + sizeof(DataHeader),
            .length = static_cast<std::uint32_t>(message.size() - kDataOverhead)};
  }

  // One that this CPU does not run is another one that it does.
  BurstAead& aead_of(const std::string& name) {
    std::unique_ptr<BurstAead>& aead = aeads_[name];
    if (!aead) {
      aead = make_burst_aead(name == "avx512" ? AeadChoice::kAvx512
                             : name == "avx2" ? AeadChoice::kAvx2
                                              : AeadChoice::kPortable);
    }
    return *aead;
  }

  std::string demand(Words& words) {
    const Buffer message = words.bytes();
    const Endpoint source = words.endpoint();
    const SecretKey secret = words.secret();
    const XNonce nonce = words.array<XNonce>();
    if (!checker_.mac1_valid(message)) return kRefused;
    // A secret comes with what the nonces of its replies begin with; they end with the reply's number.
    checker_ = CookieChecker(own_.public_key());
    checker_.renew_secret(words.instant(), [&](std::span<std::uint8_t> wanted) {
      const auto* from = wanted.size() == secret.bytes.size() ? secret.bytes.data() : nonce.data();
      std::copy_n(from, wanted.size(), wanted.begin());
    });
    Little64 number;
    std::memcpy(&number, nonce.data() + 16, sizeof(number));
    return words_of("message", {hex(bytes_of(checker_.create_reply(message, source, number, sealer_)))});
  }

  std::string proven(Words& words) {
    const Buffer message = words.bytes();
    const Endpoint source = words.endpoint();
    // A copy: it is to be asked about earlier moments too.
    CookieChecker checker = checker_;
    checker.renew_secret(words.instant(), [](std::span<std::uint8_t> wanted) { std::ranges::fill(wanted, 0x5a); });
    return checker.mac2_valid(message, source) ? "proven" : kRefused;
  }

  std::string cookie(Words& words) {
    const auto reply = parse<MessageCookieReply>(words.bytes(), MessageType::kCookieReply);
    if (!reply || reply->receiver_index != local_index_) return kRefused;
    return jar_.consume_reply(*reply, words.instant()) ? "taken" : kRefused;
  }

  const X25519Key own_;
  const RemoteIdentity remote_;
  CookieChecker checker_;
  Sealer sealer_;
  CookieJar jar_;
  std::uint32_t local_index_ = 0;
  std::uint32_t remote_index_ = 0;
  std::optional<InitiatorHandshake> initiation_;
  std::optional<ResponderHandshake> identified_;
  Session::Keys keys_;
  std::uint64_t counter_ = 0;
  std::map<std::string, std::unique_ptr<BurstAead>> aeads_;
};

void converse() {
  std::unique_ptr<Speaker> speaker;
  for (std::string line; std::getline(std::cin, line);) {
    Words words(line);
    const std::string name = words.text();
    if (name == "own") {
      const SecretKey own = words.secret();
      const PublicKey remote = words.array<PublicKey>();
      speaker = std::make_unique<Speaker>(own, remote, words.secret());
      std::cout << words_of("public", {hex(speaker->public_key())}) << '\n' << std::flush;
    } else if (speaker) {
      std::cout << speaker->answer(name, words) << '\n' << std::flush;
    } else {
      die("who am I?");
    }
  }
}

}  // namespace
}  // namespace isthmus::tunnel

int main() { isthmus::tunnel::converse(); }
