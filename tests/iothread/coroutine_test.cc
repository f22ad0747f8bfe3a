// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/coroutine.h"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace coroutine_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CoroutineTest : public InLoop {
 protected:
  std::vector<int> ran;
};

Task<> record(std::vector<int>& ran, int number) {
  ran.push_back(number);
  co_return;
}

TEST_F(CoroutineTest, starts_in_the_loop_in_the_order_of_scheduling) {
  co_schedule(*loop, record(ran, 1));
  loop->schedule_oneshot([this] { ran.push_back(2); });
  co_schedule(*loop, record(ran, 3));
  EXPECT_THAT(ran, IsEmpty());
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST_F(CoroutineTest, never_scheduled_does_nothing_and_is_freed) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  {
    const auto hold = [](std::shared_ptr<int>) -> Task<> { co_return; };
    const Task<> task = hold(std::move(owned));
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

Task<Result<void>> succeed() { co_return {}; }
Task<Result<void>> fail() { co_return error("no luck"); }
Task<> note_both(std::vector<std::string>& noted) {
  const Result<void> success = co_await succeed();
  const Result<void> failure = co_await fail();
  noted = {success ? "ok" : "error", failure ? "ok" : failure.error().message()};
}

TEST_F(CoroutineTest, returns_success_and_errors_as_functions_do) {
  std::vector<std::string> noted;
  co_schedule(*loop, note_both(noted));
  drain();
  EXPECT_THAT(noted, ElementsAre("ok", "no luck"));
}

TEST_F(CoroutineTest, scheduled_twice_breaks_an_invariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Task<> task = record(ran, 1);
  co_schedule(*loop, std::move(task));
  // NOLINTNEXTLINE(bugprone-use-after-move): the test needs a Task that was moved from
  EXPECT_DEATH(co_schedule(*loop, std::move(task)), "a Task is started that has been started or moved from");
  drain();
  EXPECT_THAT(ran, ElementsAre(1));
}

Task<> await_twice(std::vector<int>& ran) {
  Task<> task = record(ran, 1);
  co_await task;
  co_await task;
}

TEST_F(CoroutineTest, awaited_twice_breaks_an_invariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  co_schedule(*loop, await_twice(ran));
  EXPECT_DEATH(loop->poll(false), "a Task is started that has been started or moved from");
}

TEST_F(CoroutineTest, entered_in_its_loop_runs_at_once_until_it_yields) {
  loop->schedule_oneshot([this] { ran.push_back(2); });
  co_enter(*loop, record(ran, 1));
  EXPECT_THAT(ran, ElementsAre(1));
  drain();
  loop->schedule_oneshot([this] {
    co_enter(*loop, record(ran, 3));
    ran.push_back(4);
  });
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

Task<> enter_others(AioContext& loop, std::vector<int>& ran) {
  loop.schedule_oneshot([&ran] { ran.push_back(5); });
  co_enter(loop, record(ran, 3));
  co_enter(loop, record(ran, 4));
  ran.push_back(1);
  co_await record(ran, 2);  // does not suspend, so the entered coroutines do not run yet
  co_await reschedule_self(loop);
  ran.push_back(6);
}

TEST_F(CoroutineTest, entered_inside_another_runs_when_that_one_yields) {
  co_schedule(*loop, enter_others(*loop, ran));
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4, 5, 6));
}

Task<> enter_and_end(AioContext& loop, std::vector<int>& ran, int number) {
  if (number < 3) co_enter(loop, enter_and_end(loop, ran, number + 1));
  ran.push_back(number);
  co_return;
}

TEST_F(CoroutineTest, entered_inside_another_runs_when_that_one_ends) {
  co_enter(*loop, enter_and_end(*loop, ran, 1));
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

Task<> iterate_until_entered(AioContext& loop, std::vector<int>& ran) {
  loop.schedule_oneshot([&] { co_enter(loop, record(ran, 1)); });
  while (ran.empty()) loop.poll(true);
  ran.push_back(2);
  co_enter(loop, record(ran, 4));
  ran.push_back(3);
  co_return;
}

TEST_F(CoroutineTest, entered_in_an_iteration_inside_another_does_not_wait_for_that_one) {
  co_schedule(*loop, iterate_until_entered(*loop, ran));
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

Task<> tell_place(AioContext& back, std::vector<AioContext*>& places) {
  AioContext* const place = AioContext::current();
  co_await reschedule_self(back);
  places.push_back(place);
}

TEST_F(CoroutineTest, entered_from_elsewhere_runs_in_its_loop) {
  RunningLoop other;
  std::vector<AioContext*> places;
  co_enter(*other, tell_place(*loop, places));
  while (places.empty()) loop->poll(true);
  EXPECT_THAT(places, ElementsAre(&*other));
}

Task<> wait_for_wakeups(Wakeup& wakeup, std::vector<int>& ran, Cancellation& cancellation) {
  for (int i = 1; co_await woken(wakeup, &cancellation); ++i) ran.push_back(i);
  ran.push_back(0);
}

TEST_F(CoroutineTest, woken_goes_on_in_its_loop_after_what_was_scheduled_before) {
  Wakeup wakeup;
  Cancellation cancellation;
  co_schedule(*loop, wait_for_wakeups(wakeup, ran, cancellation));
  drain();
  EXPECT_THAT(ran, IsEmpty());
  loop->schedule_oneshot([this] { ran.push_back(7); });
  co_wake(wakeup);
  EXPECT_THAT(ran, IsEmpty()) << "not inside co_wake()";
  drain();
  EXPECT_THAT(ran, ElementsAre(7, 1));
  std::thread([&] { co_wake(wakeup); }).join();
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(7, 1, 2));
  cancellation.cancel();
  drain();
}

TEST_F(CoroutineTest, woken_in_advance_does_not_wait_once) {
  Wakeup wakeup;
  co_wake(wakeup);
  co_wake(wakeup);
  Cancellation cancellation;
  co_schedule(*loop, wait_for_wakeups(wakeup, ran, cancellation));
  drain();
  EXPECT_THAT(ran, ElementsAre(1));
  cancellation.cancel();
  drain();
}

TEST_F(CoroutineTest, waiting_to_be_woken_can_be_cancelled_until_it_was) {
  Wakeup wakeup;
  Cancellation cancellation;
  co_schedule(*loop, wait_for_wakeups(wakeup, ran, cancellation));
  drain();
  co_wake(wakeup);
  cancellation.cancel();
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 0));
  Cancellation other;
  co_schedule(*loop, wait_for_wakeups(wakeup, ran, other));
  drain();
  other.cancel();
  co_wake(wakeup);
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 0, 0));
}

TEST_F(CoroutineTest, a_wakeup_may_be_destroyed_as_soon_as_the_wait_for_it_is_cancelled) {
  auto wakeup = std::make_unique<Wakeup>();
  Cancellation cancellation;
  co_schedule(*loop, wait_for_wakeups(*wakeup, ran, cancellation));
  drain();
  cancellation.cancel();
  wakeup = nullptr;
  drain();
  EXPECT_THAT(ran, ElementsAre(0));
}

Task<> pass_back_and_forth(Wakeup& mine, Wakeup& yours, int rounds, std::atomic<bool>& done) {
  for (int i = 0; i < rounds; ++i) {
    co_await woken(mine);
    co_wake(yours);
  }
  done = true;
}

Task<> use_wakeups_of_its_own(AioContext& other, int rounds, bool& done) {
  for (int i = 0; i < rounds; ++i) {
    const auto wakeup = std::make_unique<Wakeup>();
    other.schedule_oneshot([&wakeup = *wakeup] { co_wake(wakeup); });
    co_await woken(*wakeup);
  }
  done = true;
}

TEST_F(CoroutineTest, wakes_one_in_another_thread_that_wakes_it_and_may_free_what_it_waited_for) {
  RunningLoop other({.poll_max_ns = 32768});
  Wakeup first, second;
  std::atomic<bool> passed = false;
  std::atomic<bool> passed_there = false;
  bool used = false;
  co_schedule(*loop, pass_back_and_forth(first, second, 500, passed));
  co_schedule(*other, pass_back_and_forth(second, first, 500, passed_there));
  co_schedule(*loop, use_wakeups_of_its_own(*other, 500, used));
  co_wake(first);
  while (!passed || !used) loop->poll(true);
  while (!passed_there) std::this_thread::yield();
}

Task<std::string> text(int number) { co_return std::to_string(number); }

Task<std::unique_ptr<std::string>> both() {
  co_return std::make_unique<std::string>(co_await text(4) + co_await text(2));
}

Task<> store(std::string& result) { result = *co_await both(); }

TEST_F(CoroutineTest, waits_for_another_and_takes_its_value) {
  std::string result;
  co_schedule(*loop, store(result));
  loop->poll(true);
  EXPECT_EQ(result, "42");
}

Task<> take_turns(AioContext& loop, std::vector<int>& ran, int number) {
  for (int i = 0; i < 3; ++i) {
    ran.push_back(number);
    co_await reschedule_self(loop);
  }
}

TEST_F(CoroutineTest, lets_others_run_when_it_reschedules_itself) {
  co_schedule(*loop, take_turns(*loop, ran, 1));
  co_schedule(*loop, take_turns(*loop, ran, 2));
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 2, 1, 2, 1, 2));
}

Task<> sleep_and_tell(std::int64_t& woke_ns) {
  co_await sleep_for(1ms);
  woke_ns = clock_now_ns();
}

TEST_F(CoroutineTest, sleeps_and_never_wakes_early) {
  std::int64_t woke_ns = 0;
  const std::int64_t start = clock_now_ns();
  co_schedule(*loop, sleep_and_tell(woke_ns));
  while (woke_ns == 0) loop->poll(true);
  EXPECT_GE(woke_ns - start, 1'000'000);
}

Task<> await_signals(EventNotifier& notifier, std::vector<int>& ran) {
  for (int i = 0; i < 2; ++i) {
    co_await readable(notifier.fd());
    ran.push_back(notifier.test_and_clear() ? i : -1);
  }
  co_await writable(notifier.fd());
  ran.push_back(2);
}

TEST_F(CoroutineTest, waits_for_a_descriptor_and_leaves_no_handler) {
  EventNotifier notifier = EventNotifier::create().value();
  co_schedule(*loop, await_signals(notifier, ran));
  drain();
  EXPECT_THAT(ran, IsEmpty());
  notifier.signal();
  drain();
  EXPECT_THAT(ran, ElementsAre(0));
  notifier.signal();
  drain();
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
}

Task<> reads_files_of_one_number(std::vector<int>& ran) {
  int fd = -1;
  for (int i = 0; i < 3; ++i) {
    EventNotifier notifier = EventNotifier::create().value();
    EXPECT_TRUE(fd == -1 || fd == notifier.fd());
    fd = notifier.fd();
    notifier.signal();
    for (int times = 0; times < 2; ++times) {
      EXPECT_TRUE(co_await readable(fd));
      ran.push_back(i);
    }
  }
}

TEST(Coroutines, wait_for_a_new_file_that_has_the_number_of_a_closed_one) {
  for (const FdMonitorKind kind : {FdMonitorKind::poll, FdMonitorKind::epoll, FdMonitorKind::io_uring}) {
    const Ref<AioContext> loop = AioContext::create("test", kind).value();
    const CurrentAioContext current(*loop);
    std::vector<int> ran;
    co_enter(*loop, reads_files_of_one_number(ran));
    while (ran.size() < 6) loop->poll(true);
    EXPECT_THAT(ran, ElementsAre(0, 0, 1, 1, 2, 2));
    EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
  }
}

Task<> iterates_when_readable(EventNotifier& notifier, std::vector<int>& ran) {
  AioContext& loop = *AioContext::current();
  EXPECT_TRUE(co_await readable(notifier.fd()));
  EXPECT_FALSE(loop.poll(false));
  ran.push_back(static_cast<int>(loop.stats()[LoopStat::handlers]));
  EXPECT_TRUE(co_await readable(notifier.fd()));
  ran.push_back(1);
}

TEST_F(CoroutineTest, that_iterates_the_loop_does_not_find_its_own_handler_there) {
  EventNotifier notifier = EventNotifier::create().value();
  notifier.signal();
  co_enter(*loop, iterates_when_readable(notifier, ran));
  while (ran.size() < 2) loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(0, 1));
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
}

Task<> leaves_to_another(EventNotifier& notifier, std::vector<int>& ran) {
  AioContext& loop = *AioContext::current();
  EXPECT_TRUE(co_await readable(notifier.fd()));
  const auto call = [&ran, &notifier] { ran.push_back(notifier.test_and_clear() ? 1 : 0); };
  EXPECT_TRUE(loop.add_fd_handler(notifier.fd(), FdDirection::read, call, &ran));
  EXPECT_TRUE(co_await writable(notifier.fd()));
  ran.push_back(2);
}

TEST_F(CoroutineTest, may_give_its_descriptor_to_another_handler) {
  EventNotifier notifier = EventNotifier::create().value();
  notifier.signal();
  co_enter(*loop, leaves_to_another(notifier, ran));
  while (ran.size() < 2) loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 2));
  loop->remove_fd_handler(notifier.fd(), FdDirection::read, &ran);
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
}

Task<> travel(AioContext& there, AioContext& back, std::vector<AioContext*>& places, bool& done) {
  for (int i = 0; i < 500; ++i) {
    places.push_back(AioContext::current());
    co_await reschedule_self(there);
    places.push_back(AioContext::current());
    co_await reschedule_self(back);
  }
  done = true;
}

TEST_F(CoroutineTest, goes_on_in_another_loop_and_comes_back) {
  RunningLoop other({.poll_max_ns = 32768});
  std::vector<AioContext*> places;
  bool done = false;
  co_schedule(*loop, travel(*other, *loop, places, done));
  while (!done) loop->poll(true);
  ASSERT_EQ(places.size(), 1000);
  for (std::size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], i % 2 ? &*other : loop.get());
}

Task<> wait_in(AioContext& loop, std::shared_ptr<int>) { co_await reschedule_self(loop); }
Task<> wait_inside(AioContext& loop, std::shared_ptr<int> owned) { co_await wait_in(loop, std::move(owned)); }

TEST(Coroutines, that_wait_in_a_loop_that_ends_are_freed) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  {
    const Ref<AioContext> ends = make_loop();
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    co_schedule(*loop, wait_inside(*ends, std::move(owned)));
    loop->poll(true);
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

Task<> sleeps_until(Cancellation* stop) { (void)co_await sleep_for(1h, stop); }

Task<> gives_out_its_own_cancellation(AioContext& loop) {
  Cancellation stop;
  co_enter(loop, sleeps_until(&stop));
  (void)co_await sleep_for(1h);
}

TEST(Coroutines, that_wait_with_the_cancellation_of_one_that_waits_too_are_freed_with_their_loop) {
  Ref<AioContext> loop = make_loop();
  {
    const CurrentAioContext current(*loop);
    co_schedule(*loop, gives_out_its_own_cancellation(*loop));
    while (loop->poll(false)) {
    }
  }
  loop = nullptr;
}

// Owns a bottom half of its loop while it waits, in one of four ways, until the loop ends.
Task<> owns_a_bottom_half(AioContext& loop, int way, int fd, Wakeup& never) {
  BottomHalf half = loop.bh_new("owned", [] {});
  if (way == 0) (void)co_await sleep_for(1h);
  if (way == 1) (void)co_await readable(fd);
  if (way == 2) (void)co_await woken(never);
  half.schedule();
  if (way == 3) co_await reschedule_self(loop);
}

TEST(Coroutines, that_wait_may_own_bottom_halves_of_their_loop) {
  for (int way = 0; way < 4; ++way) {
    Wakeup never;
    const EventNotifier silent = EventNotifier::create().value();
    Ref<AioContext> loop = make_loop();
    {
      const CurrentAioContext current(*loop);
      co_enter(*loop, owns_a_bottom_half(*loop, way, silent.fd(), never));
    }
    loop = nullptr;
  }
}

}  // namespace coroutine_test
}  // namespace qomio
