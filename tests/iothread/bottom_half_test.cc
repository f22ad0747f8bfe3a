// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/bottom_half.h"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "qomio/tests/iothread/loop_timeout.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace bottom_half_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BottomHalfTest : public InLoop {
 protected:
  std::vector<int> ran;
};

TEST_F(BottomHalfTest, runs_once_for_any_number_of_requests) {
  BottomHalf half = loop->bh_new("half", [&] { ran.push_back(1); });
  EXPECT_FALSE(loop->poll(false));
  half.schedule();
  half.schedule();
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre(1));
  EXPECT_FALSE(loop->poll(false));
}

TEST_F(BottomHalfTest, runs_in_the_order_of_scheduling) {
  BottomHalf third = loop->bh_new("third", [&] { ran.push_back(3); });
  loop->schedule_oneshot([&] { ran.push_back(1); });
  loop->schedule_oneshot([&] { ran.push_back(2); });
  third.schedule();
  loop->schedule_oneshot([&] { ran.push_back(4); });
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

TEST_F(BottomHalfTest, scheduled_by_a_running_one_is_in_the_next_batch) {
  loop->schedule_oneshot([&] {
    ran.push_back(1);
    loop->schedule_oneshot([&] { ran.push_back(3); });
  });
  loop->schedule_oneshot([&] { ran.push_back(2); });
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 2));
  EXPECT_EQ(timeout_of(*loop), 0);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST_F(BottomHalfTest, may_schedule_itself_again) {
  BottomHalf half;
  half = loop->bh_new("again", [&] {
    ran.push_back(static_cast<int>(ran.size()));
    if (ran.size() < 3) half.schedule();
  });
  half.schedule();
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(0));
  loop->poll(true);
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  EXPECT_FALSE(loop->poll(false));
}

TEST_F(BottomHalfTest, nested_iteration_runs_what_is_left_outside_first_oldest_first) {
  loop->schedule_oneshot([&] {
    ran.push_back(1);
    loop->schedule_oneshot([&] {
      ran.push_back(4);
      loop->schedule_oneshot([&] { ran.push_back(6); });
      loop->poll(false);
    });
    loop->schedule_oneshot([&] { ran.push_back(5); });
    loop->poll(false);
    ran.push_back(7);
  });
  loop->schedule_oneshot([&] { ran.push_back(2); });
  loop->schedule_oneshot([&] { ran.push_back(3); });
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(BottomHalfTest, runs_inside_itself_when_it_is_rescheduled_and_the_loop_nested) {
  BottomHalf half;
  half = loop->bh_new("nested", [&] {
    ran.push_back(1);
    if (ran.size() == 3) return;
    half.schedule();
    loop->poll(false);
    ran.push_back(2);
  });
  half.schedule();
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre(1, 1, 1, 2, 2));
}

TEST_F(BottomHalfTest, does_not_run_after_cancel_unless_scheduled_again) {
  BottomHalf half = loop->bh_new("half", [&] { ran.push_back(1); });
  half.schedule();
  half.cancel();
  EXPECT_FALSE(loop->poll(false));
  half.schedule();
  half.cancel();
  half.schedule();
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre(1));
  half.cancel();
}

TEST_F(BottomHalfTest, may_be_deleted_inside_itself) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  std::optional<BottomHalf> half;
  half = loop->bh_new("half", [&, kept = std::move(owned)] {
    half->schedule();
    half.reset();
    ran.push_back(kept.use_count() > 0 ? 1 : 0);
  });
  half->schedule();
  loop->poll(true);
  drain();
  EXPECT_THAT(ran, ElementsAre(1));
  EXPECT_TRUE(watch.expired());
}

TEST_F(BottomHalfTest, deleted_while_it_waits_never_runs) {
  {
    BottomHalf half = loop->bh_new("half", [&] { ran.push_back(1); });
    half.schedule();
    const BottomHalf unscheduled = loop->bh_new("other", [&] { ran.push_back(2); });
  }
  EXPECT_FALSE(loop->poll(false));
  EXPECT_THAT(ran, IsEmpty());
}

TEST_F(BottomHalfTest, idle_ones_run_without_waking_and_without_counting_as_progress) {
  BottomHalf half = loop->bh_new("idle", [&] { ran.push_back(1); });
  half.schedule_idle();
  EXPECT_EQ(timeout_of(*loop), 10'000'000);
  EXPECT_FALSE(loop->poll(false));
  EXPECT_THAT(ran, ElementsAre(1));
  half.schedule_idle();
  half.schedule();
  EXPECT_EQ(timeout_of(*loop), 0);
  half.schedule_idle();
  EXPECT_EQ(timeout_of(*loop), 0);
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre(1, 1));
}

TEST_F(BottomHalfTest, idle_one_runs_in_a_blocking_iteration_too) {
  BottomHalf half = loop->bh_new("idle", [&] { ran.push_back(1); });
  half.schedule_idle();
  EXPECT_FALSE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(BottomHalfTest, one_shot_owns_its_capture_even_if_it_can_only_be_moved) {
  auto owned = std::make_unique<std::string>("moved");
  std::string seen;
  loop->schedule_oneshot([&seen, mine = std::move(owned)] { seen = *mine; });
  loop->poll(true);
  EXPECT_EQ(seen, "moved");
}

TEST(BottomHalfs, left_over_one_shots_are_freed_with_the_loop) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  {
    const Ref<AioContext> loop = make_loop();
    loop->schedule_oneshot([kept = std::move(owned)] {});
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(BottomHalfDeathTest, a_loop_that_ends_with_a_live_one_names_it) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Ref<AioContext> loop = make_loop();
        BottomHalf half = loop->bh_new("flush", [] {});
        half.schedule();
        loop = nullptr;
      },
      "'test' ends while its bottom half 'flush' is alive");
}

TEST(BottomHalfs, may_be_scheduled_from_many_threads_and_none_is_lost) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  RunningLoop loop;
  int ran = 0;  // used only in the loop's thread
  std::vector<int> last(kThreads, -1);
  bool in_order = true;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          loop->schedule_oneshot([&, thread, i] {
            in_order &= std::exchange(last[static_cast<std::size_t>(thread)], i) == i - 1;
            ++ran;
          });
        }
      });
    }
  }
  loop->run_in([&] {
    EXPECT_EQ(ran, kThreads * kEach);
    EXPECT_TRUE(in_order);
  });
}

// A run that starts after schedule() sees everything that was written before schedule(), even if the bottom
// half was already scheduled.
TEST(BottomHalfs, see_what_was_published_before_they_were_scheduled) {
  constexpr int kThreads = 3;
  constexpr int kEach = 2000;
  RunningLoop loop;
  std::array<std::atomic<int>, kThreads> published{};
  std::array<int, kThreads> seen{};
  BottomHalf half = loop->bh_new("reader", [&] {
    for (std::size_t i = 0; i < kThreads; ++i) seen[i] = published[i].load(std::memory_order_relaxed);
  });
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 1; i <= kEach; ++i) {
          published[thread].store(i, std::memory_order_relaxed);
          half.schedule();
        }
      });
    }
  }
  loop->run_in([&] { EXPECT_THAT(seen, ElementsAre(kEach, kEach, kEach)); });
}

// Only a run uses the capture. No run continues once the handle is destroyed, so the capture can be freed.
TEST(BottomHalfs, deleting_from_another_thread_waits_for_the_run_that_is_going_on) {
  RunningLoop loop;
  for (int i = 0; i < 500; ++i) {
    auto used = std::make_unique<int>(0);
    {
      BottomHalf half = loop->bh_new("user", [target = used.get()] { ++*target; });
      half.schedule();
      if (i % 2) std::this_thread::yield();
      if (i % 3 == 0) half.schedule();
    }
    used.reset();
  }
}

TEST(BottomHalfs, deleting_from_another_thread_returns_only_after_the_run) {
  RunningLoop loop;
  std::atomic<int> step = 0;
  std::optional<BottomHalf> half = loop->bh_new("slow", [&] {
    step = 1;
    step.notify_all();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    step = 2;
  });
  half->schedule();
  step.wait(0);
  half.reset();
  EXPECT_EQ(step, 2);
}

}  // namespace bottom_half_test
}  // namespace qomio
