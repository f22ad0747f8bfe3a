// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/suggestion.h"

#include <gtest/gtest.h>

namespace qomio::qomctl {
namespace suggestion_test {

TEST(SuggestionTest, the_nearest_name_is_suggested) {
  EXPECT_EQ(nearest("sett", {"get", "set", "tree"}), "set");
  EXPECT_EQ(nearest("poll-max", {"poll-grow", "poll-max-ns"}), "poll-max-ns");
}

TEST(SuggestionTest, nothing_near_gives_no_suggestion) {
  EXPECT_EQ(did_you_mean("frobnicate", {"get", "set"}), "");
  EXPECT_EQ(did_you_mean("", {"get"}), "");
}

TEST(SuggestionTest, the_same_name_is_no_suggestion) { EXPECT_EQ(nearest("set", {"set"}), ""); }

}  // namespace suggestion_test
}  // namespace qomio::qomctl
