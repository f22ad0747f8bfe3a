// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/interface.h"

namespace qomio {
namespace {

using ::testing::HasSubstr;

TEST(IOThreadMetrics, give_counts_and_seconds_with_the_id_as_label) {
  const std::string text = iothread_metrics_text(
      {{.id = "io0", .iterations = 7, .blocked_ns = 1'500'000'001}, {.id = "io1", .polled_handlers = 3}});
  EXPECT_THAT(text, HasSubstr("# HELP qomio_iothread_iterations_total Runs of the loop.\n"
                              "# TYPE qomio_iothread_iterations_total counter\n"
                              "qomio_iothread_iterations_total{id=\"io0\"} 7\n"
                              "qomio_iothread_iterations_total{id=\"io1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nqomio_iothread_blocked_seconds_total{id=\"io0\"} 1.500000001\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE qomio_iothread_polled_handlers gauge\n"));
  EXPECT_THAT(text, HasSubstr("\nqomio_iothread_polled_handlers{id=\"io1\"} 3\n"));
}

TEST(IOThreadMetrics, escape_what_a_label_may_not_hold) {
  EXPECT_THAT(iothread_metrics_text({{.id = "a\"b\\c\nd"}}), HasSubstr("{id=\"a\\\"b\\\\c\\nd\"} 0\n"));
}

TEST(IOThreadMetrics, have_lines_of_three_kinds_only) {
  const std::regex line(
      R"(# HELP [a-z_]+ [^\n]+\.|# TYPE [a-z_]+ (counter|gauge)|[a-z_]+\{id="io0"\} [0-9]+(\.[0-9]{9})?)");
  std::istringstream text(iothread_metrics_text({{.id = "io0"}}));
  for (std::string one; std::getline(text, one);) EXPECT_TRUE(std::regex_match(one, line)) << one;
}

TEST(IOThreadMetrics, are_a_command_for_the_threads_that_users_made) {
  register_iothread_types();
  ASSERT_TRUE(object_new_with_props<IOThread>("io7", {}).has_value());
  const Json text = Interface::process().run("query-iothread-metrics", Json::object()).value();
  EXPECT_THAT(text.get<std::string>(), HasSubstr("qomio_iothread_cpu_seconds_total{id=\"io7\"} "));
  ASSERT_TRUE(user_creatable_del("io7").has_value());
}

}  // namespace
}  // namespace qomio
