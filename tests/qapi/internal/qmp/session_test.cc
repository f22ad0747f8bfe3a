// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/session.h"

#include <fmt/format.h>

#include <fstream>

#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace session_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class QmpSessionTest : public QmpServerTest {
 protected:
  struct Row {
    std::string input;
    std::string reply;
  };
  void check(TestClient& client, std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
      EXPECT_THAT(ask(client, row.input + "\n"), ElementsAre(row.reply)) << row.input;
    }
  }
  static std::string generic(std::string_view text) { return error_line("GenericError", text); }
  static std::string not_found(std::string_view text) { return error_line("CommandNotFound", text); }
};

TEST_F(QmpSessionTest, the_greeting_names_version_and_capabilities) {
  TestClient client(path_);
  EXPECT_THAT(line(client),
              AllOf(StartsWith(R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, )"
                               R"("package": "qomio-)"),
                    EndsWith(R"("}, "capabilities": ["oob"]}})")));
}

TEST_F(QmpSessionTest, before_negotiation_nothing_else_is_done) {
  TestClient client(path_);
  line(client);
  const std::string expecting = not_found("Expecting capabilities negotiation with 'qmp_capabilities'");
  check(client, {{"{'execute':'work'}", expecting},
                 {"{'execute':'nope'}", expecting},
                 {"{'execute':'quit'}", expecting},
                 {"{'execute':'work','arguments':{'x':1}}", expecting},
                 {"[]", generic("QMP input must be a JSON object")},
                 {"{]", generic("JSON parse error, expecting value")},
                 {"{'exec-oob':'qmp_capabilities'}", generic("QMP input member 'exec-oob' is unexpected")}});
  EXPECT_EQ(runs_, 0);
}

TEST_F(QmpSessionTest, failed_negotiation_leaves_the_session_where_it_was) {
  TestClient client(path_);
  line(client);
  check(client,
        {{"{'execute':'qmp_capabilities','arguments':{'foo':1}}", generic("Parameter 'foo' is unexpected")},
         {"{'execute':'qmp_capabilities','arguments':[]}",
          generic("QMP input member 'arguments' must be an object")},
         {"{'execute':'qmp_capabilities','arguments':{'enable':'oob'}}",
          generic("Invalid parameter type for 'enable', expected: array")},
         {"{'execute':'qmp_capabilities','arguments':{'enable':null}}",
          generic("Invalid parameter type for 'enable', expected: array")},
         {"{'execute':'qmp_capabilities','arguments':{'enable':[1]}}",
          generic("Invalid parameter type for 'enable[0]', expected: string")},
         {"{'execute':'qmp_capabilities','arguments':{'enable':['foo']}}",
          generic("Parameter 'null' does not accept value 'foo'")},
         {"{'execute':'work'}", not_found("Expecting capabilities negotiation with 'qmp_capabilities'")},
         {"{'execute':'qmp_capabilities','arguments':{'enable':['oob','oob']}}", R"({"return": {}})"},
         {"{'execute':'work'}", R"({"return": 1})"}});
}

TEST_F(QmpSessionTest, negotiation_happens_once) {
  TestClient client = negotiated();
  check(
      client,
      {{std::string(kNegotiate), not_found("Capabilities negotiation is already complete, command ignored")},
       {"{'execute':'qmp_capabilities','arguments':{'x':1}}", generic("Parameter 'x' is unexpected")},
       {"{'execute':'work'}", R"({"return": 1})"}});
}

TEST_F(QmpSessionTest, malformed_requests_are_named) {
  TestClient client = negotiated();
  const std::string object = generic("QMP input must be a JSON object");
  const std::string execute = generic("QMP input member 'execute' must be a string");
  const std::string arguments = generic("QMP input member 'arguments' must be an object");
  const std::string lacks = generic("QMP input lacks member 'execute'");
  const std::string foo = generic("QMP input member 'foo' is unexpected");
  check(client,
        {{"[1]", object},
         {"1", object},
         {"'s'", object},
         {"null", object},
         {"true", object},
         {"{}", lacks},
         {"{'arguments':{}}", lacks},
         {"{'execute':1}", execute},
         {"{'execute':null}", execute},
         {"{'execute':{}}", execute},
         {"{'execute':'nope','arguments':null}", arguments},
         {"{'execute':'nope','arguments':[]}", arguments},
         {"{'execute':'nope','foo':1}", foo},
         {"{'foo':1}", foo},
         {"{'foo':1,'arguments':1,'execute':1}", execute},
         {"{'foo':1,'arguments':1,'execute':'work'}", arguments},
         {"{'execute':'work','':1}", generic("QMP input member '' is unexpected")},
         {"{'Execute':'work'}", generic("QMP input member 'Execute' is unexpected")},
         {"{'execute':'work','arguments':{'foo':1}}", generic("Parameter 'foo' is unexpected")},
         {"{'execute':'nope','arguments':{'foo':1}}", not_found("The command nope has not been found")},
         {"{'execute':'query-\\u0000'}", not_found("The command query-\\u0000 has not been found")},
         {"{'execute':'h\xc3\xa9'}", not_found("The command h\\u00E9 has not been found")},
         {"{'execute':'%s'}", not_found("The command %s has not been found")},
         {"{'execute':''}", not_found("The command  has not been found")},
         {"{'execute':'work','execute':'work'}", generic("JSON parse error, duplicate key")}});
  EXPECT_EQ(runs_, 0);
}

TEST_F(QmpSessionTest, ids_come_back_as_they_were_with_replies_and_errors) {
  TestClient client = negotiated();
  const auto reply = [](int n, std::string_view id) {
    return fmt::format(R"({{"return": {}, "id": {}}})", n, id);
  };
  check(
      client,
      {{"{'execute':'work','id':7}", reply(1, "7")},
       {"{'id':'first','execute':'work'}", reply(2, "\"first\"")},
       {"{'execute':'work','id':null}", reply(3, "null")},
       {"{'execute':'work','id':{'a':{'b':[true,2.5]}}}", reply(4, R"({"a": {"b": [true, 2.5]}})")},
       {"{'execute':'work','id':18446744073709551615}", reply(5, "18446744073709551615")},
       {"{'execute':'work','id':1.0}", reply(6, "1")},
       {"{'execute':'work','id':-0.0}", reply(7, "-0")},
       {"{'execute':'work','id':1e400}", generic("QMP input member 'id' holds a number that is too large")},
       {"{'execute':'work','id':[{'a':-1e400}]}",
        generic("QMP input member 'id' holds a number that is too large")},
       {"{'execute':'nope','id':7}",
        R"({"id": 7, "error": {"class": "CommandNotFound", "desc": "The command nope has not been found"}})"},
       {"{'id':9}",
        R"({"id": 9, "error": {"class": "GenericError", "desc": "QMP input lacks member 'execute'"}})"},
       {"{'id':9,'execute':}", generic("JSON parse error, expecting value")}});
}

TEST_F(QmpSessionTest, an_event_is_wanted_only_while_a_client_waits_for_it) {
  Event on_request = event<Tick>("ASKED_FOR", "for tests");
  on_request.on_request = true;
  registry_.add(std::move(on_request));
  EXPECT_FALSE(registry_.is_wanted("TICK"));
  TestClient new_client(path_);
  line(new_client);
  EXPECT_FALSE(registry_.is_wanted("TICK"));
  TestClient client = negotiated();
  EXPECT_TRUE(registry_.is_wanted("TICK"));
  EXPECT_FALSE(registry_.is_wanted("ASKED_FOR"));
  ask(client, "{'execute':'subscribe-events','arguments':{'events':['ASKED_FOR']}}");
  EXPECT_TRUE(registry_.is_wanted("ASKED_FOR"));
  client.leave();
  settle();
  EXPECT_FALSE(registry_.is_wanted("ASKED_FOR"));
  EXPECT_FALSE(registry_.is_wanted("TICK"));
}

TEST_F(QmpSessionTest, requests_need_no_line_of_their_own_and_are_answered_in_order) {
  TestClient client(path_);
  line(client);
  EXPECT_THAT(
      ask(client,
          "{'execute':'qmp_capabilities'}{'execute':'work'}x {'execute':'nope'}\r\n\r\n{'execute':'work'}"),
      ElementsAre(R"({"return": {}})", R"({"return": 1})", generic("JSON parse error, invalid keyword 'x'"),
                  not_found("The command nope has not been found"), R"({"return": 2})"));
}

TEST_F(QmpSessionTest, a_request_may_come_byte_by_byte) {
  TestClient client = negotiated();
  const std::string request = R"({"execute":"work","id":"\u00e9"})";
  for (std::size_t i = 0; i + 1 < request.size(); ++i)
    EXPECT_THAT(ask(client, request.substr(i, 1)), IsEmpty());
  EXPECT_THAT(ask(client, "}"), ElementsAre(R"({"return": 1, "id": "\u00E9"})"));
}

TEST_F(QmpSessionTest, long_strings_and_long_blanks_are_taken) {
  TestClient client = negotiated();
  const std::string text(1 << 20, 'b');
  EXPECT_THAT(ask(client, std::string(128 << 10, ' ') + "{'execute':'work','id':'" + text + "'}"),
              ElementsAre(R"({"return": 1, "id": ")" + text + "\"}"));
}

TEST_F(QmpSessionTest, large_ids_come_back_as_they_were_with_replies_and_errors) {
  TestClient client = negotiated();
  std::string list = "[1";
  for (int i = 0; i < 20'000; ++i) list += ", {\"a\": [true, \"b\"]}";
  list += ']';
  const std::string text = '"' + std::string(3 << 20, 'b') + "\\u00E9\"";
  for (const std::string& id : {list, text, "{\"id\": " + text + ", \"error\": " + list + "}"}) {
    const std::string returned = fmt::format("{{\"return\": {}, \"id\": {}}}", runs_ + 1, id);
    const auto failed = [&](const std::string& line) { return "{\"id\": " + id + ", " + line.substr(1); };
    // Compared in EXPECT_TRUE, because EXPECT_EQ would print these long texts.
    EXPECT_TRUE(ask(client, "{'execute':'work','id':" + id + "}") == std::vector{returned});
    EXPECT_TRUE(ask(client, "{'execute':'nope','id':" + id + "}") ==
                std::vector{failed(not_found("The command nope has not been found"))});
    EXPECT_TRUE(ask(client, "{'id':" + id + "}") ==
                std::vector{failed(generic("QMP input lacks member 'execute'"))});
  }
  check(client, {{"{'execute':'work','id':7}", R"({"return": 4, "id": 7})"}});
}

TEST_F(QmpSessionTest, errors_repeat_no_more_than_the_beginning_of_what_is_too_long) {
  TestClient client = negotiated();
  const std::string name(3 << 20, 'b');
  check(client, {{"{'execute':'" + name + "'}",
                  not_found("The command " + name.substr(0, 4096) + "... has not been found")}});
  for (const std::string& request :
       {"{'execute':'work','" + name + "':1}", "{'execute':'work','arguments':{'" + name + "':1}}",
        "{" + name + "}\n"}) {
    const auto replies = ask(client, request);
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_LT(replies[0].size(), 100'000U);
    EXPECT_THAT(replies[0], StartsWith("{\"error\""));
  }
  check(client, {{"{'execute':'work','id':7}", R"({"return": 1, "id": 7})"}});
}

// Other clients are served in between, and the memory is returned to the system.
TEST_F(QmpSessionTest, a_client_that_sends_a_giant_and_vanishes_leaves_no_memory_behind) {
  const auto resident_bytes = [] {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  };
  std::string many = "{'execute':'nope','arguments':{'a':[";
  for (int i = 0; i < 300'000; ++i) many += "[],'xy',";
  std::string giant = "{'execute':'work','id':'" + std::string(20 << 20, 'b');
  TestClient other = negotiated();
  for (const std::string& text : {giant, giant + "'}", many, many + "]}}", many + "x]}}"}) {
    [[maybe_unused]] const std::size_t before = resident_bytes();
    {
      TestClient client = negotiated();
      send(client, text);
      EXPECT_THAT(ask(other, "{'execute':'work'}"), SizeIs(1));
    }
    settle();
    EXPECT_EQ(server_->client_count(), 1U);
#ifndef QOMIO_SANITIZED  // sanitizers keep freed memory for a while
    EXPECT_LT(resident_bytes(), before + (4U << 20));
#endif
  }
}

TEST_F(QmpSessionTest, exec_oob_needs_the_capability) {
  TestClient client = negotiated();
  const std::string unexpected = generic("QMP input member 'exec-oob' is unexpected");
  check(client,
        {{"{'exec-oob':'urgent'}", unexpected}, {"{'exec-oob':'urgent','execute':'work'}", unexpected}});
}

TEST_F(QmpSessionTest, out_of_band_requests_are_checked) {
  TestClient client = negotiated(kNegotiateOob);
  check(client, {{"{'exec-oob':'urgent'}", R"({"return": "urgent"})"},
                 {"{'execute':'urgent'}", R"({"return": "urgent"})"},
                 {"{'exec-oob':'work'}", generic("The command work does not support OOB")},
                 {"{'exec-oob':'nope'}", not_found("The command nope has not been found")},
                 {"{'exec-oob':1}", generic("QMP input member 'exec-oob' must be a string")},
                 {"{'exec-oob':'urgent','execute':'work'}",
                  generic("QMP input member 'execute' clashes with 'exec-oob'")}});
}

TEST_F(QmpSessionTest, out_of_band_requests_overtake_at_most_eight_that_wait) {
  TestClient client = negotiated(kNegotiateOob);
  const auto work = [](int times) {
    std::string text;
    while (times-- > 0) text += "{'execute':'work'}";
    return text;
  };
  EXPECT_EQ(ask(client, work(7) + "{'exec-oob':'urgent'}").front(), R"({"return": "urgent"})");
  runs_ = 0;
  const auto replies = ask(client, work(9) + "{'exec-oob':'urgent'}");
  ASSERT_THAT(replies, SizeIs(10));
  EXPECT_EQ(replies[0], R"({"return": 1})");
  EXPECT_THAT(replies, testing::Contains(R"({"return": "urgent"})"));
  EXPECT_NE(replies.back(), R"({"return": "urgent"})");
}

TEST_F(QmpSessionTest, errors_keep_their_place_among_in_band_replies_with_oob) {
  TestClient client = negotiated(kNegotiateOob);
  EXPECT_THAT(
      ask(client, "{'execute':'work'}[]{'execute':'work'}"),
      ElementsAre(R"({"return": 1})", generic("QMP input must be a JSON object"), R"({"return": 2})"));
}

TEST_F(QmpSessionTest, events_come_with_the_time_and_only_after_negotiation) {
  TestClient early(path_);
  line(early);
  TestClient client = negotiated();
  registry_.emit("TICK", Tick{.guest = true, .reason = "x"});
  registry_.emit("TICK", Json::object());
  const auto events = lines(client);
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_THAT(events[0],
              testing::MatchesRegex(R"(\{"timestamp": \{"seconds": [0-9]+, "microseconds": [0-9]+\}, )"
                                    R"("event": "TICK", "data": \{"guest": true, "reason": "x"\}\})"));
  EXPECT_THAT(events[1], EndsWith(R"("event": "TICK"})"));
  EXPECT_THAT(lines(early), IsEmpty());
}

TEST_F(QmpSessionTest, a_client_that_shuts_down_sending_gets_all_its_replies) {
  TestClient client = negotiated();
  send(client, "{'execute':'work'}{'execute':'work'}{'execute':'wo");
  client.shut_down_sending();
  EXPECT_THAT(lines(client), ElementsAre(R"({"return": 1})", R"({"return": 2})"));
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(QmpSessionTest, the_requests_of_a_client_that_leaves_are_dropped) {
  TestClient client = negotiated();
  send(client, "{'execute':'work'}{'execute':'work'}");
  client.leave();
  settle();
  EXPECT_EQ(runs_, 0);
  EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(QmpSessionTest, a_client_may_vanish_after_any_byte) {
  const std::string stream =
      std::string(kNegotiate) + "\n{\"execute\": 'echo', 'id': [\"\\u00e9\", 1.5e3, tru";
  for (std::size_t length = 0; length <= stream.size(); ++length) {
    TestClient client(path_);
    settle();
    send(client, stream.substr(0, length));
    if (length % 2 == 0) settle();
    client.leave();
    settle();
    ASSERT_EQ(server_->client_count(), 0U) << length;
  }
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, "{'execute':'work'}"), ElementsAre(R"({"return": 1})"));
}

}  // namespace session_test
}  // namespace qomio
