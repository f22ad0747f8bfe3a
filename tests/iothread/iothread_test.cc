// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"

#include <glib.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <semaphore>
#include <thread>

#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace iothread_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kMax = INT64_MAX;

Json run(const char* command, const Json& arguments = Json::object()) {
  CommandRegistry commands;
  add_object_commands(commands);
  add_iothread_commands(commands);
  auto result = commands.run(command, arguments);
  return result ? *result : Json{{"error", result.error().message()}};
}

Json json(const char* text) { return Json::parse(text); }

class IOThreadTest : public ::testing::Test {
 protected:
  IOThreadTest() { register_iothread_types(); }
  ~IOThreadTest() override { objects_cleanup(); }

  IOThread& add(const char* id, std::initializer_list<PropertyArgument> properties = {}) {
    auto made = object_new_with_props<IOThread>(id, properties);
    EXPECT_TRUE(made.has_value()) << made.error().message();
    return **made;
  }
  static std::string refusal(std::string_view name, const Json& value) {
    IOThread& io0 = *iothread_by_id("io0");
    const Json before = *io0.get_property(name);
    auto set = io0.set_property(name, value);
    EXPECT_EQ(*io0.get_property(name), before) << "a refused value is never stored";
    return set ? "accepted" : set.error().message();
  }
};

TEST_F(IOThreadTest, runs_a_thread_of_its_own_from_the_start) {
  IOThread& io0 = add("io0");
  EXPECT_GT(io0.thread_id(), 0);
  EXPECT_NE(io0.thread_id(), ::gettid());
  EXPECT_EQ(IOThread::current(), nullptr);
  io0.context().run_in([&] {
    EXPECT_EQ(::gettid(), io0.thread_id());
    EXPECT_EQ(IOThread::current(), &io0);
    EXPECT_EQ(AioContext::current(), &io0.context());
  });
}

TEST_F(IOThreadTest, names_its_thread_and_blocks_all_signals_there) {
  IOThread& io0 = add("io0");
  io0.context().run_in([] {
    std::string name;
    std::getline(std::ifstream("/proc/thread-self/comm"), name);
    EXPECT_EQ(name, "IO io0");
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) EXPECT_EQ(::sigismember(&blocked, signal), 1);
  });
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_EQ(::sigismember(&blocked, SIGTERM), 0) << "the creator's own signals are as before";
}

TEST_F(IOThreadTest, inherits_the_affinity_of_its_creator) {
  cpu_set_t mine;
  ASSERT_EQ(::sched_getaffinity(0, sizeof mine, &mine), 0);
  IOThread& io0 = add("io0");
  cpu_set_t its;
  ASSERT_EQ(::sched_getaffinity(io0.thread_id(), sizeof its, &its), 0);
  EXPECT_TRUE(CPU_EQUAL(&mine, &its));
}

TEST_F(IOThreadTest, moves_at_once_to_the_cpus_it_is_given_and_back) {
  IOThread& io0 = add("io0");
  ASSERT_TRUE(io0.set_property("cpu-affinity", json("[0]")).has_value());
  cpu_set_t its;
  ASSERT_EQ(::sched_getaffinity(io0.thread_id(), sizeof its, &its), 0);
  EXPECT_EQ(CPU_COUNT(&its), 1);
  EXPECT_TRUE(CPU_ISSET(0, &its));
  ASSERT_TRUE(io0.set_property("cpu-affinity", json("[]")).has_value());
  cpu_set_t mine;
  ASSERT_EQ(::sched_getaffinity(0, sizeof mine, &mine), 0);
  ASSERT_EQ(::sched_getaffinity(io0.thread_id(), sizeof its, &its), 0);
  EXPECT_TRUE(CPU_EQUAL(&mine, &its));
}

TEST_F(IOThreadTest, keeps_its_affinity_when_none_of_the_cpus_exists) {
  add("io0");
  EXPECT_THAT(refusal("cpu-affinity", json("[65535]")), HasSubstr("cpu-affinity"));
  EXPECT_EQ(refusal("cpu-affinity", json("[1023]")), "Failed to set CPU affinity: Invalid argument");
}

TEST_F(IOThreadTest, has_the_defaults_of_the_manual) {
  IOThread& io0 = add("io0");
  const std::vector<std::pair<const char*, const char*>> defaults = {
      {"aio-max-batch", "0"},   {"thread-pool-min", "0"},  {"thread-pool-max", "64"},
      {"poll-max-ns", "32768"}, {"poll-grow", "0"},        {"poll-shrink", "0"},
      {"poll-weight", "0"},     {"cpu-affinity", "[]"},    {"poll-policy", "\"arrival\""},
      {"poll-budget", "100"},   {"fd-monitor", "\"poll\""}};
  for (const auto& [name, value] : defaults) EXPECT_EQ(*io0.get_property(name), json(value)) << name;
  std::vector<std::string> names;
  for (const PropertyView& view : io0.property_views()) names.emplace_back(view.name);
  EXPECT_THAT(names, ElementsAre("type", "aio-max-batch", "thread-pool-min", "thread-pool-max", "poll-max-ns",
                                 "poll-grow", "poll-shrink", "poll-weight", "cpu-affinity", "poll-policy",
                                 "poll-budget", "fd-monitor"));
}

TEST_F(IOThreadTest, takes_both_ends_of_each_range_and_refuses_one_beyond) {
  IOThread& io0 = add("io0");
  for (const char* name : {"aio-max-batch", "poll-max-ns", "poll-grow", "poll-shrink"}) {
    for (const std::int64_t value : {std::int64_t{0}, kMax}) {
      EXPECT_TRUE(io0.set_property(name, Json(value)).has_value()) << name << value;
      EXPECT_EQ(*io0.get_property(name), Json(value));
    }
    EXPECT_EQ(refusal(name, Json(-1)),
              std::string(name) + " value must be in range [0, 9223372036854775807]");
    EXPECT_EQ(refusal(name, Json(9223372036854775808U)),
              "Invalid parameter type for '" + std::string(name) + "', expected: integer");
  }
  EXPECT_TRUE(io0.set_property("poll-weight", Json(63)).has_value());
  for (const int value : {-1, 64}) {
    EXPECT_EQ(refusal("poll-weight", Json(value)), "poll-weight value must be in range [0, 63]");
  }
}

TEST_F(IOThreadTest, refuses_what_is_no_json_integer) {
  add("io0");
  for (const char* value : {"\"1\"", "1.0", "1e3", "true", "null", "[]"}) {
    EXPECT_EQ(refusal("poll-max-ns", json(value)),
              "Invalid parameter type for 'poll-max-ns', expected: integer")
        << value;
  }
  EXPECT_EQ(refusal("poll-policy", Json("fast")), "Parameter 'poll-policy' does not accept value 'fast'");
}

TEST_F(IOThreadTest, judges_the_thread_pool_by_both_values_together) {
  IOThread& io0 = add("io0");
  const std::string bad = "bad thread-pool-min/thread-pool-max values";
  EXPECT_EQ(refusal("thread-pool-max", Json(0)), bad);
  EXPECT_EQ(refusal("thread-pool-min", Json(65)), bad);
  EXPECT_EQ(refusal("thread-pool-max", Json(2147483648)), bad);
  EXPECT_EQ(refusal("thread-pool-min", Json(-1)),
            "thread-pool-min value must be in range [0, 9223372036854775807]");
  EXPECT_TRUE(io0.set_property("thread-pool-max", Json(2147483647)).has_value());
  EXPECT_TRUE(object_set_props(io0, json(R"({"thread-pool-min": 5, "thread-pool-max": 6})")).has_value());
  EXPECT_TRUE(object_set_props(io0, json(R"({"thread-pool-min": 100, "thread-pool-max": 200})")).has_value());
  EXPECT_TRUE(object_set_props(io0, json(R"({"thread-pool-max": 6, "thread-pool-min": 5})")).has_value());
  EXPECT_EQ(io0.context().params(), (LoopParams{.thread_pool_min = 5, .thread_pool_max = 6}));
}

TEST_F(IOThreadTest, judges_the_pair_last_when_it_is_added) {
  EXPECT_EQ(object_new_with_props<IOThread>("io0", {{"thread-pool-max", "0"}}).error().message(),
            "bad thread-pool-min/thread-pool-max values");
  EXPECT_EQ(objects_root().child("io0"), nullptr);
  add("io0", {{"thread-pool-min", "70"}, {"thread-pool-max", "80"}});
  EXPECT_THAT(object_new_with_props<IOThread>("io0", {{"thread-pool-max", "0"}}).error().message(),
              HasSubstr("duplicate"));
}

TEST_F(IOThreadTest, gives_new_settings_to_the_running_loop_at_once) {
  IOThread& io0 = add("io0", {{"poll-max-ns", "16384"}});
  EXPECT_EQ(io0.context().params().poll_max_ns, 16384);
  ASSERT_TRUE(io0.set_property("poll-grow", Json(3)).has_value());
  ASSERT_TRUE(io0.set_property("poll-policy", Json("classic")).has_value());
  ASSERT_TRUE(io0.set_property("aio-max-batch", Json(9)).has_value());
  EXPECT_EQ(
      io0.context().params(),
      (LoopParams{
          .poll_max_ns = 16384, .poll_grow = 3, .poll_policy = PollPolicy::classic, .aio_max_batch = 9}));
  EXPECT_EQ(io0.context().stats().effective.aio_max_batch, 9);
}

TEST_F(IOThreadTest, waits_with_the_monitor_that_was_asked_for_at_its_start) {
  EXPECT_EQ(add("epoll", {{"fd-monitor", "epoll"}}).context().stats().fd_monitor, FdMonitorKind::epoll);
  const FdMonitorKind has = FdMonitor::create(FdMonitorKind::io_uring).value().kind();
  IOThread& io0 = add("io0", {{"fd-monitor", "io_uring"}});
  EXPECT_EQ(io0.context().stats().fd_monitor, has);
  EXPECT_EQ(refusal("fd-monitor", Json("poll")),
            "Property 'fd-monitor' can not be changed once the I/O thread has started");
  EXPECT_EQ(*io0.get_property("fd-monitor"), Json("io_uring"));
}

TEST_F(IOThreadTest, sets_several_properties_all_or_none) {
  IOThread& io0 = add("io0");
  const auto set = object_set_props(io0, json(R"({"poll-max-ns": 1, "poll-grow": 2, "poll-shrink": -1})"));
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(io0.params(), LoopParams{});
  EXPECT_EQ(io0.context().params(), LoopParams{});
}

TEST_F(IOThreadTest, may_be_dropped_without_ever_having_been_complete) {
  auto made = object_new("iothread");
  ASSERT_TRUE(made.has_value());
  IOThread& io = object_check<IOThread>(**made);
  EXPECT_TRUE(io.stop().has_value());
  EXPECT_EQ(io.thread_id(), 0);
  EXPECT_TRUE(io.set_property("poll-max-ns", Json(5)).has_value());
}

TEST_F(IOThreadTest, is_deleted_with_its_thread_and_leaves_its_id_free) {
  for (int i = 0; i < 3; ++i) {
    const pid_t tid = add("io0").thread_id();
    const std::string task = "/proc/self/task/" + std::to_string(tid);
    EXPECT_EQ(::access(task.c_str(), F_OK), 0);
    ASSERT_TRUE(user_creatable_del("io0").has_value());
    EXPECT_NE(::access(task.c_str(), F_OK), 0) << "the thread has ended when object-del returns";
    EXPECT_EQ(iothread_by_id("io0"), nullptr);
  }
}

TEST_F(IOThreadTest, runs_what_was_scheduled_before_it_is_stopped) {
  IOThread& io0 = add("io0");
  int ran = 0;
  for (int i = 0; i < 100; ++i) io0.context().schedule_oneshot([&] { ++ran; });
  EXPECT_TRUE(io0.stop().has_value());
  EXPECT_EQ(ran, 100);
  EXPECT_TRUE(io0.stop().has_value());
  EXPECT_EQ(io0.thread_id(), 0);
}

TEST_F(IOThreadTest, can_not_stop_itself) {
  IOThread& io0 = add("io0");
  io0.context().run_in(
      [&] { EXPECT_EQ(io0.stop().error().message(), "I/O thread 'io0' can not stop itself"); });
  EXPECT_TRUE(io0.stop().has_value());
}

TEST_F(IOThreadTest, is_stopped_while_it_polls) {
  // Its polling window is an hour.
  IOThread& io0 = add(
      "io0",
      {{"poll-max-ns", "3600000000000"}, {"poll-grow", "9223372036854775807"}, {"poll-policy", "classic"}});
  while (io0.context().stats()[LoopStat::poll_window_ns] < 1'000'000'000) io0.context().run_in([] {});
  EXPECT_TRUE(io0.stop().has_value());
}

TEST_F(IOThreadTest, made_by_the_program_itself_is_shown_by_no_command) {
  auto internal = iothread_create("internal");
  ASSERT_TRUE(internal.has_value());
  EXPECT_GT((*internal)->thread_id(), 0);
  EXPECT_EQ(iothread_get_id(**internal), "internal");
  EXPECT_EQ(iothread_by_id("internal"), nullptr);
  EXPECT_EQ(run("query-iothreads"), json("[]"));
  iothread_destroy(**internal);
  EXPECT_EQ((*internal)->thread_id(), 0);
}

TEST_F(IOThreadTest, is_listed_in_the_order_of_creation_with_its_configuration_and_holders) {
  IOThread& zz = add("zz", {{"poll-grow", "4"}, {"poll-weight", "5"}});
  IOThread& aa = add("aa");
  const Hold hold = zz.hold("export", "disk0");
  const Json rows = run("query-iothreads");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[1]["id"], "aa");
  EXPECT_EQ(rows[1]["thread-id"], aa.thread_id());
  const Json expected = {{"id", "zz"},
                         {"thread-id", zz.thread_id()},
                         {"poll-max-ns", 32768},
                         {"poll-grow", 4},
                         {"poll-shrink", 0},
                         {"aio-max-batch", 0},
                         {"poll-weight", 5},
                         {"thread-pool-min", 0},
                         {"thread-pool-max", 64},
                         {"holders", {{{"kind", "export"}, {"name", "disk0"}}}}};
  EXPECT_EQ(rows[0], expected);
}

TEST_F(IOThreadTest, is_not_deleted_while_it_is_held) {
  IOThread& io0 = add("io0");
  Hold first = io0.hold("export", "disk0");
  Hold second = io0.hold("export", "disk0");
  first = Hold();
  EXPECT_EQ(user_creatable_del("io0").error().message(),
            "object 'io0' is in use, can not be deleted (held by: export disk0)");
  EXPECT_GT(io0.thread_id(), 0);
  second = Hold();
  EXPECT_TRUE(user_creatable_del("io0").has_value());
}

TEST_F(IOThreadTest, runs_a_g_main_context_with_its_loop_inside_and_goes_back_after_it) {
  std::atomic<pid_t> where = 0;  // made before the thread: ThreadSanitizer does not see how GLib passes it on
  IOThread& io0 = add("io0");
  for (int round = 0; round < 3; ++round) {
    GMainContext* const context = io0.g_main_context().value();
    EXPECT_EQ(io0.g_main_context().value(), context);
    where = 0;
    ::g_main_context_invoke(
        context,
        [](gpointer data) -> gboolean {
          auto& tid = *static_cast<std::atomic<pid_t>*>(data);
          tid = ::gettid();
          tid.notify_one();
          return G_SOURCE_REMOVE;
        },
        &where);
    where.wait(0);
    EXPECT_EQ(where, io0.thread_id());
    io0.context().run_in([&] { EXPECT_EQ(::g_main_context_get_thread_default(), context); });
    io0.release_g_main_context();
    EXPECT_EQ(io0.g_main_context().value(), context) << "still in use";
    io0.release_g_main_context();
    io0.release_g_main_context();
    while (true) {
      bool left = false;
      io0.context().run_in([&] { left = ::g_main_context_get_thread_default() == nullptr; });
      if (left) break;
    }
  }
}

TEST_F(IOThreadTest, gives_the_same_g_main_context_to_all_who_ask_at_once) {
  IOThread& io0 = add("io0");
  std::array<GMainContext*, 4> contexts{};
  {
    std::vector<std::jthread> threads;
    for (auto& context : contexts) {
      threads.emplace_back([&] { context = io0.g_main_context().value(); });
    }
  }
  for (GMainContext* const context : contexts) EXPECT_EQ(context, contexts[0]);
  EXPECT_TRUE(io0.stop().has_value());
  EXPECT_FALSE(io0.g_main_context().has_value());
}

TEST_F(IOThreadTest, asks_for_its_own_g_main_context_while_another_thread_does) {
  for (int i = 0; i < 20; ++i) {
    IOThread& io0 = add("io0");
    std::binary_semaphore inside(0);
    std::binary_semaphore over(0);
    GMainContext* its = nullptr;
    io0.context().schedule_oneshot([&] {
      inside.release();
      for (int step = 0; step < 5; ++step) std::this_thread::yield();
      its = io0.g_main_context().value();
      over.release();
    });
    inside.acquire();
    GMainContext* const ours = io0.g_main_context().value();
    over.acquire();
    EXPECT_EQ(ours, its);
    ASSERT_TRUE(user_creatable_del("io0").has_value());
  }
}

TEST_F(IOThreadTest, refuses_processors_that_are_not_there_even_beside_some_that_are) {
  IOThread& io0 = add("io0");
  ASSERT_TRUE(io0.set_property("cpu-affinity", json("[0]")).has_value());
  EXPECT_EQ(io0.set_property("cpu-affinity", json("[0, 1023]")).error().message(),
            "Failed to set CPU affinity: CPU 1023 is not available");
  EXPECT_EQ(io0.set_property("cpu-affinity", json("[0, 1024]")).error().message(),
            "cpu-affinity value must be in range [0, 1023]");
  EXPECT_EQ(io0.get_property("cpu-affinity").value(), json("[0]"));
  cpu_set_t its;
  ASSERT_EQ(::sched_getaffinity(io0.thread_id(), sizeof its, &its), 0);
  EXPECT_EQ(CPU_COUNT(&its), 1);
  EXPECT_TRUE(CPU_ISSET(0, &its));
}

TEST_F(IOThreadTest, shows_what_it_has_done_without_a_descriptor_to_be_had) {
  add("io0");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto rows = query_iothread_stats({});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(rows.has_value());
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_GT(rows->front().thread_id, 0);
}

TEST_F(IOThreadTest, is_deleted_while_it_runs_its_g_main_context) {
  for (int i = 0; i < 20; ++i) {
    IOThread& io0 = add("io0");
    ASSERT_TRUE(io0.g_main_context().has_value());
    if (i % 2) io0.context().run_in([] {});
    ASSERT_TRUE(user_creatable_del("io0").has_value());
  }
}

TEST_F(IOThreadTest, shows_what_it_has_done) {
  IOThread& io0 = add("io0");
  IOThread& io1 = add("io1");
  for (int i = 0; i < 10; ++i) io1.context().run_in([] {});
  const Json rows = run("query-iothread-stats");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0]["id"], "io0");
  EXPECT_EQ(rows[0]["thread-id"], io0.thread_id());
  EXPECT_EQ(rows[1]["bh-runs"], 10);
  EXPECT_EQ(rows[1]["fd-monitor"], "poll");
  const Json effective = {{"poll-max-ns", 32768}, {"poll-grow", 2},           {"poll-shrink", 2},
                          {"poll-weight", 3},     {"poll-policy", "arrival"}, {"poll-budget", 100},
                          {"aio-max-batch", 32}};
  EXPECT_EQ(rows[1]["effective"], effective);
  EXPECT_GT(rows[1]["cpu-ns"], 0);
  const Json row = run("query-iothread-stats", {{"id", "io1"}});
  ASSERT_EQ(row.size(), 1);
  EXPECT_GE(row[0]["voluntary-switches"], rows[1]["voluntary-switches"]);
  EXPECT_EQ(run("query-iothread-stats", {{"id", "nope"}})["error"], "object 'nope' not found");
}

TEST_F(IOThreadTest, says_whether_it_polls) {
  IOThread& io0 = add("io0");
  const auto state = [&] {
    io0.context().run_in([] {});  // it has waited before, and taken its settings
    return std::string(run("query-iothread-stats")[0]["poll-state"]);
  };
  EXPECT_NE(state(), "off");
  ASSERT_TRUE(io0.set_property("poll-max-ns", json("0")).has_value());
  EXPECT_EQ(state(), "off");
  ASSERT_TRUE(io0.set_property("poll-max-ns", json("32768")).has_value());
  ASSERT_TRUE(io0.set_property("poll-budget", json("0")).has_value());
  EXPECT_EQ(state(), "off");
  EXPECT_EQ(refusal("poll-budget", json("101")), refusal("poll-budget", json("-1")));
}

TEST_F(IOThreadTest, shows_the_members_of_its_statistics_in_order) {
  add("io0");
  const Json row = run("query-iothread-stats")[0];
  std::vector<std::string> names;
  for (const auto& [name, value] : row.items()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("id", "thread-id", "uptime-ns", "iterations", "polls", "poll-hits",
                                 "poll-misses", "poll-ns", "poll-miss-ns", "blocked-ns", "busy-ns", "wakeups",
                                 "wakeups-elided", "wakeup-cost-ns", "bh-runs", "fd-events", "timers-fired",
                                 "poll-window-ns", "max-lag-ns", "lags", "cpu-ns", "voluntary-switches",
                                 "involuntary-switches", "fd-monitor", "poll-state", "handlers",
                                 "polled-handlers", "pool-threads", "pool-pending", "effective"));
}

TEST_F(IOThreadTest, counts_what_it_calls_and_stands_still_when_idle) {
  IOThread& io0 = add("io0", {{"poll-max-ns", "0"}});
  const int fd = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  std::atomic<bool> fired = false;
  Timer timer = io0.context().timer([&] {
    fired = true;
    fired.notify_one();
  });
  io0.context().set_fd_handler(fd, {.read = [&] {
                                 eventfd_t value = 0;
                                 (void)::eventfd_read(fd, &value);
                                 timer.arm_after(0ns);
                               }});
  fired.wait(false);
  const auto row = [] { return query_iothread_stats({.id = "io0"}).value().at(0); };
  // Ends only if the loop stops iterating.
  IOThreadStats before;
  do {
    before = row();
  } while (before.loop[LoopStat::max_lag_ns] == 0 ||
           row().loop[LoopStat::iterations] != before.loop[LoopStat::iterations]);
  EXPECT_EQ(before.loop[LoopStat::fd_events], 1);
  EXPECT_EQ(before.loop[LoopStat::timers_fired], 1);
  EXPECT_EQ(before.loop[LoopStat::handlers], 1);
  EXPECT_EQ(before.loop[LoopStat::polls], 0);
  EXPECT_GT(before.loop[LoopStat::wakeups], 0);
  EXPECT_GT(before.loop[LoopStat::max_lag_ns], 0);
  EXPECT_LE(before.loop[LoopStat::max_lag_ns], before.loop[LoopStat::busy_ns]);
  const IOThreadStats after = row();
  EXPECT_GT(after.uptime_ns, before.uptime_ns);
  io0.context().run_in([&] { io0.context().set_fd_handler(fd, {}); });
  EXPECT_EQ(row().loop[LoopStat::handlers], 0);
  ::close(fd);
}

TEST_F(IOThreadTest, has_statistics_whose_sums_hold_while_it_is_busy) {
  IOThread& io0 = add("io0");
  std::atomic<bool> enough = false;
  BottomHalf busy;
  io0.context().run_in([&] {
    busy = io0.context().bh_new("busy", [&] {
      if (!enough) busy.schedule();
    });
    busy.schedule();
  });
  std::uint64_t iterations = 0;
  for (int i = 0; i < 200; ++i) {
    const IOThreadStats row = query_iothread_stats({.id = "io0"}).value().at(0);
    EXPECT_EQ(row.loop[LoopStat::polls], row.loop[LoopStat::poll_hits] + row.loop[LoopStat::poll_misses]);
    EXPECT_LE(row.loop[LoopStat::poll_ns] + row.loop[LoopStat::blocked_ns] + row.loop[LoopStat::busy_ns],
              row.uptime_ns);
    EXPECT_GE(row.loop[LoopStat::iterations], iterations);
    iterations = row.loop[LoopStat::iterations];
  }
  enough = true;
  io0.context().run_in([&] { busy = {}; });
}

}  // namespace iothread_test
}  // namespace qomio
