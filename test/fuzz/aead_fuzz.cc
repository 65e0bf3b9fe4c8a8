// A burst whose shape comes from the fuzzer, through every implementation of this CPU, against the single-shot
// functions. Each message takes four bytes: length (two), key and flipped bit, counter. Its text follows from them.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "tunnel/aead.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {
namespace {

constexpr std::size_t kMost = 80;  // more than what the lanes take at once
constexpr std::size_t kLongest = 3000;

struct Message {
  std::vector<std::uint8_t> buffer;  // exactly the message and its tag: ASan sees any other access
  std::vector<std::uint8_t> text;
  bool flip = false;
};

void must(bool holds) {
  if (!holds) std::abort();
}

const std::array<SecretKey, 4>& keys() {
  static const std::array<SecretKey, 4> all = [] {
    std::array<SecretKey, 4> made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i].bytes.fill(static_cast<std::uint8_t>(0x11 * i + 1));
    return made;
  }();
  return all;
}

void run(BurstAead& aead, std::span<const std::uint8_t> input) {
  std::array<AeadKey, 4> places;
  for (std::size_t i = 0; i < places.size(); ++i) places[i].bytes = keys()[i].bytes;
  std::vector<Message> messages(std::min(input.size() / 4, kMost));
  std::vector<AeadJob> jobs;
  for (Message& message : messages) {
    message.text.resize((input[0] | std::size_t{input[1]} << 8) % (kLongest + 1), input[3]);
    for (std::size_t i = 0; i < message.text.size(); ++i)
      message.text[i] = static_cast<std::uint8_t>(i * input[2] + input[3]);
    message.buffer = message.text;
    message.buffer.resize(message.text.size() + kAeadTagSize);
    message.flip = (input[2] & 0x80) != 0;
    jobs.push_back({.key = &places[input[2] & 3],
                    .counter = std::uint64_t{input[3]} << (input[2] & 0x30),
                    .data = message.buffer.data(),
                    .length = static_cast<std::uint32_t>(message.text.size())});
    input = input.subspan(4);
  }
  aead.seal(jobs);
  std::vector<std::uint8_t> expected;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    expected.resize(messages[i].buffer.size());
    seal(keys()[static_cast<std::size_t>(jobs[i].key - places.data())], jobs[i].counter, messages[i].text, {},
         expected);
    must(expected == messages[i].buffer);
    if (messages[i].flip) messages[i].buffer[jobs[i].counter % messages[i].buffer.size()] ^= 0x40;
  }
  aead.open(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    must(jobs[i].authentic != messages[i].flip);
    must(messages[i].flip || std::equal(messages[i].text.begin(), messages[i].text.end(), messages[i].buffer.begin()));
  }
}

}  // namespace
}  // namespace isthmus::tunnel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using isthmus::tunnel::AeadChoice;
  static const auto implementations = [] {
    std::vector<std::unique_ptr<isthmus::tunnel::BurstAead>> all;
    for (const AeadChoice choice : {AeadChoice::kPortable, AeadChoice::kAvx2, AeadChoice::kAvx512}) {
      if (cpu_runs(choice)) all.push_back(make_burst_aead(choice));
    }
    return all;
  }();
  for (const auto& aead : implementations) isthmus::tunnel::run(*aead, {data, size});
  return 0;
}
