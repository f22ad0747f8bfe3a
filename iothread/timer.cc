// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/timer.h"

#include <algorithm>
#include <ctime>

#include "qomio/iothread/aio_context.h"

namespace qomio {

namespace {

constexpr std::size_t kChildren = 4;

}  // namespace

std::int64_t clock_now_ns(ClockType clock) {
  timespec now;
  ::clock_gettime(clock == ClockType::monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

namespace detail {

void TimerList::place(const Entry& entry, std::size_t position) {
  heap_[position] = entry;
  entry.node->position = position;
}

void TimerList::sift_up(const Entry& entry, std::size_t position) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / kChildren;
    if (!entry.before(heap_[parent])) break;
    place(heap_[parent], position);
    position = parent;
  }
  place(entry, position);
}

void TimerList::sift_down(const Entry& entry, std::size_t position) {
  for (;;) {
    const std::size_t first = position * kChildren + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + kChildren, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(entry)) break;
    place(heap_[least], position);
    position = least;
  }
  place(entry, position);
}

void TimerList::remove(TimerNode& node) {
  const std::size_t position = std::exchange(node.position, TimerNode::kUnarmed);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.node == &node) return;
  if (position > 0 && last.before(heap_[(position - 1) / kChildren])) {
    sift_up(last, position);
  } else {
    sift_down(last, position);
  }
}

void TimerList::publish_earliest() {
  const std::int64_t earliest = heap_.empty() ? kNever : heap_.front().deadline_ns;
  // Only the holder of the lock writes it, and most settings don't change it.
  if (earliest_ns_.load(std::memory_order_relaxed) != earliest) {
    earliest_ns_.store(earliest, std::memory_order_seq_cst);
  }
}

bool TimerList::arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  const Entry entry{std::clamp<std::int64_t>(deadline_ns, 0, kNever - 1), 0, &node};
  const std::lock_guard lock(mutex_);
  if (node.position != TimerNode::kUnarmed) {
    if (only_earlier && heap_[node.position].deadline_ns <= entry.deadline_ns) return false;
    remove(node);
  }
  const std::int64_t earliest = heap_.empty() ? kNever : heap_.front().deadline_ns;
  heap_.push_back(entry);
  heap_.back().order = next_order_++;
  sift_up(Entry(heap_.back()), heap_.size() - 1);
  publish_earliest();
  return entry.deadline_ns < earliest;
}

void TimerList::cancel(TimerNode& node) {
  const std::lock_guard lock(mutex_);
  if (node.position == TimerNode::kUnarmed) return;
  remove(node);
  publish_earliest();
}

bool TimerList::armed(const TimerNode& node) const {
  const std::lock_guard lock(mutex_);
  return node.position != TimerNode::kUnarmed;
}

bool TimerList::release(TimerNode& node, bool in_home_thread) {
  std::unique_lock lock(mutex_);
  if (node.position != TimerNode::kUnarmed) {
    remove(node);
    publish_earliest();
  }
  if (in_home_thread) {
    node.released = node.running > 0;  // then run() frees it
    return !node.released;
  }
  returned_.wait(lock, [&] { return node.running == 0; });
  // The callback may have set it again.
  if (node.position == TimerNode::kUnarmed) return true;
  remove(node);
  publish_earliest();
  return true;
}

std::uint64_t TimerList::run(RunningCallMark& mark) {
  if (earliest_ns() == kNever) return 0;
  const std::int64_t now = clock_now_ns(clock_);
  std::uint64_t count = 0;
  std::unique_lock lock(mutex_);
  const std::uint64_t end = next_order_;  // set meanwhile: for the next time
  while (!heap_.empty() && heap_.front().deadline_ns <= now && heap_.front().order < end) {
    TimerNode& node = *heap_.front().node;
    remove(node);
    publish_earliest();
    ++node.running;
    lock.unlock();
    mark.enter(RunningCall::Kind::timer, node.type);
    node.callback();
    ++count;
    lock.lock();
    if (--node.running > 0) continue;
    if (node.released) {
      lock.unlock();
      delete &node;  // outside the lock: what the callable owns may be a timer
      lock.lock();
    } else {
      returned_.notify_all();
    }
  }
  return count;
}

}  // namespace detail

Timer::Timer(AioContext& loop, std::function<void()> callback, ClockType clock)
    : loop_(loop),
      list_(&loop.timer_list(clock)),
      node_(std::make_unique<detail::TimerNode>(std::move(callback))) {}

Timer::Timer(Timer&& other) noexcept
    : loop_(std::move(other.loop_)), list_(other.list_), node_(std::move(other.node_)) {}

Timer& Timer::operator=(Timer&& other) noexcept {
  Timer old(std::move(*this));
  loop_ = std::move(other.loop_);
  list_ = other.list_;
  node_ = std::move(other.node_);
  return *this;
}

Timer::~Timer() {
  // The callback may be using this timer in its loop, so nothing is changed here before it has returned.
  if (node_ && !list_->release(*node_, loop_->in_home_thread())) (void)node_.release();
}

void Timer::arm_at(std::int64_t deadline_ns) {
  if (list_->arm(*node_, deadline_ns, false)) loop_->wake();
}

void Timer::arm_after(std::chrono::nanoseconds delay) {
  std::int64_t deadline = 0;
  if (__builtin_add_overflow(clock_now_ns(list_->clock()), delay.count(), &deadline)) {
    deadline = delay.count() < 0 ? 0 : detail::TimerList::kNever;
  }
  arm_at(deadline);
}

void Timer::arm_no_later_than(std::int64_t deadline_ns) {
  if (list_->arm(*node_, deadline_ns, true)) loop_->wake();
}

void Timer::cancel() {
  if (node_) list_->cancel(*node_);
}

bool Timer::armed() const { return node_ && list_->armed(*node_); }

}  // namespace qomio
