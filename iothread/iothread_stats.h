// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/iothread.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"

namespace qomio {

// The settings in force: the defaults stand in place of zeros.
struct IOThreadEffectiveParams {
  std::int64_t poll_max_ns = 0;
  std::int64_t poll_grow = 0;
  std::int64_t poll_shrink = 0;
  std::int64_t poll_weight = 0;
  PollPolicy poll_policy = PollPolicy::arrival;
  std::int64_t aio_max_batch = 0;
  static constexpr std::string_view type_name = "IOThreadEffectiveParams";
  static constexpr auto members = std::tuple(
      member("poll-max-ns", &IOThreadEffectiveParams::poll_max_ns,
             "longest busy poll, in nanoseconds; 0: none"),
      member("poll-grow", &IOThreadEffectiveParams::poll_grow, "factor by which the polling window grows"),
      member("poll-shrink", &IOThreadEffectiveParams::poll_shrink,
             "divisor by which the polling window shrinks; 0: it falls to 0"),
      member("poll-weight", &IOThreadEffectiveParams::poll_weight,
             "with poll-policy weighted: an event's share in the running mean is 1 / 2^N"),
      member("poll-policy", &IOThreadEffectiveParams::poll_policy, "what the polling window is judged by"),
      member("aio-max-batch", &IOThreadEffectiveParams::aio_max_batch,
             "most requests for files in one submission to io_uring"));
};

// Rounds that took longer than over_ns, and not longer than that of the next of these.
struct IOThreadLag {
  std::uint64_t over_ns = 0;
  std::uint64_t rounds = 0;
  static constexpr std::string_view type_name = "IOThreadLag";
  static constexpr auto members =
      std::tuple(member("over-ns", &IOThreadLag::over_ns,
                        "these rounds took more nanoseconds than this, and no more than the next entry says"),
                 member("rounds", &IOThreadLag::rounds, "how many there were"));
};

// A row of query-iothread-stats: what an I/O thread, or the main loop, has done since it started. Times in
// ns; what the members of the loop mean, and that poll-ns, blocked-ns and busy-ns add up, is told at
// AioStats.
struct IOThreadStats {
  std::string id;
  std::int64_t thread_id = 0;
  std::uint64_t uptime_ns = 0;
  std::uint64_t iterations = 0;
  std::uint64_t polls = 0;
  std::uint64_t poll_hits = 0;
  std::uint64_t poll_misses = 0;
  std::uint64_t poll_ns = 0;
  std::uint64_t poll_miss_ns = 0;
  std::uint64_t blocked_ns = 0;
  std::uint64_t busy_ns = 0;
  std::uint64_t wakeups = 0;
  std::uint64_t wakeups_elided = 0;
  std::uint64_t wakeup_cost_ns = 0;
  std::uint64_t bh_runs = 0;
  std::uint64_t fd_events = 0;
  std::uint64_t timers_fired = 0;
  std::uint64_t poll_window_ns = 0;
  std::uint64_t max_lag_ns = 0;
  std::vector<IOThreadLag> lags = {};
  std::uint64_t cpu_ns = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  FdMonitorKind fd_monitor = FdMonitorKind::poll;
  std::uint64_t handlers = 0;
  std::uint64_t polled_handlers = 0;
  std::uint64_t pool_threads = 0;
  std::uint64_t pool_pending = 0;
  IOThreadEffectiveParams effective = {};
  static constexpr std::string_view type_name = "IOThreadStats";
  static constexpr auto members = std::tuple(
      member("id", &IOThreadStats::id, "its name below /objects; main-loop for the main loop"),
      member("thread-id", &IOThreadStats::thread_id, "the system's number of the thread"),
      member("uptime-ns", &IOThreadStats::uptime_ns, "nanoseconds since the loop was started"),
      member("iterations", &IOThreadStats::iterations,
             "rounds of the loop; inside a GMainContext, those that had work for it"),
      member("polls", &IOThreadStats::polls, "busy polls: hits and misses"),
      member("poll-hits", &IOThreadStats::poll_hits, "busy polls that found work"),
      member("poll-misses", &IOThreadStats::poll_misses, "busy polls that found no work"),
      member("poll-ns", &IOThreadStats::poll_ns, "nanoseconds in busy polls"),
      member("poll-miss-ns", &IOThreadStats::poll_miss_ns, "nanoseconds in busy polls that found no work"),
      member("blocked-ns", &IOThreadStats::blocked_ns, "nanoseconds asleep, waiting for work"),
      member("busy-ns", &IOThreadStats::busy_ns,
             "nanoseconds in callbacks, and in all else that is neither polling nor sleeping"),
      member("wakeups", &IOThreadStats::wakeups, "returns from a sleep"),
      member("wakeups-elided", &IOThreadStats::wakeups_elided,
             "notifications that needed no system call, the loop being awake or about to be"),
      member("wakeup-cost-ns", &IOThreadStats::wakeup_cost_ns,
             "nanoseconds from a notification to the end of the sleep, a running mean; 0: not known yet"),
      member("bh-runs", &IOThreadStats::bh_runs, "bottom halves run, one-shots included"),
      member("fd-events", &IOThreadStats::fd_events, "calls of handlers for ready descriptors"),
      member("timers-fired", &IOThreadStats::timers_fired, "calls of timers that were due"),
      member("poll-window-ns", &IOThreadStats::poll_window_ns,
             "nanoseconds that the next busy poll may take; 0: there will be none"),
      member("max-lag-ns", &IOThreadStats::max_lag_ns,
             "nanoseconds of the longest round, polling and sleeping left out: so long did all else wait"),
      member("lags", &IOThreadStats::lags,
             "rounds by the nanoseconds that each took, polling and sleeping left out"),
      member("cpu-ns", &IOThreadStats::cpu_ns, "nanoseconds of CPU time of the thread"),
      member("voluntary-switches", &IOThreadStats::voluntary_switches,
             "times the thread gave up its CPU, to wait"),
      member("involuntary-switches", &IOThreadStats::involuntary_switches,
             "times the thread lost its CPU to another"),
      member("fd-monitor", &IOThreadStats::fd_monitor, "how it waits for descriptors at present"),
      member("handlers", &IOThreadStats::handlers, "descriptors watched"),
      member("polled-handlers", &IOThreadStats::polled_handlers,
             "descriptors watched that busy polls ask by a callback at present"),
      member("pool-threads", &IOThreadStats::pool_threads, "worker threads of the loop, idle or not"),
      member("pool-pending", &IOThreadStats::pool_pending,
             "jobs of worker threads that wait, run, or are not reported done yet"),
      member("effective", &IOThreadStats::effective, "the settings in force, defaults in place of zeros"));
};

struct QueryIOThreadStatsArguments {
  std::optional<std::string> id;  // of this one alone
  static constexpr std::string_view type_name = "QueryIOThreadStatsArguments";
  static constexpr auto members =
      std::tuple(member("id", &QueryIOThreadStatsArguments::id, "this one alone"));
};

// Of those that users made, oldest first. Neither stops nor slows the threads. Thread: the main thread.
// Errors: `object 'x' not found` when no I/O thread has the id asked for; the system's.
Result<std::vector<IOThreadStats>> query_iothread_stats(const QueryIOThreadStatsArguments& arguments);

// The same of the main loop; its calls are everything that its GMainContext calls. Thread: the main thread.
// Errors: `there is no main loop`.
Result<IOThreadStats> query_main_loop_stats();

}  // namespace qomio
