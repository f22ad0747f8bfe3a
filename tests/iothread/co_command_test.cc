// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/co_command.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace co_command_test {

struct Number {
  std::int64_t value = 0;
  static constexpr std::string_view type_name = "Number";
  static constexpr auto members = member_list(member("value", &Number::value));
};

AioContext* elsewhere = nullptr;
std::thread::id ran_in;
int rounds = 0;

Task<Result<Number>> twice(Number number, Answer<Number> /*answer*/) {
  if (number.value < 0) co_return error("a negative number");
  co_await reschedule_self(*elsewhere);
  ran_in = std::this_thread::get_id();
  co_return Number{2 * number.value};
}

Task<Result<Number>> while_wanted(Number number, Answer<Number> answer) {
  for (rounds = 0; answer.is_wanted(); ++rounds) co_await reschedule_self(*AioContext::current());
  co_return number;
}

class CoCommandTest : public InLoop {
 protected:
  CoCommandTest() {
    commands_.add(co_command("twice", "for tests", twice));
    commands_.add(co_command("while-wanted", "for tests", while_wanted));
  }
  // Starts the command. Its answer is stored in answer_, by the thread in which the coroutine ends.
  Reply start(std::string_view name, std::string_view arguments) {
    Reply reply([this](Result<Json> answer) {
      answer_ = answer ? json_text(*answer) : answer.error().message();
      answered_.store(true);
      answered_.notify_one();
    });
    commands_.start(*commands_.find_command(name), *parse_json(arguments), Access::full, reply);
    return reply;
  }
  CommandRegistry commands_;
  std::string answer_;
  std::atomic<bool> answered_ = false;
};

TEST_F(CoCommandTest, answers_with_what_the_coroutine_returns_wherever_it_ends) {
  RunningLoop other;
  elsewhere = &*other;
  const Reply reply = start("twice", "{'value':21}");
  EXPECT_FALSE(answered_) << "it begins in the loop";
  drain();
  answered_.wait(false);
  EXPECT_EQ(answer_, R"({"value": 42})");
  EXPECT_NE(ran_in, std::this_thread::get_id());
}

TEST_F(CoCommandTest, an_error_is_an_answer) {
  start("twice", "{'value':-1}");
  drain();
  EXPECT_EQ(answer_, "a negative number");
}

TEST_F(CoCommandTest, bad_arguments_start_nothing) {
  start("twice", "{}");
  EXPECT_EQ(answer_, "Parameter 'value' is missing");
}

TEST_F(CoCommandTest, a_coroutine_sees_that_nobody_waits_any_more) {
  const Reply reply = start("while-wanted", "{'value':1}");
  loop->poll(true);
  loop->poll(true);
  EXPECT_GT(rounds, 0);
  reply.cancel();
  drain();
  EXPECT_FALSE(answered_);
}

TEST(CoCommandEndTest, a_loop_that_ends_gives_the_command_up) {
  std::string answer;
  CommandRegistry commands;
  commands.add(co_command("while-wanted", "for tests", while_wanted));
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    const Reply reply([&](Result<Json> given) { answer = given ? "done" : given.error().message(); });
    commands.start(*commands.find_command("while-wanted"), *parse_json("{'value':1}"), Access::full, reply);
    loop->poll(true);
  }
  EXPECT_EQ(answer, "the command ended without an answer");
}

}  // namespace co_command_test
}  // namespace qomio
