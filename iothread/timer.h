// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "qomio/iothread/internal/timer_heap.h"
#include "qomio/iothread/running_call.h"

namespace qomio {

using namespace std::chrono_literals;  // timer.arm_after(10ms)

class AioContext;

// monotonic never jumps; realtime follows the wall clock, of which a sleeping loop notices within a second
// that it was set.
enum class ClockType { monotonic, realtime };

inline std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
// The time of that clock, ns. Thread-safe.
std::int64_t clock_now_ns(ClockType clock = ClockType::monotonic);

namespace detail {

// The timers of one loop and one clock. In the heap are those that were still set when the loop looked for
// its next timer: a time-out that is set and cancelled within one call, as most are where the answer is at
// hand, costs next to nothing, however many timers there are.
//
// The heap belongs to the home thread, which takes no lock for it. Other threads leave requests, at most one
// for a timer, which the home thread carries out before it looks at its heap again; so whatever was asked for
// before is kept in mind, whoever asked.
//
// Where there is no memory for the heap to grow, the timers that don't fit are linked to each other and
// looked through one by one, until they fit.
class TimerList {
 public:
  static constexpr std::int64_t kNever = INT64_MAX;

  TimerList(AioContext& loop, ClockType clock) : loop_(loop), clock_(clock) {}
  TimerList(const TimerList&) = delete;
  TimerList& operator=(const TimerList&) = delete;
  ~TimerList() { discard(); }

  AioContext& loop() const { return loop_; }
  ClockType clock() const { return clock_; }

  // --- home thread ---

  // The earliest deadline, kNever if there is none. An earlier one that another thread asks for from now on
  // is one to wake the loop for.
  std::int64_t next_ns();
  void arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
    apply_requests();
    set(node, deadline_ns, only_earlier);
  }
  void cancel(TimerNode& node) {
    apply_requests();
    if (node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed) remove(node);
  }
  bool armed(const TimerNode& node) {
    apply_requests();
    return node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
  }
  // It won't run again. True if its callback is running: then it is freed here, after that.
  bool release(TimerNode& node);
  // Runs what was due when it was called, earliest first; returns how many.
  std::uint64_t run(RunningCallMark& mark);
  // The loop ends: frees the callables of those that are left, which don't keep it.
  void discard();

  // --- other threads ---

  // True if the loop must be woken.
  bool request_arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void request_cancel(TimerNode& node);
  bool will_be_armed(const TimerNode& node) const;
  // It won't run again: waits for a callback that is going on, and destroys it. True if the node is in use
  // here: then it is freed here, and the loop must be woken for that, lest there be ever more of them.
  bool request_release(TimerNode& node);

 private:
  using Entry = TimerHeap::Entry;
  using Request = TimerNode::Request;

  void set(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
    if (node.position.load(std::memory_order_relaxed) == TimerNode::kUnarmed) {
      set_fresh(node, deadline_ns);
    } else {
      set_again(node, deadline_ns, only_earlier);
    }
  }
  void set_fresh(TimerNode& node, std::int64_t deadline_ns) {
    if (fresh_count_ == fresh_.size() && !grow_fresh()) [[unlikely]]
      return set_unplaced(node, deadline_ns);
    node.order = next_order_++;
    node.position.store(TimerNode::kFresh + static_cast<std::uint32_t>(fresh_count_),
                        std::memory_order_relaxed);
    fresh_[fresh_count_++] = {.deadline_ns = deadline_ns, .node = &node};
  }
  void set_again(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void set_unplaced(TimerNode& node, std::int64_t deadline_ns);
  void remove(TimerNode& node) {
    const std::uint32_t position = node.position.load(std::memory_order_relaxed);
    if (position == TimerNode::kUnplaced) [[unlikely]] {
      unlink_unplaced(node);
    } else if (position & TimerNode::kFresh) {
      const Entry last = fresh_[--fresh_count_];
      fresh_[position - TimerNode::kFresh] = last;
      last.node->position.store(position, std::memory_order_relaxed);
    } else {
      heap_.remove(position);
    }
    node.position.store(TimerNode::kUnarmed, std::memory_order_relaxed);
  }
  void link_unplaced(TimerNode& node, std::int64_t deadline_ns);
  void unlink_unplaced(TimerNode& node);
  void place_unplaced();
  Entry first() const;
  void settle();
  bool grow_fresh();

  void ask(TimerNode& node, Request request, std::int64_t deadline_ns = kNever);
  void unlink_request(TimerNode& node);
  void apply_requests() {
    if (any_requests_.load(std::memory_order_acquire)) apply_requests_locked();
  }
  void apply_requests_locked();
  bool begin_call(TimerNode& node);
  static void end_call(TimerNode& node);

  AioContext& loop_;
  const ClockType clock_;
  TimerHeap heap_;
  std::vector<Entry> fresh_;       // room for those set since the loop looked, in no order,
  std::size_t fresh_count_ = 0;    // and how many these are
  TimerNode* unplaced_ = nullptr;  // the first of a list
  std::uint64_t next_order_ = 0;

  mutable std::mutex mutex_;                                      // guards the two
  TimerNode *first_request_ = nullptr, *last_request_ = nullptr;  // of a list, oldest first
  std::atomic<bool> any_requests_ = false;
  std::atomic<std::int64_t> earliest_ns_ = kNever;  // as the home thread saw it last
};

}  // namespace detail

// Calls a function in a loop at a point in time: never early, and those of equal times in the order of
// setting. Thread-safe, each function; one Timer object is not to be moved or destroyed while another thread
// uses it.
//
// In the loop's thread, setting and cancelling take no lock; elsewhere they do, and what they ask for is
// carried out by the loop.
//
// Owns the callable. It may outlive its loop: once the loop has ended, setting it has no effect. Destroying
// it is allowed from inside its callback; from another thread it waits for a callback that is going on, so
// nothing that the callback uses is needed afterwards.
class Timer {
 public:
  // For callables that own the timer: if the loop ends while the timer is armed, it destroys the callable. A
  // timer that is not armed must be destroyed before the loop ends.
  static Timer owned_by_loop(AioContext& loop, std::function<void()> callback);

  // An empty one: only assigning and destroying make sense.
  Timer() = default;
  Timer(AioContext& loop, std::function<void()> callback, ClockType clock = ClockType::monotonic);
  Timer(Timer&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Timer& operator=(Timer&& other) noexcept {
    Timer old(std::move(*this));
    node_ = std::exchange(other.node_, nullptr);
    return *this;
  }
  ~Timer();

  // Sets the time, in place of an earlier setting. A time that has passed means at once, but never inside
  // this call.
  void arm_at(std::int64_t deadline_ns);
  // The same, counted from now.
  void arm_after(std::chrono::nanoseconds delay);
  // Sets the time only if it isn't armed or that is earlier.
  void arm_no_later_than(std::int64_t deadline_ns);
  // Harmless when it isn't armed.
  void cancel();
  bool armed() const;

  explicit operator bool() const { return node_ != nullptr; }

 private:
  explicit Timer(detail::TimerNode* node) : node_(node) {}
  void arm(std::int64_t deadline_ns, bool only_earlier);

  detail::TimerNode* node_ = nullptr;
};

}  // namespace qomio
