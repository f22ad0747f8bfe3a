// SPDX-License-Identifier: GPL-2.0-or-later
// Text from a server must not control the terminal, wherever in a message it is.
#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"
#include "qomio/tests/tools/qomctl_fixture.h"

namespace qomio::testing {
namespace terminal_test {

// ESC, U+009B, DEL, right-to-left override and isolate, as JSON escapes.
const std::string kBad = R"(x\u001b[31m\u009b\u007f\u202e\u2067)";

bool is_harmless(std::string_view text) {
  while (!text.empty()) {
    const auto [code, length] = utf8_decode(text);
    const bool is_control = code < 0 || (code < 0x20 && code != '\n') || (code >= 0x7f && code < 0xa0);
    const bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    if (is_control || turns) return false;
    text.remove_prefix(length);
  }
  return true;
}

class TerminalTest : public QomctlTest {
 protected:
  // Returns the text with each BAD replaced by kBad.
  static std::string bad(std::string text) {
    for (auto at = text.find("BAD"); at != std::string::npos; at = text.find("BAD"))
      text.replace(at, 3, kBad);
    return text;
  }
  // Answers each request for this command with the line, in which BAD is replaced.
  void answers_line(const std::string& command, const std::string& line) {
    server.answers(command, [line = bad(line)](const Json&) { return std::vector<std::string>{line}; });
  }
  void check(const std::vector<std::string>& words) {
    for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"--json"}, {"--trace"}}) {
      std::vector<std::string> all = options;
      all.insert(all.end(), words.begin(), words.end());
      const Ended ended = qomctl(all);
      EXPECT_TRUE(is_harmless(ended.out)) << ::testing::PrintToString(all) << ended.out;
      EXPECT_TRUE(is_harmless(ended.err)) << ::testing::PrintToString(all) << ended.err;
      EXPECT_NE(ended.out + ended.err, "") << ::testing::PrintToString(all);
    }
  }
};

TEST_F(TerminalTest, results_of_all_kinds_are_printable) {
  answers_line("text", R"({"return": "BAD\nBAD"})");
  answers_line("list", R"({"return": ["BAD", {"BAD": "BAD"}]})");
  answers_line("table",
               R"({"return": [{"BAD": "BAD", "id": ["BAD", {"BAD": "BAD"}]}, {"BAD": [{"a": "BAD"}]}]})");
  answers_line("members", R"({"return": {"BAD": {"BAD": "BAD"}, "l": ["BAD"], "o": [{"BAD": 1}]}})");
  answers_line("error", R"({"error": {"class": "BAD", "desc": "BAD", "data": {"holders": ["BAD"]}}})");
  answers_line("nothing", R"({"BAD": "BAD"})");
  answers_line("noise", "noise \x1b[31m \xff BAD");
  for (const char* command : {"text", "list", "table", "members", "error", "nothing", "noise"}) {
    check({command});
    check({"raw", std::string(R"({"execute": ")") + command + "\"}"});
  }
}

TEST_F(TerminalTest, objects_properties_and_types_are_printable) {
  answers_line("qom-list-get",
               R"({"return": [{"properties": [{"name": "BAD", "type": "BAD", "value": "BAD"}]}]})");
  server.answers("qom-list", [](const Json& request) {
    const bool is_root = request["arguments"]["path"] == "/";
    return std::vector<std::string>{bad(
        is_root
            ? R"({"return": [{"name": "BAD", "type": "child<BAD>"}, {"name": "BAD2", "type": "link<BAD>"}]})"
            : R"({"return": [{"name": "type", "type": "BAD"}]})")};
  });
  answers_line("qom-get", R"({"return": "BAD"})");
  answers_line(
      "qom-list-properties",
      R"({"return": [{"name": "BAD", "type": "BAD", "description": "BAD", "default-value": ["BAD"]}]})");
  answers_line("qom-list-types", R"({"return": [{"name": "BAD"}]})");
  answers_line("qom-set",
               R"({"error": {"class": "GenericError", "desc": "Invalid parameter type for 'BAD"}})");
  answers_line("object-add", R"({"error": {"class": "GenericError", "desc": "BAD"}})");
  check({"tree"});
  check({"get", "a"});
  check({"get", "/", "b"});
  check({"set", "/", "x=1"});
  check({"set", "/", "x\x1b[31m=1"});
  check({"add", "BAD", "a", "x=1"});
  check({"help", "add"});
  check({"help", "add", "x"});
}

TEST_F(TerminalTest, help_and_suggestions_are_printable) {
  answers_line("query-qmp-schema",
               R"({"return": [{"name": "moveBAD", "meta-type": "command", "arg-type": "0"},
                  {"name": "0", "meta-type": "object", "members": [{"name": "BAD", "type": "BAD"},
                   {"name": "e", "type": "1"}, {"name": "b", "type": "2"}]},
                  {"name": "1", "meta-type": "enum", "members": [{"name": "BAD"}]},
                  {"name": "2", "meta-type": "builtin", "json-type": "BAD"},
                  {"name": "move", "meta-type": "command", "arg-type": "0"}]})");
  answers_line("query-commands", R"({"return": [{"name": "someBAD"}]})");
  check({"help", "move"});
  check({"help", "moveX"});
  check({"moveX", "a=1"});
  check({"some"});
  check({"--no\x1b[31m", "some"});
}

TEST_F(TerminalTest, events_are_printable) {
  server.answers("qmp_capabilities", [](const Json&) {
    return std::vector<std::string>{
        R"({"return": {}})", bad(R"({"event": "BAD", "data": {"BAD": ["BAD"]}, "timestamp": ["BAD"]})"),
        bad(R"({"event": 7, "data": "BAD", "timestamp": {"seconds": "BAD"}})"), FakeServer::kHangUp};
  });
  check({"events"});
}

TEST_F(TerminalTest, a_greeting_is_printable) {
  server.greeting = "220 \x1b[31m \xc2\x9b";
  check({"events"});
}

TEST_F(TerminalTest, answers_of_other_kinds_than_expected_end_nothing) {
  for (const char* command : {"qom-get-text", "qom-list", "qom-list-get", "qom-get", "qom-list-properties",
                              "qom-list-types", "query-qmp-schema", "query-commands"}) {
    server.returns(command, R"([7, "x", [], {"name": 7, "type": [], "properties": 7, "members": "x"}])");
  }
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"tree"},
                                                                                     {"get", "a"},
                                                                                     {"get", "a", "b"},
                                                                                     {"set", "a", "b=1"},
                                                                                     {"add", "a", "b", "c=1"},
                                                                                     {"help", "add"},
                                                                                     {"help", "add", "a"},
                                                                                     {"help", "move"},
                                                                                     {"move", "a=1"},
                                                                                     {"move"}}) {
    EXPECT_GE(qomctl(words).status, 0) << ::testing::PrintToString(words);
  }
}

TEST_F(TerminalTest, an_answer_nested_without_end_is_no_answer) {
  const std::string deep(100'000, '[');
  answers_line("deep", R"({"return": )" + deep + std::string(deep.size(), ']') + "}");
  EXPECT_EQ(qomctl({"deep"}).status, 3);
}

TEST_F(TerminalTest, titles_are_the_same_in_every_language) {
  server.returns("table", R"([{"id": 1}])");
  server.start();
  for (const char* locale : {"tr_TR.UTF-8", "tr_TR", "tr_TR.ISO-8859-9", "C"}) {
    const Ended ended = run_program({QOMCTL_PROGRAM, "-s", server.path(), "table"},
                                    {std::string("LC_ALL=") + locale, "LANG=" + std::string(locale)});
    EXPECT_EQ(ended.out, "ID\n 1\n") << locale;
  }
}

}  // namespace terminal_test
}  // namespace qomio::testing
