// What kernel_net_test.sh drives: the classes that talk to the kernel, each on its own, in the namespace it is run in.
//
//   kernel_net_probe next_hops INTERFACE             commands on standard input, see answer()
//   kernel_net_probe guard NAME UNDERLAY PORT CLUSTER PREFIX...
//   kernel_net_probe super_frames INTERFACE
//
// Each prints "ready" (or "error: ...") and lives until standard input ends or a signal kills it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "dataplane/service/kernel_guard.h"
#include "dataplane/service/kernel_next_hops.h"
#include "dataplane/service/super_frames.h"

namespace isthmus::service {
namespace {

namespace asio = boost::asio;

// "hop A": the snapshot's next hop and MAC. "path A": path_to. "solicit A". "own": MAC and addresses. "changes": how
// often Changed was called.
std::string answer(KernelNextHops& source, const std::string& line, int changes) {
  std::istringstream words(line);
  std::string verb;
  std::string text;
  words >> verb >> text;
  const auto address = parse_ip(text);
  std::ostringstream reply;
  if (verb == "changes") {
    reply << changes;
  } else if (verb == "own") {
    reply << to_string(source.mac());
    for (const auto& own : source.addresses()) reply << ' ' << to_string(own);
  } else if (!address) {
    reply << "what?";
  } else if (verb == "solicit") {
    source.solicit(*address);
    reply << "ok";
  } else if (verb == "path") {
    const auto path = source.path_to(*address);
    reply << (path ? to_string(path->source) + " " + to_string(path->next_hop_mac) : "none");
  } else if (verb == "hop") {
    const auto snapshot = source.snapshot();
    const auto hop = snapshot->next_hop(std::get<Ipv4Address>(*address));
    const auto* mac = hop ? snapshot->mac(*hop) : nullptr;
    reply << (hop ? to_string(*hop) : "none") << ' ' << (mac ? to_string(*mac) : "none");
  }
  return reply.str();
}

void next_hops(const std::string& interface) {
  asio::io_context context(1);
  int changes = 0;
  KernelNextHops source(context, interface, [&] { ++changes; });
  asio::posix::stream_descriptor input(context, 0);
  asio::streambuf buffer;
  std::cout << "ready" << std::endl;
  const std::function<void()> read = [&] {
    asio::async_read_until(input, buffer, '\n', [&](const boost::system::error_code& error, std::size_t) {
      if (error) return context.stop();
      std::istream stream(&buffer);
      std::string line;
      std::getline(stream, line);
      std::cout << answer(source, line, changes) << std::endl;
      read();
    });
  };
  read();
  context.run();
}

void wait_for_end_of_input() {
  while (std::getchar() != EOF) {
  }
}

void guard(const std::vector<std::string>& words) {
  GuardRules rules{.underlay_interface = words.at(1),
                   .udp_ports = {static_cast<std::uint16_t>(std::stoul(words.at(2)))},
                   .cluster_interface = words.at(3),
                   .destinations = {}};
  for (std::size_t i = 4; i < words.size(); ++i) {
    rules.destinations.push_back(std::get<Ipv4Prefix>(parse_ipv4_prefix(words[i])));
  }
  KernelGuard guard(words.at(0));
  guard.install(rules);
  std::cout << "ready" << std::endl;
  wait_for_end_of_input();
}

void super_frames(const std::string& interface) {
  const SuperFrameGuard guard(interface);
  std::cout << (guard.problem().empty() ? "ready" : "error: " + guard.problem()) << std::endl;
  wait_for_end_of_input();
}

}  // namespace
}  // namespace isthmus::service

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.at(0) == "next_hops") isthmus::service::next_hops(words.at(1));
    if (words.at(0) == "guard") isthmus::service::guard({words.begin() + 1, words.end()});
    if (words.at(0) == "super_frames") isthmus::service::super_frames(words.at(1));
  } catch (const std::exception& error) {
    std::cout << "error: " << error.what() << std::endl;
    return 1;
  }
  return 0;
}
