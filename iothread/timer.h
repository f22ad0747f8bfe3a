// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
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

// monotonic never jumps; realtime follows the wall clock, of which a sleeping loop notices within a second
// that it was set.
enum class ClockType { monotonic, realtime };

// The time of that clock, ns. Thread-safe.
std::int64_t clock_now_ns(ClockType clock = ClockType::monotonic);

namespace detail {

struct TimerNode {
  explicit TimerNode(std::function<void()> function)
      : callback(std::move(function)), type(callback.target_type().name()) {}

  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);
  static constexpr std::size_t kFresh = kUnarmed / 2 + 1;
  enum class Request { none, arm, arm_no_later, cancel, release };

  // Written by the home thread only.
  std::atomic<std::size_t> position =
      kUnarmed;           // in TimerList::heap_, or kFresh and that in TimerList::fresh_
  int running = 0;        // frames inside callback
  bool released = false;  // in its own callback: the last frame frees it

  std::atomic<std::uint32_t> state = 0;
  std::function<void()> callback;
  const char* const type;  // of the callable

  // What another thread asks for; guarded by TimerList::mutex_.
  Request request = Request::none;
  std::int64_t requested_ns = 0;
  std::list<TimerNode*>::iterator place;  // in TimerList::requests_, unless request is none
};

// The timers of one loop and one clock, in a heap of four children each that knows where every timer is:
// setting, moving and removing one are O(log n). Only what is still set when the loop looks for its next
// timer gets there: a time-out that is set and cancelled within one call, as most are where the answer is at
// hand, costs next to nothing, however many timers there are.
//
// The heap belongs to the home thread, which takes no lock for it. Other threads leave requests, at most one
// for a timer, which the home thread carries out before it looks at its heap again; so whatever was asked for
// before is kept in mind, whoever asked.
class TimerList {
 public:
  static constexpr std::int64_t kNever = INT64_MAX;

  explicit TimerList(ClockType clock) : clock_(clock) {}
  ~TimerList();

  ClockType clock() const { return clock_; }

  // --- home thread ---

  // The earliest deadline, kNever if there is none. An earlier one that another thread asks for from now on
  // is one to wake the loop for.
  std::int64_t next_ns();
  void arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void cancel(TimerNode& node);
  bool armed(const TimerNode& node);
  // It won't run again. True if its callback is running: then it is freed here, after that.
  bool release(TimerNode& node);
  // Runs what was due when it was called, earliest first; returns how many.
  std::uint64_t run(RunningCallMark& mark);

  // --- other threads ---

  // True if the loop must be woken.
  bool request_arm(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void request_cancel(TimerNode& node);
  bool will_be_armed(const TimerNode& node) const;
  // It won't run again: waits for a callback that is going on, and destroys it. True if the node is in use
  // here: then it is freed here, and the loop must be woken for that, lest there be ever more of them.
  bool request_release(TimerNode& node);

 private:
  // What is compared lies in the heap itself: comparing touches no node.
  struct Entry {
    std::int64_t deadline_ns;
    std::uint64_t order;  // of the setting, among equal deadlines
    TimerNode* node;

    // In one comparison without a branch, which nothing could predict.
    bool before(const Entry& other) const { return key() < other.key(); }
    __extension__ using Key = unsigned __int128;
    Key key() const { return static_cast<Key>(static_cast<std::uint64_t>(deadline_ns)) << 64 | order; }
  };
  void place(const Entry& entry, std::size_t position);
  void sift_up(const Entry& entry, std::size_t position);
  void sift_down(const Entry& entry, std::size_t position);
  void set(TimerNode& node, std::int64_t deadline_ns, bool only_earlier);
  void remove(TimerNode& node);
  void settle();

  void ask(TimerNode& node, TimerNode::Request request);
  void apply_requests() {
    if (any_requests_.load(std::memory_order_acquire)) apply_requests_locked();
  }
  void apply_requests_locked();
  bool begin_call(TimerNode& node);
  static void end_call(TimerNode& node);

  const ClockType clock_;
  std::vector<Entry> heap_;
  std::vector<Entry> fresh_;  // set since the loop looked, in no order
  std::uint64_t next_order_ = 0;

  mutable std::mutex mutex_;        // guards the requests
  std::list<TimerNode*> requests_;  // in the order of asking
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
// Owns the callable, and keeps the loop alive. Destroying it is allowed from inside its callback; from
// another thread it waits for a callback that is going on, so nothing that the callback uses is needed
// afterwards.
class Timer {
 public:
  // One that doesn't keep the loop alive. The loop destroys the callable when it ends while this is armed;
  // one that isn't must be gone by then. For callables that own the timer.
  static Timer owned_by_loop(AioContext& loop, std::function<void()> callback);

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
  void arm(std::int64_t deadline_ns, bool only_earlier);

  AioContext* loop_ = nullptr;
  Ref<AioContext> kept_;               // loop_, unless owned by it
  detail::TimerList* list_ = nullptr;  // of loop_
  std::unique_ptr<detail::TimerNode> node_;
};

}  // namespace qomio
