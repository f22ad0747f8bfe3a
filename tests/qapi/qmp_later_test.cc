// SPDX-License-Identifier: GPL-2.0-or-later
// Commands that answer later, and limits to the resources that one client may use.
#include <fmt/format.h>

#include <thread>

#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace qmp_later_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Waiting {
  std::string text;
  static constexpr std::string_view type_name = "Waiting";
  static constexpr auto members = member_list(member("text", &Waiting::text));
};

std::vector<Answer<Waiting>> answers;  // of the running `wait` commands

// The command `wait` answers at once for the text "now", otherwise when the test sends one of `answers`.
class QmpLaterTest : public QmpServerTest {
 protected:
  QmpLaterTest() {
    registry_.add(command(
        "wait", "for tests", +[](const Waiting& arguments, Answer<Waiting> answer) {
          if (arguments.text == "now") return answer.send(arguments);
          answers.push_back(std::move(answer));
        }));
    Command quit = command("quit", "for tests", +[] { return Result<void>(); });
    registry_.add(std::move(quit).last());
  }
  ~QmpLaterTest() override { answers.clear(); }

  static std::string wait(int id) {
    return fmt::format("{{'execute':'wait','arguments':{{'text':'x'}},'id':{}}}", id);
  }
};

TEST_F(QmpLaterTest, the_answer_comes_when_it_is_there) {
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, wait(1)), IsEmpty());
  answers.at(0).send(Waiting{"done"});
  EXPECT_THAT(lines(client), ElementsAre(R"({"return": {"text": "done"}, "id": 1})"));
  answers.at(0).send(Waiting{"twice"});
  EXPECT_THAT(lines(client), IsEmpty());
}

TEST_F(QmpLaterTest, it_may_come_at_once) {
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, "{'execute':'wait','arguments':{'text':'now'}}{'execute':'work'}"),
              ElementsAre(R"({"return": {"text": "now"}})", R"({"return": 1})"));
}

TEST_F(QmpLaterTest, arguments_are_checked_before) {
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, "{'execute':'wait'}"),
              ElementsAre(error_line("GenericError", "Parameter 'text' is missing")));
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(QmpLaterTest, an_error_is_an_answer_too) {
  TestClient client = negotiated();
  ask(client, wait(1));
  answers.at(0).send(error("it went wrong"));
  EXPECT_THAT(lines(client), ElementsAre(HasSubstr("it went wrong")));
}

TEST_F(QmpLaterTest, later_commands_of_the_client_wait_and_others_do_not) {
  TestClient client = negotiated();
  TestClient other = negotiated();
  EXPECT_THAT(ask(client, wait(1) + "{'execute':'work','id':2}"), IsEmpty());
  EXPECT_THAT(ask(other, "{'execute':'work'}"), ElementsAre(R"({"return": 1})"));
  EXPECT_THAT(ask(other, wait(3)), IsEmpty());
  ASSERT_THAT(answers, SizeIs(2));
  answers[1].send(Waiting{"b"});
  EXPECT_THAT(lines(other), SizeIs(1));
  answers[0].send(Waiting{"a"});
  EXPECT_THAT(lines(client),
              ElementsAre(R"({"return": {"text": "a"}, "id": 1})", R"({"return": 2, "id": 2})"));
}

TEST_F(QmpLaterTest, out_of_band_overtakes_what_runs_and_what_waits) {
  TestClient client = negotiated(kNegotiateOob);
  EXPECT_THAT(ask(client, wait(1) + "{'execute':'work','id':2}{'exec-oob':'urgent','id':3}"),
              ElementsAre(R"({"return": "urgent", "id": 3})"));
  answers.at(0).send(Waiting{"a"});
  EXPECT_THAT(lines(client), SizeIs(2));
}

TEST_F(QmpLaterTest, an_answer_may_come_from_another_thread) {
  TestClient client = negotiated();
  ask(client, wait(1));
  std::thread([] {
    answers.at(0).send(Waiting{"elsewhere"});
    answers.clear();
  }).join();
  EXPECT_THAT(lines(client), ElementsAre(HasSubstr("elsewhere")));
}

TEST_F(QmpLaterTest, an_answer_that_is_dropped_is_an_error) {
  TestClient client = negotiated();
  ask(client, wait(1));
  answers.clear();
  EXPECT_THAT(lines(client), ElementsAre(HasSubstr("the command ended without an answer")));
}

TEST_F(QmpLaterTest, a_command_is_cancelled_when_its_client_leaves) {
  TestClient client = negotiated();
  ask(client, wait(1));
  int cancelled = 0;
  answers.at(0).on_cancel([&] { ++cancelled; });
  EXPECT_TRUE(answers.at(0).is_wanted());
  client.leave();
  settle();
  EXPECT_EQ(cancelled, 1);
  EXPECT_FALSE(answers.at(0).is_wanted());
  answers.at(0).on_cancel([&] { ++cancelled; });
  EXPECT_EQ(cancelled, 2) << "it has left already";
  answers.at(0).send(Waiting{"too late"});
  EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(QmpLaterTest, after_the_answer_nothing_is_cancelled) {
  TestClient client = negotiated();
  ask(client, wait(1));
  int cancelled = 0;
  answers.at(0).on_cancel([&] { ++cancelled; });
  answers.at(0).send(Waiting{"a"});
  lines(client);
  client.leave();
  settle();
  EXPECT_EQ(cancelled, 0);
}

TEST_F(QmpLaterTest, a_client_that_only_stops_sending_gets_its_answer) {
  TestClient client = negotiated();
  send(client, wait(1));
  client.shut_down_sending();
  EXPECT_THAT(lines(client), IsEmpty());
  answers.at(0).send(Waiting{"a"});
  EXPECT_THAT(lines(client), SizeIs(1));
  EXPECT_TRUE(client.ended());
}

TEST_F(QmpLaterTest, the_end_of_the_server_cancels_what_runs) {
  TestClient client = negotiated();
  ask(client, wait(1));
  int cancelled = 0;
  answers.at(0).on_cancel([&] { ++cancelled; });
  TestClient other = negotiated();
  ask(other, "{'execute':'quit'}");
  EXPECT_EQ(cancelled, 1);
  server_.reset();
  answers.at(0).send(Waiting{"too late"});
}

TEST_F(QmpLaterTest, a_command_without_success_response_is_heard_of_when_it_fails) {
  registry_.add(command(
                    "shout", "for tests",
                    +[](const Waiting& arguments) -> Result<void> {
                      if (arguments.text == "ow") return error("hoarse");
                      return {};
                    })
                    .without_success_response());
  registry_.add(command(
                    "shout-later", "for tests",
                    +[](const Waiting& arguments, Answer<Waiting> answer) {
                      answer.send(arguments.text == "ow" ? Result<Waiting>(error("hoarse")) : arguments);
                    })
                    .without_success_response());
  TestClient client = negotiated();
  for (const char* name : {"shout", "shout-later"}) {
    const auto shout = [&](const char* text) {
      return fmt::format("{{'execute':'{}','arguments':{{'text':'{}'}},'id':7}}", name, text);
    };
    EXPECT_THAT(ask(client, shout("hey") + shout("ow") + shout("hey") + "{'execute':'work'}"),
                ElementsAre(R"({"id": 7, "error": {"class": "GenericError", "desc": "hoarse"}})",
                            testing::StartsWith("{\"return\"")));
  }
}

TEST_F(QmpLaterTest, run_does_not_wait) {
  EXPECT_EQ(registry_.run("wait", *parse_json("{'text':'x'}")).error().message(),
            "The command wait does not answer at once");
  EXPECT_FALSE(answers.at(0).is_wanted());
  EXPECT_TRUE(registry_.run("wait", *parse_json("{'text':'now'}")));
}

// Sends many short commands. Most stay in the socket until the client reads, and all are answered in the end.
TEST_F(QmpLaterTest, a_client_that_sends_much_and_reads_nothing_costs_little_and_gets_all_in_the_end) {
  constexpr int kCommands = 50'000;
  TestClient greedy = negotiated();
  const std::string one = fmt::format("{{'execute':'work','id':'{}'}}", std::string(50, 'x'));
  std::string all;
  for (int i = 0; i < kCommands; ++i) all += one;
  std::string_view rest = all;
  for (std::size_t n = 1; n > 0; settle()) {
    n = greedy.send_some(rest);
    rest.remove_prefix(n);
  }
  // A reply is longer than 64 bytes. At most kOutputLimit bytes wait in the server; the kernel buffers more.
  EXPECT_LT(runs_, 2 * static_cast<int>(kOutputLimit) / 64);
  EXPECT_FALSE(rest.empty()) << "not all was read";
  TestClient other = negotiated();
  EXPECT_THAT(ask(other, "{'execute':'work'}"), SizeIs(1));

  int replies = 0;
  while (!rest.empty()) {
    rest.remove_prefix(greedy.send_some(rest));
    replies += static_cast<int>(lines(greedy).size());
  }
  replies += static_cast<int>(lines(greedy).size());
  EXPECT_EQ(replies, kCommands);
}

TEST_F(QmpLaterTest, commands_behind_one_that_runs_stay_in_the_socket) {
  TestClient client = negotiated(kNegotiateOob);
  ask(client, wait(1));
  const std::string one = "{'execute':'work'}";
  std::size_t taken = 0;
  for (std::size_t n = 1; n > 0; settle()) taken += n = client.send_some(one);
  EXPECT_EQ(runs_, 0);
  answers.at(0).send(Waiting{"a"});
  const std::size_t whole = taken / one.size();
  EXPECT_THAT(lines(client), SizeIs(1 + whole));
}

TEST_F(QmpLaterTest, clients_over_the_limit_are_hung_up_on) {
  server_->set_client_limit(2);
  TestClient first = negotiated();
  TestClient second = negotiated();
  TestClient third(path_);
  EXPECT_THAT(lines(third), IsEmpty());
  EXPECT_TRUE(third.ended());
  EXPECT_EQ(server_->client_count(), 2U);
  first.leave();
  settle();
  negotiated();
}

}  // namespace qmp_later_test
}  // namespace qomio
