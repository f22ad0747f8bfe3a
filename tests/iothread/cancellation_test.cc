// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/cancellation.h"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "qomio/iothread/coroutine.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace cancellation_test {

using ::testing::ElementsAre;

class CancellationTest : public InLoop {
 protected:
  void wait(int number, Cancellation& stop) {
    co_enter(*loop, [](int n, Cancellation& s, std::vector<int>& record) -> Task<> {
      record.push_back(co_await sleep_for(1h, &s) ? -n : n);
    }(number, stop, ran));
  }

  std::vector<int> ran;
};

TEST_F(CancellationTest, ends_all_waits_in_their_order) {
  Cancellation stop;
  for (int i = 1; i < 4; ++i) wait(i, stop);
  EXPECT_FALSE(stop.cancelled());
  stop.cancel();
  EXPECT_TRUE(stop.cancelled());
  EXPECT_THAT(ran, ElementsAre()) << "not inside cancel()";
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
  wait(4, stop);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4)) << "a later wait ends at once";
}

TEST_F(CancellationTest, may_be_used_again) {
  Cancellation stop;
  wait(1, stop);
  stop.cancel();
  stop.reset();
  EXPECT_FALSE(stop.cancelled());
  wait(2, stop);
  drain();
  EXPECT_THAT(ran, ElementsAre(1));
  stop.cancel();
  drain();
  EXPECT_THAT(ran, ElementsAre(1, 2));
}

TEST_F(CancellationTest, of_a_parent_ends_its_children_and_not_the_other_way_round) {
  Cancellation parent;
  Cancellation first(parent), second(parent);
  Cancellation grandchild(second);
  wait(1, parent);
  wait(2, first);
  wait(3, grandchild);
  first.cancel();
  drain();
  EXPECT_THAT(ran, ElementsAre(2));
  EXPECT_FALSE(parent.cancelled());
  parent.cancel();
  drain();
  EXPECT_THAT(ran, ElementsAre(2, 1, 3));
  const Cancellation late(parent);
  EXPECT_TRUE(late.cancelled());
}

TEST_F(CancellationTest, may_outlive_its_parent) {
  auto parent = std::make_unique<Cancellation>();
  Cancellation child(*parent);
  wait(1, child);
  parent = nullptr;
  child.cancel();
  drain();
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST(Cancellations, are_cancelled_by_any_thread_for_waits_of_any_loop) {
  std::atomic<int> cancelled = 0;
  Cancellation stop;
  Cancellation child(stop);
  RunningLoop first, second;
  std::atomic<int> waiting = 0;
  for (AioContext* const loop : {&*first, &*second}) {
    for (int i = 0; i < 20; ++i) {
      co_schedule(*loop, [&, i]() -> Task<> {
        ++waiting;
        const bool slept = co_await sleep_for(1h, i % 2 ? &stop : &child);
        if (!slept) ++cancelled;
      });
    }
  }
  while (waiting < 20) std::this_thread::yield();  // cancels while others still begin to wait
  stop.cancel();
  while (cancelled < 40) std::this_thread::yield();
}

// Waits begin, end and are cancelled while another thread cancels.
TEST(Cancellations, may_be_cancelled_while_waits_begin_and_end) {
  Cancellation stop;
  RunningLoop loop({.poll_max_ns = 32768});
  std::atomic<bool> done = false;
  co_schedule(*loop, [&]() -> Task<> {
    for (int i = 0; i < 2000; ++i) {
      Cancellation mine(stop);
      (void)co_await sleep_for(std::chrono::nanoseconds(i % 5 * 100), &mine);
    }
    done = true;
  });
  while (!done) {
    stop.cancel();
    stop.reset();
  }
}

}  // namespace cancellation_test
}  // namespace qomio
