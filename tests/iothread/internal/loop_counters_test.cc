// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/loop_counters.h"

#include <glib.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace loop_counters_test {

using internal::StatStopwatch;

TEST(StatStopwatch, adds_up_what_it_ran) {
  StatStopwatch watch;
  watch.stop(50);
  EXPECT_EQ(watch.total_ns(), 0);
  watch.start(100);
  watch.start(105);
  watch.stop(110);
  watch.stop(120);
  watch.start(200);
  watch.stop(203);
  EXPECT_EQ(watch.total_ns(), 13);
  EXPECT_EQ(StatStopwatch::time_ns(watch.get(), 300), 13);
}

TEST(StatStopwatch, is_seen_to_run) {
  StatStopwatch watch;
  watch.start(100);
  watch.stop(110);
  watch.start(200);
  EXPECT_EQ(StatStopwatch::time_ns(watch.get(), 207), 17);
  EXPECT_EQ(StatStopwatch::time_ns(watch.get(), 250), 60);
}

TEST(LoopTimes, never_take_back_what_was_shown) {
  internal::LoopTimes times;
  const std::int64_t start = clock_now_ns() - 1'000'000;
  times.blocked.start(start);
  const auto first = times.read();
  EXPECT_GE(first.blocked_ns, 1'000'000);
  // The loop read the clock at least half a millisecond before that reading, but stores the time only now.
  times.blocked.stop(start + 500'000);
  EXPECT_EQ(times.read().blocked_ns, first.blocked_ns);
  times.busy.start(start + 500'000);
  const auto second = times.read();
  EXPECT_EQ(second.blocked_ns, first.blocked_ns);
  EXPECT_LE(second.blocked_ns + second.busy_ns, clock_now_ns() - start);
  constexpr std::int64_t kHourNs = 3'600'000'000'000;
  times.busy.stop(start + kHourNs);
  const auto third = times.read();
  EXPECT_EQ(third.blocked_ns + third.busy_ns, kHourNs);
  EXPECT_EQ(third.blocked_ns, first.blocked_ns);
}

TEST(LagCounters, count_rounds_by_how_long_they_took) {
  internal::LagCounters lags;
  std::uint64_t busy_ns = 0;
  for (const std::uint64_t lag_ns : {0, 10'000, 10'001, 100'000, 100'001, 2'000'000'000, 7}) {
    busy_ns += lag_ns;
    lags.end_round(busy_ns);
  }
  EXPECT_EQ(lags.counts(), (LagCounts{3, 2, 1, 0, 0, 0, 1}));
  EXPECT_EQ(lags.longest_ns(), 2'000'000'000);
}

class LoopStatsTest : public InLoop {
 protected:
  // The sum of the loop's times, and the clock just before and just after they were read.
  struct Reading {
    std::int64_t before_ns = 0;
    std::uint64_t sum_ns = 0;
    std::int64_t after_ns = 0;
  };
  Reading read() {
    Reading reading{.before_ns = clock_now_ns()};
    const LoopStats stats = loop->stats();
    reading.sum_ns = stats[LoopStat::poll_ns] + stats[LoopStat::blocked_ns] + stats[LoopStat::busy_ns];
    reading.after_ns = clock_now_ns();
    return reading;
  }
  static void expect_nothing_left_out(const Reading& first, const Reading& last) {
    const auto counted = static_cast<std::int64_t>(last.sum_ns - first.sum_ns);
    EXPECT_GE(counted, last.before_ns - first.after_ns);
    EXPECT_LE(counted, last.after_ns - first.before_ns);
  }

  // The loop polls, sleeps, calls a timer and iterates inside it. Its times must cover all of this.
  template <class Iterate>
  void expect_that_times_add_up(Iterate iterate) {
    Reading first;
    Reading last;
    int rounds = 0;
    Timer timer = loop->timer([&] {
      if (rounds == 0) first = read();
      last = read();
      loop->schedule_oneshot([] {});
      loop->poll(false);
      ++rounds;
    });
    while (rounds < 20) {
      timer.arm_after(std::chrono::microseconds(20 * rounds));
      const int before = rounds;
      while (rounds == before) iterate();
      expect_nothing_left_out(first, last);
    }
  }
};

TEST_F(LoopStatsTest, have_times_that_add_up) {
  loop->set_params({.poll_max_ns = 100'000, .poll_policy = PollPolicy::classic});
  expect_that_times_add_up([this] { loop->poll(true); });
  EXPECT_GT(loop->stats()[LoopStat::blocked_ns], 0);
}

TEST_F(LoopStatsTest, have_times_that_add_up_when_busy_polling_iterates_the_loop) {
  EventNotifier notifier = EventNotifier::create().value();
  // So long that the window stays open even on a slow machine.
  loop->set_params(
      {.poll_max_ns = 3'600'000'000'000, .poll_grow = INT64_MAX, .poll_policy = PollPolicy::classic});
  int polled = 0;
  loop->set_event_notifier(notifier, {.read = [] {},
                                      .poll =
                                          [&] {
                                            ++polled;
                                            loop->poll(false);
                                            return false;
                                          },
                                      .poll_ready = [] {}});
  expect_that_times_add_up([&] {
    notifier.signal();
    loop->poll(true);
  });
  EXPECT_GT(polled, 0);
  loop->set_event_notifier(notifier, {});
}

TEST_F(LoopStatsTest, count_each_round_once_whatever_it_calls) {
  const auto rounds = [this] {
    std::uint64_t all = 0;
    for (const std::uint64_t count : loop->stats().lags) all += count;
    return all;
  };
  loop->poll(false);
  const std::uint64_t before = rounds();
  loop->schedule_oneshot([this] { loop->poll(false); });
  loop->poll(false);
  loop->poll(false);
  EXPECT_EQ(rounds() - before, 2);
}

TEST_F(LoopStatsTest, have_times_that_add_up_inside_glib) {
  GMainContext* const context = ::g_main_context_new();
  ::g_source_attach(loop->g_source(), context);
  expect_that_times_add_up([&] { ::g_main_context_iteration(context, TRUE); });
  EXPECT_GT(loop->stats()[LoopStat::blocked_ns], 0);
  ::g_source_destroy(loop->g_source());
  ::g_main_context_unref(context);
}

TEST_F(LoopStatsTest, have_times_that_add_up_when_a_more_urgent_source_iterates_the_loop) {
  GMainContext* const context = ::g_main_context_new();
  ::g_source_attach(loop->g_source(), context);
  ::g_main_context_iteration(context, FALSE);
  GSource* const urgent = ::g_timeout_source_new(1);
  Reading first = read();
  loop->schedule_oneshot([&] { first = read(); });
  ::g_main_context_iteration(context, FALSE);
  Reading last = first;
  const std::function<void()> fired = [&] {
    loop->schedule_oneshot([&] { last = read(); });
    loop->poll(false);
  };
  ::g_source_set_callback(
      urgent,
      [](gpointer data) -> gboolean {
        (*static_cast<const std::function<void()>*>(data))();
        return G_SOURCE_REMOVE;
      },
      const_cast<std::function<void()>*>(&fired), nullptr);
  ::g_source_set_priority(urgent, G_PRIORITY_HIGH);
  ::g_source_attach(urgent, context);
  while (!::g_source_is_destroyed(urgent)) ::g_main_context_iteration(context, TRUE);
  ::g_source_unref(urgent);
  expect_nothing_left_out(first, last);
  loop->schedule_oneshot([&] { last = read(); });
  ::g_main_context_iteration(context, TRUE);
  expect_nothing_left_out(first, last);
  ::g_source_destroy(loop->g_source());
  ::g_main_context_unref(context);
}

TEST(LoopStats, show_a_call_while_it_lasts) {
  std::latch called(1);
  std::latch over(1);
  RunningLoop loop;
  loop->schedule_oneshot([&] {
    called.count_down();
    over.wait();
  });
  called.wait();
  const LoopStats before = loop->stats();
  while (loop->stats()[LoopStat::busy_ns] == before[LoopStat::busy_ns]) std::this_thread::yield();
  EXPECT_EQ(loop->stats()[LoopStat::blocked_ns], before[LoopStat::blocked_ns]);
  over.count_down();
}

TEST(LoopStats, show_a_sleep_while_it_lasts) {
  RunningLoop loop;
  LoopStats before;
  LoopStats after;
  do {
    before = loop->stats();
    after = loop->stats();
  } while (after[LoopStat::blocked_ns] == before[LoopStat::blocked_ns]);
  EXPECT_EQ(after[LoopStat::wakeups], 0);
  EXPECT_EQ(loop->stats()[LoopStat::busy_ns], after[LoopStat::busy_ns]);
}

TEST(LoopStats, never_go_back_and_never_exceed_the_time_there_was) {
  const std::int64_t made_ns = clock_now_ns();
  RunningLoop loop({.poll_max_ns = 10'000, .poll_policy = PollPolicy::classic});
  std::atomic<bool> enough = false;
  std::jthread poster([&] {
    while (!enough) loop->run_in([] {});
  });
  LoopStats before;
  for (int i = 0; i < 20'000; ++i) {
    const LoopStats now = loop->stats();
    EXPECT_GE(now[LoopStat::poll_ns], before[LoopStat::poll_ns]);
    EXPECT_GE(now[LoopStat::blocked_ns], before[LoopStat::blocked_ns]);
    EXPECT_GE(now[LoopStat::busy_ns], before[LoopStat::busy_ns]);
    EXPECT_LE(now[LoopStat::poll_ns] + now[LoopStat::blocked_ns] + now[LoopStat::busy_ns],
              clock_now_ns() - made_ns);
    before = now;
  }
  enough = true;
}

TEST(LoopStats, stand_still_when_nobody_runs_the_loop) {
  const Ref<AioContext> loop = make_loop();
  std::jthread([&] {
    const CurrentAioContext current(*loop);
    loop->poll(false);
  }).join();
  const LoopStats before = loop->stats();
  EXPECT_GT(before[LoopStat::busy_ns], 0);
  const std::int64_t now = clock_now_ns();
  while (clock_now_ns() == now) {
  }
  EXPECT_EQ(loop->stats()[LoopStat::busy_ns], before[LoopStat::busy_ns]);
  EXPECT_EQ(before[LoopStat::blocked_ns], 0);
}

}  // namespace loop_counters_test
}  // namespace qomio
