// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qomio/iothread/fd_monitor.h"
#include "qomio/iothread/iothread.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"

namespace qomio {

template <>
inline constexpr auto enum_description<FdMonitorKind> =
    EnumDescription("FdMonitorKind", "poll", "epoll", "io_uring");

// The settings in force: the defaults stand in place of zeros.
struct IOThreadEffectiveParams {
  std::int64_t poll_max_ns = 0;
  std::int64_t poll_grow = 0;
  std::int64_t poll_shrink = 0;
  std::int64_t poll_weight = 0;
  PollPolicy poll_policy = PollPolicy::arrival;
  std::int64_t aio_max_batch = 0;
  static constexpr std::string_view type_name = "IOThreadEffectiveParams";
  static constexpr auto members =
      std::tuple(member("poll-max-ns", &IOThreadEffectiveParams::poll_max_ns),
                 member("poll-grow", &IOThreadEffectiveParams::poll_grow),
                 member("poll-shrink", &IOThreadEffectiveParams::poll_shrink),
                 member("poll-weight", &IOThreadEffectiveParams::poll_weight),
                 member("poll-policy", &IOThreadEffectiveParams::poll_policy),
                 member("aio-max-batch", &IOThreadEffectiveParams::aio_max_batch));
};

// A row of query-iothread-stats: what an I/O thread has done since it started. Times in ns; what the members
// of the loop mean, and that poll-ns, blocked-ns and busy-ns don't overlap, is told at AioStats.
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
      member("id", &IOThreadStats::id, "its name below /objects"),
      member("thread-id", &IOThreadStats::thread_id, "the system's number of the thread"),
      member("uptime-ns", &IOThreadStats::uptime_ns, "since the thread began"),
      member("iterations", &IOThreadStats::iterations, "rounds of the loop"),
      member("polls", &IOThreadStats::polls, "busy polls: hits and misses"),
      member("poll-hits", &IOThreadStats::poll_hits, "busy polls that found work"),
      member("poll-misses", &IOThreadStats::poll_misses, "busy polls in vain"),
      member("poll-ns", &IOThreadStats::poll_ns, "time in busy polls"),
      member("poll-miss-ns", &IOThreadStats::poll_miss_ns, "of that, in vain"),
      member("blocked-ns", &IOThreadStats::blocked_ns, "asleep, waiting for work"),
      member("busy-ns", &IOThreadStats::busy_ns,
             "in callbacks, and all else that is neither polling nor sleeping"),
      member("wakeups", &IOThreadStats::wakeups, "returns from a sleep"),
      member("wakeups-elided", &IOThreadStats::wakeups_elided, "notifications that needed no system call"),
      member("wakeup-cost-ns", &IOThreadStats::wakeup_cost_ns,
             "running mean, from an event's arrival to the end of the sleep"),
      member("bh-runs", &IOThreadStats::bh_runs, "bottom halves run"),
      member("fd-events", &IOThreadStats::fd_events, "calls of handlers for ready descriptors"),
      member("timers-fired", &IOThreadStats::timers_fired, "timers that were due"),
      member("poll-window-ns", &IOThreadStats::poll_window_ns, "of the next busy poll"),
      member("max-lag-ns", &IOThreadStats::max_lag_ns, "longest time that one round spent in callbacks"),
      member("cpu-ns", &IOThreadStats::cpu_ns, "CPU time of the thread"),
      member("voluntary-switches", &IOThreadStats::voluntary_switches, "times it gave up the CPU"),
      member("involuntary-switches", &IOThreadStats::involuntary_switches, "times it lost the CPU"),
      member("fd-monitor", &IOThreadStats::fd_monitor, "how it waits for descriptors"),
      member("handlers", &IOThreadStats::handlers, "descriptors watched"),
      member("polled-handlers", &IOThreadStats::polled_handlers, "of those, with a callback for busy polls"),
      member("pool-threads", &IOThreadStats::pool_threads, "worker threads, idle or not"),
      member("pool-pending", &IOThreadStats::pool_pending, "jobs not yet reported done"),
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

}  // namespace qomio
