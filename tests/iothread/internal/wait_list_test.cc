// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace wait_list_test {

using ::testing::ElementsAre;

class AioWait : public InLoop {};
using AioWaitDeathTest = AioWait;

TEST_F(AioWait, for_what_is_so_already_iterates_nothing) {
  loop->schedule_oneshot([] { FAIL(); });
  loop->wait_while([] { return false; });
  EXPECT_EQ(loop->stats()[LoopStat::iterations], 0);
  // The loop destroys the scheduled function when it ends.
}

TEST_F(AioWait, in_the_home_thread_iterates_the_loop) {
  int left = 3;
  BottomHalf again;
  again = loop->bh_new("again", [&] {
    if (--left > 0) again.schedule();
  });
  again.schedule();
  loop->wait_while([&] { return left > 0; });
  EXPECT_EQ(left, 0);
}

TEST_F(AioWait, for_another_loop_goes_on_with_the_own) {
  RunningLoop other;
  std::atomic<int> steps = 0;
  for (int i = 1; i <= 1000; ++i) {
    // Each step runs in the other loop and is answered in this one, so the wait must iterate this loop too.
    bool answered = false;
    other->schedule_oneshot([&] {
      loop->schedule_oneshot([&] { answered = true; });
      steps = i;
      other->wait_kick();
    });
    other->wait_while([&] { return steps != i || !answered; });
    EXPECT_TRUE(answered);
  }
}

TEST_F(AioWait, several_may_wait_at_once_and_end_in_any_order) {
  RunningLoop other;
  std::atomic<bool> first = true, second = true;
  std::atomic<bool> both_wait = false, first_over = false, second_over = false;
  const auto tell = [](std::atomic<bool>& what) {
    what = true;
    what.notify_all();
  };
  // Waits in the other loop; this wait begins after the wait of this thread below, and ends after it.
  loop->schedule_oneshot([&] {
    other->schedule_oneshot([&] {
      tell(both_wait);
      other->wait_while([&] { return second.load(); });
      tell(second_over);
    });
  });
  const std::jthread kicker([&] {
    both_wait.wait(false);
    first = false;
    other->wait_kick();
    first_over.wait(false);
    second = false;
    other->wait_kick();
  });
  other->wait_while([&] { return first.load(); });
  tell(first_over);
  second_over.wait(false);
}

TEST_F(AioWait, is_ended_by_a_kick_alone) {
  RunningLoop other({.poll_max_ns = 32768});
  std::atomic<bool> busy;
  for (int i = 0; i < 1000; ++i) {
    busy = true;
    other->schedule_oneshot([&] {
      busy.store(false, std::memory_order_relaxed);
      other->wait_kick();
    });
    other->wait_while([&] { return busy.load(std::memory_order_relaxed); });
  }
  other->run_in([] {});
}

TEST_F(AioWait, may_be_nested_and_the_inner_ends_first) {
  std::vector<int> ended;
  bool inner = true;
  bool outer = true;
  loop->schedule_oneshot([&] {
    loop->schedule_oneshot([&] {
      outer = false;  // the outer wait could end, but must let the inner one end first
      loop->schedule_oneshot([&] { inner = false; });
    });
    loop->wait_while([&] { return inner; });
    ended.push_back(1);
  });
  loop->wait_while([&] { return outer; });
  ended.push_back(2);
  EXPECT_THAT(ended, ElementsAre(1, 2));
}

TEST_F(AioWait, kick_without_a_waiter_wakes_nobody) {
  loop->wait_kick();
  EXPECT_FALSE(loop->poll(false));
}

TEST_F(AioWaitDeathTest, no_other_thread_may_wait_for_another_loop) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        RunningLoop other;
        other->run_in([&] { loop->wait_while([] { return false; }); });
      },
      "AioContext::wait_while.. of another loop is called outside the main thread; wait in the main thread "
      "or in that loop");
}

// Each kind of callback waits, and so iterates its loop inside an iteration.
TEST_F(AioWait, nested_iterations_run_bottom_halves_timers_and_handlers) {
  EventNotifier notifier = EventNotifier::create().value();
  int depth = 0;
  std::vector<const char*> ran;
  const auto nest = [&](const char* what, auto&& next) {
    ran.push_back(what);
    ++depth;
    next();
    loop->wait_while([&, until = depth] { return static_cast<int>(ran.size()) <= until && until < 3; });
  };
  Timer timer = loop->timer([&] { nest("timer", [] {}); });
  loop->set_event_notifier(notifier, {.read = [&] { nest("handler", [&] { timer.arm_after(0ns); }); }});
  loop->schedule_oneshot([&] { nest("bottom half", [&] { notifier.signal(); }); });
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre("bottom half", "handler", "timer"));
  loop->set_event_notifier(notifier, {});
}

}  // namespace wait_list_test
}  // namespace qomio
