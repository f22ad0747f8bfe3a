// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/concurrency.h"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "qomio/iothread/coroutine_io.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace concurrency_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class InLoopWithRecord : public InLoop {
 protected:
  // Runs a coroutine until it has ended.
  void run(std::function<Task<>()> function) {
    bool done = false;
    co_schedule(*loop, [&]() -> Task<> {
      co_await function();
      done = true;
    });
    while (!done) loop->poll(true);
  }

  std::vector<int> ran;
};

Task<int> number(int value) { co_return value; }
Task<int> number_after(std::chrono::nanoseconds delay, int value) {
  co_await sleep_for(delay);
  co_return value;
}
// Ends when its scope is cancelled.
Task<Result<int>> never() {
  const bool slept = co_await sleep_for(1h);
  if (!slept) co_return std::unexpected(Error::cancelled());
  co_return 0;
}
Task<> note_end(std::vector<int>& ran, int value) {
  (void)co_await sleep_for(1h);
  ran.push_back(value);
}

class WithTimeout : public InLoopWithRecord {};

TEST_F(WithTimeout, returns_what_ends_in_time) {
  run([&]() -> Task<> {
    EXPECT_EQ(co_await with_timeout(1h, number(7)), 7);
    EXPECT_TRUE(co_await with_timeout(1h, sleep_for(1ns)));
  });
}

TEST_F(WithTimeout, cancels_what_takes_too_long_and_says_that_the_time_has_passed) {
  run([]() -> Task<> {
    const Result<int> result = co_await with_timeout(1ms, never());
    EXPECT_FALSE(result);
    if (result) co_return;
    EXPECT_TRUE(result.error().is_timed_out());
    EXPECT_FALSE(result.error().is_cancelled());
    EXPECT_EQ(result.error().message(), "Timed out");
    const Result<void> slept = co_await with_timeout(1ms, sleep_for(1h));
    EXPECT_TRUE(!slept && slept.error().is_timed_out());
    const Result<int> late = co_await with_timeout(1ms, number_after(1h, 3));
    EXPECT_TRUE(!late && late.error().is_timed_out());
  });
}

TEST_F(WithTimeout, tells_a_cancellation_from_the_passing_of_time) {
  Cancellation stop;
  run([&]() -> Task<> {
    loop->schedule_oneshot([&] { stop.cancel(); });
    const Result<void> slept = co_await with_timeout(1h, sleep_for(1h, &stop));
    EXPECT_TRUE(!slept && slept.error().is_cancelled());
  });
}

TEST_F(WithTimeout, of_the_outer_one_ends_the_inner_one) {
  run([]() -> Task<> {
    bool inner_cancelled = false;
    const auto inner = [&]() -> Task<Result<int>> {
      Result<int> result = co_await with_timeout(1h, never());
      inner_cancelled = !result && result.error().is_cancelled();
      co_return result;
    };
    const Result<int> result = co_await with_timeout(1ms, inner());
    EXPECT_TRUE(!result && result.error().is_timed_out());
    EXPECT_TRUE(inner_cancelled);
  });
}

TEST_F(WithTimeout, limits_a_task_that_visits_another_loop) {
  RunningLoop other;
  run([&]() -> Task<> {
    const auto visit = [&]() -> Task<Result<int>> {
      co_await reschedule_self(*other);
      const bool slept = co_await sleep_for(1h);
      co_await reschedule_self(*loop);
      if (!slept) co_return std::unexpected(Error::cancelled());
      co_return 1;
    };
    const Result<int> result = co_await with_timeout(1ms, visit());
    EXPECT_TRUE(!result && result.error().is_timed_out());
  });
}

TEST_F(WithTimeout, waits_for_a_job_that_cannot_be_cancelled) {
  std::binary_semaphore late(0);
  Timer timer = loop->timer([&] { late.release(); });
  timer.arm_after(2ms);
  run([&]() -> Task<> {
    std::atomic<bool> begun = false;
    std::atomic<bool> ended = false;
    const auto work = [&] {
      begun = true;
      late.acquire();
      ended = true;
      return 5;
    };
    const Result<int> result = co_await with_timeout(1ms, in_thread_pool(work));
    EXPECT_EQ(begun, ended);
    EXPECT_TRUE(result ? *result == 5 && ended : result.error().is_timed_out() && !ended);
  });
}

class WhenAll : public InLoopWithRecord {};

TEST_F(WhenAll, returns_the_results_of_all) {
  run([]() -> Task<> {
    const auto [first, second, third] = co_await when_all(number_after(1ms, 1), sleep_for(1ns), number(3));
    EXPECT_EQ(first, 1);
    EXPECT_TRUE(second);
    EXPECT_EQ(third, 3);
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(number_after(std::chrono::microseconds(50 * (5 - i)), i));
    EXPECT_THAT(co_await when_all(std::move(tasks)), ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(co_await when_all(std::vector<Task<int>>()), IsEmpty());
  });
}

TEST_F(WhenAll, is_cancelled_with_its_caller) {
  run([]() -> Task<> {
    const auto both = []() -> Task<Result<int>> {
      auto [first, second] = co_await when_all(never(), never());
      EXPECT_TRUE(!first && !second);
      co_return first;
    };
    const Result<int> result = co_await with_timeout(1ms, both());
    EXPECT_TRUE(!result && result.error().is_timed_out());
  });
}

TEST_F(WhenAll, has_tasks_that_may_not_move_to_another_loop) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        RunningLoop other;
        run([&]() -> Task<> {
          const auto move = [&]() -> Task<> { co_await reschedule_self(*other); };
          co_await when_all(move(), move());
        });
      },
      "moves to another loop; start it there in a TaskGroup");
}

class WhenAny : public InLoopWithRecord {};

TEST_F(WhenAny, returns_the_first_and_has_ended_the_others) {
  run([this]() -> Task<> {
    auto first = co_await when_any(note_end(ran, 1), number_after(1us, 5), note_end(ran, 2));
    EXPECT_EQ(first.index(), 1);
    EXPECT_EQ(std::get<1>(first), 5);
    EXPECT_THAT(ran, ElementsAre(1, 2));
    std::vector<Task<int>> tasks;
    tasks.push_back(number_after(1h, 1));
    tasks.push_back(number(2));
    const auto [index, value] = co_await when_any(std::move(tasks));
    EXPECT_EQ(index, 1);
    EXPECT_EQ(value, 2);
  });
}

TEST_F(WhenAny, does_not_start_those_behind_one_that_ends_at_once) {
  run([this]() -> Task<> {
    const auto first = co_await when_any(number(1), note_end(ran, 1));
    EXPECT_EQ(first.index(), 0);
    EXPECT_THAT(ran, IsEmpty());
  });
}

class ForEachConcurrent : public InLoopWithRecord {};

TEST_F(ForEachConcurrent, runs_no_more_than_the_limit_at_once) {
  run([this]() -> Task<> {
    int running = 0, most = 0;
    const auto work = [&](int item) -> Task<> {
      most = std::max(most, ++running);
      co_await sleep_for(std::chrono::microseconds(item % 3));
      --running;
      ran.push_back(item);
    };
    std::vector<int> items(20);
    for (int i = 0; i < 20; ++i) items[static_cast<std::size_t>(i)] = i;
    co_await for_each_concurrent(items, 4, work);
    EXPECT_EQ(most, 4);
    EXPECT_EQ(ran.size(), 20);
    co_await for_each_concurrent(std::vector<int>(), 4, work);
    EXPECT_EQ(ran.size(), 20);
  });
}

TEST_F(ForEachConcurrent, stops_at_the_first_error) {
  run([this]() -> Task<> {
    const std::vector<int> items{1, 2, 3, 4, 5, 6};
    const auto work = [this](int item) -> Task<Result<void>> {
      ran.push_back(item);
      if (item == 2) co_return error("item {} is bad", item);
      if (!co_await sleep_for(1h)) co_return std::unexpected(Error::cancelled());
      co_return {};
    };
    const Result<void> result = co_await for_each_concurrent(std::ref(items), 3, work);
    EXPECT_FALSE(result);
    EXPECT_EQ(result ? "" : result.error().message(), "item 2 is bad");
    EXPECT_THAT(ran, ElementsAre(1, 2));
  });
}

class TaskGroupTest : public InLoopWithRecord {};

TEST_F(TaskGroupTest, joins_tasks_of_several_loops) {
  RunningLoop first, second;
  std::atomic<int> count = 0;
  run([&]() -> Task<> {
    TaskGroup group;
    for (int i = 0; i < 30; ++i) {
      AioContext& where = i % 3 == 0 ? *first : i % 3 == 1 ? *second : *loop;
      group.start(where, [&count, &where]() -> Task<> {
        EXPECT_EQ(AioContext::current(), &where);
        co_await sleep_for(1us);
        ++count;
      });
    }
    co_await group.join();
    EXPECT_EQ(count, 30);
    EXPECT_EQ(group.running(), 0);
  });
}

TEST_F(TaskGroupTest, cancels_its_tasks_in_all_loops) {
  RunningLoop other;
  std::atomic<int> cancelled = 0;
  run([&]() -> Task<> {
    TaskGroup group;
    const auto wait = [&cancelled]() -> Task<> {
      const bool slept = co_await sleep_for(1h);
      if (!slept) ++cancelled;
    };
    for (int i = 0; i < 10; ++i) {
      group.start(*other, wait);
      group.start(wait);
    }
    co_await sleep_for(1ms);
    group.cancel();
    co_await group.join();
  });
  EXPECT_EQ(cancelled, 20);
}

TEST_F(TaskGroupTest, whose_join_is_cancelled_cancels_its_tasks_and_waits_for_them) {
  run([&]() -> Task<> {
    TaskGroup group;
    group.start(note_end(ran, 1));
    const Result<void> joined = co_await with_timeout(1ms, group.join());
    EXPECT_TRUE(!joined && joined.error().is_timed_out());
    EXPECT_EQ(group.running(), 0);
    EXPECT_THAT(ran, ElementsAre(1));
    group.start(note_end(ran, 2));
    co_await group.join();  // the group stays cancelled
    EXPECT_THAT(ran, ElementsAre(1, 2));
  });
}

TEST_F(TaskGroupTest, destroyed_before_its_tasks_have_ended_breaks_an_invariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        TaskGroup group;
        group.start(note_end(ran, 1));
      },
      "a TaskGroup is destroyed while its tasks run; co_await join\\(\\) first");
}

class BlockOn : public InLoopWithRecord {};

TEST_F(BlockOn, runs_the_loop_until_the_awaitable_has_ended_and_returns_its_result) {
  const auto answer = []() -> Task<int> {
    (void)co_await sleep_for(1us);
    co_return 42;
  };
  EXPECT_EQ(block_on(answer()), 42);
  EXPECT_TRUE(block_on(sleep_for(1us)));
  const auto nothing = []() -> Task<> { co_return; };
  block_on(nothing());
}

TEST_F(BlockOn, returns_what_a_task_returns_in_another_loop) {
  RunningLoop other;
  const auto answer = [](AioContext& away) -> Task<std::string> {
    co_await reschedule_self(away);
    co_return "from there";
  };
  for (int i = 0; i < 100; ++i) EXPECT_EQ(block_on(answer(*other)), "from there");
}

TEST_F(BlockOn, may_be_called_inside_a_coroutine_of_the_loop) {
  const auto outer = []() -> Task<int> {
    const auto inner = []() -> Task<int> { co_return 1; };
    co_return block_on(inner()) + 1;
  };
  EXPECT_EQ(block_on(outer()), 2);
}

class Semaphores : public InLoopWithRecord {};

TEST_F(Semaphores, give_permits_in_the_order_of_asking) {
  run([this]() -> Task<> {
    Semaphore semaphore(2);
    TaskGroup group;
    for (int i = 0; i < 5; ++i) {
      group.start([&, i]() -> Task<> {
        EXPECT_TRUE(co_await semaphore.acquire());
        co_await sleep_for(1us);
        ran.push_back(i);
        semaphore.release();
      });
    }
    co_await group.join();
    EXPECT_EQ(semaphore.available(), 2);
  });
  EXPECT_THAT(ran, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(Semaphores, lose_no_permit_when_a_wait_is_cancelled) {
  run([]() -> Task<> {
    Semaphore semaphore(1);
    EXPECT_TRUE(semaphore.try_acquire());
    EXPECT_FALSE(semaphore.try_acquire());
    const Result<void> waited = co_await with_timeout(1us, semaphore.acquire());
    EXPECT_TRUE(!waited && waited.error().is_timed_out());
    semaphore.release();
    EXPECT_EQ(semaphore.available(), 1);
    EXPECT_TRUE(co_await semaphore.acquire());
  });
}

TEST(LambdaCoroutines, keep_their_captures_while_they_wait) {
  const Ref<AioContext> loop = make_loop();
  const CurrentAioContext current(*loop);
  std::string seen;
  {
    auto text = std::make_unique<std::string>("kept");
    co_schedule(*loop, [text = std::move(text), &seen]() -> Task<> {
      co_await sleep_for(1us);
      seen = *text;
    });
  }
  while (seen.empty()) loop->poll(true);
  EXPECT_EQ(seen, "kept");
}

// Counts itself while it exists, in a counter of its parent's frame.
struct Counted {
  explicit Counted(int& c) : count(c) { ++count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count; }
  int& count;
};

Task<> waits_in_every_way(AioContext& loop, int& alive) {
  const Counted self(alive);
  Semaphore never_free(0);
  Wakeup never_woken;
  Cancellation stop;
  TaskGroup group;
  int children = 0;
  const auto child = [&](int way) -> Task<> {
    const Counted counted(children);
    if (way == 0) (void)co_await sleep_for(1h, &stop);
    if (way == 1) (void)co_await never_free.acquire(&stop);
    if (way == 2) (void)co_await woken(never_woken, &stop);
    if (way == 3) co_await when_all(never(), never());
    if (way == 4) co_await reschedule_self(loop);
    if (way == 5) (void)co_await with_timeout(1h, never_free.acquire());
    co_await sleep_for(1h);
  };
  for (int way = 0; way < 6; ++way) group.start(child(way));
  co_await when_all(child(0), child(1), child(3), group.join(), child(5));
}

TEST(TasksSideBySide, are_destroyed_with_their_loop_before_what_they_use) {
  for (int iterations = 0; iterations < 4; ++iterations) {
    int alive = 0;
    Ref<AioContext> loop = make_loop();
    {
      const CurrentAioContext current(*loop);
      co_schedule(*loop, waits_in_every_way(*loop, alive));
      for (int i = 0; i < iterations; ++i) loop->poll(false);
      loop->close();
    }
    EXPECT_EQ(alive, 0);
  }
}

}  // namespace concurrency_test
}  // namespace qomio
