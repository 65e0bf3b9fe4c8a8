#pragma once
// Deferred freeing over rte_rcu_qsbr.

#include <deque>
#include <functional>
#include <memory>

#include "dataplane/pipeline/published.h"

struct rte_rcu_qsbr;

namespace isthmus::io {

class Quiescence final : public pipeline::Reclaimer {
 public:
  explicit Quiescence(unsigned max_workers);
  ~Quiescence() override;  // frees what is left; no worker may run any more

  // Worker `index`, on its own thread: between online and offline it may hold published pointers, and lets go of all of
  // them at each `quiescent`.
  void online(unsigned index);
  void offline(unsigned index);
  void quiescent(unsigned index);

  // Service thread.
  void retire(std::function<void()> free) override;
  void poll();  // runs what no worker can hold any more

 private:
  struct Retired {
    std::uint64_t token;
    std::function<void()> free;
  };
  struct FreeDeleter {
    void operator()(rte_rcu_qsbr* state) const;
  };

  std::unique_ptr<rte_rcu_qsbr, FreeDeleter> state_;
  std::deque<Retired> retired_;
};

}  // namespace isthmus::io
