// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/timer_list.h"

#include <algorithm>
#include <new>
#include <utility>

namespace qomio::internal {

namespace {

// Memory for this many timers armed in one iteration is kept for the next.
constexpr std::size_t kKeptUnsorted = 4096;

// The bits of a node's state.
constexpr std::uint32_t kTimerRunning = 1;   // the home thread is inside callback
constexpr std::uint32_t kTimerReleased = 2;  // another thread releases it: it must not be called any more

}  // namespace

TimerNode* TimerList::make(std::function<void()> callback) {
  auto* const node = new TimerNode(*this, std::move(callback));
  lifetime_.keep();
  return node;
}

void TimerList::arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  const std::int64_t deadline = std::clamp<std::int64_t>(deadline_ns, 0, kNever - 1);
  if (lifetime_.is_closed()) [[unlikely]]
    return drop_callback(node);
  if (waker_.at_home()) {
    arm_at_home(node, deadline, only_earlier);
    waker_.wake_from_home();
  } else if (request_arm(node, deadline, only_earlier)) {
    waker_.notify();
  }
}

void TimerList::drop_callback(TimerNode& node) {
  std::function<void()> callback;  // destroyed without the lock: it may own this timer
  const std::lock_guard lock(mutex_);
  callback = std::move(node.callback);
}

void TimerList::cancel(TimerNode& node) {
  if (waker_.at_home()) {
    cancel_at_home(node);
  } else {
    request_cancel(node);
  }
}

bool TimerList::armed(const TimerNode& node) {
  return waker_.at_home() ? armed_at_home(node) : will_be_armed(node);
}

void TimerList::release(TimerNode& node) {
  LoopLifetime& lifetime = lifetime_;
  // The callback may be using this timer in the loop, so nothing is changed here before it has returned.
  if (waker_.at_home()) {
    if (!release_at_home(node)) delete &node;
  } else if (request_release(node)) {
    waker_.notify();
  } else {
    delete &node;
  }
  lifetime.let_go();
}

void TimerList::rearm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  const std::uint32_t position = node.position.load(std::memory_order_relaxed);
  if (position & TimerNode::kUnsorted) {
    std::int64_t& set_ns = position == TimerNode::kUnplaced
                               ? node.unplaced_ns
                               : unsorted_[position - TimerNode::kUnsorted].deadline_ns;
    if (only_earlier && set_ns <= deadline_ns) return;
    set_ns = deadline_ns;
    node.order = next_order_++;
    return;
  }
  if (only_earlier && heap_.at(position).deadline_ns <= deadline_ns) return;
  // The position changes in one step, so other threads never see the timer unarmed.
  heap_.remove(position);
  set_unsorted(node, deadline_ns);
}

// Returns false if there is no memory.
bool TimerList::grow_unsorted() {
  try {
    unsorted_.resize(std::max<std::size_t>(16, 2 * unsorted_.size()));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void TimerList::set_unplaced(TimerNode& node, std::int64_t deadline_ns) {
  node.order = next_order_++;
  link_unplaced(node, deadline_ns);
}

void TimerList::link_unplaced(TimerNode& node, std::int64_t deadline_ns) {
  node.unplaced_ns = deadline_ns;
  node.next_unplaced = std::exchange(unplaced_, &node);
  node.position.store(TimerNode::kUnplaced, std::memory_order_relaxed);
}

void TimerList::unlink_unplaced(TimerNode& node) {
  TimerNode** place = &unplaced_;
  while (*place != &node) place = &(*place)->next_unplaced;
  *place = node.next_unplaced;
}

void TimerList::place_unplaced() {
  while (unplaced_ && heap_.make_room(1)) {
    TimerNode& node = *std::exchange(unplaced_, unplaced_->next_unplaced);
    const Entry entry{.deadline_ns = node.unplaced_ns, .node = &node};
    heap_.add({&entry, 1});
  }
}

// Returns the earliest entry; its deadline is kNever if no timer is armed.
TimerList::Entry TimerList::first() const {
  Entry first = heap_.empty() ? Entry{.deadline_ns = kNever, .node = nullptr} : heap_.first();
  for (TimerNode* node = unplaced_; node; node = node->next_unplaced) {
    const Entry entry{.deadline_ns = node->unplaced_ns, .node = node};
    if (!first.node || entry.before(first)) first = entry;
  }
  return first;
}

void TimerList::merge() {
  if (unplaced_) [[unlikely]]
    place_unplaced();
  if (unsorted_count_ == 0) return;
  const std::size_t count = heap_.make_room(unsorted_count_) ? unsorted_count_ : heap_.room();
  heap_.add({unsorted_.data(), count});
  for (std::size_t i = count; i < unsorted_count_; ++i)
    link_unplaced(*unsorted_[i].node, unsorted_[i].deadline_ns);
  if (unsorted_.size() > kKeptUnsorted && unsorted_count_ < unsorted_.size() / 4) unsorted_ = {};
  unsorted_count_ = 0;
}

void TimerList::discard() {
  for (;;) {
    apply_requests();
    merge();
    if (heap_.empty() && !unplaced_) break;
    // Its Timer may be destroyed with the callable.
    TimerNode& node = heap_.empty() ? *unplaced_ : *heap_.last().node;
    remove(node);
    const std::function<void()> callback = std::move(node.callback);
  }
}

// The home thread publishes the earliest deadline and then looks for requests; other threads make a request
// and then look at the published deadline. One total order of the four operations, hence seq_cst, ensures
// that one of the two sees the other.
std::int64_t TimerList::next_ns() {
  std::int64_t earliest = kNever;
  do {
    apply_requests();
    merge();
    earliest = first().deadline_ns;
    if (earliest_ns_.load(std::memory_order_relaxed) != earliest) {
      earliest_ns_.store(earliest, std::memory_order_seq_cst);
    }
  } while (any_requests_.load(std::memory_order_seq_cst));
  return earliest;
}

bool TimerList::release_at_home(TimerNode& node) {
  cancel_at_home(node);
  node.released = node.running > 0;
  return node.released;
}

// Marks the node as running, so that no other thread frees it, and disarms it. Returns false if another
// thread is releasing it.
bool TimerList::begin_call(TimerNode& node) {
  if (node.running > 0 && (node.state.load(std::memory_order_acquire) & kTimerReleased)) {
    remove(node);  // the outer call makes the releaser wait
    return false;
  }
  if (node.running == 0 && (node.state.fetch_or(kTimerRunning, std::memory_order_acq_rel) & kTimerReleased)) {
    // Under the lock, since the releaser frees the node as soon as it is neither running nor armed.
    const std::lock_guard lock(mutex_);
    remove(node);
    node.state.fetch_and(~kTimerRunning, std::memory_order_release);
    node.state.notify_all();
    return false;
  }
  ++node.running;
  remove(node);
  return true;
}

void TimerList::end_call(TimerNode& node) {
  if (--node.running > 0) return;
  if (node.released) {
    delete &node;
  } else if (node.state.fetch_and(~kTimerRunning, std::memory_order_acq_rel) & kTimerReleased) {
    node.state.notify_all();  // uses the address only: the releaser may have freed the node
  }
}

std::uint64_t TimerList::run(RunningCallMark& mark) {
  apply_requests();
  merge();
  Entry next = first();
  if (!next.node) return 0;
  const std::int64_t now = clock_now_ns(clock_);
  const std::uint64_t end = next_order_;  // timers armed meanwhile run next time
  std::uint64_t count = 0;
  for (; next.node && next.deadline_ns <= now; apply_requests(), next = first()) {
    TimerNode& node = *next.node;
    if (node.order >= end) break;
    if (!begin_call(node)) continue;
    mark.enter(RunningCall::Kind::timer, node.callback.target_type().name());
    node.callback();
    ++count;
    end_call(node);
  }
  return count;
}

void TimerList::apply_requests_locked() {
  const std::lock_guard lock(mutex_);
  any_requests_.store(false, std::memory_order_relaxed);
  last_request_ = nullptr;
  for (TimerNode* left = std::exchange(first_request_, nullptr); left;) {
    TimerNode& node = *std::exchange(left, left->next_request);
    const Request request = std::exchange(node.request, Request::none);
    if (request == Request::arm || request == Request::arm_no_later) {
      set(node, node.request_ns, request == Request::arm_no_later);
      continue;
    }
    if (node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed) remove(node);
    if (request == Request::release) delete &node;
  }
}

void TimerList::unlink_request(TimerNode& node) {
  (node.previous_request ? node.previous_request->next_request : first_request_) = node.next_request;
  (node.next_request ? node.next_request->previous_request : last_request_) = node.previous_request;
  node.request = Request::none;
}

// Replaces the node's previous request, and puts the new one behind all others. Called with the lock.
void TimerList::send_request(TimerNode& node, Request request, std::int64_t deadline_ns) {
  if (node.request != Request::none) unlink_request(node);
  node.request = request;
  node.request_ns = deadline_ns;
  node.next_request = nullptr;
  node.previous_request = std::exchange(last_request_, &node);
  (node.previous_request ? node.previous_request->next_request : first_request_) = &node;
  any_requests_.store(true, std::memory_order_seq_cst);
}

bool TimerList::request_arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  const std::lock_guard lock(mutex_);
  const bool asked = node.request != Request::none;
  Request request = Request::arm;
  if (only_earlier && node.request != Request::cancel) {
    if (asked && node.request_ns <= deadline_ns) return false;
    request = asked ? node.request : Request::arm_no_later;
  }
  send_request(node, request, deadline_ns);
  return deadline_ns < earliest_ns_.load(std::memory_order_seq_cst);
}

void TimerList::request_cancel(TimerNode& node) {
  const std::lock_guard lock(mutex_);
  send_request(node, Request::cancel);
}

bool TimerList::will_be_armed(const TimerNode& node) const {
  const std::lock_guard lock(mutex_);
  if (node.request != Request::none) return node.request != Request::cancel;
  return node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
}

bool TimerList::request_release(TimerNode& node) {
  std::function<void()> callback;  // destroyed last, without the lock: it may own timers
  std::unique_lock lock(mutex_);
  std::uint32_t state = node.state.fetch_or(kTimerReleased, std::memory_order_acq_rel) | kTimerReleased;
  while (state & kTimerRunning) {
    lock.unlock();
    node.state.wait(state, std::memory_order_acquire);
    lock.lock();
    state = node.state.load(std::memory_order_acquire);
  }
  callback = std::move(node.callback);
  const bool in_use =
      node.request != Request::none || node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
  if (in_use) send_request(node, Request::release);
  return in_use;
}

}  // namespace qomio::internal
