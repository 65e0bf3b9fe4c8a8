#include "dataplane/io/worker_thread.h"

#include <pthread.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <sys/prctl.h>
#include <time.h>

namespace isthmus::io {
namespace {

using namespace std::chrono_literals;

// An adaptive worker polls on for kLinger after the last packet, because packets come in company, then rests. Where the
// ports can wake it, it sleeps until one does; only mail of the service thread, which cannot, waits for up to kSleep.
// Elsewhere it naps: the timer slack comes on top of a nap, and 1 ns of it instead of the usual 50 us keeps a first
// packet's wait under 200 us.
constexpr Duration kLinger = 50us;
constexpr Duration kSleep = 1ms;
constexpr Duration kNap = 150us;

}  // namespace

Instant monotonic_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

WorkerThread::WorkerThread(pipeline::Worker& worker, pipeline::Mailbox& mailbox, Quiescence& quiescence, unsigned index,
                           std::function<void()> doorbell, const std::vector<int>& sleep_on)
    : worker_(worker), mailbox_(mailbox), quiescence_(quiescence), index_(index), doorbell_(std::move(doorbell)) {
  for (const int descriptor : sleep_on) sleep_on_.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
  thread_ = std::thread([this] { run(); });
}

WorkerThread::~WorkerThread() {
  stop_.store(true, std::memory_order_relaxed);
  thread_.join();
}

void WorkerThread::rest() {
  const timespec time{.tv_sec = 0, .tv_nsec = (sleep_on_.empty() ? kNap : kSleep).count()};
  if (sleep_on_.empty()) {
    nanosleep(&time, nullptr);
  } else {
    ppoll(sleep_on_.data(), sleep_on_.size(), &time, nullptr);
  }
}

void WorkerThread::run() {
  pthread_setname_np(pthread_self(), ("worker" + std::to_string(index_)).c_str());
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  rte_thread_register();  // gives this thread a mempool cache
  quiescence_.online(index_);
  Instant last_busy = monotonic_now();
  while (!stop_.load(std::memory_order_relaxed)) {
    const Instant now = monotonic_now();
    const bool busy = worker_.run_once(now);
    quiescence_.quiescent(index_);
    if (busy) {
      last_busy = now;
      if (mailbox_.service_has_mail()) doorbell_();
    } else if (polling_.load(std::memory_order_relaxed) == Polling::kAdaptive && now - last_busy > kLinger) {
      quiescence_.offline(index_);
      rest();
      quiescence_.online(index_);
    } else {
      rte_pause();
    }
  }
  quiescence_.offline(index_);
  rte_thread_unregister();
}

}  // namespace isthmus::io
