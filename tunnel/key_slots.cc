#include "tunnel/key_slots.h"

#include <algorithm>
#include <array>
#include <utility>

namespace isthmus::tunnel {
namespace {

// More than one, for they may be lost as well.
constexpr int kFarewells = 3;

}  // namespace

KeySlots::~KeySlots() {
  stop_sending();
  for (const Session* session : {next_.get(), current_.get(), previous_.get(), draining_.get()}) {
    if (session == nullptr) continue;
    withdraw(*session);
    table_.remove(*session);
  }
}

void KeySlots::add_as_initiator(std::unique_ptr<Session> session, Instant now) {
  table_.insert(*session);
  link_.sending.store(session.get(), std::memory_order_release);
  retire(previous_);
  if (next_) {
    withdraw(*next_);
    // Both sides began at once: the peer may send on next soon, and on the old session until then.
    drain(current_, now);
    previous_ = std::move(next_);
  } else {
    previous_ = std::move(current_);
  }
  current_ = std::move(session);
}

void KeySlots::add_as_responder(std::unique_ptr<Session> session) {
  table_.insert(*session);
  link_.next.store(session.get(), std::memory_order_release);
  retire(next_);
  next_ = std::move(session);
}

bool KeySlots::confirm(std::uint32_t local_index, bool peer_wins_collision) {
  if (next_ && next_->local_index == local_index) {
    retire(previous_);
    previous_ = std::move(current_);
    current_ = std::move(next_);
  } else if (peer_wins_collision && previous_ && previous_->local_index == local_index && !previous_->initiator &&
             current_->initiator && current_->created - previous_->created < kRekeyTimeout) {
    // Without a common choice both would go on as initiators and collide at every rekey.
    std::swap(current_, previous_);
  } else {
    return false;
  }
  link_.sending.store(current_.get(), std::memory_order_release);
  withdraw(*current_);
  return true;
}

void KeySlots::age(Instant now) {
  const Session* session = sending();
  if (session != nullptr && (session->expired(now) || session->nonces_used() >= kRejectAfterMessages)) stop_sending();
  if (draining_ && now - draining_since_ >= kRekeyTimeout) retire(draining_);
}

void KeySlots::look(Instant now) {
  if (now - looked_ < Arrivals::kPatience) return;
  looked_ = now;
  for (Session* session : {next_.get(), current_.get(), previous_.get(), draining_.get()}) {
    if (session == nullptr) continue;
    const ArrivalNews news = session->arrivals.look(session->window);
    if (news != ArrivalNews{}) host_.arrivals(session->lane, news);
  }
}

void KeySlots::take_leave(Instant now) {
  const Session* sending = link_.sending.load(std::memory_order_relaxed);
  if (sending == nullptr) return;
  for (Session* session : {current_.get(), previous_.get(), draining_.get()}) {
    if (session == nullptr || session == sending || session->farewells == kFarewells) continue;
    const std::uint64_t used = session->nonces_used();
    if (used == 0 || used >= kRejectAfterMessages || session->expired(now)) continue;
    ++session->farewells;
    host_.send_keepalive(session->lane, *session);
  }
}

void KeySlots::clear() {
  stop_sending();
  for (auto* slot : {&next_, &current_, &previous_, &draining_}) retire(*slot);
}

Instant KeySlots::newest() const {
  Instant newest = kNever;
  for (const Session* session : {next_.get(), current_.get(), previous_.get()}) {
    if (session != nullptr) newest = std::max(newest, session->created);
  }
  return newest;
}

bool KeySlots::has(std::uint32_t local_index) const {
  return std::ranges::any_of(std::array{next_.get(), current_.get(), previous_.get(), draining_.get()},
                             [=](const Session* s) { return s != nullptr && s->local_index == local_index; });
}

std::size_t KeySlots::sessions() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(std::array{next_.get(), current_.get(), previous_.get(), draining_.get()},
                            [](const Session* s) { return s != nullptr; }));
}

void KeySlots::stop_sending() {
  if (sending() != nullptr) link_.sending.store(nullptr, std::memory_order_release);
}

void KeySlots::withdraw(const Session& session) {
  if (link_.next.load(std::memory_order_relaxed) == &session) link_.next.store(nullptr, std::memory_order_release);
}

void KeySlots::retire(std::unique_ptr<Session>& slot) {
  if (!slot) return;
  withdraw(*slot);
  table_.remove(*slot);
  host_.retire(std::move(slot));
}

void KeySlots::drain(std::unique_ptr<Session>& slot, Instant now) {
  retire(draining_);
  draining_ = std::move(slot);
  draining_since_ = now;
}

}  // namespace isthmus::tunnel
