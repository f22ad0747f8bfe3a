// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/thread_pool.h"

#include <gmock/gmock.h>
#include <pthread.h>

#include <array>
#include <csignal>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace thread_pool_test {

using ::testing::ElementsAre;

// A thread pool, and jobs that block until the test releases them.
class ThreadPoolTest : public InLoop {
 protected:
  ThreadPool& pool = loop->thread_pool();
  std::counting_semaphore<> started{0};
  std::counting_semaphore<> go{0};
  std::vector<int> ran;   // the jobs that ran; written by one worker at a time
  std::vector<int> done;  // the jobs whose completion was called

  ThreadPool::JobId add(ThreadPool& to, int number) {
    return to.submit([this, number] { ran.push_back(number); }, [this, number] { done.push_back(number); })
        .value();
  }
  ThreadPool::JobId add_blocker(ThreadPool& to) {
    return to
        .submit(
            [this] {
              started.release();
              go.acquire();
            },
            [this] { done.push_back(0); })
        .value();
  }
  void finish(ThreadPool& which) {
    while (which.pending() > 0) loop->poll(true);
  }
};

TEST_F(ThreadPoolTest, works_in_another_thread_and_completes_in_the_loop) {
  std::thread::id worker;
  std::string result;
  const auto job = pool.submit(
      [&worker] {
        worker = std::this_thread::get_id();
        return std::make_unique<std::string>("result");
      },
      [&, home = std::this_thread::get_id()](std::unique_ptr<std::string> value) {
        EXPECT_EQ(std::this_thread::get_id(), home);
        EXPECT_EQ(AioContext::current(), loop.get());
        result = *value;
      });
  ASSERT_TRUE(job.has_value());
  finish(pool);
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_EQ(result, "result");
}

TEST_F(ThreadPoolTest, has_no_thread_before_there_is_work_and_then_at_most_max) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 2});
  EXPECT_EQ(pool.threads(), 0);
  for (int i = 0; i < 5; ++i) add_blocker(pool);
  EXPECT_EQ(pool.threads(), 2);
  EXPECT_EQ(pool.pending(), 5);
  EXPECT_EQ(loop->stats()[LoopStat::pool_threads], 2);
  EXPECT_EQ(loop->stats()[LoopStat::pool_pending], 5);
  go.release(5);
  finish(pool);
  EXPECT_EQ(done.size(), 5);
  EXPECT_EQ(loop->stats()[LoopStat::pool_pending], 0);
}

TEST_F(ThreadPoolTest, starts_jobs_in_order_of_submission) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  add_blocker(pool);
  for (int i = 1; i <= 5; ++i) add(pool, i);
  go.release();
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(done, ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(ThreadPoolTest, takes_an_idle_thread_before_it_starts_one) {
  for (int i = 1; i <= 3; ++i) {
    add(pool, i);
    finish(pool);
  }
  // A completion may be called before the worker counts as idle again.
  EXPECT_LE(pool.threads(), 3);
  std::vector<std::thread::id> workers;
  ThreadPool one(*loop);
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(one.submit([] { return std::this_thread::get_id(); },
                           [&](std::thread::id id) { workers.push_back(id); })
                    .has_value());
    finish(one);
  }
  EXPECT_THAT(workers, ElementsAre(workers[0], workers[0], workers[0]));
}

TEST_F(ThreadPoolTest, cancels_a_job_that_has_not_started) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  const ThreadPool::JobId blocker = add_blocker(pool);
  const ThreadPool::JobId first = add(pool, 1);
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  const ThreadPool::JobId second = pool.submit([kept = std::move(owned)] {}, [] {}).value();
  add(pool, 3);
  started.acquire();
  EXPECT_FALSE(pool.cancel(blocker)) << "it has started";
  EXPECT_TRUE(pool.cancel(second));
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(pool.cancel(second)) << "it is cancelled already";
  EXPECT_TRUE(pool.cancel(first));
  EXPECT_EQ(pool.pending(), 2);
  go.release();
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(3));
  EXPECT_THAT(done, ElementsAre(0, 3));
  EXPECT_FALSE(pool.cancel(blocker)) << "it is over";
}

TEST_F(ThreadPoolTest, completion_may_iterate_the_loop_and_wait_for_another) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  const auto nested = [this] {
    ASSERT_TRUE(pool.submit([] {},
                            [this] {
                              done.push_back(1);
                              while (done.size() < 3) loop->poll(true);
                            })
                    .has_value());
    add(pool, 2);
    add(pool, 3);
  };
  nested();
  finish(pool);
  EXPECT_THAT(done, ElementsAre(1, 2, 3));
}

TEST_F(ThreadPoolTest, completion_may_submit_the_next) {
  int left = 100;
  std::function<void()> next = [&] {
    if (--left == 0) return;
    ASSERT_TRUE(pool.submit([] {}, next).has_value());
  };
  ASSERT_TRUE(pool.submit([] {}, next).has_value());
  while (left > 0) loop->poll(true);
}

TEST_F(ThreadPoolTest, idle_threads_end_and_the_minimum_stays) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 1, .thread_pool_max = 8});
  ThreadPool quick(*loop, std::chrono::nanoseconds(1));
  for (int i = 0; i < 4; ++i) add_blocker(quick);
  EXPECT_EQ(quick.threads(), 4);
  go.release(4);
  finish(quick);
  while (quick.threads() > 1) std::this_thread::yield();
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 8});
  while (quick.threads() > 0) std::this_thread::yield();
  add(quick, 1);
  finish(quick);
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(ThreadPoolTest, a_higher_maximum_helps_jobs_that_wait_already) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  for (int i = 0; i < 4; ++i) add_blocker(pool);
  ASSERT_EQ(pool.threads(), 1);
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 3});
  for (int i = 0; i < 3; ++i) started.acquire();
  EXPECT_EQ(pool.threads(), 3);
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 8});
  started.acquire();
  EXPECT_EQ(pool.threads(), 4) << "no more than there are jobs";
  go.release(4);
  finish(pool);
}

TEST_F(ThreadPoolTest, a_higher_maximum_set_by_another_thread_takes_effect_in_the_loop) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  for (int i = 0; i < 2; ++i) add_blocker(pool);
  std::thread([this] {
    loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 2});
  }).join();
  loop->poll(true);
  for (int i = 0; i < 2; ++i) started.acquire();
  EXPECT_EQ(pool.threads(), 2);
  go.release(2);
  finish(pool);
}

TEST_F(ThreadPoolTest, a_higher_minimum_keeps_threads_and_makes_none) {
  ThreadPool quick(*loop, 1ms);
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 4, .thread_pool_max = 8});
  EXPECT_EQ(quick.threads(), 0);
  for (int i = 0; i < 2; ++i) add_blocker(quick);
  go.release(2);
  finish(quick);
  quick.params_changed();
  EXPECT_EQ(quick.threads(), 2);
}

TEST_F(ThreadPoolTest, surplus_threads_end_when_the_maximum_falls) {
  for (int i = 0; i < 4; ++i) add_blocker(pool);
  ASSERT_EQ(pool.threads(), 4);
  go.release(3);
  while (pool.pending() > 1) loop->poll(true);
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  while (pool.threads() > 1) std::this_thread::yield();
  go.release();
  add(pool, 1);
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(ThreadPoolTest, threads_carry_the_name_of_the_loop_and_take_no_signals) {
  std::array<char, 16> name{};
  sigset_t blocked;
  ASSERT_TRUE(pool.submit(
                      [&] {
                        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
                        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
                      },
                      [] {})
                  .has_value());
  finish(pool);
  EXPECT_STREQ(name.data(), "pool test");
  EXPECT_TRUE(::sigismember(&blocked, SIGINT));
  EXPECT_TRUE(::sigismember(&blocked, SIGTERM));
}

TEST(ThreadPools, that_end_wait_for_what_runs_and_free_what_waits) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  std::atomic<bool> finished = false;
  std::binary_semaphore started{0};
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
    const auto running = loop->thread_pool().submit(
        [&] {
          started.release();
          std::this_thread::yield();
          finished = true;
        },
        [] { FAIL() << "nobody runs the loop"; });
    ASSERT_TRUE(running.has_value());
    ASSERT_TRUE(loop->thread_pool().submit([] {}, [kept = std::move(owned)] { FAIL(); }).has_value());
    started.acquire();
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(finished);
  EXPECT_TRUE(watch.expired());
}

TEST(ThreadPools, of_a_loop_are_told_of_new_limits_by_any_thread) {
  RunningLoop loop;
  std::atomic<int> done = 0;
  loop->run_in([&] {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(loop->thread_pool().submit([] { std::this_thread::yield(); }, [&] { ++done; }).has_value());
    }
  });
  for (int i = 0; done < 50; ++i)
    loop->set_params({.poll_max_ns = 0, .thread_pool_min = i % 2, .thread_pool_max = 1 + i % 3});
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  while (loop->stats()[LoopStat::pool_threads] > 1) std::this_thread::yield();
}

}  // namespace thread_pool_test
}  // namespace qomio
