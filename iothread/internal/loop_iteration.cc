// SPDX-License-Identifier: GPL-2.0-or-later
// One iteration of a loop.
#include <algorithm>
#include <utility>

#include "qomio/iothread/internal/loop.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio::internal {

namespace {

constexpr std::int64_t kIdleBottomHalfNs = 10'000'000;
// A sleeping loop is not notified when the wall clock is set.
constexpr std::int64_t kLongestWithoutWallClockNs = 1'000'000'000;
// Without this limit, a loop that always has work and polls every descriptor would never look at the monitor.
constexpr int kMaxSkippedChecks = 16;

}  // namespace

// Keeps removed handlers until the outermost iteration ends.
struct Loop::Nesting {
  explicit Nesting(Loop& loop) : loop_(loop), outside_(loop.running_call_.get()) { ++loop_.depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting() {
    loop_.running_call_.leave(outside_);
    if (--loop_.depth_ == 0) loop_.handlers_.free_removed();
  }

  Loop& loop_;
  const RunningCall outside_;
};

std::int64_t Loop::compute_timeout() {
  debug_invariant([&] { return in_home_thread() || !has_home_.load(); },
                  "the timeout of a loop is computed in its home thread");
  return timeout_from(clock_now_ns());
}

std::int64_t Loop::timeout_from(std::int64_t now_ns) {
  std::int64_t timeout = -1;
  const auto at_most = [&](std::int64_t ns) {
    ns = std::max<std::int64_t>(ns, 0);
    timeout = timeout < 0 ? ns : std::min(timeout, ns);
  };
  if (!posts_.empty()) {
    if (posts_.urgent()) return 0;
    at_most(kIdleBottomHalfNs);
  }
  if (handlers_.any_queued()) return 0;
  if (handlers_.any_postponed()) [[unlikely]]
    at_most(kIdleBottomHalfNs);
  constexpr std::int64_t kNever = TimerList::kNever;
  if (const std::int64_t due = monotonic_timers_.next_ns(); due != kNever) at_most(due - now_ns);
  if (const std::int64_t due = realtime_timers_.next_ns(); due != kNever) {
    at_most(std::min(due - clock_now_ns(ClockType::realtime), kLongestWithoutWallClockNs));
  }
  return timeout;
}

// All time that is neither polling nor sleeping counts as busy.
void Loop::count_busy(std::int64_t now_ns, bool outermost) {
  counters_.times.busy.stop(now_ns);
  // A busy-polling callback may iterate the loop, as may a callback that GLib calls before it reports the end
  // of a sleep.
  counters_.times.poll.stop(now_ns);
  counters_.times.blocked.stop(now_ns);
  if (!outermost) return;
  // The busy time since the last outermost iteration, so without the polling and sleeping of nested ones.
  counters_.lags.end_round(counters_.times.busy.total_ns());
}

void Loop::count_sleep(std::int64_t now_ns) {
  counters_.times.blocked.stop(now_ns);
  counters_[LoopStat::wakeups].add(1);
}

bool Loop::end_poll_mode() {
  const Nesting nesting(*this);  // the callbacks may change handlers
  return handlers_.end_poll_mode();
}

void Loop::apply_params() {
  const std::uint32_t version = params_.version();
  if (version == params_version_) return;
  params_version_ = version;
  poller_.set_params(params());
}

bool Loop::iterate(bool blocking) {
  invariant(
      in_home_thread(),
      "AioContext::poll() is called in a thread that has not made the loop its own with a CurrentAioContext");
  const Nesting nesting(*this);
  const bool outer_looking = waker_.set_looking(true);
  apply_params();
  counters_[LoopStat::iterations].add(1);
  // Busy-polling callbacks may iterate the loop. This frame does not know what was accepted there, so the
  // timeout is no longer valid then.
  const std::uint64_t this_one = counters_[LoopStat::iterations].get();

  const std::int64_t start = clock_now_ns();
  count_busy(start, depth_ == 1);
  std::uint32_t scheduled = posts_.take();  // by other threads
  std::int64_t now = start;
  std::int64_t timeout = blocking ? timeout_from(start) : 0;

  bool looked = false;
  if (timeout != 0) {
    std::int64_t window = poller_.window_ns(start);
    if (timeout > 0) window = std::min(window, timeout);
    if (window > 0) {
      bool hit = false;
      const auto find = [&] {
        return notified() || handlers_.poll_once() || counters_[LoopStat::iterations].get() != this_one;
      };
      now = poller_.poll(window, start, find, hit);
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
  bool ask_monitor = timeout != 0 || (handlers_.must_ask_monitor() && !looked);
  if (!ask_monitor && handlers_.size() > 0) ask_monitor = ++skipped_checks_ > kMaxSkippedChecks;
  bool slept = false;
  if (ask_monitor) {
    skipped_checks_ = 0;
    slept = timeout != 0;
    if (slept) counters_.times.blocked.start(now);
    if (handlers_.wait(timeout)) waker_.clear_signal();
  }
  if (announced) waker_.withdraw_sleep();
  if (slept) {
    now = clock_now_ns();
    count_sleep(now);
  }
  counters_.times.busy.start(now);
  handlers_.drop_idle(now);
  waker_.set_looking(outer_looking);

  const std::int64_t stamp = waker_.stamp_ns();
  // Bottom halves are found in the queue itself, whether notifications are cleared before or after it is
  // taken. Work that only a notification announces is found by the next iteration. While a batch waits to be
  // run, the queue is not read, since each read moves its cache line away from the posters.
  if (!posts_.any_due()) scheduled += posts_.take();
  const bool woken = accept(scheduled);
  if (slept) poller_.waited(start, now, woken, stamp);
  return dispatch();
}

void Loop::iterate_in_source(bool ask_monitor) {
  const Nesting nesting(*this);
  counters_[LoopStat::iterations].add(1);
  counters_.poll_state.store(PollState::g_main_context, std::memory_order_relaxed);
  if (ask_monitor && handlers_.wait(0)) waker_.clear_signal();
  accept(posts_.take());
  dispatch();
}

bool Loop::dispatch() {
  try {
    return dispatch_all();
  } catch (...) {
    exception_left(running_call_.get().describe());
  }
}

bool Loop::dispatch_all() {
  const bool ran = posts_.run(counters_[LoopStat::bh_runs], running_call_);
  const std::uint64_t calls = handlers_.dispatch(running_call_);
  counters_[LoopStat::fd_events].add(calls);
  if (depth_ == 1) handlers_.free_removed();
  const std::uint64_t timers = monotonic_timers_.run(running_call_) + realtime_timers_.run(running_call_);
  counters_[LoopStat::timers_fired].add(timers);
  return ran || calls != 0 || timers != 0;
}

}  // namespace qomio::internal
