// SPDX-License-Identifier: GPL-2.0-or-later
// How the client finds its server, how long it waits, and its exit status if it gets no answer.
#include "qomio/tests/tools/qomctl_fixture.h"

#include "qomio/qapi/json.h"

namespace qomio::testing {
namespace connection_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ConnectionTest = QomctlTest;

TEST_F(ConnectionTest, a_missing_socket_is_exit_status_3) {
  const Ended ended = run_program({QOMCTL_PROGRAM, "-s", "/nowhere/qmp", "query-version"});
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(ended.err, "qomctl: can't connect to '/nowhere/qmp': No such file or directory\n");
  EXPECT_EQ(ended.out, "");
}

TEST_F(ConnectionTest, a_path_that_fits_no_socket_is_exit_status_3) {
  const Ended ended = run_program({QOMCTL_PROGRAM, "-s", std::string(200, 'x'), "query-version"});
  EXPECT_EQ(ended.status, 3);
  EXPECT_THAT(ended.err, HasSubstr("1 to 107 bytes"));
}

TEST_F(ConnectionTest, no_socket_named_is_a_usage_error) {
  const Ended ended = run_program({QOMCTL_PROGRAM, "query-version"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("QOMIO_SOCKET"));
}

TEST_F(ConnectionTest, the_option_wins_over_the_environment) {
  const Ended ended = qomctl({"-s", "/nowhere/qmp", "query-version"});
  EXPECT_EQ(ended.status, 3);
}

TEST_F(ConnectionTest, something_that_is_no_qmp_server_is_exit_status_3) {
  server.greeting = "220 mail.example ESMTP";
  const Ended ended = qomctl({"query-version"});
  EXPECT_EQ(ended.status, 3);
  EXPECT_THAT(ended.err, HasSubstr("not a QMP server"));
}

TEST_F(ConnectionTest, a_server_that_does_not_greet_is_exit_status_4) {
  server.greeting = "";
  const Ended ended = qomctl({"--timeout", "0.05", "query-version"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_THAT(ended.err, HasSubstr("no greeting"));
}

TEST_F(ConnectionTest, a_server_that_does_not_answer_is_exit_status_4) {
  server.answers("query-version", [](const Json&) { return std::vector<std::string>{}; });
  const Ended ended = qomctl({"query-version", "--timeout", "0.05"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_THAT(ended.err, HasSubstr("within 0.05 s"));
}

TEST_F(ConnectionTest, a_server_that_hangs_up_is_exit_status_3) {
  server.answers("query-version", [](const Json&) { return std::vector<std::string>{FakeServer::kHangUp}; });
  const Ended ended = qomctl({"query-version"});
  EXPECT_EQ(ended.status, 3);
  EXPECT_THAT(ended.err, HasSubstr("closed the connection"));
}

TEST_F(ConnectionTest, a_server_that_ends_instead_of_answering_quit_did_what_it_was_told) {
  // FakeServer reads only strict JSON: the command of a request in single quotes is "".
  for (const char* command : {"quit", ""}) {
    server.answers(command, [](const Json&) {
      return std::vector<std::string>{
          R"({"event": "SHUTDOWN", "timestamp": {"seconds": 1, "microseconds": 2}})", FakeServer::kHangUp};
    });
  }
  for (const char* request : {"quit", "{'execute': 'quit'}", R"({"exec-oob":"quit","id":1})"}) {
    const bool is_raw = *request == '{';
    const Ended ended = is_raw ? qomctl({"raw", request}) : qomctl({request});
    EXPECT_EQ(ended.status, 0) << request;
    EXPECT_EQ(ended.out + ended.err, "") << request;
  }
}

TEST_F(ConnectionTest, a_server_that_ends_before_quit_was_sent_was_not_told_to) {
  server.answers("qmp_capabilities",
                 [](const Json&) { return std::vector<std::string>{FakeServer::kHangUp}; });
  EXPECT_EQ(qomctl({"quit"}).status, 3);
}

TEST_F(ConnectionTest, a_server_that_does_not_answer_quit_and_stays_is_exit_status_4) {
  server.answers("quit", [](const Json&) { return std::vector<std::string>{}; });
  EXPECT_EQ(qomctl({"--timeout", "0.05", "quit"}).status, 4);
}

TEST_F(ConnectionTest, a_time_out_below_a_millisecond_is_one) {
  server.greeting = "";
  EXPECT_EQ(qomctl({"--timeout", "0.0004", "query-version"}).status, 4);
}

TEST_F(ConnectionTest, events_before_the_reply_are_not_taken_for_it) {
  server.answers("query-name", [](const Json&) {
    return std::vector<std::string>{
        R"({"event": "SHUTDOWN", "timestamp": {"seconds": 1, "microseconds": 2}})",
        R"({"return": {"name": "right"}})"};
  });
  const Ended ended = qomctl({"query-name"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, "name  right\n");
}

TEST_F(ConnectionTest, an_event_that_came_during_negotiation_is_printed_by_events) {
  server.answers("qmp_capabilities", [](const Json&) {
    return std::vector<std::string>{
        R"({"event": "EARLY", "timestamp": {"seconds": 1, "microseconds": 2}})", R"({"return": {}})",
        R"({"event": "LATE", "data": {"n": 1}, "timestamp": {"seconds": 1, "microseconds": 3}})",
        FakeServer::kHangUp};
  });
  const Ended ended = qomctl({"--json", "events"});
  EXPECT_EQ(
      ended.out,
      "{\"event\": \"EARLY\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\n"
      "{\"event\": \"LATE\", \"data\": {\"n\": 1}, \"timestamp\": {\"seconds\": 1, \"microseconds\": 3}}\n");
  EXPECT_EQ(ended.status, 3);
}

TEST_F(ConnectionTest, wait_gives_up_with_the_time_out) {
  const Ended ended =
      run_program({QOMCTL_PROGRAM, "--wait", "--timeout", "0.05", "-s", "/nowhere/qmp", "query-version"});
  EXPECT_EQ(ended.status, 3);
}

TEST_F(ConnectionTest, trace_shows_both_directions_on_standard_error) {
  server.returns("query-name", "{}");
  const Ended ended = qomctl({"--trace", "query-name"});
  EXPECT_THAT(ended.err, HasSubstr("-> {\"execute\":\"query-name\"}\n<- {\"return\":{}}\n"));
  EXPECT_EQ(ended.out, "");
}

TEST_F(ConnectionTest, raw_sends_its_text_as_it_is_and_prints_the_reply) {
  server.returns("query-name", R"({"name": "x"})");
  const Ended ended = qomctl({"raw", R"({ "execute" : "query-name", "id": 7 })"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, "{\"return\":{\"name\":\"x\"}}\n");
  EXPECT_THAT(server.requests(), ElementsAre(R"({ "execute" : "query-name", "id": 7 })"));
}

TEST_F(ConnectionTest, raw_prints_an_error_reply_and_exits_with_1) {
  server.refuses("query-name", "No");
  const Ended ended = qomctl({"raw", R"({"execute": "query-name"})"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"No\"}}\n");
  EXPECT_EQ(ended.err, "");
}

}  // namespace connection_test
}  // namespace qomio::testing
