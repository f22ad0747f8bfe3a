// SPDX-License-Identifier: GPL-2.0-or-later
// The commands add, del, get and set: what they send, and what they print.
#include "qomio/tests/tools/qomctl_fixture.h"

#include "qomio/qapi/json.h"

namespace qomio::testing {
namespace object_commands_test {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class ObjectCommandsTest : public QomctlTest {
 protected:
  ObjectCommandsTest() {
    script_iothread("io0");
    server.returns("qom-list-properties",
                   R"([{"name": "type", "type": "string"}, {"name": "poll-max-ns", "type": "int"},
                       {"name": "on", "type": "bool"}, {"name": "label", "type": "string"}])");
    server.returns("qom-set", "{}");
    server.returns("object-add", "{}");
  }
};

TEST_F(ObjectCommandsTest, the_server_reads_what_was_typed_where_it_can) {
  server.returns("qom-set-text", "{}");
  server.returns("object-add-text", "{}");
  const std::string set = R"({"execute":"qom-set-text","arguments":{"path":"io0","properties":)";
  EXPECT_EQ(qomctl({"set", "io0", "cpu-affinity", "0,1"}).status, 0);
  EXPECT_EQ(qomctl({"set", "io0", "a.b", "x"}).status, 0);  // separate words: no keyval syntax
  EXPECT_EQ(qomctl({"set", "io0", "a=010", "b=", "c=[1]", "d=x=y", "a=5"}).status, 0);
  EXPECT_EQ(qomctl({"set", "io0", "r.0.on=a,b", "r.1.on=no", "x=1"}).status, 0);
  EXPECT_EQ(qomctl({"add", "thing", "t0"}).status, 0);
  EXPECT_EQ(qomctl({"add", "thing", "t0", "list=0,1"}).status, 0);
  EXPECT_THAT(
      server.requests(),
      ElementsAre(
          set + R"({"cpu-affinity":"0,1"}}})", set + R"({"a.b":"x"}}})",
          set + R"({"a":"5","b":"","c":"[1]","d":"x=y"}}})",
          set + R"({"x":"1","r":[{"on":"a,b"},{"on":"no"}]}}})",
          R"({"execute":"object-add-text","arguments":{"qom-type":"thing","id":"t0"}})",
          R"({"execute":"object-add-text","arguments":{"qom-type":"thing","id":"t0","properties":{"list":"0,1"}}})"));
}

TEST_F(ObjectCommandsTest, keys_that_contradict_each_other_are_usage_errors) {
  server.refuses("qom-set-text", "No");
  EXPECT_EQ(qomctl({"set", "io0", "a=1", "a.b=2"}).err, "qomctl: Parameters 'a.*' used inconsistently\n");
  EXPECT_EQ(qomctl({"set", "io0", "a..b=2"}).status, 2);
  EXPECT_EQ(qomctl({"add", "thing", "t0", "id=t1"}).status, 2);
  EXPECT_EQ(qomctl({"add", "thing", "t0", "qom-type=x"}).status, 2);
}

TEST_F(ObjectCommandsTest, a_name_with_dots_is_a_name_where_the_server_reads_no_text) {
  EXPECT_EQ(qomctl({"add", "cpu", "c0", "sse4.1=on"}).status, 0);
  EXPECT_THAT(server.requests().back(), HasSubstr(R"("id":"c0","sse4.1":"on"})"));
}

TEST_F(ObjectCommandsTest, get_shows_the_text_that_set_takes_where_the_server_gives_it) {
  server.answers("qom-get-text", [](const Json& request) {
    const bool is_one = request["arguments"].contains("property");
    return std::vector<std::string>{
        is_one ? R"({"return": [{"name": "cpus", "text": "0-2,5"}]})"
               : R"({"return": [{"name": "poll-grow"}, {"name": "poll-max-ns", "text": "8"}]})"};
  });
  server.returns("qom-get", "[0,1,2,5]");
  EXPECT_EQ(qomctl({"get", "io0", "cpus"}).out, "0-2,5\n");
  EXPECT_EQ(qomctl({"get", "--json", "io0", "cpus"}).out, "[0, 1, 2, 5]\n");
  EXPECT_THAT(qomctl({"get", "io0"}).out, HasSubstr("poll-max-ns  8\npoll-grow    -\n"));
}

TEST_F(ObjectCommandsTest, what_the_servers_lists_leave_unsaid_is_told) {
  const Ended noted = qomctl({"add", "thing", "t0", "nope=5"});
  EXPECT_EQ(noted.status, 0);
  EXPECT_EQ(noted.err, "qomctl: the server does not list the type of 'nope'; its value was sent as JSON\n");
  EXPECT_THAT(qomctl({"set", "io0", "nope=x"}).err, HasSubstr("was sent as a string\n"));
}

TEST_F(ObjectCommandsTest, a_value_of_the_wrong_json_type_gets_a_hint) {
  server.refuses("object-add", "Invalid parameter type for 'poll-max-ns', expected: array");
  EXPECT_THAT(
      qomctl({"add", "thing", "t0", "poll-max-ns=0"}).err,
      HasSubstr(
          "expected: array; the server lists 'poll-max-ns' as 'int' only: if that is not all, write it"));
}

TEST_F(ObjectCommandsTest, set_takes_name_and_value_apart_or_together) {
  EXPECT_EQ(qomctl({"set", "io0", "poll-max-ns", "5"}).status, 0);
  EXPECT_EQ(qomctl({"set", "io0", "poll-max-ns=5"}).status, 0);
  const std::string text =
      R"({"execute":"qom-set-text","arguments":{"path":"io0","properties":{"poll-max-ns":"5"}}})";
  const std::string list = R"({"execute":"qom-list","arguments":{"path":"io0"}})";
  const std::string set =
      R"({"execute":"qom-set","arguments":{"path":"io0","property":"poll-max-ns","value":5}})";
  EXPECT_THAT(server.requests(), ElementsAre(text, list, set, text, list, set));
}

TEST_F(ObjectCommandsTest, a_negative_number_is_a_value_and_no_option) {
  EXPECT_EQ(qomctl({"set", "io0", "poll-max-ns", "-1"}).status, 0);
  EXPECT_THAT(server.requests().back(), HasSubstr("\"value\":-1"));
}

TEST_F(ObjectCommandsTest, a_refused_value_is_exit_status_1_in_the_servers_words) {
  server.refuses("qom-set", "poll-max-ns value must be in range [0, 9223372036854775807]");
  const Ended ended = qomctl({"set", "io0", "poll-max-ns=-1"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "qomctl: poll-max-ns value must be in range [0, 9223372036854775807]\n");
}

TEST_F(ObjectCommandsTest, a_mistyped_property_gets_a_suggestion) {
  server.refuses("qom-set", "Property 'iothread.poll-max' not found");
  const Ended ended = qomctl({"set", "io0", "poll-max=5"});
  EXPECT_EQ(ended.err, "qomctl: Property 'iothread.poll-max' not found; did you mean 'poll-max-ns'?\n");
}

TEST_F(ObjectCommandsTest, several_properties_are_one_request_where_the_server_can) {
  server.returns("qom-set-many", "{}");
  const Ended ended = qomctl({"set", "io0", "poll-max-ns=5", "poll-grow=2"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(
      server.requests().back(),
      R"({"execute":"qom-set-many","arguments":{"path":"io0","properties":{"poll-max-ns":5,"poll-grow":2}}})");
}

TEST_F(ObjectCommandsTest, several_properties_one_after_another_are_announced_as_such) {
  const Ended ended = qomctl({"set", "io0", "poll-max-ns=5", "poll-grow=2"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.err, HasSubstr("one after another"));
  const auto requests = server.requests();
  ASSERT_GE(requests.size(), 2U);
  EXPECT_THAT(requests[requests.size() - 2], HasSubstr("poll-max-ns"));
  EXPECT_THAT(requests.back(), HasSubstr("poll-grow"));
}

TEST_F(ObjectCommandsTest, a_failure_half_way_tells_what_was_set_already) {
  server.answers("qom-set", [](const Json& request) {
    const bool good = request["arguments"]["property"] == "poll-max-ns";
    return std::vector<std::string>{good ? R"({"return": {}})"
                                         : R"({"error": {"class": "GenericError", "desc": "No"}})"};
  });
  const Ended ended = qomctl({"set", "io0", "poll-max-ns=5", "poll-grow=-2"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, EndsWith("qomctl: No (already set: poll-max-ns)\n"));
}

TEST_F(ObjectCommandsTest, set_without_a_value_is_a_usage_error) {
  const Ended ended = qomctl({"set", "io0", "poll-max-ns"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.err, "qomctl: 'poll-max-ns' is not of the form KEY=VALUE\n");
  EXPECT_THAT(server.requests(), ElementsAre());
}

TEST_F(ObjectCommandsTest, add_gives_each_value_the_type_of_its_property) {
  const Ended ended = qomctl({"add", "thing", "t0", "poll-max-ns=0x10", "on=yes", "label=5"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(
      server.requests().back(),
      R"({"execute":"object-add","arguments":{"qom-type":"thing","id":"t0","poll-max-ns":16,"on":true,"label":"5"}})");
}

TEST_F(ObjectCommandsTest, a_refused_id_says_what_an_id_is) {
  server.refuses("object-add-text", "Parameter 'id' expects an identifier");
  EXPECT_EQ(
      qomctl({"add", "thing", "0t"}).err,
      "qomctl: Parameter 'id' expects an identifier: a letter, then letters, digits, '-', '.' or '_'\n");
}

TEST_F(ObjectCommandsTest, adding_a_mistyped_type_suggests_one_that_exists) {
  server.refuses("qom-list-properties", "Class 'iothred' not found");
  server.refuses("object-add", "Parameter 'qom-type' does not accept value 'iothred'");
  server.returns("qom-list-types", R"([{"name": "secret"}, {"name": "iothread"}])");
  const Ended ended = qomctl({"add", "iothred", "io0"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, EndsWith("value 'iothred'; did you mean 'iothread'?\n"));
}

TEST_F(ObjectCommandsTest, get_prints_a_bare_value_and_json_on_request) {
  server.returns("qom-get", R"("/objects/io0")");
  EXPECT_EQ(qomctl({"get", "b0", "iothread"}).out, "/objects/io0\n");
  EXPECT_EQ(qomctl({"--json", "get", "b0", "iothread"}).out, "\"/objects/io0\"\n");
}

TEST_F(ObjectCommandsTest, get_of_an_object_shows_names_values_and_descriptions) {
  server.answers("qom-get", [](const Json& request) {
    const bool is_type = request["arguments"]["property"] == "type";
    return std::vector<std::string>{is_type ? R"({"return": "iothread"})" : R"({"return": 4})"};
  });
  server.returns("qom-list-properties",
                 R"([{"name": "poll-max-ns", "type": "int", "description": "longest time to busy-poll"}])");
  EXPECT_EQ(qomctl({"get", "io0"}).out,
            "type         iothread\n"
            "poll-max-ns  4         longest time to busy-poll\n"
            "poll-grow    4\n");
  EXPECT_EQ(qomctl({"get", "io0", "--json"}).out,
            "{\"type\": \"iothread\", \"poll-max-ns\": 4, \"poll-grow\": 4}\n");
}

TEST_F(ObjectCommandsTest, get_of_an_object_is_one_request_where_the_server_can) {
  server.returns("qom-list-get", R"([{"properties": [{"name": "poll-max-ns", "type": "int", "value": 9}]}])");
  EXPECT_EQ(qomctl({"get", "io0", "--json"}).out, "{\"poll-max-ns\": 9}\n");
}

TEST_F(ObjectCommandsTest, deleting_what_is_in_use_tells_who_holds_it) {
  server.answers("object-del", [](const Json&) {
    return std::vector<std::string>{
        R"({"error": {"class": "GenericError",)"
        R"-( "desc": "object 'io0' is in use, can not be deleted (held by: token-bucket b0, export d)",)-"
        R"( "data": {"holders": [{"kind": "token-bucket", "name": "b0"}, {"kind": "export", "name": "d"}]}}})"};
  });
  const Ended ended = qomctl({"del", "io0"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err,
            "qomctl: object 'io0' is in use, can not be deleted (held by: token-bucket b0, export d)\n");
}

}  // namespace object_commands_test
}  // namespace qomio::testing
