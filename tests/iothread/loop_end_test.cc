// SPDX-License-Identifier: GPL-2.0-or-later
// Loops that have ended: waits for them return, and functions posted to a loop do not keep it alive.
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/object/tree.h"
#include "qomio/tests/iothread/loop_timeout.h"
#include "qomio/tests/iothread/running_loop.h"
#include "qomio/tests/iothread/with_iothreads.h"

namespace qomio {
namespace loop_end_test {

class LoopEnd : public WithIOThreads {
 protected:
  // Calls the main loop from an I/O thread while the main thread stops that I/O thread. `start` receives the
  // I/O thread's loop and the function that makes the call. Returns whether the main loop ran the call.
  static bool calls_while_stopped(const std::function<void(AioContext& io, std::function<void()>)>& start) {
    MainLoop main_loop = MainLoop::create().value();
    add("io0");
    std::binary_semaphore begun(0);
    bool ran = true;
    start(iothread_by_id("io0")->context(), [&] {
      begun.release();
      ran = main_loop.context().run_in([] { FAIL(); });
    });
    begun.acquire();
    EXPECT_TRUE(user_creatable_del("io0").has_value());
    return ran;
  }
};

TEST_F(LoopEnd, a_call_into_a_thread_that_has_stopped_is_refused) {
  const auto io0 = add("io0");
  const Ref<AioContext> loop(io0->context());
  ASSERT_TRUE(io0->stop().has_value());
  EXPECT_FALSE(loop->run_in([] { FAIL(); }));
}

TEST_F(LoopEnd, a_call_that_waits_is_given_up_when_the_object_is_deleted) {
  auto io0 = add("io0");
  const Ref<AioContext> loop(io0->context());
  std::binary_semaphore held(0);
  std::binary_semaphore go(0);
  bool ran = true;
  loop->schedule_oneshot([&] {
    held.release();
    go.acquire();
    // Waits until a call or the stop is posted. The loop refuses calls that are posted after the stop.
    while (timeout_of(*loop) != 0) std::this_thread::yield();
  });
  held.acquire();
  std::thread deleter([&] {
    go.release();
    ran = loop->run_in([] {}) && loop->run_in([] {}) && loop->run_in([] {});
    while (ran) ran = loop->run_in([] {});
  });
  io0 = nullptr;
  ASSERT_TRUE(user_creatable_del("io0").has_value());
  deleter.join();
  EXPECT_FALSE(ran);
}

TEST_F(LoopEnd, a_thread_that_is_stopped_does_not_wait_for_who_stops_it) {
  EXPECT_FALSE(calls_while_stopped(
      [](AioContext& io, std::function<void()> call) { io.schedule_oneshot(std::move(call)); }));
}

TEST_F(LoopEnd, a_job_of_a_thread_that_is_stopped_does_not_wait_for_who_stops_it) {
  EXPECT_FALSE(calls_while_stopped([](AioContext& io, std::function<void()> call) {
    io.schedule_oneshot([&io, call = std::move(call)] { (void)io.thread_pool().submit(call, [] {}); });
  }));
}

TEST_F(LoopEnd, sigterm_ends_a_program_whose_threads_call_the_main_loop) {
  MainLoop main_loop = MainLoop::create().value();
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (main_loop.context().run_in([] {})) {
      }
    });
  }
  main_loop.context().schedule_oneshot([] { std::raise(SIGTERM); });
  EXPECT_EQ(main_loop.run(), 0);
  for (std::thread& caller : callers) caller.join();
}

TEST_F(LoopEnd, waiting_for_a_condition_ends_with_the_thread_that_would_bring_it) {
  MainLoop main_loop = MainLoop::create().value();
  const Ref<AioContext> loop(add("io0")->context());
  main_loop.context().schedule_oneshot([] { ASSERT_TRUE(user_creatable_del("io0").has_value()); });
  EXPECT_FALSE(loop->wait_while([] { return true; }));
  EXPECT_FALSE(loop->wait_while([] { return true; })) << "it has ended before";
  EXPECT_TRUE(loop->wait_while([] { return false; }));
}

TEST_F(LoopEnd, of_an_iothread_of_the_program_comes_with_its_destruction_and_not_before) {
  auto made = iothread_create("worker").value();
  IOThread& worker = *made;
  const Ref<AioContext> loop(worker.context());
  made = nullptr;
  EXPECT_TRUE(loop->run_in([] {}));
  iothread_destroy(worker);
  EXPECT_FALSE(loop->run_in([] {}));
}

// --- Functions and coroutines that own their loop do not keep it alive ---

// Owns the loop. The use count of `told` shows whether a Witness still exists.
struct Witness {
  Witness(AioContext& of, std::shared_ptr<int> owned) : loop(of), told(std::move(owned)) {}
  Ref<AioContext> loop;
  std::shared_ptr<int> told;
};

Task<> waits_with(Witness) { (void)co_await sleep_for(1h); }
Task<> goes_to(AioContext& loop, Witness) { co_await reschedule_self(loop); }
Task<> owns_a_timer(AioContext& loop, std::shared_ptr<int>) {
  Timer timer = loop.timer([] {});
  timer.arm_after(1h);
  (void)co_await sleep_for(2h);
}

TEST_F(LoopEnd, what_owns_its_loop_is_freed_when_the_thread_stops) {
  const EventNotifier notifier = EventNotifier::create().value();
  for (int when = 0; when < 2; ++when) {  // 0: posts before the stop; 1: after it
    const auto told = std::make_shared<int>();
    {
      const auto io0 = add("io0");
      AioContext& loop = io0->context();
      const auto post = [&] {
        loop.schedule_oneshot([w = Witness(loop, told)] {});
        loop.set_fd_handler(notifier.fd(), {.read = [w = Witness(loop, told)] {}});
        loop.set_fd_handler(notifier.fd(), {.poll = [w = Witness(loop, told)] { return false; },
                                            .poll_ready = [w = Witness(loop, told)] {}});
        co_schedule(loop, waits_with(Witness(loop, told)));
        co_enter(loop, owns_a_timer(loop, told));
        if (when == 1) co_schedule(loop, goes_to(loop, Witness(loop, told)));
        auto own_timer = std::make_shared<Timer>();
        *own_timer = loop.timer([own_timer, w = Witness(loop, told)] {});
        own_timer->arm_after(1h);
      };
      if (when == 0) post();
      ASSERT_TRUE(io0->stop().has_value());
      if (when == 1) post();
      EXPECT_EQ(told.use_count(), 1) << when;
      ASSERT_TRUE(user_creatable_del("io0").has_value());
    }
    EXPECT_EQ(told.use_count(), 1) << when;
  }
}

class OwnedByLoop final : public LoopOwned {
 public:
  OwnedByLoop(int& destroyed, OwnedByLoop* other = nullptr) : destroyed_(destroyed), other_(other) {}

 private:
  void destroy() override {
    ++destroyed_;
    delete other_;
  }

  int& destroyed_;
  OwnedByLoop* const other_;
};

TEST(OwnedByALoop, is_destroyed_when_the_loop_ends_unless_it_was_taken_back) {
  int destroyed = 0;
  OwnedByLoop first(destroyed), second(destroyed), third(destroyed);
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    for (OwnedByLoop* const owned : {&first, &second, &third}) loop->free_at_end(*owned);
    second.take_back();
    second.take_back();
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 2);
}

TEST(OwnedByALoop, may_delete_another_when_it_is_destroyed) {
  int destroyed = 0;
  auto* const other = new OwnedByLoop(destroyed);
  OwnedByLoop last(destroyed, other);
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    loop->free_at_end(*other);
    loop->free_at_end(last);  // destroyed first
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(OwnedByALoop, is_destroyed_at_once_if_the_loop_has_ended) {
  int destroyed = 0;
  OwnedByLoop owned(destroyed);
  const Ref<AioContext> loop = make_loop();
  const CurrentAioContext current(*loop);
  loop->close();
  loop->free_at_end(owned);
  EXPECT_EQ(destroyed, 1);
}

TEST_F(LoopEnd, a_coroutine_that_owns_a_timer_is_freed_with_its_loop) {
  const auto told = std::make_shared<int>();
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    co_enter(*loop, owns_a_timer(*loop, told));
    EXPECT_EQ(told.use_count(), 2);
  }
  EXPECT_EQ(told.use_count(), 1);
}

TEST_F(LoopEnd, what_owns_a_loop_run_by_hand_is_freed_when_it_is_closed) {
  const auto told = std::make_shared<int>();
  const Ref<AioContext> loop = make_loop();
  loop->schedule_oneshot([w = Witness(*loop, told)] {});
  {
    const CurrentAioContext current(*loop);
    co_enter(*loop, waits_with(Witness(*loop, told)));
    loop->close();
    EXPECT_EQ(told.use_count(), 1);
    loop->schedule_oneshot([w = Witness(*loop, told)] {});
    loop->close();
  }
  co_schedule(*loop, waits_with(Witness(*loop, told)));
  EXPECT_EQ(told.use_count(), 1);
  EXPECT_DEATH(CurrentAioContext{*loop}, "AioContext that was closed is run again");
}

TEST_F(LoopEnd, a_timer_may_outlive_its_loop_and_does_nothing_then) {
  Timer timer;
  {
    const Ref<AioContext> loop = make_loop();
    timer = loop->timer([] { FAIL(); });
    timer.arm_after(0ns);
  }
  EXPECT_FALSE(timer.armed());
  timer.arm_after(0ns);
  timer.arm_no_later_than(1);
  timer.cancel();
  EXPECT_FALSE(timer.armed());
}

}  // namespace loop_end_test
}  // namespace qomio
