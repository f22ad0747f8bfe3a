// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <vector>

#include "qomio/iothread/iothread.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace metrics_text_test {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(IOThreadMetrics, give_counts_and_seconds_with_the_id_as_label) {
  IOThreadStats io0{.id = "io0"};
  io0.loop[LoopStat::iterations] = 7;
  io0.loop[LoopStat::blocked_ns] = 1'500'000'001;
  IOThreadStats io1{.id = "io1"};
  io1.loop[LoopStat::polled_handlers] = 3;
  const std::string text = iothread_metrics_text({io0, io1});
  EXPECT_THAT(text, HasSubstr("# TYPE qomio_iothread_iterations_total counter\n"
                              "qomio_iothread_iterations_total{id=\"io0\"} 7\n"
                              "qomio_iothread_iterations_total{id=\"io1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("# HELP qomio_iothread_blocked_seconds_total Seconds asleep, "));
  EXPECT_THAT(text, HasSubstr("\nqomio_iothread_blocked_seconds_total{id=\"io0\"} 1.500000001\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE qomio_iothread_polled_handlers gauge\n"));
  EXPECT_THAT(text, HasSubstr("\nqomio_iothread_polled_handlers{id=\"io1\"} 3\n"));
}

TEST(IOThreadMetrics, of_the_main_loop_have_names_of_their_own) {
  IOThreadStats row{.id = "main-loop"};
  row.loop[LoopStat::wakeups] = 9;
  row.loop.lags[0] = 4;
  const std::string text = main_loop_metrics_text(row);
  EXPECT_THAT(text, HasSubstr("\n# TYPE qomio_main_loop_wakeups_total counter\n"
                              "qomio_main_loop_wakeups_total 9\n"));
  EXPECT_THAT(text, HasSubstr("\nqomio_main_loop_lag_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\nqomio_main_loop_info{thread_id=\"0\",fd_monitor=\"poll\",poll_state=\"off\","
                              "poll_policy=\"arrival\"} 1\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("id=\"main-loop\"")));
}

TEST(IOThreadMetrics, give_names_as_labels_of_one_that_is_always_1) {
  IOThreadStats row{.id = "io0", .thread_id = 42};
  row.loop.fd_monitor = FdMonitorKind::epoll;
  row.loop.effective.poll_policy = PollPolicy::weighted;
  EXPECT_THAT(
      iothread_metrics_text({row}),
      HasSubstr("# TYPE qomio_iothread_info gauge\n"
                "qomio_iothread_info{id=\"io0\",thread_id=\"42\",fd_monitor=\"epoll\",poll_state=\"off\","
                "poll_policy=\"weighted\"} 1\n"));
}

TEST(IOThreadMetrics, give_lags_as_a_histogram) {
  IOThreadStats row{.id = "io0"};
  row.loop[LoopStat::busy_ns] = 250;
  row.loop.lags = {4, 2, 0, 0, 0, 0, 1};
  const std::string text = iothread_metrics_text({row});
  EXPECT_THAT(text, HasSubstr("# TYPE qomio_iothread_lag_seconds histogram\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"0.000010000\"} 4\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"0.000100000\"} 6\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"0.001000000\"} 6\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"0.010000000\"} 6\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"0.100000000\"} 6\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"1.000000000\"} 6\n"
                              "qomio_iothread_lag_seconds_bucket{id=\"io0\",le=\"+Inf\"} 7\n"
                              "qomio_iothread_lag_seconds_sum{id=\"io0\"} 0.000000250\n"
                              "qomio_iothread_lag_seconds_count{id=\"io0\"} 7\n"));
}

TEST(IOThreadMetrics, leave_no_member_of_the_statistics_out) {
  const std::string text = iothread_metrics_text({{.id = "io0"}});
  const auto shown = [&](std::string_view prefix, const TypeDescription& type) {
    for (const TypeDescription::Member& member : type.members) {
      std::string name = std::string(prefix) + member.name;
      if (name.ends_with("-ns")) name.replace(name.size() - 2, 2, "seconds");
      if (name == "lags") name = "lag-seconds";
      std::ranges::replace(name, '-', '_');
      const bool is_label = member.type->kind == TypeDescription::Kind::enumeration || name == "thread_id";
      EXPECT_THAT(text, HasSubstr(is_label ? name.substr(name.find("poll_policy") == std::string::npos
                                                             ? 0
                                                             : name.find("poll_policy")) +
                                                 "=\""
                                           : "# HELP qomio_iothread_" + name));
    }
  };
  TypeDescription row = describe<IOThreadStats>();
  std::erase_if(row.members, [](const auto& member) { return member.name == "id"; });
  const auto effective = std::ranges::find(row.members, "effective", &TypeDescription::Member::name);
  ASSERT_NE(effective, row.members.end());
  shown("effective-", *effective->type);
  row.members.erase(effective);
  shown("", row);
}

TEST(IOThreadMetrics, escape_what_a_label_may_not_hold) {
  EXPECT_THAT(iothread_metrics_text({{.id = "a\"b\\c\nd"}}), HasSubstr("{id=\"a\\\"b\\\\c\\nd\"} 0\n"));
}

TEST(IOThreadMetrics, have_lines_of_three_kinds_only) {
  const std::regex line(
      R"(# HELP [a-z_]+ [A-Z][^\n]+\.|# TYPE [a-z_]+ (counter|gauge|histogram)|[a-z_]+\{id="io0"(,[a-z_]+="[A-Za-z0-9_.+]*")*\} [0-9]+(\.[0-9]{9})?)");
  std::istringstream text(iothread_metrics_text({{.id = "io0"}}));
  for (std::string one; std::getline(text, one);) EXPECT_TRUE(std::regex_match(one, line)) << one;
}

TEST(IOThreadMetrics, say_once_what_a_family_is) {
  std::map<std::string, int> said;
  std::istringstream text(iothread_metrics_text({{.id = "io0"}, {.id = "io1"}}));
  for (std::string hash, what, name; text >> hash;) {
    if (hash == "#" && text >> what >> name) ++said[what + " " + name];
    std::getline(text, hash);
  }
  EXPECT_THAT(said, Each(Pair(::testing::_, 1)));
}

TEST(IOThreadMetrics, of_no_thread_are_families_without_a_sample) {
  EXPECT_THAT(iothread_metrics_text({}), HasSubstr("# TYPE qomio_iothread_info gauge\n"));
}

TEST(IOThreadMetrics, are_a_command_for_the_threads_that_users_made) {
  register_iothread_types();
  ASSERT_TRUE(object_new_with_props<IOThread>("io7", {}).has_value());
  CommandRegistry commands;
  add_iothread_commands(commands);
  const Json text = commands.run("query-iothread-metrics", Json::object()).value();
  EXPECT_THAT(text.get<std::string>(), HasSubstr("qomio_iothread_cpu_seconds_total{id=\"io7\"} "));
  EXPECT_THAT(text.get<std::string>(), ::testing::Not(HasSubstr("qomio_main_loop_")));
  ASSERT_TRUE(user_creatable_del("io7").has_value());
}

}  // namespace metrics_text_test
}  // namespace qomio
