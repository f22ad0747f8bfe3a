// SPDX-License-Identifier: GPL-2.0-or-later
// Server commands that are called by name, help, and how mistyped words are reported.
#include "qomio/tests/tools/qomctl_fixture.h"

#include "qomio/qapi/json.h"

namespace qomio::testing {
namespace server_command_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerCommandTest : public QomctlTest {
 protected:
  ServerCommandTest() {
    server.returns("query-commands", R"([{"name": "query-iothreads"}, {"name": "move"}])");
    server.returns("query-qmp-schema", R"([
        {"name": "move", "meta-type": "command", "arg-type": "0", "ret-type": "1"},
        {"name": "0", "meta-type": "object", "members": [
            {"name": "far", "type": "int"}, {"name": "name", "type": "str"}, {"name": "fast", "type": "bool",
             "default": null}, {"name": "how", "type": "2", "default": null}, {"name": "what", "type": "any",
             "default": null}, {"name": "by", "type": "[str]", "default": null}]},
        {"name": "1", "meta-type": "object", "members": []},
        {"name": "2", "meta-type": "enum", "values": ["up", "down"]},
        {"name": "int", "meta-type": "builtin", "json-type": "int"},
        {"name": "str", "meta-type": "builtin", "json-type": "string"},
        {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
        {"name": "any", "meta-type": "builtin", "json-type": "value"},
        {"name": "[str]", "meta-type": "array", "element-type": "str"}])");
    server.returns("move", "{}");
  }
};

TEST_F(ServerCommandTest, arguments_get_the_types_of_the_schema) {
  const Ended ended = qomctl({"move", "far=5", "name=5", "fast=on", "how=up", "what=[1]", R"(by=["a"])"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(
      server.requests().back(),
      R"({"execute":"move","arguments":{"far":5,"name":"5","fast":true,"how":"up","what":[1],"by":["a"]}})");
}

TEST_F(ServerCommandTest, an_unknown_argument_is_left_to_the_server) {
  server.refuses("move", "Parameter 'nope' is unexpected");
  const Ended ended = qomctl({"move", "nope=1"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "qomctl: Parameter 'nope' is unexpected\n");
}

TEST_F(ServerCommandTest, a_command_without_arguments_needs_one_request_only) {
  server.returns("query-iothreads", "[]");
  EXPECT_EQ(qomctl({"query-iothreads"}).status, 0);
  EXPECT_THAT(server.requests(), ElementsAre(R"({"execute":"query-iothreads"})"));
}

TEST_F(ServerCommandTest, a_list_of_objects_is_a_table_that_begins_with_the_id) {
  server.returns("query-iothreads",
                 R"([{"poll-grow": 0, "poll-max-ns": 16384, "thread-id": 51234, "id": "io0",
                                         "holders": ["token-bucket b0"]},
                                        {"poll-grow": 0, "poll-max-ns": 8, "thread-id": 7, "id": "io1",
                                         "holders": []}])");
  EXPECT_EQ(qomctl({"query-iothreads"}).out,
            "ID   THREAD-ID  POLL-MAX-NS  POLL-GROW  HOLDERS\n"
            "io0      51234        16384          0  token-bucket b0\n"
            "io1          7            8          0  -\n");
  EXPECT_THAT(qomctl({"--json", "query-iothreads"}).out,
              StartsWith("[{\"poll-grow\": 0, \"poll-max-ns\": 16384,"));
}

TEST_F(ServerCommandTest, a_mistyped_command_gets_a_suggestion_and_exit_status_2) {
  const Ended ended = qomctl({"sett", "io0"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err,
              StartsWith("qomctl: no command 'sett'; did you mean 'set'? Commands: add del events"));
  EXPECT_THAT(qomctl({"query-iothread"}).err, HasSubstr("did you mean 'query-iothreads'?"));
}

TEST_F(ServerCommandTest, help_of_a_command_comes_from_the_servers_schema) {
  const Ended ended = qomctl({"help", "move"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out,
            "usage: qomctl move far=… name=… [fast=…] [how=…] [what=…] [by=…]\n"
            "  far   int\n"
            "  name  string\n"
            "  fast  boolean        optional\n"
            "  how   'up' | 'down'  optional\n"
            "  what  any value      optional\n"
            "  by    [string]       optional\n");
}

TEST_F(ServerCommandTest, help_of_a_command_shows_the_descriptions_that_a_server_gives) {
  server.returns(
      "query-qmp-schema",
      R"([{"name": "wait", "meta-type": "command", "arg-type": "0", "description": "waits for a while"},
                     {"name": "0", "meta-type": "object", "members": [
                       {"name": "time-ns", "type": "int", "description": "in nanoseconds, from 1 on"},
                       {"name": "why", "type": "str", "default": null}]},
                     {"name": "int", "meta-type": "builtin", "json-type": "int"},
                     {"name": "str", "meta-type": "builtin", "json-type": "string"}])");
  EXPECT_EQ(qomctl({"help", "wait"}).out,
            "usage: qomctl wait time-ns=… [why=…]\n"
            "waits for a while\n"
            "  time-ns  int               in nanoseconds, from 1 on\n"
            "  why      string  optional\n");
}

TEST_F(ServerCommandTest, help_of_a_type_comes_from_the_servers_descriptions) {
  server.returns("qom-list-properties",
                 R"([{"name": "type", "type": "string"}, {"name": "rate", "type": "int",
                      "description": "tokens a second", "default-value": 100}, {"name": "cap", "type": "int"}])");
  EXPECT_EQ(qomctl({"help", "add", "token-bucket"}).out,
            "NAME  TYPE  DEFAULT  DESCRIPTION\n"
            "cap   int   -        -\n"
            "rate  int   100      tokens a second\n");
}

TEST_F(ServerCommandTest, help_needs_no_server) {
  const Ended ended = run_program({QOMCTL_PROGRAM, "help"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("set PATH PROP VALUE"));
  EXPECT_EQ(run_program({QOMCTL_PROGRAM, "help", "add"}).status, 0);
}

TEST_F(ServerCommandTest, usage_errors_need_no_server) {
  EXPECT_EQ(run_program({QOMCTL_PROGRAM}).status, 2);
  EXPECT_EQ(run_program({QOMCTL_PROGRAM, "del"}).err, "qomctl: usage: qomctl del ID\n");
  EXPECT_EQ(run_program({QOMCTL_PROGRAM, "--jsn", "tree"}).err,
            "qomctl: no option '--jsn'; did you mean '--json'?\n");
  for (const char* timeout : {"-1", "nan", "inf", "5s", "1e7", ""}) {
    const Ended ended = run_program({QOMCTL_PROGRAM, "--timeout", timeout, "tree"});
    EXPECT_EQ(ended.status, 2) << timeout;
    EXPECT_THAT(ended.err, StartsWith("qomctl: --timeout")) << timeout;
  }
}

TEST_F(ServerCommandTest, the_tree_shows_children_types_and_links) {
  server.answers("qom-list", [](const Json& request) {
    const Json path = request["arguments"]["path"];
    std::string list = R"([{"name": "type", "type": "string"}])";
    if (path == "/") list = R"([{"name": "objects", "type": "child<container>"}])";
    if (path == "/objects") {
      list = R"([{"name": "io0", "type": "child<iothread>"}, {"name": "b0", "type": "child<token-bucket>"}])";
    }
    if (path == "/objects/b0") list = R"([{"name": "iothread", "type": "link<iothread>"}])";
    return std::vector<std::string>{R"({"return": )" + list + "}"};
  });
  server.answers("qom-get", [](const Json& request) {
    const bool is_link = request["arguments"]["property"] == "iothread";
    return std::vector<std::string>{is_link ? R"({"return": "/objects/io0"})" : R"({"return": "container"})"};
  });
  EXPECT_EQ(qomctl({"tree"}).out,
            "/\n"
            "└─ objects\n"
            "   ├─ io0 (iothread)\n"
            "   └─ b0 (token-bucket)\n"
            "      └─ iothread → /objects/io0\n");
  EXPECT_EQ(
      qomctl({"--json", "tree", "/objects/b0"}).out,
      "{\"name\": \"/objects/b0\", \"type\": \"container\", \"links\": {\"iothread\": \"/objects/io0\"}, "
      "\"children\": []}\n");
}

}  // namespace server_command_test
}  // namespace qomio::testing
