#include "dataplane/io/quiescence.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>
#include <new>

namespace isthmus::io {

void Quiescence::FreeDeleter::operator()(rte_rcu_qsbr* state) const { std::free(state); }

Quiescence::Quiescence(unsigned max_workers) {
  const std::size_t size = rte_rcu_qsbr_get_memsize(max_workers);
  state_.reset(
      static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(size, RTE_CACHE_LINE_SIZE))));
  if (!state_) throw std::bad_alloc();
  rte_rcu_qsbr_init(state_.get(), max_workers);
  for (unsigned index = 0; index < max_workers; ++index) rte_rcu_qsbr_thread_register(state_.get(), index);
}

Quiescence::~Quiescence() {
  for (Retired& retired : retired_) retired.free();
}

void Quiescence::online(unsigned index) { rte_rcu_qsbr_thread_online(state_.get(), index); }
void Quiescence::offline(unsigned index) { rte_rcu_qsbr_thread_offline(state_.get(), index); }
void Quiescence::quiescent(unsigned index) { rte_rcu_qsbr_quiescent(state_.get(), index); }

void Quiescence::retire(std::function<void()> free) {
  retired_.push_back({rte_rcu_qsbr_start(state_.get()), std::move(free)});
}

void Quiescence::poll() {
  while (!retired_.empty() && rte_rcu_qsbr_check(state_.get(), retired_.front().token, false) == 1) {
    retired_.front().free();
    retired_.pop_front();
  }
}

}  // namespace isthmus::io
