// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/aio_context.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "qomio/tests/iothread/loop_timeout.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace aio_context_test {

class AioContextTest : public InLoop {};

TEST_F(AioContextTest, is_the_current_one_of_its_home_thread_only) {
  EXPECT_EQ(AioContext::current(), loop.get());
  EXPECT_TRUE(loop->in_home_thread());
  std::jthread([&] {
    EXPECT_EQ(AioContext::current(), nullptr);
    EXPECT_FALSE(loop->in_home_thread());
  });
}

TEST_F(AioContextTest, has_nothing_to_do_at_first) {
  EXPECT_FALSE(loop->poll(false));
  EXPECT_EQ(timeout_of(*loop), -1);
  EXPECT_EQ(loop->name(), "test");
}

TEST_F(AioContextTest, notification_ends_the_next_sleep_and_is_no_progress) {
  loop->notify();
  EXPECT_FALSE(loop->poll(true));
  EXPECT_EQ(loop->stats()[LoopStat::wakeups_elided], 1);
  EXPECT_EQ(loop->stats()[LoopStat::wakeups], 0);
}

TEST_F(AioContextTest, accepted_notification_does_not_end_the_next_sleep) {
  loop->notify();
  internal::Loop::of(*loop).accept_notifications();
  bool fired = false;
  Timer timer = loop->timer([&] { fired = true; });
  timer.arm_after(1us);
  while (!fired) EXPECT_EQ(loop->poll(true), fired);
}

TEST_F(AioContextTest, runs_a_function_directly_in_the_home_thread) {
  bool ran = false;
  EXPECT_TRUE(loop->run_in([&] { ran = true; }));
  EXPECT_TRUE(ran);
}

TEST(AioContext, runs_a_function_in_the_loop_and_waits_for_it) {
  RunningLoop loop;
  std::thread::id where;
  EXPECT_TRUE(loop->run_in([&] { where = std::this_thread::get_id(); }));
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_NE(where, std::thread::id());
}

TEST(AioContext, tells_who_waits_when_it_ends_without_running_the_function) {
  Ref<AioContext> loop = make_loop();
  bool ran = true;
  std::thread waiter([&ran, context = loop.get()] { ran = context->run_in([] {}); });
  {
    // The loop has work once run_in() has queued its function.
    const CurrentAioContext current(*loop);
    while (timeout_of(*loop) != 0) std::this_thread::yield();
  }
  loop = nullptr;
  waiter.join();
  EXPECT_FALSE(ran);
}

TEST(AioContextDeathTest, a_thread_has_one_current_loop_and_a_loop_one_home) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Ref<AioContext> first = make_loop();
  const Ref<AioContext> second = make_loop();
  EXPECT_DEATH(
      {
        const CurrentAioContext one(*first);
        const CurrentAioContext two(*second);
      },
      "this thread already has a current AioContext");
  EXPECT_DEATH(
      {
        const CurrentAioContext one(*first);
        std::jthread([&] { const CurrentAioContext two(*first); });
      },
      "this AioContext already is the current one of a thread");
  EXPECT_DEATH(
      first->poll(false),
      "AioContext::poll.. is called in a thread that has not made the loop its own with a CurrentAioContext");
}

TEST(AioContext, may_move_to_another_thread_when_nobody_runs_it) {
  const Ref<AioContext> loop = make_loop();
  int ran = 0;
  for (int i = 0; i < 3; ++i) {
    loop->schedule_oneshot([&] { ++ran; });
    std::jthread([&] {
      const CurrentAioContext current(*loop);
      loop->poll(true);
    });
  }
  EXPECT_EQ(ran, 3);
}

TEST(AioContext, sleeps_when_there_is_nothing_to_do) {
  RunningLoop loop({.poll_max_ns = 32768});
  for (int i = 0; i < 20; ++i) loop->run_in([] {});
  // Ends only if the loop stops iterating. The loop is asleep when `asleep` is read: its time asleep has
  // grown since `first`, and it does not iterate until `later`.
  LoopStats first;
  LoopStats asleep;
  LoopStats later;
  do {
    first = loop->stats();
    std::this_thread::yield();
    asleep = loop->stats();
    std::this_thread::yield();
    later = loop->stats();
  } while (later[LoopStat::iterations] != first[LoopStat::iterations] ||
           asleep[LoopStat::blocked_ns] == first[LoopStat::blocked_ns]);
  EXPECT_EQ(later[LoopStat::poll_ns], asleep[LoopStat::poll_ns]);
  EXPECT_EQ(later[LoopStat::busy_ns], asleep[LoopStat::busy_ns]);
}

TEST(AioContext, keeps_parameters_as_configured_and_shows_the_ones_in_force) {
  RunningLoop loop;
  const LoopParams params{.poll_max_ns = 1000, .poll_policy = PollPolicy::weighted};
  loop->set_params(params);
  EXPECT_EQ(loop->params(), params);
  EXPECT_EQ(loop->stats().effective, params.in_force());
}

using AioContextStats = InLoop;

TEST_F(AioContextStats, count_each_notification_that_needed_no_system_call) {
  BottomHalf bottom_half = loop->bh_new("test", [] {});
  std::thread([&] {
    loop->notify();
    for (int i = 0; i < 10; ++i) loop->schedule_oneshot([] {});
    bottom_half.schedule_idle();
  }).join();
  loop->poll(false);
  EXPECT_EQ(loop->stats()[LoopStat::wakeups_elided], 12);
}

TEST_F(AioContextStats, count_how_long_a_callback_that_iterates_the_loop_holds_it_up) {
  loop->schedule_oneshot([&] {
    const std::int64_t end = clock_now_ns() + 2'000'000;
    while (clock_now_ns() < end) {
    }
    loop->poll(false);
  });
  loop->poll(false);
  loop->poll(false);
  EXPECT_GE(loop->stats()[LoopStat::max_lag_ns], 2'000'000);
}

// Polls for an hour from the second wake-up on, no matter how late that comes. poll_controller_test.cc and
// poll_trace_test.cc in internal/ test when the window opens, and how far.
constexpr LoopParams kPollsForAnHour{
    .poll_max_ns = 3'600'000'000'000, .poll_grow = INT64_MAX, .poll_policy = PollPolicy::classic};

void open_window(AioContext& loop) {
  while (loop.stats()[LoopStat::poll_window_ns] != kPollsForAnHour.poll_max_ns) {
    await_sleep(loop);
    loop.run_in([] {});
  }
}

TEST(AioContext, finds_work_without_a_system_call_while_its_window_is_open) {
  RunningLoop loop(kPollsForAnHour);
  open_window(*loop);
  const LoopStats before = loop->stats();
  EXPECT_GT(before[LoopStat::wakeup_cost_ns], 0);
  std::uint64_t posts = 0;
  for (; loop->stats()[LoopStat::poll_hits] < 10; ++posts) loop->run_in([] {});
  const LoopStats after = loop->stats();
  EXPECT_EQ(after[LoopStat::wakeups], before[LoopStat::wakeups]);
  EXPECT_EQ(after[LoopStat::wakeups_elided] - before[LoopStat::wakeups_elided], posts);
  EXPECT_EQ(after[LoopStat::poll_misses], before[LoopStat::poll_misses]);
}

TEST(AioContext, takes_new_parameters_while_it_polls) {
  // Nothing but the new parameters can end the poll within the hour.
  RunningLoop loop(kPollsForAnHour);
  open_window(*loop);
  loop->set_params({.poll_max_ns = 0});
  await_sleep(*loop);
  EXPECT_EQ(loop->stats()[LoopStat::poll_window_ns], 0);
  EXPECT_TRUE(loop->run_in([] {}));
}

TEST(AioContext, counts_its_time_without_overlap) {
  const std::int64_t start = clock_now_ns();
  RunningLoop loop({.poll_max_ns = 32768});
  for (int i = 0; i < 1000; ++i) loop->run_in([] {});
  LoopStats last = loop->stats();
  for (int i = 0; i < 1000; ++i) {
    loop->schedule_oneshot([] {});
    const LoopStats now = loop->stats();
    const auto uptime = static_cast<std::uint64_t>(clock_now_ns() - start);
    EXPECT_LE(now[LoopStat::poll_ns] + now[LoopStat::blocked_ns] + now[LoopStat::busy_ns], uptime);
    EXPECT_GE(now[LoopStat::iterations], last[LoopStat::iterations]);
    EXPECT_GE(now[LoopStat::bh_runs], last[LoopStat::bh_runs]);
    EXPECT_GE(now[LoopStat::poll_ns], last[LoopStat::poll_ns]);
    EXPECT_GE(now[LoopStat::busy_ns], last[LoopStat::busy_ns]);
    EXPECT_GE(now[LoopStat::blocked_ns], last[LoopStat::blocked_ns]);
    last = now;
  }
  loop->run_in([] {});
  EXPECT_GE(loop->stats()[LoopStat::bh_runs], 2000);
  EXPECT_GT(loop->stats()[LoopStat::max_lag_ns], 0);
}

// Searches for a lost wake-up: each producer waits for its answer, so a lost wake-up hangs the test.
class LostWakeUps : public ::testing::TestWithParam<std::int64_t> {};

INSTANTIATE_TEST_SUITE_P(Windows, LostWakeUps, ::testing::Values(0, 5'000, 1'000'000));

TEST_P(LostWakeUps, are_not_found_among_many_producers) {
  RunningLoop loop({.poll_max_ns = GetParam(), .poll_policy = PollPolicy::classic});
  constexpr int kThreads = 3;
  constexpr int kEach = 3000;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      int answers = 0;
      BottomHalf half = loop->bh_new("answer", [&] {
        std::atomic_ref(answers).fetch_add(1);
        std::atomic_ref(answers).notify_one();
      });
      for (int i = 0; i < kEach; ++i) {
        const int before = std::atomic_ref(answers).load();
        half.schedule();
        std::atomic_ref(answers).wait(before);
      }
    });
  }
}

TEST(LostWakeUps, are_not_found_among_timers_descriptors_and_parameters) {
  RunningLoop loop({.poll_max_ns = 3000});
  std::jthread changer([&](const std::stop_token& stop) {
    for (std::int64_t i = 0; !stop.stop_requested(); ++i) loop->set_params({.poll_max_ns = (i % 3) * 3000});
  });
  EventNotifier notifier = EventNotifier::create().value();
  std::atomic<int> answers = 0;
  const auto answer = [&] {
    ++answers;
    answers.notify_one();
  };
  loop->set_event_notifier(notifier, {.read = answer});
  Timer timer = loop->timer(answer);
  for (int i = 0; i < 2000; ++i) {
    const int before = answers;
    switch (i % 3) {
      case 0:
        notifier.signal();
        break;
      case 1:
        timer.arm_after(0ns);
        break;
      default:
        loop->schedule_oneshot(answer);
    }
    answers.wait(before);
  }
  loop->run_in([&] { loop->set_event_notifier(notifier, {}); });
}

}  // namespace aio_context_test
}  // namespace qomio
