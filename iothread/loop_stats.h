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

// Whether a loop polls before it sleeps, and if not, why.
enum class PollState { polling, off, learning, late, useless, budget, g_main_context };

template <>
inline constexpr auto enum_description<PollState> = EnumDescription(
    "PollState", value(PollState::polling, "polling", "it polls before it sleeps"),
    value(PollState::off, "off", "poll-max-ns or poll-budget is 0"),
    value(PollState::learning, "learning", "it has not seen yet that polling would find events"),
    value(PollState::late, "late", "most events come later than poll-max-ns"),
    value(
        PollState::useless, "useless",
        "polls found nothing although events came soon, as when the loop shares a processor with the threads "
        "that it waits for; it tries again after some waits"),
    value(PollState::budget, "budget", "poll-budget is used up; it polls again within a second"),
    value(PollState::g_main_context, "g-main-context", "it runs inside a GMainContext, which does not poll"));

// The call that a loop is making. A value.
struct RunningCall {
  enum class Kind : std::uint32_t { none, bottom_half, one_shot, timer, descriptor };

  Kind kind = Kind::none;
  // bottom_half: its name, which lives as long as the loop. one_shot, timer: the callable's mangled type,
  // which is never freed. descriptor: null.
  const char* name = nullptr;
  int fd = -1;
  std::uint64_t number = 0;  // counts the calls: equal numbers mean the same call

  // Human-readable: "bottom half 'flush'", "fd 7", "timer of Server::start()::{lambda()#1}".
  std::string describe() const;
};

struct LoopStats;

// The statistics of a loop. To add one, add an enumerator, a row to kLoopStats, and the code that counts:
// `counters_[LoopStat::bh_runs].add(1)`. query-iothread-stats, the metrics, the schema and the manual follow
// from the row.
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
  // The current state of the loop; the values above describe what it has done.
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
  std::string_view name;  // in QMP; the suffix -ns means nanoseconds
  Kind kind;
  std::string_view help;  // one line, no full stop
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

// The index of the first row that describes the current state; the rows before it describe what the loop has
// done.
inline constexpr auto kFirstPresentStat = static_cast<std::size_t>(LoopStat::handlers);

// Iterations by duration, without polling and sleeping: lags[0] counts iterations of up to kLagBoundsNs[0],
// lags[i] longer ones of up to kLagBoundsNs[i], and the last element all longer ones.
inline constexpr std::array<std::uint64_t, 6> kLagBoundsNs{10'000,     100'000,     1'000'000,
                                                           10'000'000, 100'000'000, 1'000'000'000};
using LagCounts = std::array<std::uint64_t, kLagBoundsNs.size() + 1>;

// The statistics of a loop since it was created. A value. poll_ns, blocked_ns and busy_ns do not overlap, and
// from the first iteration on they cover all time, including the activity in progress.
struct LoopStats {
  constexpr std::uint64_t operator[](LoopStat stat) const { return values[static_cast<std::size_t>(stat)]; }
  constexpr std::uint64_t& operator[](LoopStat stat) { return values[static_cast<std::size_t>(stat)]; }

  std::array<std::uint64_t, kLoopStats.size()> values{};
  LagCounts lags{};
  FdMonitorKind fd_monitor = FdMonitorKind::poll;
  PollState poll_state = PollState::off;
  LoopParams effective;  // the settings in force

  friend bool operator==(const LoopStats&, const LoopStats&) = default;
};

// Iterations that took longer than over_ns, but no longer than over_ns of the next entry.
struct IOThreadLag {
  std::uint64_t over_ns = 0;
  std::uint64_t rounds = 0;
  static constexpr std::string_view type_name = "IOThreadLag";
  static constexpr auto members = member_list(
      member("over-ns", &IOThreadLag::over_ns,
             "these iterations took longer than this, and no longer than over-ns of the next entry"),
      member("rounds", &IOThreadLag::rounds, "number of iterations"));
};

// For embed(): the statistics as members of a described struct: what the loop has done, with the lags, and
// its current state, with fd-monitor and the settings in force.
Result<void> visit_done(Visitor& visitor, LoopStats& stats);
void describe_done(TypeDescription& type);
Result<void> visit_present(Visitor& visitor, LoopStats& stats);
void describe_present(TypeDescription& type);
inline constexpr std::string_view kLagsHelp =
    "iterations by the time that each took, without polling and sleeping";

}  // namespace qomio
