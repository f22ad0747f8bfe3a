// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_commands.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "qomio/iothread/main_loop.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/iothread/with_iothreads.h"

namespace qomio {
namespace iothread_commands_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IOThreadCommandsTest : public WithIOThreads {
 protected:
  IOThreadCommandsTest() { add_iothread_commands(commands); }
  std::string run(const char* command, const Json& arguments = Json::object()) const {
    const auto result = commands.run(command, arguments);
    return result ? json_text(*result) : result.error().message();
  }
  CommandRegistry commands;
};

TEST_F(IOThreadCommandsTest, list_the_iothreads_of_users_oldest_first) {
  const auto b = add("b");
  const auto a = add("a");
  const auto own = object_new_with_props("iothread", objects_root(), "#own").value();
  const auto infos = query_iothreads().value();
  ASSERT_EQ(infos.size(), 3) << "what the program keeps to itself is below /objects, too";
  EXPECT_EQ(infos[0].id, "b");
  EXPECT_EQ(infos[1].id, "a");
  EXPECT_EQ(infos[1].thread_id, a->thread_id());
  EXPECT_EQ(infos[0].params, b->params());
}

TEST_F(IOThreadCommandsTest, tell_statistics_of_all_or_of_one) {
  const auto a = add("a");
  const auto b = add("b");
  for (int i = 0; i < 3; ++i) b->context().run_in([] {});
  EXPECT_EQ(query_iothread_stats({})->size(), 2);
  const auto rows = query_iothread_stats({.id = "b"}).value();
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].id, "b");
  EXPECT_GE(rows[0].loop[LoopStat::bh_runs], 3);
  EXPECT_GE(rows[0].uptime_ns, rows[0].loop[LoopStat::busy_ns] + rows[0].loop[LoopStat::blocked_ns]);
  EXPECT_EQ(run("query-iothread-stats", {{"id", "c"}}), "object 'c' not found");
  EXPECT_EQ(run("query-iothread-stats", {{"id", ""}}), "object '' not found");
}

TEST_F(IOThreadCommandsTest, have_the_same_numbers_as_text_for_prometheus) {
  const auto a = add("a");
  const std::string text = query_iothread_metrics().value();
  EXPECT_THAT(text, HasSubstr("{id=\"a\"}"));
  EXPECT_EQ(commands.run("query-iothread-metrics", Json::object())->get<std::string>().substr(0, 20),
            text.substr(0, 20));
}

TEST_F(IOThreadCommandsTest, may_be_added_again) {
  const std::size_t before = commands.commands().size();
  add_iothread_commands(commands);
  EXPECT_EQ(commands.commands().size(), before);
}

TEST_F(IOThreadCommandsTest, go_on_reporting_stalls_when_they_are_added_again) {
  // Counted by name, since a sanitizer may start its own threads.
  const auto watches = [] {
    return std::ranges::count_if(std::filesystem::directory_iterator("/proc/self/task"),
                                 [](const auto& task) {
                                   std::string name;
                                   std::getline(std::ifstream(task.path() / "comm"), name);
                                   return name == "stall watch";
                                 });
  };
  EXPECT_EQ(run("iothread-report-stalls", {{"threshold-ns", 1'000'000'000}}), "{}");
  while (watches() == 0) std::this_thread::yield();  // the thread sets its name after it has started
  add_iothread_commands(commands);
  EXPECT_EQ(watches(), 1);
  EXPECT_EQ(run("iothread-report-stalls", {{"threshold-ns", 0}}), "{}");
  while (watches() > 0) std::this_thread::yield();  // the kernel lists a thread for a moment after its end
}

TEST_F(IOThreadCommandsTest, include_those_of_a_main_loop_that_is_given) {
  MainLoop main_loop = MainLoop::create().value();
  CommandRegistry with_loop;
  add_iothread_commands(with_loop, main_loop);
  for (const char* name : {"quit", "query-main-loop-stats", "query-iothreads"}) {
    EXPECT_NE(with_loop.find_command(name), nullptr) << name;
  }
  EXPECT_TRUE(with_loop.events().contains("SHUTDOWN"));
  EXPECT_EQ(query_main_loop_stats()->id, "main-loop");
}

}  // namespace iothread_commands_test
}  // namespace qomio
