// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/loop_stats.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "qomio/iothread/internal/loop_counters.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace loop_stats_test {

TEST(LoopStats, have_names_and_helps_of_their_own) {
  std::set<std::string_view> names;
  for (const LoopStatInfo& info : kLoopStats) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.help.empty()) << info.name;
  }
}

TEST(LoopStats, are_read_from_the_counters_with_those_derived_from_them) {
  internal::LoopCounters counters;
  counters[LoopStat::poll_hits].add(3);
  counters[LoopStat::poll_misses].add(4);
  counters[LoopStat::poll_miss_ns].add(1000);
  counters.times.poll.start(1);
  counters.times.poll.stop(901);
  counters.lags.end_round(20'000);
  LoopStats stats;
  counters.read_into(stats);
  EXPECT_EQ(stats[LoopStat::polls], 7);
  EXPECT_EQ(stats[LoopStat::poll_ns], 900);
  EXPECT_EQ(stats[LoopStat::poll_miss_ns], 900) << "a part of it";
  EXPECT_EQ(stats[LoopStat::max_lag_ns], 20'000);
  EXPECT_EQ(stats.lags[1], 1);
}

TEST(LoopStats, cross_the_wire_whole) {
  IOThreadStats row{.id = "io0", .thread_id = 7};
  std::uint64_t number = 0;
  for (std::uint64_t& value : row.loop.values) value = ++number;
  for (std::uint64_t& count : row.loop.lags) count = ++number;
  row.loop.fd_monitor = FdMonitorKind::epoll;
  row.loop.effective = {.poll_max_ns = 5, .poll_policy = PollPolicy::weighted, .aio_max_batch = 6};
  const Json json = to_json(row);
  EXPECT_EQ(json["iterations"], 1);
  EXPECT_EQ(json["pool-pending"], kLoopStats.size());
  EXPECT_TRUE(equal(from_json<IOThreadStats>(json).value(), row));
}

}  // namespace loop_stats_test
}  // namespace qomio
