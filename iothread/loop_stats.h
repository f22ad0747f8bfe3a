// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "qomio/iothread/loop_params.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"

namespace qomio {

// What a loop is calling. A value.
struct RunningCall {
  enum class Kind : std::uint32_t { none, bottom_half, one_shot, timer, descriptor };

  Kind kind = Kind::none;
  // bottom_half: its name, which lives as long as the loop. one_shot, timer: the callable's mangled type,
  // which is never freed. descriptor: null.
  const char* name = nullptr;
  int fd = -1;
  std::uint64_t number = 0;  // counts the calls: equal numbers mean the same call

  // For people: "bottom half 'flush'", "fd 7", "timer of Server::start()::{lambda()#1}".
  std::string describe() const;
};

struct LoopStats;

// The numbers that a loop tells about itself. A new one is an enumerator, with its row in kLoopStats, and the
// place that counts: `counters_[LoopStat::bh_runs].add(1)`. query-iothread-stats, the metrics, the schema and
// the manual follow from the row.
enum class LoopStat : std::size_t {
  iterations,
  polls,
  poll_hits,
  poll_misses,
  poll_ns,
  poll_miss_ns,
  blocked_ns,
  busy_ns,
  wakeups,
  wakeups_elided,
  wakeup_cost_ns,
  bh_runs,
  fd_events,
  timers_fired,
  poll_window_ns,
  max_lag_ns,
  // What the loop has at present, in place of what it has done.
  handlers,
  polled_handlers,
  pool_threads,
  pool_pending,
};

struct LoopStatInfo {
  enum class Kind {
    counter,  // only grows
    gauge,    // goes up and down
  };

  LoopStat stat;
  std::string_view name;  // in QMP; -ns: nanoseconds
  Kind kind;
  std::string_view help;  // one line, no final stop
  // Computes the value from the others; null: it is counted or set on its own.
  std::uint64_t (*derived)(const LoopStats& stats) = nullptr;
};

namespace internal {
std::uint64_t all_polls(const LoopStats& stats);
std::uint64_t poll_miss_time_ns(const LoopStats& stats);
}  // namespace internal

inline constexpr auto kLoopStats = [] {
  using enum LoopStat;
  using enum LoopStatInfo::Kind;
  return std::to_array<LoopStatInfo>({
      {iterations, "iterations", counter,
       "loop iterations; inside a GMainContext, as the main loop is, only those that found work of the loop, "
       "not of other sources"},
      {polls, "polls", counter, "busy polls: hits and misses", internal::all_polls},
      {poll_hits, "poll-hits", counter, "busy polls that found work"},
      {poll_misses, "poll-misses", counter, "busy polls that found no work"},
      {poll_ns, "poll-ns", counter, "nanoseconds spent in busy polls"},
      {poll_miss_ns, "poll-miss-ns", counter, "nanoseconds spent in busy polls that found no work",
       internal::poll_miss_time_ns},
      {blocked_ns, "blocked-ns", counter, "nanoseconds asleep, waiting for work"},
      {busy_ns, "busy-ns", counter,
       "nanoseconds in callbacks and in everything else that is neither polling nor sleeping"},
      {wakeups, "wakeups", counter,
       "returns from a sleep; inside a GMainContext, of the whole context, whichever source had work"},
      {wakeups_elided, "wakeups-elided", counter,
       "notifications that needed no system call, since the loop was awake or about to wake up"},
      {wakeup_cost_ns, "wakeup-cost-ns", gauge,
       "running mean of the nanoseconds from a notification to the end of the sleep; 0: not known yet"},
      {bh_runs, "bh-runs", counter, "bottom halves run, one-shots included"},
      {fd_events, "fd-events", counter, "calls of handlers for ready descriptors"},
      {timers_fired, "timers-fired", counter, "calls of timers that were due"},
      {poll_window_ns, "poll-window-ns", gauge, "maximum nanoseconds of the next busy poll; 0: none"},
      {max_lag_ns, "max-lag-ns", gauge,
       "nanoseconds of the longest iteration, without polling and sleeping: the longest delay of other work"},
      {handlers, "handlers", gauge, "descriptors watched"},
      {polled_handlers, "polled-handlers", gauge, "descriptors watched that busy polls check by a callback"},
      {pool_threads, "pool-threads", gauge, "worker threads of the loop, idle or not"},
      {pool_pending, "pool-pending", gauge,
       "jobs of worker threads that wait, run, or have not been reported as done yet"},
  });
}();
static_assert(
    [] {
      for (std::size_t i = 0; i < kLoopStats.size(); ++i) {
        if (kLoopStats[i].stat != static_cast<LoopStat>(i)) return false;
      }
      return true;
    }(),
    "the rows of kLoopStats are in the order of LoopStat");

// The rows that tell what the loop has done, and what it has at present.
inline constexpr auto kFirstPresentStat = static_cast<std::size_t>(LoopStat::handlers);

// How long iterations have taken, polling and sleeping left out: lags[0] counts those of up to
// kLagBoundsNs[0], lags[i] longer ones of up to kLagBoundsNs[i], and the last those that took longer still.
inline constexpr std::array<std::uint64_t, 6> kLagBoundsNs{10'000,     100'000,     1'000'000,
                                                           10'000'000, 100'000'000, 1'000'000'000};
using LagCounts = std::array<std::uint64_t, kLagBoundsNs.size() + 1>;

// What a loop has done since it was made. A value. poll_ns, blocked_ns and busy_ns do not overlap and leave
// nothing out from the first iteration on; what is going on at the moment is included.
struct LoopStats {
  constexpr std::uint64_t operator[](LoopStat stat) const { return values[static_cast<std::size_t>(stat)]; }
  constexpr std::uint64_t& operator[](LoopStat stat) { return values[static_cast<std::size_t>(stat)]; }

  std::array<std::uint64_t, kLoopStats.size()> values{};
  LagCounts lags{};
  FdMonitorKind fd_monitor = FdMonitorKind::poll;
  LoopParams effective;  // the settings in force

  friend bool operator==(const LoopStats&, const LoopStats&) = default;
};

// Iterations that took longer than over_ns, and not longer than over_ns of the next of these.
struct IOThreadLag {
  std::uint64_t over_ns = 0;
  std::uint64_t rounds = 0;
  static constexpr std::string_view type_name = "IOThreadLag";
  static constexpr auto members = member_list(
      member("over-ns", &IOThreadLag::over_ns,
             "these iterations took longer than this, and no longer than over-ns of the next entry"),
      member("rounds", &IOThreadLag::rounds, "number of iterations"));
};

// The statistics as members of a described struct, for embed(): what the loop has done, with the lags, and
// what it has at present, with fd-monitor and the settings in force.
Result<void> visit_done(Visitor& visitor, LoopStats& stats);
void describe_done(TypeDescription& type);
Result<void> visit_present(Visitor& visitor, LoopStats& stats);
void describe_present(TypeDescription& type);
inline constexpr std::string_view kLagsHelp =
    "iterations by the time that each took, without polling and sleeping";

}  // namespace qomio
