// What flood_test.sh drives: bogus handshake initiations at a steady rate, for a while.
//
//   flooder DEVICE GATEWAY_MAC GATEWAY_ADDRESS PUBLIC_KEY SOURCE PER_SECOND SECONDS
//
// PUBLIC_KEY is the gateway's, so that mac1 is right, or "wrong". SOURCE is the address that they say they come from,
// or "invented": another one each time. After SECONDS, or SIGTERM, it prints how many it sent and the seconds that
// took.

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "dataplane/packet/checksum.h"
#include "dataplane/pipeline/outer_header.h"
#include "tunnel/cookie.h"
#include "tunnel/keys.h"

namespace isthmus {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 50;  // what one system call sends
constexpr std::size_t kFrame = sizeof(pipeline::OuterIpv4) + sizeof(tunnel::MessageInitiation);
using Frame = std::array<std::uint8_t, kFrame>;

std::atomic<bool> asked_to_stop{false};

struct Options {
  std::string device;
  MacAddress gateway_mac;
  Ipv4Address gateway;
  std::optional<tunnel::PublicKey> key;  // none: mac1 is wrong
  std::optional<Ipv4Address> source;     // none: invented
  double per_second = 0;
  double seconds = 0;
};

Options parse(char** words) {
  Options options{.device = words[1],
                  .gateway_mac = parse_mac(words[2]).value(),
                  .gateway = parse_ipv4(words[3]).value(),
                  .per_second = std::stod(words[6]),
                  .seconds = std::stod(words[7])};
  if (std::strcmp(words[4], "wrong") != 0) options.key = tunnel::parse_key(words[4]).value();
  if (std::strcmp(words[5], "invented") != 0) options.source = parse_ipv4(words[5]).value();
  return options;
}

// A socket that puts whole frames on the device and hears nothing.
int open_link(const std::string& device) {
  const int descriptor = ::socket(AF_PACKET, SOCK_RAW, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  if (descriptor < 0 || ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::generic_category(), device);
  }
  const int one = 1;
  ::setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  return descriptor;
}

Frame make_frame(const Options& options, std::mt19937_64& random) {
  Frame frame{};
  std::uint8_t* const text = frame.data() + sizeof(pipeline::OuterIpv4);
  std::generate(text, frame.data() + frame.size(), [&] { return static_cast<std::uint8_t>(random()); });
  const Little32 type = static_cast<std::uint32_t>(tunnel::MessageType::kInitiation);
  std::memcpy(text, &type, sizeof type);
  if (options.key) {
    tunnel::CookieJar(*options.key).add_macs({text, sizeof(tunnel::MessageInitiation)}, Instant{std::chrono::hours(1)});
  }
  Packet packet;
  packet.data = text;
  packet.length = sizeof(tunnel::MessageInitiation);
  packet.headroom = sizeof(pipeline::OuterIpv4);
  pipeline::OuterHeader({.source_mac = {{2, 0, 0, 0, 0xff, 1}},
                         .next_hop_mac = options.gateway_mac,
                         .source = options.source.value_or(Ipv4Address{}),
                         .source_port = 4000,
                         .destination = {options.gateway, 51820}})
      .put_on(packet, 1);
  return frame;
}

// An address of 10.0.0.0/8, which is no network of the test's underlay.
void invent_source(Frame& frame, std::mt19937_64& random) {
  auto& ip = reinterpret_cast<pipeline::OuterIpv4*>(frame.data())->ip;
  ip.source = 0x0a000000U | static_cast<std::uint32_t>(random() & 0xffffff);
  ip.checksum = 0;
  ip.checksum = ipv4_header_checksum(ip);
}

std::uint64_t send_batch(int link, std::vector<Frame>& frames, std::size_t count) {
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = {frames[i].data(), frames[i].size()};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int sent = ::sendmmsg(link, messages.data(), static_cast<unsigned>(count), 0);
  return sent < 0 ? 0 : static_cast<std::uint64_t>(sent);
}

void flood(const Options& options) {
  std::mt19937_64 random(std::random_device{}());
  const int link = open_link(options.device);
  std::vector<Frame> frames(kBatch, make_frame(options, random));
  std::uint64_t sent = 0;
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (!asked_to_stop && elapsed() < options.seconds) {
    const double behind = elapsed() * options.per_second - static_cast<double>(sent);
    if (behind < kBatch) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      continue;
    }
    if (!options.source) {
      for (Frame& frame : frames) invent_source(frame, random);
    }
    sent += send_batch(link, frames, kBatch);
  }
  std::printf("%llu %.3f\n", static_cast<unsigned long long>(sent), elapsed());
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fputs("usage: flooder DEVICE GATEWAY_MAC GATEWAY_ADDRESS PUBLIC_KEY SOURCE PER_SECOND SECONDS\n", stderr);
    return 2;
  }
  std::signal(SIGTERM, [](int) { isthmus::asked_to_stop = true; });
  try {
    isthmus::flood(isthmus::parse(argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flooder: %s\n", error.what());
    return 1;
  }
}
