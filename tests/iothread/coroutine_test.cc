// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/coroutine.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace {

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
  EXPECT_EQ(loop->stats().handlers, 0);
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
  RunningLoop other({.max_ns = 32768});
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

}  // namespace
}  // namespace qomio
