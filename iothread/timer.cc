// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/timer.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <utility>

#include "qomio/iothread/aio_context.h"

namespace qomio {

namespace {

// Room for so many timers set in one iteration is kept for the next.
constexpr std::size_t kKeptFresh = 4096;

// What a node's state is made of.
constexpr std::uint32_t kRunning = 1;   // the home thread is inside callback
constexpr std::uint32_t kReleased = 2;  // another thread releases it: it is not to be called any more

}  // namespace

std::int64_t clock_now_ns(ClockType clock) {
  timespec now;
  ::clock_gettime(clock == ClockType::monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
  return to_ns(now);
}

namespace detail {

void TimerList::set_again(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  const std::uint32_t position = node.position.load(std::memory_order_relaxed);
  if (position & TimerNode::kFresh) {
    std::int64_t& set_ns = position == TimerNode::kUnplaced
                               ? node.unplaced_ns
                               : fresh_[position - TimerNode::kFresh].deadline_ns;
    if (only_earlier && set_ns <= deadline_ns) return;
    set_ns = deadline_ns;
    node.order = next_order_++;
    return;
  }
  if (only_earlier && heap_.at(position).deadline_ns <= deadline_ns) return;
  // Its position goes from one to the next: other threads never see it unarmed.
  heap_.remove(position);
  set_fresh(node, deadline_ns);
}

// False without memory.
bool TimerList::grow_fresh() {
  try {
    fresh_.resize(std::max<std::size_t>(16, 2 * fresh_.size()));
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

// The earliest, of kNever if there is none.
TimerList::Entry TimerList::first() const {
  Entry first = heap_.empty() ? Entry{.deadline_ns = kNever, .node = nullptr} : heap_.first();
  for (TimerNode* node = unplaced_; node; node = node->next_unplaced) {
    const Entry entry{.deadline_ns = node->unplaced_ns, .node = node};
    if (!first.node || entry.before(first)) first = entry;
  }
  return first;
}

void TimerList::settle() {
  if (unplaced_) [[unlikely]]
    place_unplaced();
  if (fresh_count_ == 0) return;
  const std::size_t count = heap_.make_room(fresh_count_) ? fresh_count_ : heap_.room();
  heap_.add({fresh_.data(), count});
  for (std::size_t i = count; i < fresh_count_; ++i) link_unplaced(*fresh_[i].node, fresh_[i].deadline_ns);
  if (fresh_.size() > kKeptFresh && fresh_count_ < fresh_.size() / 4) fresh_ = {};
  fresh_count_ = 0;
}

void TimerList::discard() {
  for (;;) {
    apply_requests();
    settle();
    if (heap_.empty() && !unplaced_) break;
    // Its Timer may go with the callable.
    TimerNode& node = heap_.empty() ? *unplaced_ : *heap_.last().node;
    remove(node);
    const std::function<void()> callback = std::move(node.callback);
  }
}

// It tells the others what it sees, and then looks whether they have asked for more; they ask, and then look
// what it has seen. One total order of these four, hence seq_cst, makes sure that one of the two notices the
// other.
std::int64_t TimerList::next_ns() {
  std::int64_t earliest = kNever;
  do {
    apply_requests();
    settle();
    earliest = first().deadline_ns;
    if (earliest_ns_.load(std::memory_order_relaxed) != earliest) {
      earliest_ns_.store(earliest, std::memory_order_seq_cst);
    }
  } while (any_requests_.load(std::memory_order_seq_cst));
  return earliest;
}

bool TimerList::release(TimerNode& node) {
  cancel(node);
  node.released = node.running > 0;
  return node.released;
}

// Marks it as running, so that it is not freed elsewhere, and takes it out. False if it is being released
// elsewhere.
bool TimerList::begin_call(TimerNode& node) {
  if (node.running > 0 && (node.state.load(std::memory_order_acquire) & kReleased)) {
    remove(node);  // the call outside holds the releaser back
    return false;
  }
  if (node.running == 0 && (node.state.fetch_or(kRunning, std::memory_order_acq_rel) & kReleased)) {
    // Under the lock: the releaser frees it as soon as it is neither running nor armed.
    const std::lock_guard lock(mutex_);
    remove(node);
    node.state.fetch_and(~kRunning, std::memory_order_release);
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
  } else if (node.state.fetch_and(~kRunning, std::memory_order_acq_rel) & kReleased) {
    node.state.notify_all();  // uses the address only: the releaser may have freed the node
  }
}

std::uint64_t TimerList::run(RunningCallMark& mark) {
  apply_requests();
  settle();
  Entry next = first();
  if (!next.node) return 0;
  const std::int64_t now = clock_now_ns(clock_);
  const std::uint64_t end = next_order_;  // set meanwhile: for the next time
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

// In place of what was asked for before, and after all others. With the lock.
void TimerList::ask(TimerNode& node, Request request, std::int64_t deadline_ns) {
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
  ask(node, request, deadline_ns);
  return deadline_ns < earliest_ns_.load(std::memory_order_seq_cst);
}

void TimerList::request_cancel(TimerNode& node) {
  const std::lock_guard lock(mutex_);
  ask(node, Request::cancel);
}

bool TimerList::will_be_armed(const TimerNode& node) const {
  const std::lock_guard lock(mutex_);
  if (node.request != Request::none) return node.request != Request::cancel;
  return node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
}

bool TimerList::request_release(TimerNode& node) {
  std::function<void()> callback;  // goes last, without the lock: it may own timers
  std::unique_lock lock(mutex_);
  std::uint32_t state = node.state.fetch_or(kReleased, std::memory_order_acq_rel) | kReleased;
  while (state & kRunning) {
    lock.unlock();
    node.state.wait(state, std::memory_order_acquire);
    lock.lock();
    state = node.state.load(std::memory_order_acquire);
  }
  callback = std::move(node.callback);
  const bool in_use =
      node.request != Request::none || node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
  if (in_use) ask(node, Request::release);
  return in_use;
}

}  // namespace detail

Timer::Timer(AioContext& loop, std::function<void()> callback, ClockType clock)
    : node_(new detail::TimerNode(loop.timer_list(clock), std::move(callback), true)) {
  loop.keep();
}

Timer Timer::owned_by_loop(AioContext& loop, std::function<void()> callback) {
  return Timer(new detail::TimerNode(loop.timer_list(ClockType::monotonic), std::move(callback), false));
}

Timer::~Timer() {
  if (!node_) return;
  // The callback may be using this timer in its loop, so nothing is changed here before it has returned.
  detail::TimerList& list = node_->list;
  AioContext& loop = list.loop();
  const bool keeps_loop = node_->keeps_loop;
  if (loop.in_home_thread()) {
    if (!list.release(*node_)) delete node_;
  } else if (list.request_release(*node_)) {
    loop.notify();
  } else {
    delete node_;
  }
  if (keeps_loop) loop.let_go();
}

void Timer::arm(std::int64_t deadline_ns, bool only_earlier) {
  const std::int64_t deadline = std::clamp<std::int64_t>(deadline_ns, 0, detail::TimerList::kNever - 1);
  detail::TimerList& list = node_->list;
  AioContext& loop = list.loop();
  if (loop.is_closed()) [[unlikely]] {
    std::function<void()> freed;  // may own this timer
    if (!node_->keeps_loop) freed = std::move(node_->callback);
    return;
  }
  if (loop.in_home_thread()) {
    list.arm(*node_, deadline, only_earlier);
    loop.wake_from_home();
  } else if (list.request_arm(*node_, deadline, only_earlier)) {
    loop.notify();
  }
}

void Timer::arm_at(std::int64_t deadline_ns) { arm(deadline_ns, false); }

void Timer::arm_after(std::chrono::nanoseconds delay) {
  std::int64_t deadline = 0;
  if (__builtin_add_overflow(clock_now_ns(node_->list.clock()), delay.count(), &deadline)) {
    deadline = delay.count() < 0 ? 0 : detail::TimerList::kNever;
  }
  arm(deadline, false);
}

void Timer::arm_no_later_than(std::int64_t deadline_ns) { arm(deadline_ns, true); }

void Timer::cancel() {
  if (!node_) return;
  detail::TimerList& list = node_->list;
  if (list.loop().in_home_thread()) {
    list.cancel(*node_);
  } else {
    list.request_cancel(*node_);
  }
}

bool Timer::armed() const {
  if (!node_) return false;
  detail::TimerList& list = node_->list;
  return list.loop().in_home_thread() ? list.armed(*node_) : list.will_be_armed(*node_);
}

}  // namespace qomio
