// SPDX-License-Identifier: GPL-2.0-or-later
// Statistics as text for Prometheus. Names, help and units come from the tables and from IOThreadStats.

#include <fmt/format.h>

#include <cctype>
#include <concepts>
#include <iterator>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/iothread/iothread_commands.h"

namespace qomio {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// name="value", as written between braces.
std::string label(std::string_view name, std::string_view value) {
  const std::string escaped =
      replaced(replaced(replaced(std::string(value), "\\", "\\\\"), "\"", "\\\""), "\n", "\\n");
  return fmt::format("{}=\"{}\"", replaced(std::string(name), "-", "_"), escaped);
}

// Turns "nanoseconds asleep" into a sentence about seconds.
std::string help_text(std::string_view description) {
  std::string text = replaced(std::string(description), "nanoseconds", "seconds") + ".";
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// Formats the metric families of some loops.
class Families {
 public:
  Families(std::string_view prefix, const std::vector<IOThreadStats>& rows, bool with_id)
      : prefix_(prefix), rows_(rows), with_id_(with_id) {}

  std::string text() && {
    using enum LoopStatInfo::Kind;
    add_member(&IOThreadStats::uptime_ns, gauge);
    add_loop_stats(0, kFirstPresentStat);
    add_lags(kLagsHelp);
    add_member(&IOThreadStats::cpu_ns, counter);
    add_member(&IOThreadStats::voluntary_switches, counter);
    add_member(&IOThreadStats::involuntary_switches, counter);
    add_loop_stats(kFirstPresentStat, kLoopStats.size());
    for (const SettingKind kind : kEffectiveSettings) add_settings(kind);
    add_info();
    return std::move(text_);
  }

 private:
  using Kind = LoopStatInfo::Kind;

  void add_member(std::uint64_t IOThreadStats::* pointer, Kind kind) {
    const auto one = [&](const auto& member) {
      if constexpr (std::same_as<decltype(member.pointer), decltype(pointer)>) {
        if (member.pointer != pointer) return;
        add_number(member.name, member.description, kind,
                   [pointer](const IOThreadStats& row) { return row.*pointer; });
      }
    };
    internal::apply_list([&](const auto&... members) { (one(members), ...); }, IOThreadStats::members);
  }

  void add_loop_stats(std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      const LoopStatInfo& info = kLoopStats[i];
      add_number(info.name, info.help, info.kind,
                 [&](const IOThreadStats& row) { return row.loop[info.stat]; });
    }
  }

  void add_settings(SettingKind kind) {
    for_each_setting(kind, [&]<class T>(const Setting<T>& setting) {
      if constexpr (std::integral<T>) {
        add_number(fmt::format("effective-{}", setting.name), setting.help, Kind::gauge,
                   [&](const IOThreadStats& row) {
                     return static_cast<std::uint64_t>(row.loop.effective.*setting.member);
                   });
      }
    });
  }

  // Values whose names end in -ns are written in seconds.
  template <class Value>
  void add_number(std::string_view name, std::string_view help, Kind kind, Value value_of) {
    const bool seconds = name.ends_with("-ns");
    if (seconds) name.remove_suffix(3);
    const bool is_counter = kind == Kind::counter;
    begin(fmt::format("{}{}{}", name, seconds ? "-seconds" : "", is_counter ? "-total" : ""), help,
          is_counter ? "counter" : "gauge");
    for (const IOThreadStats& row : rows_) {
      const std::uint64_t value = value_of(row);
      sample("", row, "", seconds ? in_seconds(value) : std::to_string(value));
    }
  }

  // A histogram, in which each bucket includes the ones before it.
  void add_lags(std::string_view help) {
    begin("lag-seconds", help, "histogram");
    for (const IOThreadStats& row : rows_) {
      std::uint64_t rounds = 0;
      for (std::size_t i = 0; i < row.loop.lags.size(); ++i) {
        rounds += row.loop.lags[i];
        const std::string bound = i < kLagBoundsNs.size() ? in_seconds(kLagBoundsNs[i]) : "+Inf";
        sample("_bucket", row, label("le", bound), std::to_string(rounds));
      }
      sample("_sum", row, "", in_seconds(row.loop[LoopStat::busy_ns]));
      sample("_count", row, "", std::to_string(rounds));
    }
  }

  // Values that are not numbers, as labels.
  void add_info() {
    begin("info", "what the loop uses and does, and the kernel's ID of its thread", "gauge");
    for (const IOThreadStats& row : rows_) {
      std::string labels = label("thread-id", std::to_string(row.thread_id)) + "," +
                           label("fd-monitor", enum_name(row.loop.fd_monitor)) + "," +
                           label("poll-state", enum_name(row.loop.poll_state));
      for_each_setting([&]<class T>(const Setting<T>& setting) {
        if constexpr (std::is_enum_v<T>) {
          labels += "," + label(setting.name, enum_name(row.loop.effective.*setting.member));
        }
      });
      sample("", row, labels, "1");
    }
  }

  static std::string in_seconds(std::uint64_t ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    return fmt::format("{}.{:09}", ns / kSecond, ns % kSecond);
  }

  // Begins a family, to which the following samples belong.
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

}  // namespace qomio
