// SPDX-License-Identifier: GPL-2.0-or-later
// What a loop does in one iteration.
#include <urcu.h>

#include <algorithm>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace {

constexpr std::int64_t kIdleBottomHalfNs = 10'000'000;
// Nothing tells a sleeper that somebody has set the wall clock.
constexpr std::int64_t kLongestWithoutWallClockNs = 1'000'000'000;
// With work always due and every descriptor polled, nothing would look at the descriptors otherwise.
constexpr int kLongestWithoutLook = 16;

// What a wake-up costs on this machine, from all loops of the process: for a loop that hasn't found out for
// itself.
std::atomic<std::int64_t> wakeup_cost_of_all_ns = 0;

void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// Keeps what is taken away meanwhile until the outermost iteration ends.
struct AioContext::Nesting {
  explicit Nesting(AioContext& loop) : loop_(loop), outside_(loop.running_call_.get()) { ++loop_.depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting() {
    loop_.running_call_.leave(outside_);
    if (--loop_.depth_ == 0) loop_.handlers_.free_removed();
  }

  AioContext& loop_;
  const RunningCall outside_;
};

std::int64_t AioContext::compute_timeout() {
  debug_invariant(
      in_home_thread() || !has_home_.load(),
      "AioContext::compute_timeout() is called in another thread than the loop's; call stats() instead");
  return timeout_from(clock_now_ns());
}

std::int64_t AioContext::timeout_from(std::int64_t now_ns) {
  std::int64_t timeout = -1;
  const auto at_most = [&](std::int64_t ns) {
    ns = std::max<std::int64_t>(ns, 0);
    timeout = timeout < 0 ? ns : std::min(timeout, ns);
  };
  if (!bottom_halves_.empty()) {
    if (bottom_halves_.urgent()) return 0;
    at_most(kIdleBottomHalfNs);
  }
  if (handlers_.any_queued()) return 0;
  if (handlers_.any_postponed()) [[unlikely]]
    at_most(kIdleBottomHalfNs);
  constexpr std::int64_t kNever = detail::TimerList::kNever;
  if (const std::int64_t due = monotonic_timers_.next_ns(); due != kNever) at_most(due - now_ns);
  if (const std::int64_t due = realtime_timers_.next_ns(); due != kNever) {
    at_most(std::min(due - clock_now_ns(ClockType::realtime), kLongestWithoutWallClockNs));
  }
  return timeout;
}

// Everything that is neither polling nor sleeping is work.
void AioContext::count_busy(std::int64_t now_ns, bool outermost) {
  counters_.times.busy.stop(now_ns);
  // What iterates may be a callback of busy polling, or what GLib calls before it tells that a sleep is over.
  counters_.times.poll.stop(now_ns);
  counters_.times.blocked.stop(now_ns);
  if (!outermost) return;
  // Since the last one like this, without what iterations inside it have polled and slept.
  counters_.lags.end_round(counters_.times.busy.total_ns());
}

void AioContext::count_sleep(std::int64_t now_ns) {
  counters_.times.blocked.stop(now_ns);
  counters_[LoopStat::wakeups].add(1);
}

bool AioContext::end_poll_mode() {
  const Nesting nesting(*this);  // the callbacks may change handlers
  return handlers_.end_poll_mode();
}

void AioContext::apply_params() {
  const std::uint32_t version = params_.version();
  if (version == params_version_) return;
  params_version_ = version;
  controller_.set_params(params());
  notifier_window_ = {};
  handlers_.reset_windows();
  counters_[LoopStat::poll_window_ns].set(0);
}

bool AioContext::poll(bool blocking) {
  invariant(
      in_home_thread(),
      "AioContext::poll() is called in a thread that has not made the loop its own with a CurrentAioContext");
  const Nesting nesting(*this);
  const bool outer_looking = std::exchange(looking_, true);
  apply_params();
  counters_[LoopStat::iterations].add(1);
  // Callbacks of busy polling may iterate the loop. What was accepted there can't be told from here, so the
  // timeout is no good any more.
  const std::uint64_t this_one = counters_[LoopStat::iterations].get();

  const std::int64_t start = clock_now_ns();
  count_busy(start, depth_ == 1);
  std::uint32_t scheduled = bottom_halves_.take();  // by other threads
  std::int64_t now = start;
  std::int64_t timeout = blocking ? timeout_from(start) : 0;

  bool looked = false;
  if (timeout != 0) {
    std::int64_t window = controller_.window_ns();
    if (timeout > 0) window = std::min(window, timeout);
    if (window > 0) {
      bool hit = false;
      now = busy_poll(window, start, hit);
      if (hit) {
        timeout = 0;
        looked = handlers_.any_queued();
      } else if (timeout > 0) {
        timeout = std::max<std::int64_t>(timeout - (now - start), 0);
      }
    }
  }

  if (timeout != 0 && (handlers_.end_poll_mode() || counters_[LoopStat::iterations].get() != this_one))
    timeout = 0;
  const bool announced = timeout != 0;
  if (announced && !announce_sleep()) timeout = 0;
  bool look = timeout != 0 || (handlers_.needs_look() && !looked);
  if (!look && handlers_.size() > 0) look = ++skipped_looks_ > kLongestWithoutLook;
  bool slept = false;
  if (look) {
    skipped_looks_ = 0;
    slept = timeout != 0;
    if (slept) counters_.times.blocked.start(now);
    if (handlers_.wait(timeout)) notifier_.test_and_clear();
  }
  if (announced) withdraw_sleep();
  if (slept) {
    now = clock_now_ns();
    count_sleep(now);
  }
  counters_.times.busy.start(now);
  handlers_.drop_idle(now);
  looking_ = outer_looking;

  const std::int64_t stamp = stamp_ns_.load(std::memory_order_acquire);
  // Bottom halves are work that the queue itself tells of, whether notifications are cleared before or after.
  // What a notification alone tells of is looked for in the next iteration. With a batch at hand the next one
  // may grow: each look takes the queue away from those who post.
  if (!bottom_halves_.any_due()) scheduled += bottom_halves_.take();
  const bool notified = accept_notifications(scheduled) != 0;
  if (slept) report_wait(start, now, notified, stamp);
  return dispatch();
}

// Polls for up to window_ns, and returns the last reading of the clock.
std::int64_t AioContext::busy_poll(std::int64_t window_ns, std::int64_t start_ns, bool& hit) {
  std::int64_t now = start_ns;
  const std::uint64_t this_one = counters_[LoopStat::iterations].get();
  counters_.times.poll.start(start_ns);
  ::rcu_read_lock();
  for (;;) {
    if (notified() || handlers_.poll_once() || counters_[LoopStat::iterations].get() != this_one) {
      hit = true;
      break;
    }
    pause_processor();
    now = clock_now_ns();
    if (now - start_ns >= window_ns) break;
  }
  ::rcu_read_unlock();
  const auto spent = static_cast<std::uint64_t>(now - start_ns);
  counters_.times.poll.stop(now);
  if (hit) {
    counters_[LoopStat::poll_hits].add(1);
    controller_.hit();
  } else {
    counters_[LoopStat::poll_misses].add(1);
    counters_[LoopStat::poll_miss_ns].add(spent);
    controller_.miss();
  }
  counters_[LoopStat::poll_window_ns].set(static_cast<std::uint64_t>(controller_.window_ns()));
  return now;
}

// Tells the controller how long what ended the sleep had been on its way; start_ns is when the iteration
// began.
void AioContext::report_wait(std::int64_t start_ns, std::int64_t end_ns, bool notified,
                             std::int64_t stamp_ns) {
  if (notified && stamp_ns != 0) {
    // Several loops may overwrite each other's samples here, which costs precision only.
    const std::int64_t all = wakeup_cost_of_all_ns.load(std::memory_order_relaxed);
    if (wakeup_cost_.mean_ns() == 0) wakeup_cost_ = WakeupCost(all);
    wakeup_cost_.sample(end_ns - stamp_ns);
    counters_[LoopStat::wakeup_cost_ns].set(static_cast<std::uint64_t>(wakeup_cost_.mean_ns()));
    const std::int64_t mean = wakeup_cost_.mean_ns();
    wakeup_cost_of_all_ns.store(all == 0 ? mean : all + (mean - all) / 8, std::memory_order_relaxed);
  }
  if (controller_.params().poll_max_ns == 0) return;

  const std::int64_t slept = end_ns - start_ns;
  std::int64_t descriptor_delay = slept;
  std::int64_t notifier_delay = slept;
  if (controller_.params().poll_policy != PollPolicy::classic) {
    const std::int64_t own = wakeup_cost_.mean_ns();
    const std::int64_t cost = own != 0 ? own : wakeup_cost_of_all_ns.load(std::memory_order_relaxed);
    descriptor_delay = std::max<std::int64_t>(slept - cost, 0);
    if (stamp_ns != 0) notifier_delay = std::max<std::int64_t>(stamp_ns - start_ns, 0);
  }
  controller_.begin_wait_report();
  if (notified) {
    controller_.ready(notifier_window_, notifier_delay);
  } else {
    controller_.not_ready(notifier_window_, slept);
  }
  handlers_.report(controller_, descriptor_delay);
  controller_.end_wait_report();
  counters_[LoopStat::poll_window_ns].set(static_cast<std::uint64_t>(controller_.window_ns()));
}

void AioContext::iterate_in_source(bool look) {
  const Nesting nesting(*this);
  counters_[LoopStat::iterations].add(1);
  if (look && handlers_.wait(0)) notifier_.test_and_clear();
  accept_notifications(bottom_halves_.take());
  dispatch();
}

bool AioContext::dispatch() {
  try {
    return dispatch_all();
  } catch (...) {
    exception_left(running_call_.get().describe());
  }
}

bool AioContext::dispatch_all() {
  const bool ran = bottom_halves_.run(counters_[LoopStat::bh_runs], running_call_);
  const std::uint64_t calls = handlers_.dispatch(running_call_);
  counters_[LoopStat::fd_events].add(calls);
  if (depth_ == 1) handlers_.free_removed();
  const std::uint64_t timers = monotonic_timers_.run(running_call_) + realtime_timers_.run(running_call_);
  counters_[LoopStat::timers_fired].add(timers);
  return ran || calls != 0 || timers != 0;
}

}  // namespace qomio
