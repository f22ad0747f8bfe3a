// SPDX-License-Identifier: GPL-2.0-or-later
// Replays arrival times through the polling controller in virtual time: the same results on every machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <random>

#include "qomio/qapi/describe.h"
#include "qomio/tests/bench/replay.h"

namespace qomio::bench {
namespace poll_trace_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::int64_t> trace(const std::string& name) {
  auto arrivals = read_trace(QOMIO_TRACES "/" + name);
  EXPECT_TRUE(arrivals.has_value()) << arrivals.error().message();
  return arrivals ? *arrivals : std::vector<std::int64_t>{};
}

std::vector<std::int64_t> every(std::int64_t gap_ns, int count) {
  std::vector<std::int64_t> arrivals;
  for (int i = 1; i <= count; ++i) arrivals.push_back(i * gap_ns);
  return arrivals;
}

constexpr LoopParams kOff{.poll_max_ns = 0};
constexpr LoopParams kArrival{};
constexpr LoopParams kClassic{.poll_policy = PollPolicy::classic};

TEST(PollTrace, polling_finds_what_comes_within_the_window) {
  const Replayed result = replay(every(20'000, 1000), kArrival);
  EXPECT_EQ(result.p50_ns, 0);
  EXPECT_GT(result.polled_share, 0.98);
  // Each event costs the gap of 20 us that was polled through, and little more.
  EXPECT_LT(result.cpu_ns_per_event, 20'500);
}

TEST(PollTrace, without_polling_each_event_costs_a_wake_up) {
  const Replayed result =
      replay(every(100'000, 100), kOff, {.wakeup_ns = 5, .sleep_cpu_ns = 7, .work_ns = 1});
  EXPECT_EQ(result.p50_ns, 5);
  EXPECT_EQ(result.p99_ns, 5);
  EXPECT_DOUBLE_EQ(result.cpu_ns_per_event, 8);
  EXPECT_EQ(result.polled_share, 0);
}

TEST(PollTrace, events_that_wait_for_each_other_are_handled_in_one_go) {
  const Replayed result =
      replay({10, 10, 10, 10}, kOff, {.wakeup_ns = 100, .sleep_cpu_ns = 40, .work_ns = 10});
  EXPECT_EQ(result.p99_ns, 130);
  EXPECT_DOUBLE_EQ(result.cpu_ns_per_event, 20);
}

// With a slow wake-up, policy classic takes an event after 20 us to be too late for polling.
TEST(PollTrace, classic_gains_nothing_where_arrival_gains_nearly_all) {
  EXPECT_LT(replay(every(20'000, 1000), kClassic).polled_share, 0.1);
}

TEST(PollTrace, a_client_that_thinks_20_us_is_found_by_polling) {
  const auto arrivals = trace("think-20us.txt");
  ASSERT_GT(arrivals.size(), 1000);
  const Replayed result = replay(arrivals, kArrival);
  EXPECT_LT(result.p50_ns, 1000);
  EXPECT_GT(result.polled_share, 0.7);
}

TEST(PollTrace, a_client_that_thinks_1_ms_costs_no_more_than_without_polling) {
  const auto arrivals = trace("think-1ms.txt");
  ASSERT_GT(arrivals.size(), 500);
  EXPECT_LE(replay(arrivals, kArrival).cpu_ns_per_event, 1.05 * replay(arrivals, kOff).cpu_ns_per_event);
}

TEST(PollTrace, a_change_of_pace_is_followed_both_ways) {
  const auto arrivals = trace("think-alternating.txt");
  ASSERT_GT(arrivals.size(), 700);
  const Replayed result = replay(arrivals, kArrival);
  EXPECT_GT(result.polled_share, 0.25);  // polling can find at most half of the events
  // Far less than a fixed window would spend in the long gaps.
  EXPECT_LT(result.cpu_ns_per_event, 9000 + 32768 / 2);
}

TEST(PollTrace, no_recorded_trace_is_slower_than_without_polling) {
  for (const char* name : {"think-20us.txt", "think-1ms.txt", "think-alternating.txt", "pipe-of-tar.txt"}) {
    const auto arrivals = trace(name);
    EXPECT_LE(replay(arrivals, kArrival).p50_ns, replay(arrivals, kOff).p50_ns) << name;
  }
}

// The trace again and again, for at least three seconds.
std::vector<std::int64_t> repeated(const std::vector<std::int64_t>& arrivals) {
  std::vector<std::int64_t> all;
  for (std::int64_t begin = 0; begin < 3'000'000'000; begin += arrivals.back()) {
    for (const std::int64_t arrival : arrivals) all.push_back(begin + arrival);
  }
  return all;
}

std::vector<std::int64_t> at_random() {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> gap(10.5, 1.5);  // median 36 us
  std::vector<std::int64_t> arrivals{0};
  while (arrivals.back() < 3'000'000'000)
    arrivals.push_back(arrivals.back() + static_cast<std::int64_t>(gap(random)));
  return arrivals;
}

TEST(PollTrace, no_second_costs_more_than_the_budget) {
  std::map<std::string, std::vector<std::int64_t>> traces{{"random", at_random()}};
  for (const char* name : {"think-20us.txt", "think-1ms.txt", "think-alternating.txt", "pipe-of-tar.txt"})
    traces[name] = repeated(trace(name));
  for (const auto& [name, arrivals] : traces) {
    for (const PollPolicy policy : {PollPolicy::arrival, PollPolicy::classic, PollPolicy::weighted}) {
      for (const std::int64_t poll_max_ns : {32'768, 1'000'000}) {
        for (const std::int64_t percent : {0, 1, 5, 20}) {
          const LoopParams params{.poll_max_ns = poll_max_ns, .poll_policy = policy, .poll_budget = percent};
          EXPECT_LE(replay(arrivals, params).worst_second_in_vain_ns, percent * 10'000'000)
              << name << ", " << enum_name(policy) << ", " << poll_max_ns;
        }
      }
    }
  }
  // The loads are such that the budget matters.
  EXPECT_GT(replay(traces["random"], {.poll_max_ns = 1'000'000}).worst_second_in_vain_ns, 50'000'000);
}

TEST(PollTrace, a_budget_does_not_hinder_polls_that_find_something) {
  const Replayed result = replay(every(20'000, 200'000), {.poll_budget = 5});
  EXPECT_GT(result.polled_share, 0.99);
}

class TraceFile : public ::testing::Test {
 protected:
  ~TraceFile() override { (void)std::remove(path.c_str()); }
  Result<std::vector<std::int64_t>> read(const char* text) const {
    std::ofstream(path) << text;
    return read_trace(path);
  }

  const std::string path = ::testing::TempDir() + "qomio-trace.txt";
};

TEST_F(TraceFile, has_gaps_comments_and_repetitions) {
  EXPECT_THAT(read("# of a test\n\n10\n 5 # later\n2 x 100\n").value(), ElementsAre(10, 15, 115, 215));
}

TEST_F(TraceFile, is_refused_by_line) {
  EXPECT_THAT(read("10\n20us\n").error().message(), HasSubstr(":2: '20us' is not a gap"));
  EXPECT_THAT(read("-3\n").error().message(), HasSubstr(":1: '-3' is not a gap"));
  EXPECT_THAT(read_trace("/nonexistent").error().message(), HasSubstr("/nonexistent"));
}

}  // namespace poll_trace_test
}  // namespace qomio::bench
