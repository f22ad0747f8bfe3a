// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "qomio/qapi/json.h"

namespace qomio {
namespace command_test {

using testing::ElementsAre;
using testing::IsEmpty;

struct Sum {
  std::int64_t value = 0;
  static constexpr std::string_view type_name = "Sum";
  static constexpr auto members = member_list(member("value", &Sum::value));
};

// A Reply whose answers are recorded as text.
class ReplyTest : public testing::Test {
 protected:
  std::vector<std::string> answers;
  Reply reply{[this](Result<Json> answer) {
    answers.push_back(answer ? json_text(*answer) : answer.error().message());
  }};
};

TEST_F(ReplyTest, the_first_answer_counts) {
  EXPECT_TRUE(reply.is_wanted());
  reply.send(Json(1));
  EXPECT_FALSE(reply.is_wanted());
  reply.send(Json(2));
  reply.send(Error("late"));
  EXPECT_THAT(answers, ElementsAre("1"));
}

TEST_F(ReplyTest, copies_share_the_answer) {
  const Reply copy = reply;
  copy.send(Error("no"));
  EXPECT_FALSE(reply.is_wanted());
  EXPECT_THAT(answers, ElementsAre("no"));
}

TEST_F(ReplyTest, that_nobody_can_answer_any_more_is_an_error) {
  {
    const Reply last = std::exchange(reply, Reply([](Result<Json>) {}));
  }
  EXPECT_THAT(answers, ElementsAre("the command ended without an answer"));
}

TEST_F(ReplyTest, that_is_cancelled_runs_its_hook_once_and_takes_no_answer) {
  int hooks = 0;
  reply.on_cancel([&] { ++hooks; });
  const auto cancel = reply.canceller();
  cancel();
  reply.cancel();
  EXPECT_EQ(hooks, 1);
  EXPECT_FALSE(reply.is_wanted());
  reply.send(Json(1));
  EXPECT_THAT(answers, IsEmpty());
  reply.on_cancel([&] { ++hooks; });
  EXPECT_EQ(hooks, 2) << "a hook that comes too late runs at once";
}

TEST_F(ReplyTest, that_has_been_answered_has_no_use_for_a_hook) {
  int hooks = 0;
  reply.on_cancel([&] { ++hooks; });
  reply.send(Json(1));
  reply.cancel();
  EXPECT_EQ(hooks, 0);
}

TEST_F(ReplyTest, may_be_answered_by_another_thread) {
  std::jthread([copy = reply] { copy.send(Json("there")); }).join();
  EXPECT_THAT(answers, ElementsAre(R"("there")"));
}

TEST_F(ReplyTest, of_a_type_writes_what_the_type_describes) {
  const Answer<Sum> answer(reply);
  EXPECT_TRUE(answer.is_wanted());
  answer.send(Sum{.value = 42});
  EXPECT_FALSE(answer.is_wanted());
  EXPECT_THAT(answers, ElementsAre(R"({"value": 42})"));
}

TEST_F(ReplyTest, of_a_type_passes_errors_on) {
  Answer<Sum>(reply).send(error("overflow"));
  EXPECT_THAT(answers, ElementsAre("overflow"));
}

Result<Sum> add(const Sum& sum) { return Sum{sum.value + 1}; }

TEST(Command, has_the_names_and_types_of_its_handler) {
  const Command c = command("add", "adds one", add).feature("unstable");
  EXPECT_EQ(c.name, "add");
  EXPECT_EQ(c.description, "adds one");
  EXPECT_EQ(c.arguments().name, "Sum");
  EXPECT_EQ(c.result().name, "Sum");
  EXPECT_THAT(c.features, ElementsAre("unstable"));
  EXPECT_TRUE(c.run);
  EXPECT_FALSE(c.start);
}

TEST(Command, that_answers_later_has_a_start) {
  const Command c = command("later", "", [](const Answer<Sum>& answer) { answer.send(Sum{1}); });
  EXPECT_FALSE(c.run);
  EXPECT_TRUE(c.start);
  EXPECT_TRUE(c.arguments().members.empty());
}

TEST(Command, is_offered_to_read_only_clients_if_it_is_a_query) {
  const Command change = command("change", "", [] { return Result<void>(); });
  EXPECT_TRUE(change.is_offered(Access::full));
  EXPECT_FALSE(change.is_offered(Access::read_only));
  Command query = command("query", "", [] { return Result<void>(); }).query();
  EXPECT_TRUE(query.is_offered(Access::read_only));
  query.is_enabled = false;
  EXPECT_FALSE(query.is_offered(Access::full));
}

}  // namespace command_test
}  // namespace qomio
