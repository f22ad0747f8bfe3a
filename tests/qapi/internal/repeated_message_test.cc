// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/repeated_message.h"

#include <fmt/format.h>

#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace repeated_message_test {

using testing::ElementsAre;

constexpr std::int64_t kHourUs = 3'600'000'000;

TEST(RepeatedMessage, the_first_line_is_written_and_the_others_are_counted) {
  LogLines log;
  {
    RepeatedMessage message(nullptr, "things happened", G_LOG_LEVEL_MESSAGE, kHourUs);
    EXPECT_TRUE(log.all().empty());
    for (int i = 0; i < 1000; ++i) message.log(fmt::format("thing {} happened", i));
    EXPECT_THAT(log.all(), ElementsAre("thing 0 happened"));
  }
  EXPECT_THAT(log.all(), ElementsAre("thing 0 happened", "999 more things happened"));
}

TEST(RepeatedMessage, counts_may_be_larger_than_one) {
  LogLines log;
  {
    RepeatedMessage message(nullptr, "things happened", G_LOG_LEVEL_MESSAGE, kHourUs);
    for (const std::uint64_t count : {7U, 20U, 22U})
      message.log(fmt::format("{} things happened", count), count);
  }
  EXPECT_THAT(log.all(), ElementsAre("7 things happened", "42 more things happened"));
}

TEST(RepeatedMessage, at_the_end_of_each_period_the_count_is_told_until_nothing_comes) {
  LogLines log;
  GMainContext* const context = g_main_context_new();
  {
    RepeatedMessage message(context, "things happened", G_LOG_LEVEL_MESSAGE, 1);
    message.log("a");
    message.log("b");
    g_main_context_iteration(context, TRUE);
    EXPECT_THAT(log.all(), ElementsAre("a", "1 more things happened"));
    message.log("c");
    message.log("d");
    g_main_context_iteration(context, TRUE);
    EXPECT_THAT(log.all(), ElementsAre("a", "1 more things happened", "2 more things happened"));
    g_main_context_iteration(context, TRUE);
    EXPECT_FALSE(g_main_context_pending(context)) << "the loop has nothing to wake up for any more";
    message.log("e");
    EXPECT_EQ(log.all().back(), "e");
  }
  g_main_context_unref(context);
  EXPECT_EQ(log.all().back(), "e");
}

}  // namespace repeated_message_test
}  // namespace qomio
