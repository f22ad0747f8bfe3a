// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/co_command.h"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/session.h"
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
    commands_.start(*commands_.find_command(name), *parse_json(arguments), *session_, reply);
    return reply;
  }
  CommandRegistry commands_;
  OpenSession session_ = commands_.open_session();
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

Task<Result<Number>> id_after_a_wait(Number number, std::shared_ptr<Session> session,
                                     Answer<Number> /*answer*/) {
  if (number.value == 0) session->data<Number>().value = 7;
  co_await reschedule_self(*AioContext::current());
  co_return Number{session->is_open() ? session->data<Number>().value : -1};
}

TEST_F(CoCommandTest, a_coroutine_may_take_the_session_and_keeps_it_when_it_closes) {
  commands_.add(co_command("id-after-a-wait", "for tests", id_after_a_wait));
  start("id-after-a-wait", "{'value':0}");
  drain();
  EXPECT_EQ(answer_, R"({"value": 7})");
  start("id-after-a-wait", "{'value':1}");
  session_.reset();
  drain();
  EXPECT_EQ(answer_, R"({"value": -1})");
}

TEST_F(CoCommandTest, captures_live_until_the_command_is_removed_and_its_last_coroutine_has_ended) {
  const auto counter = std::make_shared<int>(0);
  commands_.add(co_command("count", "for tests",
                           [counter](Number number, Answer<Number> /*answer*/) -> Task<Result<Number>> {
                             co_await reschedule_self(*AioContext::current());
                             co_return Number{number.value + ++*counter};
                           }));
  start("count", "{'value':10}");
  drain();
  EXPECT_EQ(answer_, R"({"value": 11})");
  start("count", "{'value':20}");
  loop->poll(false);
  commands_.remove_command("count");
  EXPECT_GT(counter.use_count(), 1);
  drain();
  EXPECT_EQ(answer_, R"({"value": 22})");
  EXPECT_EQ(counter.use_count(), 1);
}

// Notes its end in a capture of the handler that it is in.
TEST(CoCommandEndTest, captures_live_until_a_waiting_coroutine_is_destroyed) {
  std::string log;
  struct AtEnd {
    std::string& text;
    ~AtEnd() { text += "coroutine ended"; }
  };
  struct Capture {
    std::string& log;
    std::string text;
    Capture(std::string& log_, std::string text_) : log(log_), text(std::move(text_)) {}
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() { log = text; }
  };
  CommandRegistry commands;
  {
    auto capture = std::make_shared<Capture>(log, "");
    Capture& captured = *capture;
    commands.add(co_command("wait", "for tests",
                            [capture](Number number, Answer<Number> answer) -> Task<Result<Number>> {
                              const AtEnd at_end{capture->text};
                              while (answer.is_wanted()) co_await reschedule_self(*AioContext::current());
                              co_return number;
                            }));
    capture.reset();
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    const OpenSession session = commands.open_session();
    commands.start(*commands.find_command("wait"), *parse_json("{'value':1}"), *session,
                   Reply([](Result<Json>) {}));
    loop->poll(true);
    commands.remove_command("wait");
    EXPECT_EQ(captured.text, "") << "it waits";
  }
  EXPECT_EQ(log, "coroutine ended");
}

TEST(CoCommandEndTest, a_loop_that_ends_gives_the_command_up) {
  std::string answer;
  CommandRegistry commands;
  commands.add(co_command("while-wanted", "for tests", while_wanted));
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    const Reply reply([&](Result<Json> given) { answer = given ? "done" : given.error().message(); });
    const OpenSession session = commands.open_session();
    commands.start(*commands.find_command("while-wanted"), *parse_json("{'value':1}"), *session, reply);
    loop->poll(true);
  }
  EXPECT_EQ(answer, "the command ended without an answer");
}

}  // namespace co_command_test
}  // namespace qomio
