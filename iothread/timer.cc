// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/timer.h"

#include <algorithm>
#include <ctime>

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

void TimerList::set_again(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) noexcept {
  const std::uint32_t position = node.position.load(std::memory_order_relaxed);
  if (position & TimerNode::kFresh) {
    Entry& entry = fresh_[position - TimerNode::kFresh];
    if (only_earlier && entry.deadline_ns <= deadline_ns) return;
    entry.deadline_ns = deadline_ns;
    node.order = next_order_++;
    return;
  }
  if (only_earlier && heap_.at(position).deadline_ns <= deadline_ns) return;
  // Its position goes from one to the next: other threads never see it unarmed.
  heap_.remove(position);
  set_fresh(node, deadline_ns);
}

void TimerList::grow_fresh() { fresh_.resize(std::max<std::size_t>(16, 2 * fresh_.size())); }

void TimerList::settle() noexcept {
  if (fresh_count_ == 0) return;
  heap_.add({fresh_.data(), fresh_count_});
  if (fresh_.size() > kKeptFresh && fresh_count_ < fresh_.size() / 4) fresh_ = {};
  fresh_count_ = 0;
}

void TimerList::discard() {
  for (;;) {
    apply_requests();
    settle();
    if (heap_.empty()) break;
    // Its Timer may go with the callable.
    TimerNode& node = *heap_.last().node;
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
    earliest = heap_.empty() ? kNever : heap_.first().deadline_ns;
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
  if (heap_.empty()) return 0;
  const std::int64_t now = clock_now_ns(clock_);
  const std::uint64_t end = next_order_;  // set meanwhile: for the next time
  std::uint64_t count = 0;
  for (; !heap_.empty() && heap_.first().deadline_ns <= now; apply_requests()) {
    TimerNode& node = *heap_.first().node;
    if (node.order >= end) break;
    if (!begin_call(node)) continue;
    mark.enter(RunningCall::Kind::timer, node.callback.target_type().name());
    node.callback();
    ++count;
    end_call(node);
  }
  return count;
}

void TimerList::apply_requests_locked() noexcept {
  const std::lock_guard lock(mutex_);
  any_requests_.store(false, std::memory_order_relaxed);
  std::ranges::sort(requests_, {}, &Request::order);
  for (const Request& request : requests_) {
    TimerNode& node = *request.node;
    node.request = TimerNode::kNoRequest;
    if (request.kind == Request::Kind::arm || request.kind == Request::Kind::arm_no_later) {
      set(node, request.deadline_ns, request.kind == Request::Kind::arm_no_later);
      continue;
    }
    if (node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed) remove(node);
    if (request.kind == Request::Kind::release) delete &node;
  }
  requests_.clear();
}

// In place of what was asked for before. With the lock.
void TimerList::ask(TimerNode& node, Request::Kind kind, std::int64_t deadline_ns) {
  const Request request{.node = &node, .kind = kind, .deadline_ns = deadline_ns, .order = next_request_++};
  if (node.request == TimerNode::kNoRequest) {
    node.request = static_cast<std::uint32_t>(requests_.size());
    requests_.push_back(request);
  } else {
    requests_[node.request] = request;
  }
  any_requests_.store(true, std::memory_order_seq_cst);
}

bool TimerList::request_arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  using Kind = Request::Kind;
  const std::lock_guard lock(mutex_);
  const Request* const asked = node.request == TimerNode::kNoRequest ? nullptr : &requests_[node.request];
  Kind kind = Kind::arm;
  if (only_earlier && !(asked && asked->kind == Kind::cancel)) {
    if (asked && asked->deadline_ns <= deadline_ns) return false;
    kind = asked ? asked->kind : Kind::arm_no_later;
  }
  ask(node, kind, deadline_ns);
  return deadline_ns < earliest_ns_.load(std::memory_order_seq_cst);
}

void TimerList::request_cancel(TimerNode& node) {
  const std::lock_guard lock(mutex_);
  ask(node, Request::Kind::cancel);
}

bool TimerList::will_be_armed(const TimerNode& node) const {
  const std::lock_guard lock(mutex_);
  if (node.request != TimerNode::kNoRequest) return requests_[node.request].kind != Request::Kind::cancel;
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
  const bool in_use = node.request != TimerNode::kNoRequest ||
                      node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
  if (in_use) ask(node, Request::Kind::release);
  return in_use;
}

}  // namespace detail

Timer::Timer(AioContext& loop, std::function<void()> callback, ClockType clock)
    : node_(new detail::TimerNode(loop.timer_list(clock), std::move(callback), true)) {
  loop.ref();
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
  if (keeps_loop) loop.unref();
}

void Timer::arm(std::int64_t deadline_ns, bool only_earlier) {
  const std::int64_t deadline = std::clamp<std::int64_t>(deadline_ns, 0, detail::TimerList::kNever - 1);
  detail::TimerList& list = node_->list;
  AioContext& loop = list.loop();
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
