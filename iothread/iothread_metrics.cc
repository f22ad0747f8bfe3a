// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <concepts>
#include <iterator>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace qomio {
namespace {

// Names, help and units are those of the members of IOThreadStats. What they don't say: which numbers only
// grow, and which go up and down.
constexpr auto kCounters = std::to_array<std::string_view>(
    {"iterations", "polls", "poll-hits", "poll-misses", "poll-ns", "poll-miss-ns", "blocked-ns", "busy-ns",
     "wakeups", "wakeups-elided", "bh-runs", "fd-events", "timers-fired", "cpu-ns", "voluntary-switches",
     "involuntary-switches"});
constexpr auto kGauges =
    std::to_array<std::string_view>({"uptime-ns", "wakeup-cost-ns", "poll-window-ns", "max-lag-ns",
                                     "handlers", "polled-handlers", "pool-threads", "pool-pending"});

consteval bool each_number_has_a_kind() {
  constexpr auto has_one = []<class Value>(const Member<IOThreadStats, Value>& member) {
    return !std::same_as<Value, std::uint64_t> ||
           std::ranges::count(kCounters, member.name) + std::ranges::count(kGauges, member.name) == 1;
  };
  return std::apply([&](const auto&... members) { return (has_one(members) && ...); },
                    IOThreadStats::members);
}
static_assert(each_number_has_a_kind(), "say whether the new member of IOThreadStats is a counter");

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// name="value", as it stands between braces.
std::string label(std::string_view name, std::string_view value) {
  const std::string escaped =
      replaced(replaced(replaced(std::string(value), "\\", "\\\\"), "\"", "\\\""), "\n", "\\n");
  return fmt::format("{}=\"{}\"", replaced(std::string(name), "-", "_"), escaped);
}

// "nanoseconds asleep" as a sentence about seconds.
std::string help_text(std::string_view description) {
  std::string text = replaced(std::string(description), "nanoseconds", "seconds") + ".";
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// Writes the families of metrics of some loops.
class Families {
 public:
  Families(std::string_view prefix, const std::vector<IOThreadStats>& rows, bool with_id)
      : prefix_(prefix), rows_(rows), with_id_(with_id) {}

  std::string text() && {
    add_numbers<IOThreadStats>("", [](const IOThreadStats& row) -> const auto& { return row; });
    begin("info", "what the loop uses, and the system's number of its thread", "gauge");
    for (const IOThreadStats& row : rows_) {
      std::string labels = label("thread-id", std::to_string(row.thread_id));
      add_labels(row, labels);
      sample("", row, labels, "1");
    }
    return std::move(text_);
  }

 private:
  // Those of T, which is a row or a part of it.
  template <class T, class Part>
  void add_numbers(std::string_view prefix, Part part) {
    const auto add = [&]<class Value>(const Member<T, Value>& member) {
      if constexpr (requires { Value::members; }) {
        add_numbers<Value>(fmt::format("{}-", member.name), [&](const IOThreadStats& row) -> const Value& {
          return part(row).*member.pointer;
        });
      } else if constexpr (std::same_as<Value, std::vector<IOThreadLag>>) {
        add_lags(member.description);
      } else if constexpr (std::integral<Value>) {
        if (member.name == "thread-id") return;  // names the thread
        std::string_view name = member.name;
        const bool seconds = name.ends_with("-ns");
        if (seconds) name.remove_suffix(3);
        const bool counter = prefix.empty() && std::ranges::count(kCounters, member.name) > 0;
        begin(fmt::format("{}{}{}{}", prefix, name, seconds ? "-seconds" : "", counter ? "-total" : ""),
              member.description, counter ? "counter" : "gauge");
        for (const IOThreadStats& row : rows_) {
          const auto value = static_cast<std::uint64_t>(part(row).*member.pointer);
          sample("", row, "", seconds ? in_seconds(value) : std::to_string(value));
        }
      }
    };
    std::apply([&](const auto&... members) { (add(members), ...); }, T::members);
  }

  // As a histogram, each of whose buckets holds those before it.
  void add_lags(std::string_view description) {
    begin("lag-seconds", description, "histogram");
    for (const IOThreadStats& row : rows_) {
      std::uint64_t rounds = 0;
      for (std::size_t i = 0; i < row.lags.size(); ++i) {
        rounds += row.lags[i].rounds;
        const std::string bound = i + 1 < row.lags.size() ? in_seconds(row.lags[i + 1].over_ns) : "+Inf";
        sample("_bucket", row, label("le", bound), std::to_string(rounds));
      }
      sample("_sum", row, "", in_seconds(row.busy_ns));
      sample("_count", row, "", std::to_string(rounds));
    }
  }

  // The enums of T and its parts; an id is a label of all metrics.
  template <class T>
  static void add_labels(const T& value, std::string& labels) {
    const auto add = [&]<class Value>(const Member<T, Value>& member) {
      if constexpr (requires { Value::members; }) {
        add_labels(value.*member.pointer, labels);
      } else if constexpr (std::is_enum_v<Value>) {
        const auto index = static_cast<std::size_t>(value.*member.pointer);
        labels += "," + label(member.name, enum_description<Value>.values.at(index).name);
      }
    };
    std::apply([&](const auto&... members) { (add(members), ...); }, T::members);
  }

  static std::string in_seconds(std::uint64_t ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    return fmt::format("{}.{:09}", ns / kSecond, ns % kSecond);
  }

  // What follows are samples of this family.
  void begin(std::string_view name, std::string_view description, std::string_view type) {
    family_ = std::string(prefix_) + replaced(std::string(name), "-", "_");
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", family_, help_text(description),
                   family_, type);
  }
  void sample(std::string_view suffix, const IOThreadStats& row, std::string_view more_labels,
              std::string_view value) {
    std::string labels = with_id_ ? label("id", row.id) : "";
    if (!labels.empty() && !more_labels.empty()) labels += ",";
    labels += more_labels;
    if (!labels.empty()) labels = "{" + labels + "}";
    fmt::format_to(std::back_inserter(text_), "{}{}{} {}\n", family_, suffix, labels, value);
  }

  const std::string_view prefix_;
  const std::vector<IOThreadStats>& rows_;
  const bool with_id_;
  std::string text_;
  std::string family_;
};

}  // namespace

std::string iothread_metrics_text(const std::vector<IOThreadStats>& rows) {
  return Families("qomio_iothread_", rows, true).text();
}

std::string main_loop_metrics_text(const IOThreadStats& main_loop) {
  return Families("qomio_main_loop_", {main_loop}, false).text();
}

Result<std::string> query_iothread_metrics() {
  auto rows = query_iothread_stats({});
  if (!rows) return failure(rows);
  std::string text = iothread_metrics_text(*rows);
  if (const auto main_loop = query_main_loop_stats()) text += main_loop_metrics_text(*main_loop);
  return text;
}

}  // namespace qomio
