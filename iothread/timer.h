// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <typeinfo>
#include <utility>
#include <vector>

#include "qomio/iothread/running_call.h"
#include "qomio/object/ref.h"

namespace qomio {

using namespace std::chrono_literals;  // timer.arm_after(10ms)

class AioContext;

// monotonic never jumps; realtime follows the wall clock, and a step of it is noticed when the loop looks
// next.
enum class ClockType { monotonic, realtime };

// The time of that clock, ns. Thread-safe.
std::int64_t clock_now_ns(ClockType clock = ClockType::monotonic);

namespace detail {

struct TimerNode {
  explicit TimerNode(std::function<void()> function)
      : callback(std::move(function)), type(callback.target_type().name()) {}

  std::function<void()> callback;
  const char* const type;  // of the callable
  // The rest is guarded by TimerList::mutex_.
  std::size_t position = kUnarmed;  // in the heap
  int running = 0;                  // frames inside callback
  bool released = false;            // the handle is gone: the last frame frees it

  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);
};

// The timers of one loop and one clock, in a heap of four children each that knows where every timer is:
// setting, moving and removing one are O(log n). Thread-safe, except run().
class TimerList {
 public:
  static constexpr std::int64_t kNever = INT64_MAX;

  explicit TimerList(ClockType clock) : clock_(clock) {}

  ClockType clock() const { return clock_; }
  // The earliest deadline, kNever if there is none. Takes no lock.
  std::int64_t earliest_ns() const { return earliest_ns_.load(std::memory_order_seq_cst); }

  // True if the earliest deadline became earlier, so a sleeping loop must be woken.
  bool arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void cancel(TimerNode& node);
  bool armed(const TimerNode& node) const;
  // Removes it and waits for a callback that runs in another thread. False if its own callback is running in
  // this one: then the list frees it afterwards.
  bool release(TimerNode& node, bool in_home_thread);

  // Home thread. Runs what was due when it was called, earliest first; returns how many.
  std::uint64_t run(RunningCallMark& mark);

 private:
  // What is compared lies in the heap itself: comparing touches no node.
  struct Entry {
    std::int64_t deadline_ns;
    std::uint64_t order;  // of the setting, among equal deadlines
    TimerNode* node;

    bool before(const Entry& other) const {
      return deadline_ns != other.deadline_ns ? deadline_ns < other.deadline_ns : order < other.order;
    }
  };
  void place(const Entry& entry, std::size_t position);
  void sift_up(const Entry& entry, std::size_t position);
  void sift_down(const Entry& entry, std::size_t position);
  void remove(TimerNode& node);
  void publish_earliest();

  const ClockType clock_;
  mutable std::mutex mutex_;
  std::condition_variable returned_;  // a released timer's callback
  std::vector<Entry> heap_;
  std::uint64_t next_order_ = 0;
  std::atomic<std::int64_t> earliest_ns_ = kNever;
};

}  // namespace detail

// Calls a function in a loop at a point in time: never early, and those of equal times in the order of
// setting. Thread-safe, each function; one Timer object is not to be moved or destroyed while another thread
// uses it.
//
// Owns the callable, and keeps the loop alive. Destroying it is allowed from inside its callback; from
// another thread it waits for a callback that is going on, so nothing that the callback uses is needed
// afterwards.
class Timer {
 public:
  // An empty one: only assigning and destroying make sense.
  Timer() = default;
  Timer(AioContext& loop, std::function<void()> callback, ClockType clock = ClockType::monotonic);
  Timer(Timer&& other) noexcept;
  Timer& operator=(Timer&& other) noexcept;
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
  Ref<AioContext> loop_;
  detail::TimerList* list_ = nullptr;  // of loop_
  std::unique_ptr<detail::TimerNode> node_;
};

}  // namespace qomio
