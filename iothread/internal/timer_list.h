// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "qomio/iothread/internal/clock.h"
#include "qomio/iothread/internal/loop_lifetime.h"
#include "qomio/iothread/internal/running_call_mark.h"
#include "qomio/iothread/internal/timer_heap.h"
#include "qomio/iothread/internal/waker.h"

namespace qomio::internal {

// The timers of one loop and one clock. A timer enters the heap only if it is still armed when the loop
// computes its next deadline: a time-out that is armed and cancelled within one call, as most are if the
// answer comes at once, costs very little, however many timers there are.
//
// The heap belongs to the home thread, which takes no lock for it. Other threads leave requests, at most one
// for each timer, and the home thread carries them out before it uses its heap again; so requests take effect
// in the order in which they were made, by whichever thread.
//
// If there is no memory for the heap to grow, the timers that do not fit are kept in a linked list and
// searched one by one, until they fit.
class TimerList {
 public:
  static constexpr std::int64_t kNever = INT64_MAX;

  TimerList(Waker& waker, LoopLifetime& lifetime, ClockType clock)
      : waker_(waker), lifetime_(lifetime), clock_(clock) {}
  TimerList(const TimerList&) = delete;
  TimerList& operator=(const TimerList&) = delete;
  ~TimerList() { discard(); }

  ClockType clock() const { return clock_; }

  // --- any thread ---

  // Creates the node of a Timer. It keeps the loop's memory, and is not armed.
  TimerNode* make(std::function<void()> callback);
  // Once the loop has ended, destroys the callable instead.
  void arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void cancel(TimerNode& node);
  bool armed(const TimerNode& node);
  // Called when the Timer is destroyed: the node does not run again, and is freed once it is no longer in
  // use. In another thread, waits for a running callback. May free the loop, and this list with it.
  void release(TimerNode& node);

  // --- home thread ---

  // The earliest deadline; kNever if no timer is armed. From then on, another thread that requests an earlier
  // one must wake the loop.
  std::int64_t next_ns();
  // Runs the timers that were due when this was called, earliest first; returns their number.
  std::uint64_t run(RunningCallMark& mark);
  // For a loop that ends: disarms all timers and destroys their callables.
  void discard();

 private:
  using Entry = TimerHeap::Entry;
  using Request = TimerNode::Request;

  void set(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
    if (node.position.load(std::memory_order_relaxed) == TimerNode::kUnarmed) {
      set_unsorted(node, deadline_ns);
    } else {
      rearm(node, deadline_ns, only_earlier);
    }
  }
  void set_unsorted(TimerNode& node, std::int64_t deadline_ns) {
    if (unsorted_count_ == unsorted_.size() && !grow_unsorted()) [[unlikely]]
      return set_unplaced(node, deadline_ns);
    node.order = next_order_++;
    node.position.store(TimerNode::kUnsorted + static_cast<std::uint32_t>(unsorted_count_),
                        std::memory_order_relaxed);
    unsorted_[unsorted_count_++] = {.deadline_ns = deadline_ns, .node = &node};
  }
  void rearm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void set_unplaced(TimerNode& node, std::int64_t deadline_ns);
  void remove(TimerNode& node) {
    const std::uint32_t position = node.position.load(std::memory_order_relaxed);
    if (position == TimerNode::kUnplaced) [[unlikely]] {
      unlink_unplaced(node);
    } else if (position & TimerNode::kUnsorted) {
      const Entry last = unsorted_[--unsorted_count_];
      unsorted_[position - TimerNode::kUnsorted] = last;
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
  void merge();
  bool grow_unsorted();

  void arm_at_home(TimerNode& node, std::int64_t deadline_ns, bool only_earlier) {
    apply_requests();
    set(node, deadline_ns, only_earlier);
  }
  void cancel_at_home(TimerNode& node) {
    apply_requests();
    if (node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed) remove(node);
  }
  bool armed_at_home(const TimerNode& node) {
    apply_requests();
    return node.position.load(std::memory_order_relaxed) != TimerNode::kUnarmed;
  }
  // Returns true if its callback is running; the node is then freed after that.
  bool release_at_home(TimerNode& node);

  void drop_callback(TimerNode& node);

  // Requests of other threads. request_arm() returns true if the loop must be woken.
  bool request_arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void request_cancel(TimerNode& node);
  bool will_be_armed(const TimerNode& node) const;
  // Waits for a running callback, then destroys the callable. Returns true if the list still uses the node:
  // then the loop frees it, and must be woken so that such nodes do not accumulate.
  bool request_release(TimerNode& node);

  void send_request(TimerNode& node, Request request, std::int64_t deadline_ns = kNever);
  void unlink_request(TimerNode& node);
  void apply_requests() {
    if (any_requests_.load(std::memory_order_acquire)) apply_requests_locked();
  }
  void apply_requests_locked();
  bool begin_call(TimerNode& node);
  static void end_call(TimerNode& node);

  Waker& waker_;
  LoopLifetime& lifetime_;
  const ClockType clock_;
  TimerHeap heap_;
  std::vector<Entry> unsorted_;     // room for timers armed since the last merge(), in no order
  std::size_t unsorted_count_ = 0;  // how many of these entries are in use
  TimerNode* unplaced_ = nullptr;   // the first of a list
  std::uint64_t next_order_ = 0;

  mutable std::mutex mutex_;  // guards the list below and the nodes' requests
  TimerNode *first_request_ = nullptr, *last_request_ = nullptr;  // list, oldest first
  std::atomic<bool> any_requests_ = false;
  std::atomic<std::int64_t> earliest_ns_ = kNever;  // as the home thread saw it last
};

}  // namespace qomio::internal
