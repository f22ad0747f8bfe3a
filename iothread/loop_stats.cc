// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/loop_stats.h"

#include <algorithm>
#include <span>
#include <vector>

#include "qomio/qapi/describe.h"

namespace qomio {
namespace {

struct IOThreadEffectiveParams {
  LoopParams params;
  static constexpr std::string_view type_name = "IOThreadEffectiveParams";
  static constexpr auto members =
      member_list(embed(&IOThreadEffectiveParams::params, visit_effective, describe_effective));
};

constexpr std::span kDone = std::span(kLoopStats).first<kFirstPresentStat>();
constexpr std::span kPresent = std::span(kLoopStats).subspan<kFirstPresentStat>();

Result<void> visit_rows(Visitor& visitor, std::span<const LoopStatInfo> rows, LoopStats& stats) {
  for (const LoopStatInfo& row : rows) {
    if (auto r = visit(visitor, row.name, stats[row.stat]); !r) return r;
  }
  return {};
}

void describe_rows(TypeDescription& type, std::span<const LoopStatInfo> rows) {
  for (const LoopStatInfo& row : rows) add_member<std::uint64_t>(type, row.name, row.help);
}

}  // namespace

std::uint64_t internal::all_polls(const LoopStats& stats) {
  return stats[LoopStat::poll_hits] + stats[LoopStat::poll_misses];
}

// The poll_ns that readers get may lag behind this counter.
std::uint64_t internal::poll_miss_time_ns(const LoopStats& stats) {
  return std::min(stats[LoopStat::poll_miss_ns], stats[LoopStat::poll_ns]);
}

Result<void> visit_done(Visitor& visitor, LoopStats& stats) {
  if (auto r = visit_rows(visitor, kDone, stats); !r) return r;
  std::vector<IOThreadLag> lags{{.over_ns = 0, .rounds = stats.lags[0]}};
  for (std::size_t i = 0; i < kLagBoundsNs.size(); ++i) {
    lags.push_back({.over_ns = kLagBoundsNs[i], .rounds = stats.lags[i + 1]});
  }
  if (auto r = visit(visitor, "lags", lags); !r) return r;
  for (std::size_t i = 0; i < stats.lags.size(); ++i) stats.lags[i] = i < lags.size() ? lags[i].rounds : 0;
  return {};
}

void describe_done(TypeDescription& type) {
  describe_rows(type, kDone);
  add_member<std::vector<IOThreadLag>>(type, "lags", kLagsHelp);
}

Result<void> visit_present(Visitor& visitor, LoopStats& stats) {
  if (auto r = visit(visitor, "fd-monitor", stats.fd_monitor); !r) return r;
  if (auto r = visit(visitor, "poll-state", stats.poll_state); !r) return r;
  if (auto r = visit_rows(visitor, kPresent, stats); !r) return r;
  IOThreadEffectiveParams effective{stats.effective};
  auto r = visit(visitor, "effective", effective);
  stats.effective = effective.params;
  return r;
}

void describe_present(TypeDescription& type) {
  add_member<FdMonitorKind>(type, "fd-monitor", "how the loop waits for descriptors at present");
  add_member<PollState>(type, "poll-state", "whether the loop polls before it sleeps, and if not, why");
  describe_rows(type, kPresent);
  add_member<IOThreadEffectiveParams>(type, "effective", "settings in force: defaults replace zeros");
}

}  // namespace qomio
