// SPDX-License-Identifier: GPL-2.0-or-later
// Callbacks must not throw, may change the loop, and are not called once their descriptor has been closed.
#include <glib.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/iothread/loop_timeout.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace loop_callback_test {

class LoopCallbackDeathTest : public InLoop {};

Task<> throws() {
  co_await sleep_for(0ns);
  throw std::runtime_error("no luck");
}

TEST_F(LoopCallbackDeathTest, an_exception_that_leaves_a_callback_is_told_by_name) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto fail = [] { throw std::runtime_error("no luck"); };
  BottomHalf half = loop->bh_new("flush", fail);
  Timer timer = loop->timer(fail);
  EventNotifier notifier = EventNotifier::create().value();
  notifier.signal();
  EXPECT_DEATH((half.schedule(), drain()), "left the bottom half 'flush': no luck");
  EXPECT_DEATH((loop->schedule_oneshot(fail), drain()), "left the one-shot of .*: no luck");
  EXPECT_DEATH((timer.arm_at(0), drain()), "left the timer of .*: no luck");
  EXPECT_DEATH((loop->set_fd_handler(notifier.fd(), {.read = fail}), loop->poll(true)),
               "left the fd [0-9]+: no luck");
  EXPECT_DEATH((co_enter(*loop, throws()), loop->poll(true)), "left the coroutine: no luck");
  EXPECT_DEATH(((void)loop->thread_pool().submit(fail, [] {}), loop->poll(true)),
               "left the job of a thread pool: no luck");
}

// --- Descriptors closed too early ---

class ClosedDescriptor : public ::testing::TestWithParam<FdMonitorKind> {
 protected:
  ClosedDescriptor() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
  ~ClosedDescriptor() override {
    ::close(copy);
    ::close(ends[1]);
  }
  // Closes ends[0] while it is readable. A copy stays open, so the kernel still reports it.
  void close_early() {
    copy = ::dup(ends[0]);
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    ::close(ends[0]);
  }

  Ref<AioContext> loop = AioContext::create("test", GetParam()).value();
  CurrentAioContext current{*loop};
  std::array<int, 2> ends{};
  int copy = -1;
};

INSTANTIATE_TEST_SUITE_P(Monitors, ClosedDescriptor,
                         ::testing::Values(FdMonitorKind::poll, FdMonitorKind::epoll,
                                           FdMonitorKind::io_uring),
                         [](const auto& param) { return std::string(fd_monitor_kind_name(param.param)); });

TEST_P(ClosedDescriptor, does_not_call_the_handler_of_the_next_with_its_number) {
  loop->set_fd_handler(ends[0], {.read = [] { ADD_FAILURE(); }});
  loop->poll(false);
  close_early();
  EventNotifier silent = EventNotifier::create().value();
  ASSERT_EQ(silent.fd(), ends[0]);
  loop->set_fd_handler(silent.fd(), {.read = [] { ADD_FAILURE() << "nothing has come"; }});
  for (int i = 0; i < 1000; ++i) loop->poll(false);
  int calls = 0;
  loop->set_fd_handler(silent.fd(), {.read = [&] {
                         ++calls;
                         silent.test_and_clear();
                       }});
  silent.signal();
  for (int i = 0; i < 10; ++i) loop->poll(false);
  EXPECT_EQ(calls, 1);
  loop->set_fd_handler(silent.fd(), {});
}

TEST_P(ClosedDescriptor, is_not_called_for_ever) {
  int calls = 0;
  loop->set_fd_handler(ends[0], {.read = [&] { ++calls; }});
  loop->poll(false);
  close_early();
  for (int i = 0; i < 2000; ++i) loop->poll(false);
  EXPECT_LT(calls, 1000);
  const int before = calls;
  for (int i = 0; i < 1000; ++i) loop->poll(false);
  EXPECT_EQ(calls, before);
  loop->set_fd_handler(ends[0], {});
}

TEST_P(ClosedDescriptor, taken_away_too_late_is_forgotten) {
  loop->set_fd_handler(ends[0], {.read = [] { ADD_FAILURE(); }});
  loop->poll(false);
  close_early();
  loop->set_fd_handler(ends[0], {});
  for (int i = 0; i < 10; ++i) loop->poll(false);
  EXPECT_EQ(timeout_of(*loop), -1);
}

// --- Every kind of callback makes every kind of change ---

// Has the loop call `call` soon. `call` may destroy this object.
struct Callback {
  virtual ~Callback() = default;
  std::function<void()> call;
};

struct OfBottomHalf final : Callback {
  explicit OfBottomHalf(AioContext& loop) : half(loop.bh_new("table", [this] { call(); })) {
    half.schedule();
  }
  BottomHalf half;
};
struct OfTimer final : Callback {
  explicit OfTimer(AioContext& loop) : timer(loop.timer([this] { call(); })) { timer.arm_at(0); }
  Timer timer;
};
struct OfDescriptor : Callback {
  explicit OfDescriptor(AioContext& of) : loop(of) { notifier.signal(); }
  ~OfDescriptor() override { loop->set_fd_handler(notifier.fd(), {}); }
  Ref<AioContext> loop;
  EventNotifier notifier = EventNotifier::create().value();
};
struct OfHandler final : OfDescriptor {
  explicit OfHandler(AioContext& of) : OfDescriptor(of) {
    of.set_fd_handler(notifier.fd(), {.read = [this] {
                        notifier.test_and_clear();
                        call();
                      }});
  }
};
struct OfPoll final : OfDescriptor {
  explicit OfPoll(AioContext& of) : OfDescriptor(of) {
    of.set_fd_handler(notifier.fd(), {.poll = [this] { return call(), false; },
                                      .poll_ready =
                                          [this] {
                                            notifier.test_and_clear();
                                            call();
                                          }});
  }
};

// The loop owns these callbacks and cannot drop them, so a flag tells them to do nothing.
struct OfUnowned : Callback {
  ~OfUnowned() override { *wanted = false; }
  std::function<void()> calling() {
    return [this, still = wanted] {
      if (*still) call();
    };
  }
  std::shared_ptr<bool> wanted = std::make_shared<bool>(true);
};
struct OfOneShot final : OfUnowned {
  explicit OfOneShot(AioContext& loop) { loop.schedule_oneshot(calling()); }
};
struct OfJob final : OfUnowned {
  explicit OfJob(AioContext& loop) {
    (void)loop.thread_pool().submit([] {}, calling());
  }
};
struct OfCoroutine final : OfUnowned {
  explicit OfCoroutine(AioContext& loop) { co_enter(loop, wait(calling())); }
  static Task<> wait(std::function<void()> then) {
    co_await sleep_for(1ns);
    then();
  }
};

enum class Kind { bottom_half, timer, handler, poll, one_shot, job, coroutine };
std::unique_ptr<Callback> make_callback(Kind kind, AioContext& loop) {
  switch (kind) {
    case Kind::bottom_half:
      return std::make_unique<OfBottomHalf>(loop);
    case Kind::timer:
      return std::make_unique<OfTimer>(loop);
    case Kind::handler:
      return std::make_unique<OfHandler>(loop);
    case Kind::one_shot:
      return std::make_unique<OfOneShot>(loop);
    case Kind::job:
      return std::make_unique<OfJob>(loop);
    case Kind::coroutine:
      return std::make_unique<OfCoroutine>(loop);
    case Kind::poll:
      break;
  }
  return std::make_unique<OfPoll>(loop);
}
constexpr std::array kKinds{Kind::bottom_half, Kind::timer, Kind::handler,  Kind::poll,
                            Kind::one_shot,    Kind::job,   Kind::coroutine};

enum class Change { delete_itself, delete_others, delete_all, add_others, iterate, drop_the_loop };
constexpr std::array kChanges{Change::delete_itself, Change::delete_others, Change::delete_all,
                              Change::add_others,    Change::iterate,       Change::drop_the_loop};

TEST(LoopCallbacks, of_every_kind_may_make_every_change) {
  for (const Kind kind : kKinds) {
    for (const Change change : kChanges) {
      SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + " " + std::to_string(static_cast<int>(change)));
      Ref<AioContext> loop = make_loop();
      loop->set_params({.poll_max_ns = 1000});
      std::optional<CurrentAioContext> current(*loop);
      AioContext& context = *loop;
      std::vector<std::unique_ptr<Callback>> all;
      std::vector<std::unique_ptr<Callback>> added;
      for (const Kind each : {Kind::handler, kind, Kind::timer, kind, Kind::poll, kind, Kind::bottom_half}) {
        all.push_back(make_callback(each, context));
        all.back()->call = [] {};
      }
      int calls = 0;
      // The lambda may destroy itself and its captures while it runs, so it first copies what it needs.
      all[3]->call = [&, kept = std::make_shared<int>()] {
        int& count = calls;
        auto& others = all;
        if (++count > 1) return;
        switch (change) {
          case Change::delete_itself:
            others[3] = nullptr;
            break;
          case Change::delete_others:
            for (std::size_t i = 0; i < others.size(); ++i) {
              if (i != 3) others[i] = nullptr;
            }
            break;
          case Change::delete_all:
            others.clear();
            break;
          case Change::add_others:
            for (const Kind each : kKinds) {
              added.push_back(make_callback(each, context));
              added.back()->call = [] {};
            }
            break;
          case Change::iterate:
            context.poll(false);
            break;
          case Change::drop_the_loop:
            loop = nullptr;
            break;
        }
      };
      for (int i = 0; i < 20; ++i) context.poll(false);
      while (calls == 0) context.poll(true);  // a job runs in another thread
      Timer end = context.timer([] {});
      end.arm_after(1us);
      context.poll(true);
      EXPECT_GE(calls, 1);
      all.clear();
      added.clear();
      end = {};
      current.reset();
    }
  }
}

// --- Events ---

struct Tick {
  std::int64_t thread = 0;
  std::int64_t number = 0;
  static constexpr std::string_view type_name = "TestTick";
  static constexpr auto members =
      member_list(member("thread", &Tick::thread), member("number", &Tick::number));
};

TEST(EventsOfThreads, are_sent_by_the_main_thread_in_the_order_of_each) {
  CommandRegistry commands;
  commands.add(event<Tick>("TICK", "for tests"));
  std::array<std::int64_t, 2> next{};
  const auto main_thread = std::this_thread::get_id();
  std::shared_ptr<void> others;
  const auto listening = commands.listen([&](std::string_view, const Json& data) {
    EXPECT_EQ(std::this_thread::get_id(), main_thread);
    auto& expected = next[data["thread"].get<std::size_t>()];
    EXPECT_EQ(data["number"], expected);
    ++expected;
    others = commands.listen([](std::string_view, const Json&) {});  // added and removed during the call
  });
  constexpr std::int64_t kEach = 1000;
  {
    std::vector<std::jthread> threads;
    for (std::int64_t thread = 0; thread < 2; ++thread) {
      threads.emplace_back([&commands, thread] {
        for (std::int64_t i = 0; i < kEach; ++i) commands.emit("TICK", Tick{thread, i});
      });
    }
    while (next[0] < kEach || next[1] < kEach) ::g_main_context_iteration(nullptr, TRUE);
  }
  commands.emit("TICK", Tick{0, kEach});
  EXPECT_EQ(next[0], kEach + 1) << "at once in the main thread";
}

TEST(EventsOfThreadsDeathTest, what_belongs_to_the_main_thread_says_so) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  register_iothread_types();
  const auto elsewhere = [](const std::function<void()>& call) { std::jthread(call).join(); };
  EXPECT_DEATH(elsewhere([] { (void)object_new_with_props<IOThread>("io0"); }),
               "object_new_with_props\\(\\) is called in another thread than the main one; call .* instead");
  EXPECT_DEATH(elsewhere([] { (void)objects_root().parse_property("a", "b"); }), "objects_root\\(\\)");
  EXPECT_DEATH(elsewhere([] { (void)user_creatable_add(Json::object()); }), "user_creatable_add\\(\\)");
  EXPECT_DEATH(elsewhere([] { (void)user_creatable_del("io0"); }), "user_creatable_del\\(\\)");
  EXPECT_DEATH(elsewhere([] { (void)CommandRegistry().is_wanted("SHUTDOWN"); }),
               "CommandRegistry::is_wanted\\(\\)");
}

TEST(ExceptionOfACondition, ends_the_program_with_a_sentence) {
  const Ref<AioContext> loop = *AioContext::create();
  const CurrentAioContext current(*loop);
  EXPECT_DEATH((void)loop->wait_while([]() -> bool { throw std::runtime_error("no luck"); }),
               "left the condition of AioContext::wait_while..: no luck");
}

TEST(ExceptionOfACondition, so_does_one_of_a_source_of_glib) {
  EXPECT_DEATH(
      {
        FdSource source(nullptr, [] { throw std::runtime_error("no luck"); });
        source.set_ready_time(0);
        ::g_main_context_iteration(nullptr, TRUE);
      },
      "left the function of an FdSource: no luck");
}

#ifndef NDEBUG
TEST(DebugBuilds, see_that_a_loop_is_asked_from_another_thread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Ref<AioContext> loop = *AioContext::create();
  const CurrentAioContext current(*loop);
  EXPECT_DEATH(std::jthread([&] { internal::Loop::of(*loop).accept_notifications(); }).join(),
               "notifications are accepted in the home thread");
  EXPECT_DEATH(std::jthread([&] { (void)timeout_of(*loop); }).join(),
               "timeout of a loop is computed in its home thread");
}
#endif

}  // namespace loop_callback_test
}  // namespace qomio
