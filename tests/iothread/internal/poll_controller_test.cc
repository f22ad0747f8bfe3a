// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/poll_controller.h"

#include <gtest/gtest.h>

#include <vector>

namespace qomio {
namespace poll_controller_test {

// Reports one wait that ended with the handler ready; returns the handler's window.
std::int64_t window_after(PollController& controller, HandlerWindow& handler, std::int64_t delay_ns) {
  controller.begin_wait_report();
  controller.ready(handler, delay_ns);
  controller.end_wait_report();
  return handler.window_ns;
}

struct Row {
  std::int64_t window_ns, delay_ns, expected_ns;
};

void expect_rows(const LoopParams& params, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    PollController controller(params);
    HandlerWindow handler{.window_ns = row.window_ns};
    EXPECT_EQ(window_after(controller, handler, row.delay_ns), row.expected_ns)
        << "window " << row.window_ns << ", delay " << row.delay_ns;
  }
}

TEST(PollWindow, follows_the_table_by_default) {
  expect_rows({.poll_max_ns = 32768}, {{8000, 8000, 8000},
                                       {8000, 0, 8000},
                                       {0, 0, 4000},
                                       {0, 1, 4000},
                                       {8000, 8001, 16000},
                                       {20000, 32767, 32768},
                                       {8000, 32768, 8000},
                                       {8000, 32769, 4000},
                                       {999, 50000, 0},
                                       {1000, 50000, 500},
                                       {0, 50000, 0}});
}

TEST(PollWindow, uses_the_factors_given) {
  expect_rows({.poll_max_ns = 100000, .poll_grow = 3, .poll_shrink = 4},
              {{8000, 9000, 24000}, {50000, 60000, 100000}, {8000, 100001, 2000}});
  expect_rows({.poll_max_ns = 100000, .poll_grow = 1, .poll_shrink = 1},
              {{8000, 9000, 8000}, {8000, 100001, 8000}});
}

TEST(PollWindow, falls_to_nothing_with_the_classic_policy) {
  expect_rows({.poll_max_ns = 32768, .poll_policy = PollPolicy::classic},
              {{16000, 32769, 0}, {0, 20000, 4000}, {16000, 9, 16000}});
  expect_rows({.poll_max_ns = 32768, .poll_shrink = 4, .poll_policy = PollPolicy::classic},
              {{16000, 32769, 4000}});
}

TEST(PollWindow, survives_the_largest_parameters) {
  const LoopParams params{.poll_max_ns = INT64_MAX, .poll_grow = INT64_MAX, .poll_shrink = INT64_MAX};
  expect_rows(params, {{4000, 5000, INT64_MAX}, {INT64_MAX, INT64_MAX, INT64_MAX}, {0, INT64_MAX - 1, 4000}});
}

TEST(PollWindow, is_nothing_below_half_a_microsecond) {
  expect_rows({.poll_max_ns = 499}, {{0, 100, 0}});
  expect_rows({.poll_max_ns = 500}, {{0, 100, 500}});
}

// The reason for the default policy: where a wake-up takes 21 us, an event after 20 us looks like one after
// 41 us to a policy that knows only when the sleep ended.
TEST(PollWindow, grows_for_an_event_at_20_us_with_a_wakeup_of_21_us_when_judged_by_arrival) {
  PollController arrival({.poll_max_ns = 32768});
  PollController classic({.poll_max_ns = 32768, .poll_policy = PollPolicy::classic});
  HandlerWindow arrival_handler;
  HandlerWindow classic_handler;
  for (int i = 0; i < 5; ++i) {
    window_after(arrival, arrival_handler, 20'000);
    window_after(classic, classic_handler, 41'000);
  }
  EXPECT_GE(arrival.next_window_ns(), 20'000);
  EXPECT_EQ(classic.next_window_ns(), 0);
}

TEST(PollController, takes_the_longest_window_of_the_polled_handlers) {
  PollController controller({.poll_max_ns = 32768, .poll_policy = PollPolicy::classic});
  HandlerWindow slow{.window_ns = 16000};
  HandlerWindow fast{.window_ns = 4000};
  controller.begin_wait_report();
  controller.not_ready(slow, 1000);
  controller.ready(fast, 1000);
  controller.end_wait_report();
  EXPECT_EQ(controller.next_window_ns(), 16000);
}

// The default policy polls only while polling could have shortened at least half of the last eight waits.
TEST(PollController, stops_where_polling_can_not_win_and_comes_back_at_full_length) {
  PollController controller({.poll_max_ns = 32768});
  HandlerWindow handler{.window_ns = 32768};
  for (int i = 0; i < 3; ++i) window_after(controller, handler, 20'000);
  EXPECT_EQ(controller.next_window_ns(), 0);
  window_after(controller, handler, 20'000);
  EXPECT_EQ(controller.next_window_ns(), 32768);

  for (int i = 0; i < 4; ++i) controller.hit();
  for (int i = 0; i < 4; ++i) window_after(controller, handler, 1'000'000);
  EXPECT_NE(controller.next_window_ns(), 0);
  window_after(controller, handler, 1'000'000);
  EXPECT_EQ(controller.next_window_ns(), 0);
}

TEST(PollController, does_not_count_a_wait_that_something_unpolled_has_ended) {
  PollController controller({.poll_max_ns = 32768});
  HandlerWindow handler{.window_ns = 16000};
  for (int i = 0; i < 8; ++i) controller.hit();
  for (int i = 0; i < 5; ++i) {
    controller.begin_wait_report();
    controller.not_ready(handler, 1000);
    controller.end_wait_report();
  }
  EXPECT_EQ(controller.next_window_ns(), 0);
}

TEST(PollController, leaves_polling_alone_for_a_while_when_it_finds_nothing_though_events_come_soon) {
  PollController controller({.poll_max_ns = 32768});
  HandlerWindow handler;
  const auto waits_until_polling = [&] {
    int waits = 0;
    for (; controller.next_window_ns() == 0; ++waits) window_after(controller, handler, 20'000);
    return waits;
  };
  const auto poll_in_vain = [&](int times) {
    for (int i = 0; i < times; ++i) {
      EXPECT_GT(controller.next_window_ns(), 0) << i;
      controller.miss(0, 20'000);
      if (i < times - 1) window_after(controller, handler, 20'000);
    }
    EXPECT_EQ(controller.state(), PollState::useless);
  };
  EXPECT_EQ(waits_until_polling(), 4);
  poll_in_vain(8);
  EXPECT_EQ(waits_until_polling(), 16);
  for (const int pause : {32, 64, 128, 256, 512, 1024, 1024}) {
    poll_in_vain(3);
    EXPECT_EQ(waits_until_polling(), pause);
  }
  controller.hit();
  poll_in_vain(8);
  EXPECT_EQ(waits_until_polling(), 16);
}

TEST(PollController, says_why_it_does_not_poll) {
  PollController controller({.poll_max_ns = 32768, .poll_budget = 50});
  HandlerWindow handler;
  EXPECT_EQ(controller.state(), PollState::late) << "no event came soon";
  for (int i = 0; i < 8; ++i) controller.hit();
  EXPECT_EQ(controller.state(), PollState::learning);
  window_after(controller, handler, 20'000);
  EXPECT_EQ(controller.state(), PollState::polling);
  controller.miss(0, 500'000'000);
  EXPECT_EQ(controller.window_ns(500'000'000), 0);
  EXPECT_EQ(controller.state(), PollState::budget);
  EXPECT_EQ(controller.window_ns(2'000'000'000), 4000);
  EXPECT_EQ(controller.state(), PollState::polling);
  controller.set_params({.poll_budget = 0});
  EXPECT_EQ(controller.state(), PollState::off);
  controller.set_params({.poll_max_ns = 0});
  EXPECT_EQ(controller.state(), PollState::off);
}

TEST(PollBudget, is_used_up_and_returns_a_second_later) {
  PollBudget budget;
  budget.set_percent(5);
  EXPECT_EQ(budget.left_ns(0), 50'000'000);
  budget.spend(3'000'000'000, 30'000'000);
  EXPECT_EQ(budget.left_ns(3'500'000'000), 20'000'000);
  budget.spend(3'500'000'000, 20'000'001);
  EXPECT_EQ(budget.left_ns(3'999'999'999), 0);
  EXPECT_EQ(budget.left_ns(4'050'000'000), 29'999'999);
  EXPECT_EQ(budget.left_ns(4'550'000'000), 50'000'000);
}

// Two loops that answer each other: the other one's answer comes gap_ns after this one waits. Returns the
// share of answers that polling finds once the loop has had time to learn.
double polled_share(std::int64_t gap_ns, std::int64_t wakeup_ns, std::int64_t believed_ns) {
  PollController controller({.poll_max_ns = 32768});
  HandlerWindow handler;
  WakeupCost cost(believed_ns);
  constexpr int kRounds = 4000;
  std::int64_t now = 0;
  std::int64_t slept = 0;
  int found = 0;
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t window = controller.window_ns(now);
    if (window >= gap_ns) {
      if (controller.tries() && slept > gap_ns) cost.measured(slept - gap_ns);
      controller.hit();
      found += i >= kRounds / 2 ? 1 : 0;
      now += gap_ns;
      continue;
    }
    if (window > 0) controller.miss(now, now + window);
    slept = gap_ns + wakeup_ns;
    now += slept;
    controller.begin_wait_report((WakeupCost::kDoubt - 1) * cost.mean_ns());
    controller.ready(handler, arrival_ns(slept, window, cost.mean_ns()));
    controller.end_wait_report();
  }
  return found / (kRounds / 2.0);
}

TEST(PollController, finds_the_answers_of_a_ping_pong_however_wrong_the_cost_of_a_wake_up_is_believed) {
  for (const std::int64_t wakeup : {2'000, 5'000, 13'000, 25'000, 55'000}) {
    for (const std::int64_t gap : {1'000, 5'000, 13'000, 20'000, 30'000}) {
      for (const std::int64_t believed : {wakeup / 4, wakeup / 2, wakeup, 2 * wakeup, 4 * wakeup}) {
        EXPECT_GT(polled_share(gap, wakeup, believed), 0.99)
            << "gap " << gap << ", wake-up " << wakeup << ", believed " << believed;
      }
    }
  }
}

TEST(PollController, hardly_tries_where_polling_can_not_win) {
  for (const std::int64_t gap : {40'000, 60'000, 100'000, 1'000'000}) {
    PollController controller({.poll_max_ns = 32768});
    HandlerWindow handler;
    int polls = 0;
    for (int i = 0; i < 10'000; ++i) {
      if (controller.window_ns(0) > 0) {
        ++polls;
        controller.miss(0, 32768);
      }
      controller.begin_wait_report(30'000);
      controller.ready(handler, gap);
      controller.end_wait_report();
    }
    EXPECT_LE(polls, 40) << gap;
  }
}

TEST(PollController, starts_over_with_new_parameters) {
  PollController controller({.poll_max_ns = 32768});
  HandlerWindow handler;
  for (int i = 0; i < 8; ++i) window_after(controller, handler, 20'000);
  EXPECT_EQ(controller.next_window_ns(), 32000);
  controller.set_params({.poll_max_ns = 65536});
  EXPECT_EQ(controller.next_window_ns(), 0);
  EXPECT_EQ(controller.params().poll_grow, 2);
}

TEST(PollController, never_polls_when_it_is_turned_off) {
  for (const PollPolicy policy : {PollPolicy::arrival, PollPolicy::classic, PollPolicy::weighted}) {
    PollController controller({.poll_max_ns = 0, .poll_policy = policy});
    HandlerWindow handler;
    for (int i = 0; i < 8; ++i) window_after(controller, handler, 0);
    for (int i = 0; i < 8; ++i) window_after(controller, handler, 10);
    EXPECT_EQ(controller.next_window_ns(), 0) << static_cast<int>(policy);
  }
}

class Weighted : public ::testing::Test {
 protected:
  PollController controller{{.poll_max_ns = 32768, .poll_policy = PollPolicy::weighted}};
  HandlerWindow handler;

  void not_ready(std::int64_t delay_ns) {
    controller.begin_wait_report();
    controller.not_ready(handler, delay_ns);
    controller.end_wait_report();
  }
};

TEST_F(Weighted, takes_the_first_delay_as_it_is_and_an_eighth_of_each_later_one) {
  window_after(controller, handler, 8000);
  EXPECT_EQ(handler.estimate_ns, 8000);
  EXPECT_EQ(controller.next_window_ns(), 8000);
  window_after(controller, handler, 16000);
  EXPECT_EQ(handler.estimate_ns, 9000);
  EXPECT_EQ(controller.next_window_ns(), 16000);  // the larger of the estimate and the grown window
}

TEST_F(Weighted, uses_the_shift_given) {
  controller.set_params({.poll_max_ns = 32768, .poll_weight = 1, .poll_policy = PollPolicy::weighted});
  window_after(controller, handler, 8000);
  window_after(controller, handler, 16000);
  EXPECT_EQ(handler.estimate_ns, 12000);
}

TEST_F(Weighted, drops_an_estimate_that_reaches_the_maximum) {
  window_after(controller, handler, 32768);
  EXPECT_EQ(handler.estimate_ns, 0);
  window_after(controller, handler, 8000);
  not_ready(8000);
  EXPECT_EQ(handler.estimate_ns, 16000);
  not_ready(30000);
  EXPECT_EQ(handler.estimate_ns, 0);
  not_ready(1000);
  EXPECT_EQ(handler.estimate_ns, 0);
}

TEST_F(Weighted, shrinks_a_window_that_is_far_above_the_estimates) {
  window_after(controller, handler, 30000);
  EXPECT_EQ(controller.next_window_ns(), 30000);
  handler.estimate_ns = 10000;
  window_after(controller, handler, 10000);
  EXPECT_EQ(controller.next_window_ns(), 15000);
  window_after(controller, handler, 10000);
  EXPECT_EQ(controller.next_window_ns(), 15000);
}

TEST(WakeupCost, is_a_running_mean_that_one_bad_sample_does_not_spoil) {
  WakeupCost cost;
  EXPECT_EQ(cost.mean_ns(), 0);
  cost.sample(16'000);
  EXPECT_EQ(cost.mean_ns(), 16'000);
  cost.sample(24'000);
  EXPECT_EQ(cost.mean_ns(), 17'000);
  cost.sample(1'000'000'000);
  EXPECT_EQ(cost.mean_ns(), 17'000 + 3 * 17'000 / 8);
}

TEST(WakeupCost, goes_half_way_to_a_measurement) {
  WakeupCost cost(15'000);
  cost.measured(45'000);
  EXPECT_EQ(cost.mean_ns(), 30'000);
  cost.measured(-1);
  EXPECT_EQ(cost.mean_ns(), 15'000);
  WakeupCost unknown;
  unknown.measured(7'000);
  EXPECT_EQ(unknown.mean_ns(), 7'000);
}

TEST(WakeupCost, is_not_spoilt_by_a_first_sample_of_a_preempted_thread) {
  WakeupCost cost;
  cost.sample(3'000'000);
  EXPECT_EQ(cost.mean_ns(), WakeupCost::kLongestNs);
  WakeupCost known(20'000);
  known.sample(3'000'000);
  EXPECT_EQ(known.mean_ns(), 20'000 + 3 * 20'000 / 8);
}

}  // namespace poll_controller_test
}  // namespace qomio
