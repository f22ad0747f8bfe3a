// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/timeout.h"

#include <gtest/gtest.h>

namespace qomio::qomctl {
namespace timeout_test {

using std::chrono::milliseconds;

TEST(TimeoutTest, seconds_become_the_nearest_milliseconds) {
  EXPECT_EQ(parse_timeout("5"), milliseconds(5000));
  EXPECT_EQ(parse_timeout("0.05"), milliseconds(50));
  EXPECT_EQ(parse_timeout("1.1"), milliseconds(1100));
  EXPECT_EQ(parse_timeout("1e3"), milliseconds(1'000'000));
  EXPECT_EQ(parse_timeout("1000000"), milliseconds(1'000'000'000));
}

TEST(TimeoutTest, only_nothing_is_for_ever) {
  for (const char* text : {"0", "0.0", "0e9", "+0"}) EXPECT_EQ(parse_timeout(text), milliseconds(0)) << text;
  for (const char* text : {"0.0004", "1e-9", "1e-300", "0.000999"}) {
    EXPECT_EQ(parse_timeout(text), milliseconds(1)) << text;
  }
}

TEST(TimeoutTest, everything_else_is_refused_by_name) {
  for (const char* text :
       {"",    " ",    "-1",       "-0",    "-0.0004", "nan",     "NaN",   "-nan", "nan(1)",
        "inf", "-inf", "infinity", "1e400", "1e-400",  "1000001", "1e6.5", "5s",   "5ms",
        "5 ",  "1,5",  "0x10",     "five",  "1 2",     "--1",     "+-1"}) {
    const auto refused = parse_timeout(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().status, ExitStatus::usage);
    EXPECT_EQ(refused.error().message,
              "--timeout expects seconds from 0 to 1000000, not '" + std::string(text) + "'");
  }
}

}  // namespace timeout_test
}  // namespace qomio::qomctl
