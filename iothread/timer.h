// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "qomio/iothread/internal/clock.h"

namespace qomio {

using namespace std::chrono_literals;  // timer.arm_after(10ms)

namespace internal {
struct TimerNode;
}

// Calls a function in a loop at a given time, never earlier. Timers with equal deadlines run in the order in
// which they were armed. Created by AioContext::timer().
//
// All functions are thread-safe, but do not move or destroy a Timer while another thread uses it. In the
// loop's thread, arming and cancelling take no lock; in other threads they do, and the loop carries out the
// request.
//
// Owns the callable. May outlive its loop: a loop that ends destroys the callables of armed timers, and
// arming a timer later destroys its callable at once. A Timer may be destroyed inside its callback.
// Destroying it in another thread waits for a running callback, so the callback's data may be destroyed
// afterwards.
class Timer {
 public:
  // Empty: must not be armed.
  Timer() = default;
  Timer(Timer&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Timer& operator=(Timer&& other) noexcept {
    Timer old(std::move(*this));
    node_ = std::exchange(other.node_, nullptr);
    return *this;
  }
  ~Timer();

  // Arms the timer, replacing an earlier deadline. A deadline in the past is due at once, but the callback
  // never runs inside this call.
  void arm_at(std::int64_t deadline_ns);
  // The same, relative to now.
  void arm_after(std::chrono::nanoseconds delay);
  // Arms the timer only if it is not armed, or armed for a later time.
  void arm_no_later_than(std::int64_t deadline_ns);
  // Does nothing if the timer is not armed.
  void cancel();
  bool armed() const;

  explicit operator bool() const { return node_ != nullptr; }

 private:
  friend class AioContext;
  explicit Timer(internal::TimerNode* node) : node_(node) {}

  internal::TimerNode* node_ = nullptr;
};

}  // namespace qomio
