// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <urcu.h>

#include <cstdint>

#include "qomio/iothread/internal/clock.h"
#include "qomio/iothread/internal/fd_handler_set.h"
#include "qomio/iothread/internal/loop_counters.h"
#include "qomio/iothread/internal/poll_controller.h"

namespace qomio::internal {

// Busy-polls on behalf of a loop, and reports each sleep to the PollController, which adapts the polling
// window. Thread: the home thread.
class Poller {
 public:
  Poller(FdHandlerSet& handlers, LoopCounters& counters) : handlers_(handlers), counters_(counters) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // All windows start again from 0.
  void set_params(const LoopParams& params);

  // How long to poll now; 0: do not poll.
  std::int64_t window_ns(std::int64_t now_ns) { return controller_.window_ns(now_ns); }

  // Calls find() until it returns true or window_ns have passed since start_ns. Sets hit if find() returned
  // true. Returns the last reading of the clock.
  template <class Find>
  std::int64_t poll(std::int64_t window_ns, std::int64_t start_ns, const Find& find, bool& hit) {
    std::int64_t now = start_ns;
    counters_.times.poll.start(start_ns);
    ::rcu_read_lock();
    for (;;) {
      if (find()) {
        hit = true;
        break;
      }
      pause_processor();
      now = clock_now_ns();
      if (now - start_ns >= window_ns) break;
      // The time of a TestClock stands still, so the window would never end.
      if (test_time.load(std::memory_order_relaxed)) [[unlikely]]
        break;
    }
    ::rcu_read_unlock();
    polled(start_ns, now, hit);
    return now;
  }

  // Called when the loop has slept. start_ns: the start of the iteration; stamp_ns: when a waker made its
  // system call, 0 if none did. notified: a waker ended the sleep, at end_ns.
  void waited(std::int64_t start_ns, std::int64_t end_ns, bool notified, std::int64_t stamp_ns);

 private:
  static void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  void polled(std::int64_t start_ns, std::int64_t end_ns, bool hit);
  std::int64_t wakeup_cost_ns() const;
  // Calls change(wakeup_cost_) and publishes the result.
  template <class Change>
  void learn_wakeup_cost(const Change& change);
  void publish_plan();

  FdHandlerSet& handlers_;
  LoopCounters& counters_;
  PollController controller_{LoopParams{.poll_max_ns = 0}};
  HandlerWindow notifier_window_;
  WakeupCost wakeup_cost_;
  std::int64_t missed_start_ns_ = 0;          // the start of the last wait in which polling found nothing
  std::int64_t missed_ns_ = 0;                // and how long it polled
  std::int64_t slept_for_descriptor_ns_ = 0;  // the last wait that a descriptor ended; 0: a notification did
};

}  // namespace qomio::internal
