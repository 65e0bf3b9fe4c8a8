#include "control/name_lookup.h"

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace isthmus::control {
namespace asio = boost::asio;
using Answer = EndpointPolicy::Answer;

namespace {

constexpr std::size_t kMaxThreads = 16;

IpAddress ip_address(const asio::ip::address& address) {
  if (address.is_v4()) return Ipv4Address{address.to_v4().to_uint()};
  return Ipv6Address{address.to_v6().to_bytes()};
}

// Waits as long as the system does.
Answer look_up(const std::string& host) {
  asio::io_context unused;
  asio::ip::udp::resolver resolver(unused);
  boost::system::error_code error;
  // No flags: which kinds of address this machine has says nothing about a port that is DPDK's.
  const auto results = resolver.resolve(host, "", asio::ip::resolver_base::flags(), error);
  if (error) return {.error = error.message()};
  Answer answer;
  for (const auto& result : results) answer.addresses.push_back(ip_address(result.endpoint().address()));
  return answer;
}

}  // namespace

// Shared with the threads, which may outlive the NameLookup.
struct NameLookup::State {
  std::mutex mutex;
  asio::io_context* io;  // nullptr: nobody is there any more
  Answered answered;     // the io_context's thread only
  std::deque<std::string> waiting;
  std::size_t threads = 0;

  State(asio::io_context& context, Answered handler) : io(&context), answered(std::move(handler)) {}

  // One host after the other, until none waits.
  static void run(const std::shared_ptr<State>& state) {
    for (;;) {
      std::string host;
      {
        const std::lock_guard lock(state->mutex);
        if (state->waiting.empty()) return void(--state->threads);
        host = std::move(state->waiting.front());
        state->waiting.pop_front();
      }
      deliver(state, host, look_up(host));
    }
  }

  static void deliver(const std::shared_ptr<State>& state, const std::string& host, Answer answer) {
    const std::lock_guard lock(state->mutex);
    if (state->io == nullptr) return;
    asio::post(*state->io, [state, host, answer = std::move(answer)]() mutable {
      if (state->answered) state->answered(host, std::move(answer));
    });
  }
};

NameLookup::NameLookup(asio::io_context& io, Answered answered)
    : state_(std::make_shared<State>(io, std::move(answered))) {}

NameLookup::~NameLookup() {
  const std::lock_guard lock(state_->mutex);
  state_->io = nullptr;
  state_->answered = nullptr;
  state_->waiting.clear();
}

void NameLookup::start(const std::string& host) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->waiting.push_back(host);
    if (state_->threads == kMaxThreads) return;
    ++state_->threads;
  }
  try {
    std::thread([state = state_] { State::run(state); }).detach();
  } catch (const std::system_error& error) {
    std::unique_lock lock(state_->mutex);
    --state_->threads;
    if (state_->threads != 0) return;  // those that run come to it
    state_->waiting.clear();
    lock.unlock();
    State::deliver(state_, host, {.error = std::string("no thread for the lookup: ") + error.what()});
  }
}

}  // namespace isthmus::control
