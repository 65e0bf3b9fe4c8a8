#pragma once
// A value that one thread replaces whole while others read it.

#include <atomic>
#include <functional>
#include <memory>

namespace isthmus::pipeline {

// Frees what workers may still hold, once each of them has passed a quiescent state (implemented over rte_rcu_qsbr in
// dataplane/io). Service thread only; `free` runs there, later.
class Reclaimer {
 public:
  virtual ~Reclaimer() = default;
  virtual void retire(std::function<void()> free) = 0;
};

template <typename T>
class Published {
 public:
  Published() = default;
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() { delete current_.load(std::memory_order_relaxed); }

  // Workers, once a burst. The pointer is good until the worker's next quiescent state.
  const T* load() const { return current_.load(std::memory_order_acquire); }

  // Service thread.
  void publish(std::unique_ptr<const T> next, Reclaimer& reclaimer) {
    const T* old = current_.exchange(next.release(), std::memory_order_acq_rel);
    if (old != nullptr) reclaimer.retire([old] { delete old; });
  }

 private:
  std::atomic<const T*> current_{nullptr};
};

}  // namespace isthmus::pipeline
