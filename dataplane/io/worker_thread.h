#pragma once
// The thread that makes a worker go round.

#include <poll.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "dataplane/io/quiescence.h"
#include "dataplane/pipeline/worker.h"

namespace isthmus::io {

enum class Polling : std::uint8_t {
  kAdaptive,  // sleeps when nothing comes: an idle gateway costs a few per cent of a core, a first packet waits < 200
              // us
  kBusy,      // never sleeps
};

class WorkerThread {
 public:
  // `doorbell` is called when the service thread has mail, at most once a round; it may make a system call. `sleep_on`:
  // descriptors that become readable when a frame comes, whichever port it comes to; empty: there is no such thing.
  WorkerThread(pipeline::Worker& worker, pipeline::Mailbox& mailbox, Quiescence& quiescence, unsigned index,
               std::function<void()> doorbell, const std::vector<int>& sleep_on);
  ~WorkerThread();  // stops and joins
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  void set_polling(Polling polling) { polling_.store(polling, std::memory_order_relaxed); }

 private:
  void run();
  void rest();

  pipeline::Worker& worker_;
  pipeline::Mailbox& mailbox_;
  Quiescence& quiescence_;
  const unsigned index_;
  const std::function<void()> doorbell_;
  std::vector<pollfd> sleep_on_;
  std::atomic<Polling> polling_{Polling::kAdaptive};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// The machine's monotonic clock: the only clock that packets' times come from.
Instant monotonic_now();

}  // namespace isthmus::io
