// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/cancellation.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "qomio/iothread/aio_context.h"

namespace qomio {

namespace internal {

// The shared part of a Cancellation, its links and its children.
//
// A mutex guards the lists: waits of several loops may share one Cancellation. It is held for a few
// instructions, beside a wait that costs a system call or a wake-up.
class CancelState : public std::enable_shared_from_this<CancelState> {
 public:
  explicit CancelState(std::shared_ptr<CancelState> parent) : parent_(std::move(parent)) {}
  // To be called once, when a shared_ptr owns this state, since the parent takes references from then on.
  void link_to_parent() {
    if (!parent_) return;
    const std::lock_guard lock(parent_->mutex_);
    cancelled_.store(parent_->cancelled_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    next_sibling_ = std::exchange(parent_->first_child_, this);
    if (next_sibling_) next_sibling_->place_ = &next_sibling_;
    place_ = &parent_->first_child_;
  }
  CancelState(const CancelState&) = delete;
  CancelState& operator=(const CancelState&) = delete;
  ~CancelState() {
    if (!parent_) return;
    const std::lock_guard lock(parent_->mutex_);
    *place_ = next_sibling_;
    if (next_sibling_) next_sibling_->place_ = place_;
  }

  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  void reset() { cancelled_.store(false, std::memory_order_release); }

  void cancel() {
    std::vector<std::shared_ptr<CancelState>> children;
    AioContext* const here = AioContext::current();
    bool any_here = false;
    {
      const std::lock_guard lock(mutex_);
      cancelled_.store(true, std::memory_order_release);
      for (CancelState* child = first_child_; child; child = child->next_sibling_) {
        // A child that is being destroyed has no waits.
        if (auto alive = child->weak_from_this().lock()) children.push_back(std::move(alive));
      }
      std::vector<AioContext*> others;
      for (CancelLink* link = links_.next_; link != &links_; link = link->next_) {
        link->cancelling_ = true;
        if (link->loop_ == here) {
          any_here = true;
        } else if (std::ranges::find(others, link->loop_) == others.end()) {
          others.push_back(link->loop_);
        }
      }
      // With the lock: a loop exists as long as one of its waits is linked.
      for (AioContext* const loop : others) {
        loop->schedule_oneshot([self = shared_from_this(), loop] { self->cancel_waits_of(*loop); });
      }
    }
    if (any_here) cancel_waits_of(*here);
    for (const auto& child : children) child->cancel();
  }

  bool add(CancelLink& link) {
    const std::lock_guard lock(mutex_);
    if (cancelled()) return false;
    insert_before(links_, link);
    return true;
  }
  void remove(CancelLink& link) {
    const std::lock_guard lock(mutex_);
    take_out(link);
  }

 private:
  static void insert_before(CancelLink& place, CancelLink& link) {
    link.previous_ = std::exchange(place.previous_, &link);
    link.previous_->next_ = &link;
    link.next_ = &place;
  }
  static void take_out(CancelLink& link) {
    link.previous_->next_ = link.next_;
    link.next_->previous_ = link.previous_;
  }

  // In the loop's thread: cancels its waits that began before cancel().
  void cancel_waits_of(AioContext& loop) {
    // A list of its own, since a cancelled wait may end others.
    CancelLink own;
    {
      const std::lock_guard lock(mutex_);
      for (CancelLink* link = links_.next_; link != &links_;) {
        CancelLink& found = *std::exchange(link, link->next_);
        if (found.loop_ != &loop || !found.cancelling_) continue;
        take_out(found);
        insert_before(own, found);
      }
    }
    while (own.next_ != &own) {  // only this thread changes this list
      CancelLink& first = *own.next_;
      CancellableWait& wait = *first.wait_;
      first.unlink();
      wait.cancel();
    }
  }

  std::shared_ptr<CancelState> parent_;
  CancelState* next_sibling_ = nullptr;
  CancelState** place_ = nullptr;  // the pointer to this state in its parent's list

  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;  // guards the members below
  CancelLink links_;  // the head of a ring, oldest first
  CancelState* first_child_ = nullptr;
};

bool is_cancelled(const CancelState* state) { return state && state->cancelled(); }

bool CancelLink::link(CancelState& state, CancellableWait& wait, AioContext& loop) {
  wait_ = &wait;
  loop_ = &loop;
  cancelling_ = false;
  if (!state.add(*this)) return false;
  state_ = state.shared_from_this();
  return true;
}

void CancelLink::unlink() { std::exchange(state_, nullptr)->remove(*this); }

}  // namespace internal

Cancellation::Cancellation() : Cancellation(nullptr) {}
Cancellation::Cancellation(Cancellation& parent) : Cancellation(&parent.state()) {}
Cancellation::Cancellation(internal::CancelState* parent)
    : state_(std::make_shared<internal::CancelState>(parent ? parent->shared_from_this() : nullptr)) {
  state_->link_to_parent();
}
Cancellation::~Cancellation() = default;

void Cancellation::cancel() { state_->cancel(); }
bool Cancellation::cancelled() const { return state_->cancelled(); }
void Cancellation::reset() { state_->reset(); }

}  // namespace qomio
