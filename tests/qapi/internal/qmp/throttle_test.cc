// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/throttle.h"

#include "qomio/qapi/json.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace qomio {
namespace throttle_test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

class EventThrottleTest : public testing::Test {
 protected:
  EventThrottleTest() {
    throttle_.limit("TICK", "");
    throttle_.limit("KEYED", "id");
  }
  std::optional<std::string> tick(std::string line, std::int64_t now_us) {
    return throttle_.pass("TICK", Json::object(), std::move(line), now_us);
  }
  std::optional<std::string> keyed(const Json& id, std::string line, std::int64_t now_us) {
    return throttle_.pass("KEYED", Json{{"id", id}}, std::move(line), now_us);
  }
  std::vector<std::string> due(std::int64_t now_us) {
    std::vector<std::string> lines;
    for (auto& each : throttle_.take_due(now_us)) lines.push_back(std::move(each.line));
    return lines;
  }
  EventThrottle throttle_{100};
};

TEST_F(EventThrottleTest, events_without_a_limit_all_go) {
  EXPECT_THAT(throttle_.pass("OTHER", Json::object(), "a", 0), Optional(std::string("a")));
  EXPECT_THAT(throttle_.pass("OTHER", Json::object(), "b", 0), Optional(std::string("b")));
  EXPECT_EQ(throttle_.next_due_us(), -1);
}

TEST_F(EventThrottleTest, the_first_goes_at_once_and_the_newest_at_the_end_of_the_period) {
  EXPECT_THAT(tick("a", 1000), Optional(std::string("a")));
  EXPECT_EQ(tick("b", 1010), std::nullopt);
  EXPECT_EQ(tick("c", 1099), std::nullopt);
  EXPECT_EQ(throttle_.next_due_us(), 1100);
  EXPECT_THAT(due(1099), IsEmpty());
  EXPECT_THAT(due(1100), ElementsAre("c"));
}

TEST_F(EventThrottleTest, what_went_late_starts_a_period_too) {
  tick("a", 1000);
  tick("b", 1010);
  due(1100);
  EXPECT_EQ(tick("c", 1110), std::nullopt);
  EXPECT_THAT(due(1200), ElementsAre("c"));
}

TEST_F(EventThrottleTest, after_a_quiet_period_the_next_goes_at_once) {
  tick("a", 1000);
  EXPECT_THAT(due(1100), IsEmpty());
  EXPECT_EQ(throttle_.next_due_us(), -1);
  EXPECT_THAT(tick("b", 1101), Optional(std::string("b")));
  EXPECT_THAT(tick("c", 1300), Optional(std::string("c")));  // even if take_due() was not called
  EXPECT_EQ(tick("d", 1301), std::nullopt);
}

TEST_F(EventThrottleTest, a_newer_event_replaces_one_that_is_due_but_not_taken) {
  tick("a", 1000);
  tick("b", 1010);
  EXPECT_EQ(tick("c", 1150), std::nullopt);
  EXPECT_THAT(due(1150), ElementsAre("c"));
}

TEST_F(EventThrottleTest, each_value_of_the_key_is_counted_by_itself) {
  EXPECT_THAT(keyed("x", "x1", 0), Optional(std::string("x1")));
  EXPECT_THAT(keyed("y", "y1", 50), Optional(std::string("y1")));
  EXPECT_THAT(keyed(1, "n1", 50), Optional(std::string("n1")));
  EXPECT_EQ(keyed("x", "x2", 60), std::nullopt);
  EXPECT_EQ(keyed("y", "y2", 60), std::nullopt);
  EXPECT_THAT(due(100), ElementsAre("x2"));
  EXPECT_EQ(throttle_.next_due_us(), 150);
  EXPECT_THAT(due(150), ElementsAre("y2"));
}

}  // namespace throttle_test
}  // namespace qomio
