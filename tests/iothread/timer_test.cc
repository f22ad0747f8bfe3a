// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/timer.h"

#include <gmock/gmock.h>

#include <atomic>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "qomio/tests/iothread/loop_timeout.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace timer_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TimerTest : public InLoop {
 protected:
  std::vector<int> ran;

  Timer recorder(int number) {
    return loop->timer([this, number] { ran.push_back(number); });
  }
};

TEST_F(TimerTest, fires_once_and_never_early) {
  std::int64_t fired_ns = 0;
  Timer timer = loop->timer([&] { fired_ns = clock_now_ns(); });
  const std::int64_t due = clock_now_ns() + 2'345'678;
  timer.arm_at(due);
  EXPECT_TRUE(timer.armed());
  while (fired_ns == 0) loop->poll(true);
  EXPECT_GE(fired_ns, due);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(loop->stats()[LoopStat::timers_fired], 1);
}

TEST_F(TimerTest, bounds_the_sleep) {
  EXPECT_EQ(timeout_of(*loop), -1);
  Timer timer = recorder(1);
  timer.arm_after(1h);
  EXPECT_GT(timeout_of(*loop), 3'590'000'000'000);
  EXPECT_LE(timeout_of(*loop), 3'600'000'000'000);
  timer.arm_at(1);
  EXPECT_EQ(timeout_of(*loop), 0);
  timer.cancel();
  EXPECT_EQ(timeout_of(*loop), -1);
  timer.cancel();
}

TEST_F(TimerTest, equal_times_fire_in_the_order_of_setting) {
  Timer first = recorder(1);
  Timer second = recorder(2);
  Timer third = recorder(3);
  const std::int64_t due = clock_now_ns();
  first.arm_at(due);
  second.arm_at(due);
  third.arm_at(due - 1);
  first.arm_at(due);  // armed again, so it fires after the second
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre(3, 2, 1));
}

TEST_F(TimerTest, keeps_the_order_of_many_that_are_moved_and_cancelled) {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same numbers in each run
  std::vector<Timer> timers;
  std::vector<std::int64_t> due(200);
  std::vector<std::int64_t> fired;
  for (std::size_t i = 0; i < due.size(); ++i) {
    timers.push_back(loop->timer([&, i] { fired.push_back(due[i]); }));
  }
  for (int round = 0; round < 2000; ++round) {
    const std::size_t i = random() % timers.size();
    if (random() % 4 == 0) {
      timers[i].cancel();
    } else {
      due[i] = static_cast<std::int64_t>(random() % 100'000);
      timers[i].arm_at(due[i]);
    }
  }
  std::size_t armed = 0;
  for (const Timer& timer : timers) armed += timer.armed() ? 1 : 0;
  loop->poll(true);
  EXPECT_EQ(fired.size(), armed);
  EXPECT_TRUE(std::ranges::is_sorted(fired));
}

TEST_F(TimerTest, can_be_asked_to_fire_no_later_than_a_time) {
  Timer timer = recorder(1);
  timer.arm_no_later_than(clock_now_ns() + 3'600'000'000'000);
  const std::int64_t far = timeout_of(*loop);
  EXPECT_GT(far, 0);
  timer.arm_no_later_than(clock_now_ns() + 7'200'000'000'000);
  EXPECT_LE(timeout_of(*loop), far);
  timer.arm_no_later_than(0);
  EXPECT_EQ(timeout_of(*loop), 0);
}

TEST_F(TimerTest, set_by_a_callback_waits_for_the_next_iteration) {
  Timer timer;
  timer = loop->timer([&] {
    ran.push_back(1);
    if (ran.size() < 3) timer.arm_after(0ns);
  });
  timer.arm_at(0);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1));
  EXPECT_TRUE(timer.armed());
  loop->poll(true);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 1, 1));
}

TEST_F(TimerTest, callback_may_cancel_and_delete_others_that_are_due) {
  Timer cancelled = recorder(2);
  std::optional<Timer> deleted = recorder(3);
  Timer timer = loop->timer([&] {
    ran.push_back(1);
    cancelled.cancel();
    deleted.reset();
  });
  timer.arm_at(1);
  cancelled.arm_at(2);
  deleted->arm_at(3);
  loop->poll(true);
  EXPECT_FALSE(loop->poll(false));
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(TimerTest, callback_may_delete_its_own_timer_and_uses_its_capture_afterwards) {
  auto owned = std::make_shared<int>(5);
  const std::weak_ptr<int> watch = owned;
  std::optional<Timer> timer;
  timer = loop->timer([&, owned] {
    timer->arm_at(0);
    timer.reset();
    ran.push_back(*owned);
  });
  owned.reset();
  timer->arm_at(0);
  drain();
  EXPECT_THAT(ran, ElementsAre(5));
  EXPECT_TRUE(watch.expired());
}

TEST_F(TimerTest, may_fire_inside_its_own_callback_when_the_loop_is_nested) {
  Timer timer;
  timer = loop->timer([&] {
    ran.push_back(1);
    if (ran.size() > 1) return;
    timer.arm_at(0);
    loop->poll(false);
    ran.push_back(2);
  });
  timer.arm_at(0);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 1, 2));
}

TEST_F(TimerTest, follows_the_wall_clock_if_asked_to) {
  Timer timer = loop->timer([&] { ran.push_back(1); }, ClockType::realtime);
  timer.arm_at(clock_now_ns(ClockType::realtime) + 3'600'000'000'000);
  // The loop must wake regularly: nothing tells it that the wall clock was set.
  EXPECT_GT(timeout_of(*loop), 0);
  EXPECT_LE(timeout_of(*loop), 1'000'000'000);
  timer.arm_after(1us);
  while (ran.empty()) loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(TimerTest, takes_times_beyond_the_range_as_its_ends) {
  Timer timer = recorder(1);
  timer.arm_after(std::chrono::nanoseconds::max());
  EXPECT_GT(timeout_of(*loop), 0);
  EXPECT_TRUE(timer.armed());
  timer.arm_after(std::chrono::nanoseconds::min());
  EXPECT_EQ(timeout_of(*loop), 0);
}

TEST_F(TimerTest, moves_with_its_setting) {
  Timer first = recorder(1);
  first.arm_at(0);
  Timer second = std::move(first);
  EXPECT_TRUE(second.armed());
  first = recorder(2);
  second = std::move(first);
  EXPECT_FALSE(second.armed());
  EXPECT_FALSE(loop->poll(false));
  EXPECT_THAT(ran, IsEmpty());
}

// Timers that other threads arm and cancel while the loop is not running.
class TimerOfOthers : public TimerTest {
 protected:
  static void elsewhere(const std::function<void()>& function) { std::thread(function).join(); }
};

TEST_F(TimerOfOthers, fires_in_the_order_of_setting) {
  Timer first = recorder(1);
  Timer second = recorder(2);
  Timer third = recorder(3);
  elsewhere([&] {
    first.arm_at(1);
    second.arm_at(1);
    first.arm_at(1);  // armed again, so it fires after the second
  });
  third.arm_at(1);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(2, 1, 3));
}

TEST_F(TimerOfOthers, does_what_was_asked_for_last_whoever_asked) {
  Timer set = recorder(1);
  Timer cancelled = recorder(2);
  Timer set_here = recorder(3);
  cancelled.arm_at(1);
  elsewhere([&] {
    set.cancel();
    set.arm_at(1);
    EXPECT_TRUE(set.armed());
    EXPECT_TRUE(cancelled.armed());
    cancelled.cancel();
    EXPECT_FALSE(cancelled.armed());
    set_here.arm_at(1);
    set_here.cancel();
  });
  EXPECT_TRUE(set.armed());
  EXPECT_FALSE(cancelled.armed());
  set_here.arm_at(1);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 3));
}

TEST_F(TimerOfOthers, is_set_no_later_than_asked_for) {
  const std::int64_t now = clock_now_ns();
  constexpr std::int64_t kHour = 3'600'000'000'000;
  Timer unset = recorder(1);
  Timer later = recorder(2);
  Timer cancelled = recorder(3);
  later.arm_at(now + kHour);
  elsewhere([&] {
    unset.arm_no_later_than(now + 5 * kHour);
    unset.arm_no_later_than(now + 3 * kHour);
    unset.arm_no_later_than(now + 4 * kHour);
    later.arm_no_later_than(now + 2 * kHour);
  });
  EXPECT_LE(timeout_of(*loop), kHour);
  later.cancel();
  EXPECT_GT(timeout_of(*loop), kHour * 2);
  EXPECT_LE(timeout_of(*loop), kHour * 3);
  elsewhere([&] {
    cancelled.arm_at(1);
    cancelled.cancel();
    cancelled.arm_no_later_than(now + 2 * kHour);
  });
  EXPECT_GT(timeout_of(*loop), kHour);
  EXPECT_LE(timeout_of(*loop), kHour * 2);
}

TEST_F(TimerOfOthers, frees_its_callable_when_it_is_deleted) {
  auto owned = std::make_shared<int>(5);
  const std::weak_ptr<int> watch = owned;
  std::optional<Timer> timer = loop->timer([&, kept = std::move(owned)] { ran.push_back(*kept); });
  timer->arm_at(1);
  elsewhere([&] {
    timer.reset();
    EXPECT_TRUE(watch.expired());
  });
  loop->poll(false);
  EXPECT_THAT(ran, IsEmpty());
}

TEST(Timers, set_from_another_thread_wake_a_sleeping_loop) {
  RunningLoop loop;
  for (int i = 0; i < 100; ++i) {
    std::atomic<bool> fired = false;
    Timer timer = loop->timer([&] {
      fired = true;
      fired.notify_one();
    });
    timer.arm_after(1us);
    fired.wait(false);
  }
}

TEST(Timers, set_again_and_again_are_armed_all_the_time_for_other_threads) {
  const Ref<AioContext> loop = make_loop();
  const CurrentAioContext current(*loop);
  Timer timer = loop->timer([] {});
  Timer other = loop->timer([] {});
  timer.arm_after(1h);
  std::atomic<bool> over = false;
  std::thread looker([&] {
    while (!over) EXPECT_TRUE(timer.armed());
  });
  for (int i = 0; i < 20'000; ++i) {
    timer.arm_after(2h);
    other.arm_after(1h);
    if (i % 3 == 0) (void)timeout_of(*loop);
  }
  over = true;
  looker.join();
}

TEST(Timers, bear_several_threads_that_set_and_cancel_and_delete_them) {
  RunningLoop loop;
  std::atomic<int> fired = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<Timer> timers;
    for (int i = 0; i < 8; ++i) {
      timers.push_back(
          loop->timer([&fired] { ++fired; }, i % 2 ? ClockType::monotonic : ClockType::realtime));
    }
    {
      std::vector<std::jthread> threads;
      for (unsigned seed = 0; seed < 3; ++seed) {
        threads.emplace_back([&, seed] {
          std::mt19937 random(seed);
          for (int i = 0; i < 500; ++i) {
            Timer& timer = timers[random() % timers.size()];
            switch (random() % 4) {
              case 0:
                timer.cancel();
                break;
              case 1:
                timer.arm_no_later_than(clock_now_ns() + static_cast<std::int64_t>(random() % 50'000));
                break;
              case 2:
                (void)timer.armed();
                break;
              default:
                timer.arm_after(std::chrono::nanoseconds(random() % 50'000));
            }
          }
        });
      }
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          loop->run_in([&] { timers[static_cast<std::size_t>(i) % timers.size()].arm_after(5us); });
        }
      });
    }
    timers.clear();
  }
  EXPECT_GT(fired, 0);
}

TEST(Timers, deleting_one_from_another_thread_waits_for_its_callback) {
  RunningLoop loop;
  for (int i = 0; i < 500; ++i) {
    auto used = std::make_unique<int>(0);
    {
      Timer timer = loop->timer([target = used.get()] { ++*target; });
      timer.arm_at(0);
      if (i % 2) std::this_thread::yield();
      if (i % 3 == 0) timer.arm_after(0ns);
    }
    used.reset();
  }
}

TEST(Timers, that_own_themselves_are_destroyed_with_their_loop) {
  struct Owner {
    Timer timer;
    Timer other;
  };
  auto owner = std::make_shared<Owner>();
  const std::weak_ptr<Owner> watch = owner;
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    owner->timer = loop->timer([owner] { FAIL(); });
    owner->timer.arm_after(1h);
    owner->other = loop->timer([] { FAIL(); });
    owner->other.arm_after(2h);
    owner.reset();
    loop->poll(false);
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Timers, deleting_one_from_another_thread_returns_only_after_its_callback) {
  RunningLoop loop;
  std::atomic<int> step = 0;
  std::optional<Timer> timer = loop->timer([&] {
    step = 1;
    step.notify_all();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    step = 2;
  });
  timer->arm_at(0);
  step.wait(0);
  timer.reset();
  EXPECT_EQ(step, 2);
}

}  // namespace timer_test
}  // namespace qomio
