// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/timer.h"

#include <algorithm>
#include <ctime>

#include "qomio/iothread/aio_context.h"

namespace qomio {

namespace {

constexpr std::size_t kChildren = 4;

// What a node's state is made of.
constexpr std::uint32_t kRunning = 1;   // the home thread is inside callback
constexpr std::uint32_t kReleased = 2;  // another thread releases it: it is not to be called any more

}  // namespace

std::int64_t clock_now_ns(ClockType clock) {
  timespec now;
  ::clock_gettime(clock == ClockType::monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

namespace detail {

void TimerList::place(const Entry& entry, std::size_t position) {
  heap_[position] = entry;
  entry.node->position.store(position, std::memory_order_relaxed);
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

void TimerList::set(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  const std::size_t position = node.position.load(std::memory_order_relaxed);
  if (position != TimerNode::kUnarmed) {
    const Entry& old = position & TimerNode::kFresh ? fresh_[position - TimerNode::kFresh] : heap_[position];
    if (only_earlier && old.deadline_ns <= deadline_ns) return;
    remove(node);
  }
  node.position.store(TimerNode::kFresh + fresh_.size(), std::memory_order_relaxed);
  fresh_.push_back({deadline_ns, next_order_++, &node});
}

void TimerList::remove(TimerNode& node) {
  std::size_t position = node.position.load(std::memory_order_relaxed);
  const bool fresh = position & TimerNode::kFresh;
  std::vector<Entry>& entries = fresh ? fresh_ : heap_;
  const Entry last = entries.back();
  entries.pop_back();
  if (last.node == &node) {
  } else if (fresh) {
    last.node->position.store(position, std::memory_order_relaxed);
    fresh_[position - TimerNode::kFresh] = last;
  } else if (position > 0 && last.before(heap_[(position - 1) / kChildren])) {
    sift_up(last, position);
  } else {
    sift_down(last, position);
  }
  node.position.store(TimerNode::kUnarmed, std::memory_order_relaxed);
}

// Puts the fresh ones into the heap.
void TimerList::settle() {
  for (const Entry& entry : fresh_) {
    heap_.push_back(entry);
    sift_up(entry, heap_.size() - 1);
  }
  fresh_.clear();
}

TimerList::~TimerList() {
  for (;;) {
    apply_requests();
    settle();
    if (heap_.empty()) break;
    // Only those that don't keep the loop can be left. Their Timers may go with the callables.
    TimerNode& node = *heap_.back().node;
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
    earliest = heap_.empty() ? kNever : heap_.front().deadline_ns;
    if (earliest_ns_.load(std::memory_order_relaxed) != earliest) {
      earliest_ns_.store(earliest, std::memory_order_seq_cst);
    }
  } while (any_requests_.load(std::memory_order_seq_cst));
  return earliest;
}

void TimerList::arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  apply_requests();
  set(node, deadline_ns, only_earlier);
}

void TimerList::cancel(TimerNode& node) {
  apply_requests();
  if (node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed) remove(node);
}

bool TimerList::armed(const TimerNode& node) {
  apply_requests();
  return node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
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
  for (; !heap_.empty() && heap_.front().deadline_ns <= now && heap_.front().order < end; apply_requests()) {
    TimerNode& node = *heap_.front().node;
    if (!begin_call(node)) continue;
    mark.enter(RunningCall::Kind::timer, node.type);
    node.callback();
    ++count;
    end_call(node);
  }
  return count;
}

void TimerList::apply_requests_locked() {
  const std::lock_guard lock(mutex_);
  any_requests_.store(false, std::memory_order_relaxed);
  for (TimerNode* const node : std::exchange(requests_, {})) {
    const TimerNode::Request request = std::exchange(node->request, TimerNode::Request::none);
    if (request == TimerNode::Request::arm || request == TimerNode::Request::arm_no_later) {
      set(*node, node->requested_ns, request == TimerNode::Request::arm_no_later);
      continue;
    }
    if (node->position.load(std::memory_order_relaxed) != TimerNode::kUnarmed) remove(*node);
    if (request == TimerNode::Request::release) delete node;
  }
}

// In place of what was asked for before. With the lock.
void TimerList::ask(TimerNode& node, TimerNode::Request request) {
  if (node.request == TimerNode::Request::none) {
    node.place = requests_.insert(requests_.end(), &node);
  } else {
    requests_.splice(requests_.end(), requests_, node.place);
  }
  node.request = request;
  any_requests_.store(true, std::memory_order_seq_cst);
}

bool TimerList::request_arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
  using Request = TimerNode::Request;
  const std::lock_guard lock(mutex_);
  Request request = Request::arm;
  if (only_earlier && node.request != Request::cancel) {
    const bool asked = node.request != Request::none;
    if (asked && node.requested_ns <= deadline_ns) return false;
    request = asked ? node.request : Request::arm_no_later;
  }
  node.requested_ns = deadline_ns;
  ask(node, request);
  return deadline_ns < earliest_ns_.load(std::memory_order_seq_cst);
}

void TimerList::request_cancel(TimerNode& node) {
  const std::lock_guard lock(mutex_);
  ask(node, TimerNode::Request::cancel);
}

bool TimerList::will_be_armed(const TimerNode& node) const {
  const std::lock_guard lock(mutex_);
  if (node.request != TimerNode::Request::none) return node.request != TimerNode::Request::cancel;
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
  const bool in_use = node.request != TimerNode::Request::none ||
                      node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
  if (in_use) ask(node, TimerNode::Request::release);
  return in_use;
}

}  // namespace detail

Timer::Timer(AioContext& loop, std::function<void()> callback, ClockType clock)
    : loop_(&loop),
      kept_(loop),
      list_(&loop.timer_list(clock)),
      node_(std::make_unique<detail::TimerNode>(std::move(callback))) {}

Timer Timer::owned_by_loop(AioContext& loop, std::function<void()> callback) {
  Timer timer(loop, std::move(callback));
  timer.kept_ = nullptr;
  return timer;
}

Timer::Timer(Timer&& other) noexcept
    : loop_(other.loop_), kept_(std::move(other.kept_)), list_(other.list_), node_(std::move(other.node_)) {}

Timer& Timer::operator=(Timer&& other) noexcept {
  Timer old(std::move(*this));
  loop_ = other.loop_;
  kept_ = std::move(other.kept_);
  list_ = other.list_;
  node_ = std::move(other.node_);
  return *this;
}

Timer::~Timer() {
  if (!node_) return;
  // The callback may be using this timer in its loop, so nothing is changed here before it has returned.
  if (loop_->in_home_thread()) {
    if (list_->release(*node_)) (void)node_.release();
  } else if (list_->request_release(*node_)) {
    (void)node_.release();
    loop_->notify();
  }
}

void Timer::arm(std::int64_t deadline_ns, bool only_earlier) {
  const std::int64_t deadline = std::clamp<std::int64_t>(deadline_ns, 0, detail::TimerList::kNever - 1);
  if (loop_->in_home_thread()) {
    list_->arm(*node_, deadline, only_earlier);
    loop_->wake();
  } else if (list_->request_arm(*node_, deadline, only_earlier)) {
    loop_->notify();
  }
}

void Timer::arm_at(std::int64_t deadline_ns) { arm(deadline_ns, false); }

void Timer::arm_after(std::chrono::nanoseconds delay) {
  std::int64_t deadline = 0;
  if (__builtin_add_overflow(clock_now_ns(list_->clock()), delay.count(), &deadline)) {
    deadline = delay.count() < 0 ? 0 : detail::TimerList::kNever;
  }
  arm(deadline, false);
}

void Timer::arm_no_later_than(std::int64_t deadline_ns) { arm(deadline_ns, true); }

void Timer::cancel() {
  if (!node_) return;
  if (loop_->in_home_thread()) {
    list_->cancel(*node_);
  } else {
    list_->request_cancel(*node_);
  }
}

bool Timer::armed() const {
  if (!node_) return false;
  return loop_->in_home_thread() ? list_->armed(*node_) : list_->will_be_armed(*node_);
}

}  // namespace qomio
