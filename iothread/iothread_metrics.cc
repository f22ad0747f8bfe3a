// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_metrics.h"

#include <fmt/core.h>

#include <array>
#include <iterator>
#include <string_view>

namespace qomio {
namespace {

enum class Kind { counter, seconds_counter, gauge, seconds_gauge };

struct Metric {
  std::string_view name;  // without the prefix, and without the suffix that its kind gives it
  Kind kind;
  std::uint64_t IOThreadStats::* value;
  std::string_view help;
};

using Stats = IOThreadStats;
constexpr std::array kMetrics{
    Metric{"uptime", Kind::seconds_gauge, &Stats::uptime_ns, "Time since the thread started."},
    Metric{"iterations", Kind::counter, &Stats::iterations, "Runs of the loop."},
    Metric{"poll_hits", Kind::counter, &Stats::poll_hits, "Busy polls that found an event."},
    Metric{"poll_misses", Kind::counter, &Stats::poll_misses, "Busy polls that found nothing."},
    Metric{"poll", Kind::seconds_counter, &Stats::poll_ns, "Time spent busy polling."},
    Metric{"poll_miss", Kind::seconds_counter, &Stats::poll_miss_ns,
           "Time spent busy polling that found nothing."},
    Metric{"blocked", Kind::seconds_counter, &Stats::blocked_ns, "Time asleep."},
    Metric{"busy", Kind::seconds_counter, &Stats::busy_ns, "Time neither polling nor asleep."},
    Metric{"wakeups", Kind::counter, &Stats::wakeups, "Returns from a sleep."},
    Metric{"wakeups_elided", Kind::counter, &Stats::wakeups_elided,
           "Notifications that needed no system call."},
    Metric{"wakeup_cost", Kind::seconds_gauge, &Stats::wakeup_cost_ns,
           "From an event's arrival to the end of the sleep, a running mean."},
    Metric{"bottom_half_runs", Kind::counter, &Stats::bh_runs, "Bottom halves run."},
    Metric{"fd_events", Kind::counter, &Stats::fd_events, "Handler calls for ready descriptors."},
    Metric{"timers_fired", Kind::counter, &Stats::timers_fired, "Timer callbacks run."},
    Metric{"poll_window", Kind::seconds_gauge, &Stats::poll_window_ns, "Window of the next busy poll."},
    Metric{"max_lag", Kind::seconds_gauge, &Stats::max_lag_ns,
           "Longest time one iteration spent in callbacks."},
    Metric{"cpu", Kind::seconds_counter, &Stats::cpu_ns, "Processor time of the thread."},
    Metric{"voluntary_switches", Kind::counter, &Stats::voluntary_switches,
           "Context switches by going to sleep."},
    Metric{"involuntary_switches", Kind::counter, &Stats::involuntary_switches,
           "Context switches by being preempted."},
    Metric{"handlers", Kind::gauge, &Stats::handlers, "Descriptors watched."},
    Metric{"polled_handlers", Kind::gauge, &Stats::polled_handlers,
           "Descriptors that take part in busy polling."},
    Metric{"pool_threads", Kind::gauge, &Stats::pool_threads, "Threads of the thread pool."},
    Metric{"pool_pending", Kind::gauge, &Stats::pool_pending, "Requests of the thread pool not finished."},
};

std::string escaped(std::string_view label) {
  std::string text;
  for (const char c : label) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string iothread_metrics_text(const std::vector<IOThreadStats>& rows) {
  std::string text;
  const auto add = std::back_inserter(text);
  for (const Metric& metric : kMetrics) {
    const bool seconds = metric.kind == Kind::seconds_counter || metric.kind == Kind::seconds_gauge;
    const bool counter = metric.kind == Kind::counter || metric.kind == Kind::seconds_counter;
    const std::string name =
        fmt::format("qomio_iothread_{}{}{}", metric.name, seconds ? "_seconds" : "", counter ? "_total" : "");
    fmt::format_to(add, "# HELP {} {}\n# TYPE {} {}\n", name, metric.help, name,
                   counter ? "counter" : "gauge");
    for (const IOThreadStats& row : rows) {
      const std::uint64_t value = row.*metric.value;
      fmt::format_to(add, "{}{{id=\"{}\"}} ", name, escaped(row.id));
      constexpr std::uint64_t kSecond = 1'000'000'000;
      if (seconds) {
        fmt::format_to(add, "{}.{:09}\n", value / kSecond, value % kSecond);
      } else {
        fmt::format_to(add, "{}\n", value);
      }
    }
  }
  return text;
}

Result<std::string> query_iothread_metrics() {
  auto rows = query_iothread_stats({});
  if (!rows) return failure(rows);
  return iothread_metrics_text(*rows);
}

}  // namespace qomio
