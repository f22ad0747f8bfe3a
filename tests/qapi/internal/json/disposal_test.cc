// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/disposal.h"

#include <malloc.h>

#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace disposal_test {

class JsonDisposalTest : public testing::Test {
 protected:
  ~JsonDisposalTest() override { g_main_context_unref(context_); }
  std::size_t turns() {
    std::size_t count = 0;
    while (g_main_context_iteration(context_, FALSE)) ++count;
    return count;
  }
  GMainContext* context_ = g_main_context_new();
};

TEST_F(JsonDisposalTest, a_value_of_many_elements_is_freed_in_many_turns) {
  constexpr std::size_t kLists = 100'000;
  JsonDisposal disposal(context_);
  Json lists = Json::array();
  for (std::size_t i = 0; i < kLists; ++i) lists.push_back(Json::array({1, Json{{"a", "b"}}}));
  disposal.take(std::move(lists));
  EXPECT_GE(turns(), 4 * kLists / JsonDisposal::kElementsInATurn);
  EXPECT_FALSE(disposal.free_some());
}

TEST_F(JsonDisposalTest, large_strings_are_a_turn_each) {
  JsonDisposal disposal(context_);
  Json list = Json::array();
  for (int i = 0; i < 10; ++i) list.push_back(std::string(JsonDisposal::kElementsInATurn * 1024, 'x'));
  disposal.take(std::move(list));
  disposal.take(std::string(1, 'x'));
  EXPECT_GE(turns(), 10U);
}

TEST_F(JsonDisposalTest, a_deep_value_is_freed) {
  JsonDisposal disposal(context_);
  Json value = 1;
  for (int i = 0; i < 1000; ++i) value = Json::array({std::move(value)});
  disposal.take(std::move(value));
  turns();
  EXPECT_FALSE(disposal.free_some());
}

TEST_F(JsonDisposalTest, what_is_left_at_the_end_is_freed) {
  JsonDisposal disposal(context_);
  disposal.take(Json(std::vector<int>(100'000)));
}

}  // namespace disposal_test
}  // namespace qomio
