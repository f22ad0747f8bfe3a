// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/main_loop.h"

#include <fcntl.h>
#include <glib.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace main_loop_test {

class MainLoopTest : public ::testing::Test {
 protected:
  MainLoopTest() {
    register_iothread_types();
    add_object_commands(commands);
    add_iothread_commands(commands, main_loop);
  }
  MainLoop main_loop = MainLoop::create().value();
  CommandRegistry commands;
};

TEST_F(MainLoopTest, is_the_current_loop_of_its_thread) {
  EXPECT_EQ(AioContext::current(), &main_loop.context());
  EXPECT_EQ(IOThread::current(), nullptr);
}

TEST_F(MainLoopTest, runs_its_aio_context_until_it_quits_with_a_status) {
  int ran = 0;
  main_loop.context().schedule_oneshot([&] { ++ran; });
  Timer timer = main_loop.context().timer([&] { main_loop.quit(3); });
  timer.arm_after(1us);
  EXPECT_EQ(main_loop.run(), 3);
  EXPECT_EQ(ran, 1);
}

TEST_F(MainLoopTest, may_be_told_to_quit_before_it_runs_and_from_any_thread) {
  std::jthread([&] { main_loop.quit(4); }).join();
  EXPECT_EQ(main_loop.run(), 4);
}

TEST_F(MainLoopTest, is_ended_by_another_thread_while_it_sleeps) {
  for (int i = 0; i < 50; ++i) {
    const std::jthread quitter([&] { main_loop.quit(); });
    EXPECT_EQ(main_loop.run(), 0);
  }
}

TEST_F(MainLoopTest, ends_at_each_signal_that_asks_for_it) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    std::string reason;
    const auto listening = commands.listen(
        [&](std::string_view, const Json& data) { reason = data["reason"].get<std::string>(); });
    std::raise(signal);
    while (reason.empty()) ::g_main_context_iteration(main_loop.g_main_context(), TRUE);
    EXPECT_EQ(reason, "host-signal") << signal;
  }
  EXPECT_EQ(main_loop.run(), 0);
}

TEST_F(MainLoopTest, is_not_ended_by_a_signal_for_a_forked_child) {
  int events = 0;
  const auto listening = commands.listen([&](std::string_view, const Json&) { ++events; });
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::raise(signal);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << "as in a program without a main loop";
  }
  while (::g_main_context_iteration(main_loop.g_main_context(), FALSE)) {
  }
  EXPECT_EQ(events, 0);
}

// Handlers of a program's own.
class OwnHandlers {
 public:
  OwnHandlers() { set(SIGHUP); }
  OwnHandlers(const OwnHandlers&) = delete;
  OwnHandlers& operator=(const OwnHandlers&) = delete;
  ~OwnHandlers() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) (void)std::signal(signal, SIG_DFL);
  }
  static void set(int signal) {
    (void)std::signal(signal, [](int number) { handled = number; });
  }
  static int take() { return std::exchange(handled, 0); }

 private:
  static inline volatile std::sig_atomic_t handled = 0;
};

TEST(MainLoopSignals, that_the_program_handles_itself_stay_with_it) {
  const OwnHandlers handlers;
  {
    MainLoop main_loop = MainLoop::create({SIGTERM}).value();
    std::raise(SIGHUP);
    EXPECT_EQ(OwnHandlers::take(), SIGHUP);
    while (::g_main_context_iteration(main_loop.g_main_context(), FALSE)) {
    }
    OwnHandlers::set(SIGINT);
    main_loop.context().schedule_oneshot([] { std::raise(SIGTERM); });
    EXPECT_EQ(main_loop.run(), 0);
    EXPECT_EQ(OwnHandlers::take(), 0);
  }
  std::raise(SIGHUP);
  EXPECT_EQ(OwnHandlers::take(), SIGHUP);
  std::raise(SIGINT);
  EXPECT_EQ(OwnHandlers::take(), SIGINT) << "set while the loop existed";
}

TEST(MainLoopSignals, may_all_be_left_to_the_program) {
  const OwnHandlers handlers;
  OwnHandlers::set(SIGTERM);
  MainLoop main_loop = MainLoop::create({}).value();
  std::raise(SIGTERM);
  EXPECT_EQ(OwnHandlers::take(), SIGTERM);
}

TEST(MainLoopSignals, whose_handler_was_set_while_it_existed_are_not_restored) {
  const OwnHandlers handlers;
  {
    const MainLoop main_loop = MainLoop::create().value();
    OwnHandlers::set(SIGTERM);
  }
  std::raise(SIGTERM);
  EXPECT_EQ(OwnHandlers::take(), SIGTERM);
  std::raise(SIGHUP);
  EXPECT_EQ(OwnHandlers::take(), SIGHUP) << "restored";
}

TEST_F(MainLoopTest, ends_at_sigterm_and_at_quit_and_says_why) {
  std::vector<Json> said;
  const auto listening = commands.listen([&](std::string_view name, const Json& data) {
    EXPECT_EQ(name, "SHUTDOWN");
    said.push_back(data);
  });
  main_loop.context().schedule_oneshot([] { std::raise(SIGTERM); });
  EXPECT_EQ(main_loop.run(), 0);
  EXPECT_TRUE(commands.run("quit", Json::object()).has_value());
  EXPECT_EQ(main_loop.run(), 0);
  ASSERT_EQ(said.size(), 2);
  EXPECT_EQ(said[0], Json::parse(R"({"guest": false, "reason": "host-signal"})"));
  EXPECT_EQ(said[1], Json::parse(R"({"guest": false, "reason": "host-qmp-quit"})"));
}

TEST_F(MainLoopTest, answers_an_iothread_that_posts_back) {
  const auto io0 = object_new_with_props<IOThread>("io0").value();
  io0->context().schedule_oneshot(
      [this] { main_loop.context().schedule_oneshot([this] { main_loop.quit(5); }); });
  EXPECT_EQ(main_loop.run(), 5);
  ASSERT_TRUE(user_creatable_del("io0").has_value());
}

TEST_F(MainLoopTest, shows_what_it_has_done) {
  int ran = 0;
  for (int i = 0; i < 3; ++i) main_loop.context().schedule_oneshot([&] { ++ran; });
  Timer timer = main_loop.context().timer([&] { main_loop.quit(); });
  timer.arm_after(1us);
  main_loop.run();
  const Json row = commands.run("query-main-loop-stats", Json::object()).value();
  EXPECT_EQ(row["id"], "main-loop");
  EXPECT_EQ(row["thread-id"], ::gettid());
  EXPECT_GE(row["bh-runs"], 3);
  EXPECT_EQ(row["timers-fired"], 1);
  EXPECT_EQ(row["poll-state"], "g-main-context");
  EXPECT_GT(row["cpu-ns"], 0);
  EXPECT_GT(row["busy-ns"], 0);
  EXPECT_LE(row["busy-ns"].get<std::uint64_t>() + row["blocked-ns"].get<std::uint64_t>(), row["uptime-ns"]);
  const Json text = commands.run("query-iothread-metrics", Json::object()).value();
  EXPECT_THAT(text.get<std::string>(), ::testing::HasSubstr("qomio_main_loop_timers_fired_total 1\n"));
}

TEST_F(MainLoopTest, is_the_current_one_while_it_is_there) { EXPECT_EQ(MainLoop::current(), &main_loop); }

TEST_F(MainLoopTest, calls_those_who_listen_for_its_end_while_they_do) {
  std::vector<std::string> heard;
  std::shared_ptr<void> added;
  const auto note = [&](const char* who) {
    return [&heard, who](ShutdownCause) { heard.emplace_back(who); };
  };
  auto first = main_loop.on_shut_down([&](ShutdownCause cause) {
    EXPECT_EQ(cause, ShutdownCause::guest_panic);
    heard.emplace_back("first");
    added = main_loop.on_shut_down(note("added"));
  });
  auto second = main_loop.on_shut_down(note("second"));
  main_loop.shut_down(ShutdownCause::guest_panic);
  EXPECT_THAT(heard, ::testing::ElementsAre("first", "second", "added"));
  EXPECT_EQ(main_loop.run(), 0);

  heard.clear();
  first = nullptr;
  added = nullptr;
  main_loop.shut_down(ShutdownCause::none);
  EXPECT_THAT(heard, ::testing::ElementsAre("second"));
}

TEST_F(MainLoopTest, ends_even_if_a_listener_lacks_memory) {
  bool second = false;
  const auto lacking = main_loop.on_shut_down([](ShutdownCause) { throw std::bad_alloc(); });
  const auto listening = main_loop.on_shut_down([&](ShutdownCause) { second = true; });
  main_loop.shut_down(ShutdownCause::host_error);
  EXPECT_TRUE(second);
  EXPECT_EQ(main_loop.run(), 0);
}

TEST_F(MainLoopTest, sends_an_event_shutdown_that_the_program_has_replaced) {
  commands.add(event<Shutdown>("SHUTDOWN", "described by the program"));
  int heard = 0;
  const auto listening = commands.listen([&](std::string_view, const Json&) { ++heard; });
  main_loop.shut_down(ShutdownCause::host_ui);
  EXPECT_EQ(heard, 1);
}

TEST_F(MainLoopTest, may_outlive_the_registry_that_has_its_commands) {
  {
    CommandRegistry other;
    add_iothread_commands(other, main_loop);
  }
  main_loop.shut_down(ShutdownCause::host_ui);
  EXPECT_EQ(main_loop.run(), 0);
}

TEST(MainLoops, have_commands_only_where_one_is_given) {
  EXPECT_EQ(MainLoop::current(), nullptr);
  CommandRegistry commands;
  add_iothread_commands(commands);
  for (const char* name : {"quit", "query-main-loop-stats"}) EXPECT_EQ(commands.find_command(name), nullptr);
  EXPECT_FALSE(commands.events().contains("SHUTDOWN"));
  EXPECT_EQ(query_main_loop_stats().error().message(), "there is no main loop");
}

#ifndef QOMIO_SANITIZED  // UBSan opens descriptors to check virtual calls
// Runs in a child process: limits its descriptors, then prints "made" or the error.
[[noreturn]] void make_with_descriptors(rlim_t limit) {
  const rlimit descriptors{.rlim_cur = limit, .rlim_max = limit};
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  const auto made = MainLoop::create();
  std::fprintf(stderr, "%s\n", made ? "made" : made.error().message().c_str());
  ::_exit(0);
}

TEST(MainLoops, are_an_error_without_descriptors) {
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // all lower numbers are in use
  ::close(next);
  const auto used = static_cast<rlim_t>(next);
  for (rlim_t more = 0; more < 8; ++more) {
    EXPECT_EXIT(make_with_descriptors(used + more), ::testing::ExitedWithCode(0),
                more < 3 ? "Failed to create main loop: .*Too many open files" : "made|Too many open files");
  }
  EXPECT_EXIT(make_with_descriptors(used + 8), ::testing::ExitedWithCode(0), "made");
}
#endif

// Users cannot delete the object; objects_cleanup() removes it.
TEST_F(MainLoopTest, takes_settings_from_the_only_main_loop_object) {
  const auto add = [&](const char* id) {
    return commands.run("object-add", {{"qom-type", "main-loop"}, {"id", id}, {"aio-max-batch", 7}});
  };
  ASSERT_TRUE(add("ml").has_value());
  EXPECT_EQ(main_loop.context().stats().effective.aio_max_batch, 7);
  EXPECT_EQ(add("second").error().message(), "only one main-loop instance allowed");
  EXPECT_EQ(user_creatable_del("ml").error().message(), "object 'ml' is in use, can not be deleted");
  EXPECT_EQ(commands.run("query-iothreads", Json::object())->size(), 0);
  EXPECT_FALSE(
      commands.run("qom-set", {{"path", "ml"}, {"property", "thread-pool-max"}, {"value", 0}}).has_value());
  EXPECT_TRUE(
      commands.run("qom-set", {{"path", "/objects/ml"}, {"property", "thread-pool-max"}, {"value", 8}})
          .has_value());
  EXPECT_EQ(main_loop.context().params().thread_pool_max, 8);
  objects_cleanup();
}

}  // namespace main_loop_test
}  // namespace qomio
