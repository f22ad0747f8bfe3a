// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/replay.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

namespace qomio::bench {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A poll that found nothing.
struct Miss {
  std::int64_t start_ns, end_ns;
};

std::int64_t worst_second_ns(const std::vector<Miss>& misses) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t worst = 0;
  std::int64_t whole = 0;  // of the misses in [first, next), which end within the second
  std::size_t next = 0;
  for (std::size_t first = 0; first < misses.size(); ++first) {
    const std::int64_t end = misses[first].start_ns + kSecond;
    for (; next < misses.size() && misses[next].end_ns <= end; ++next)
      whole += misses[next].end_ns - misses[next].start_ns;
    const std::int64_t part =
        next < misses.size() ? std::max<std::int64_t>(end - misses[next].start_ns, 0) : 0;
    worst = std::max(worst, whole + part);
    if (next > first) whole -= misses[first].end_ns - misses[first].start_ns;
    next = std::max(next, first + 1);
  }
  return worst;
}

}  // namespace

Replayed replay(const std::vector<std::int64_t>& arrivals_ns, const LoopParams& params,
                const ReplayCosts& costs) {
  PollController controller(params);
  HandlerWindow window;
  std::vector<std::int64_t> latencies;
  latencies.reserve(arrivals_ns.size());
  std::int64_t now = 0;
  std::int64_t cpu = 0;
  std::size_t polled = 0;
  std::vector<Miss> misses;
  for (std::size_t next = 0; next < arrivals_ns.size();) {
    const std::int64_t arrival = arrivals_ns[next];
    const std::int64_t start = now;
    if (arrival > now) {
      const std::int64_t poll = controller.window_ns(start);
      if (arrival <= start + poll) {
        controller.hit();
        now = arrival;
        cpu += now - start;
        ++polled;
      } else {
        if (poll > 0) {
          controller.miss(start, start + poll);
          misses.push_back({start, start + poll});
        }
        cpu += poll + costs.sleep_cpu_ns;
        now = arrival + costs.wakeup_ns;
        controller.begin_wait_report();
        controller.ready(window,
                         (controller.params().poll_policy == PollPolicy::classic ? now : arrival) - start);
        controller.end_wait_report();
      }
    }
    // Handles all events that have arrived by now.
    for (const std::int64_t reached = now; next < arrivals_ns.size() && arrivals_ns[next] <= reached;
         ++next) {
      latencies.push_back(now - arrivals_ns[next]);
      now += costs.work_ns;
      cpu += costs.work_ns;
    }
  }
  if (latencies.empty()) return {};
  const auto count = static_cast<double>(latencies.size());
  std::ranges::sort(latencies);
  return {.p50_ns = latencies[latencies.size() / 2],
          .p99_ns = latencies[latencies.size() * 99 / 100],
          .cpu_ns_per_event = static_cast<double>(cpu) / count,
          .polled_share = static_cast<double>(polled) / count,
          .worst_second_in_vain_ns = worst_second_ns(misses)};
}

Result<std::vector<std::int64_t>> read_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) return errno_error(errno, "Failed to open " + path);
  std::vector<std::int64_t> arrivals;
  std::int64_t time = 0;
  int number_of_line = 0;
  for (std::string line; std::getline(file, line);) {
    ++number_of_line;
    const std::string_view text = trimmed(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    const std::size_t times = text.find('x');
    const auto count = times == std::string_view::npos ? 1 : number(trimmed(text.substr(0, times)));
    const auto gap = number(times == std::string_view::npos ? text : trimmed(text.substr(times + 1)));
    if (!count || !gap) return error("{}:{}: '{}' is not a gap", path, number_of_line, text);
    for (std::int64_t i = 0; i < *count; ++i) arrivals.push_back(time += *gap);
  }
  return arrivals;
}

}  // namespace qomio::bench
