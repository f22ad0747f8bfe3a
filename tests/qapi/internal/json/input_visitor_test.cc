// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/input_visitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"

namespace qomio {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

enum class Policy { deny, allow };

}  // namespace

template <>
inline constexpr auto enum_description<Policy> =
    EnumDescription("Policy", value(Policy::deny, "deny"), value(Policy::allow, "allow"));

namespace {

struct Rule {
  std::string match;
  Policy policy = Policy::deny;
  std::optional<std::vector<std::uint16_t>> ports;
  static constexpr auto members = member_list(member("match", &Rule::match), member("policy", &Rule::policy),
                                              member("ports", &Rule::ports));
};

struct Limits {
  std::int64_t burst = 0;
  static constexpr auto members = member_list(member("burst", &Limits::burst));
};

// All members are optional, so each test sets only the members that it tests.
struct Config {
  std::optional<std::int64_t> count;
  std::optional<std::uint64_t> id;
  std::optional<Size> memory;
  std::optional<bool> on;
  std::optional<double> ratio;
  std::optional<std::string> label;
  std::optional<Json> extra;
  std::optional<Policy> policy;
  std::optional<Limits> limits;
  std::optional<std::vector<Rule>> rules;
  std::optional<std::vector<Policy>> policies;
  std::optional<std::vector<std::int64_t>> cpus;
  std::optional<std::vector<std::string>> names;
  std::optional<std::vector<std::vector<std::int64_t>>> matrix;
  std::int8_t level = 7;
  static constexpr auto members = member_list(
      member("count", &Config::count), member("id", &Config::id), member("memory", &Config::memory),
      member("on", &Config::on), member("ratio", &Config::ratio), member("label", &Config::label),
      member("extra", &Config::extra), member("policy", &Config::policy), member("limits", &Config::limits),
      member("rules", &Config::rules), member("policies", &Config::policies), member("cpus", &Config::cpus),
      member("names", &Config::names), member("matrix", &Config::matrix),
      member_with_default("level", &Config::level));
};

struct Pair {
  std::string first;
  std::string second;
  static constexpr auto members = member_list(member("first", &Pair::first), member("second", &Pair::second));
};

template <class T>
Result<T> read(std::string_view json) {
  auto value = parse_json(json);
  EXPECT_TRUE(value) << json;
  return from_json<T>(*value);
}

template <class T>
Result<T> read_keyval(std::string_view text) {
  auto options = parse_keyval(text);
  EXPECT_TRUE(options) << text;
  return from_json<T>(options->values, {}, Scalars::text);
}

template <class T>
std::string message(const Result<T>& result) {
  return result ? "ok" : result.error().message();
}

// Read a Config from JSON and from options. Return the error message, or "ok".
std::string wrong(std::string_view json) { return message(read<Config>(json)); }
std::string wrong_keyval(std::string_view text) { return message(read_keyval<Config>(text)); }

TEST(InputVisitorTest, a_missing_member_is_named) {
  EXPECT_EQ(message(read<Pair>("{}")), "Parameter 'first' is missing");
  EXPECT_EQ(message(read<Pair>(R"({"first": ""})")), "Parameter 'second' is missing");
  EXPECT_EQ(message(read_keyval<Pair>("first=a")), "Parameter 'second' is missing");
  EXPECT_EQ(read<Pair>("{}").error().error_class(), ErrorClass::GenericError);
}

TEST(InputVisitorTest, null_is_a_value_not_an_absent_member) {
  EXPECT_EQ(wrong(R"({"count": null})"), "Invalid parameter type for 'count', expected: integer");
  EXPECT_EQ(wrong(R"({"label": null})"), "Invalid parameter type for 'label', expected: string");
  EXPECT_EQ(wrong(R"({"limits": null})"), "Invalid parameter type for 'limits', expected: object");
  EXPECT_TRUE(read<Config>(R"({"extra": null})")->extra->is_null());
}

TEST(InputVisitorTest, every_type_refuses_the_others_by_name) {
  EXPECT_EQ(wrong(R"({"count": "1"})"), "Invalid parameter type for 'count', expected: integer");
  EXPECT_EQ(wrong(R"({"on": 1})"), "Invalid parameter type for 'on', expected: boolean");
  EXPECT_EQ(wrong(R"({"on": "on"})"), "Invalid parameter type for 'on', expected: boolean");
  EXPECT_EQ(wrong(R"({"ratio": "1"})"), "Invalid parameter type for 'ratio', expected: number");
  EXPECT_EQ(wrong(R"({"label": 1})"), "Invalid parameter type for 'label', expected: string");
  EXPECT_EQ(wrong(R"({"policy": 0})"), "Invalid parameter type for 'policy', expected: string");
  EXPECT_EQ(wrong(R"({"limits": []})"), "Invalid parameter type for 'limits', expected: object");
  EXPECT_EQ(wrong(R"({"rules": {}})"), "Invalid parameter type for 'rules', expected: array");
  EXPECT_EQ(wrong(R"({"rules": ""})"), "Invalid parameter type for 'rules', expected: array");
  EXPECT_EQ(wrong(R"({"id": "1"})"), "Parameter 'id' expects uint64");
  EXPECT_EQ(wrong(R"({"memory": "1M"})"), "Parameter 'memory' expects uint64");
  EXPECT_EQ(message(from_json<Config>(Json::array(), "config")),
            "Invalid parameter type for 'config', expected: object");
}

TEST(InputVisitorTest, json_integers_reach_their_limits_and_doubles_are_not_integers) {
  EXPECT_EQ(read<Config>(R"({"count": 9223372036854775807})")->count, INT64_MAX);
  EXPECT_EQ(read<Config>(R"({"count": -9223372036854775808})")->count, INT64_MIN);
  EXPECT_EQ(read<Config>(R"({"count": -0})")->count, 0);
  for (const char* value : {"9223372036854775808", "18446744073709551615", "18446744073709551616",
                            "-9223372036854775809", "1.0", "1e3", "0.0", "true"}) {
    EXPECT_EQ(wrong(std::string(R"({"count": )") + value + "}"),
              "Invalid parameter type for 'count', expected: integer")
        << value;
  }
}

TEST(InputVisitorTest, a_number_too_large_for_a_double_is_refused_by_every_type) {
  const auto refusal = [](const char* member, Json value) {
    return message(from_json<Config>({{member, std::move(value)}}));
  };
  EXPECT_EQ(refusal("ratio", HUGE_VAL), "Parameter 'ratio' expects a finite number");
  EXPECT_EQ(refusal("count", HUGE_VAL), "Invalid parameter type for 'count', expected: integer");
  EXPECT_EQ(refusal("id", -HUGE_VAL), "Parameter 'id' expects uint64");
  EXPECT_EQ(refusal("extra", HUGE_VAL), "Parameter 'extra' expects finite numbers");
  EXPECT_EQ(refusal("extra", {1, {{"a", -HUGE_VAL}}}), "Parameter 'extra' expects finite numbers");
}

TEST(InputVisitorTest, a_visitor_may_accept_numbers_that_are_not_finite) {
  const Json value = {{"extra", HUGE_VAL}};
  InputVisitor visitor(value, Scalars::typed, InputVisitor::Any::all);
  Config all;
  EXPECT_TRUE(visit(visitor, {}, all));
}

TEST(InputVisitorTest, unsigned_integers_and_sizes_wrap_negative_json_numbers) {
  EXPECT_EQ(read<Config>(R"({"id": 18446744073709551615})")->id, UINT64_MAX);
  EXPECT_EQ(read<Config>(R"({"id": -1})")->id, UINT64_MAX);
  EXPECT_EQ(read<Config>(R"({"id": -9223372036854775808})")->id, std::uint64_t{1} << 63);
  EXPECT_EQ(read<Config>(R"({"memory": 18446744073709551615})")->memory, Size{UINT64_MAX});
  for (const char* value : {"18446744073709551616", "-9223372036854775809", "1.0", "null", "[]"}) {
    EXPECT_EQ(wrong(std::string(R"({"id": )") + value + "}"), "Parameter 'id' expects uint64") << value;
    EXPECT_EQ(wrong(std::string(R"({"memory": )") + value + "}"), "Parameter 'memory' expects uint64")
        << value;
  }
}

TEST(InputVisitorTest, any_json_number_is_a_number) {
  EXPECT_EQ(read<Config>(R"({"ratio": 1.5})")->ratio, 1.5);
  EXPECT_EQ(read<Config>(R"({"ratio": -3})")->ratio, -3.0);
  EXPECT_EQ(read<Config>(R"({"ratio": 18446744073709551615})")->ratio, 18446744073709551616.0);
}

template <class T>
class SmallIntegerTest : public testing::Test {};
using SmallIntegers =
    testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t>;
TYPED_TEST_SUITE(SmallIntegerTest, SmallIntegers);

TYPED_TEST(SmallIntegerTest, accepts_its_limits_and_nothing_beyond) {
  constexpr auto kMin = std::numeric_limits<TypeParam>::min();
  constexpr auto kMax = std::numeric_limits<TypeParam>::max();
  const std::string expected = "Parameter 'n' expects " +
                               std::string(std::is_signed_v<TypeParam> ? "" : "u") + "int" +
                               std::to_string(sizeof(TypeParam) * 8) + "_t";
  const std::int64_t below = std::int64_t{kMin} - 1;
  const std::int64_t above = std::int64_t{kMax} + 1;
  EXPECT_EQ(*from_json<TypeParam>(Json(kMin), "n"), kMin);
  EXPECT_EQ(*from_json<TypeParam>(Json(kMax), "n"), kMax);
  EXPECT_EQ(message(from_json<TypeParam>(Json(below), "n")), expected);
  EXPECT_EQ(message(from_json<TypeParam>(Json(above), "n")), expected);
  constexpr auto kText = Scalars::text;
  EXPECT_EQ(*from_json<TypeParam>(Json(std::to_string(kMin)), "n", kText), kMin);
  EXPECT_EQ(*from_json<TypeParam>(Json(std::to_string(kMax)), "n", kText), kMax);
  EXPECT_EQ(message(from_json<TypeParam>(Json(std::to_string(below)), "n", kText)), expected);
  EXPECT_EQ(message(from_json<TypeParam>(Json(std::to_string(above)), "n", kText)), expected);
  EXPECT_EQ(message(from_json<TypeParam>(Json("x"), "n", kText)), "Parameter 'n' expects integer");
}

TEST(InputVisitorTest, small_integers_refuse_other_types_as_wide_ones_do) {
  EXPECT_EQ(message(from_json<std::int8_t>(Json("1"), "n")),
            "Invalid parameter type for 'n', expected: integer");
  EXPECT_EQ(message(from_json<std::uint8_t>(Json("1"), "n")), "Parameter 'n' expects uint64");
}

TEST(InputVisitorTest, an_unknown_member_is_refused_after_all_known_ones_are_checked) {
  EXPECT_EQ(wrong(R"({"foo": 1})"), "Parameter 'foo' is unexpected");
  EXPECT_EQ(wrong(R"({"": 1})"), "Parameter '' is unexpected");
  EXPECT_EQ(wrong(R"({"Count": 1})"), "Parameter 'Count' is unexpected");
  EXPECT_EQ(wrong(R"({"zoo": 1, "count": 1, "bar": 2})"), "Parameter 'zoo' is unexpected");
  EXPECT_EQ(wrong(R"({"foo": 1, "count": "1"})"), "Invalid parameter type for 'count', expected: integer");
  EXPECT_EQ(message(read<Pair>(R"({"foo": 1, "first": ""})")), "Parameter 'second' is missing");
  EXPECT_EQ(wrong_keyval("foo=1"), "Parameter 'foo' is unexpected");
  EXPECT_EQ(wrong_keyval("foo.0.a=1"), "Parameter 'foo' is unexpected");
}

TEST(InputVisitorTest, members_are_checked_in_the_order_of_their_declaration) {
  EXPECT_EQ(wrong(R"({"on": 1, "count": "1"})"), "Invalid parameter type for 'count', expected: integer");
  EXPECT_EQ(message(read<Pair>(R"({"second": 1})")), "Parameter 'first' is missing");
}

TEST(InputVisitorTest, errors_name_the_full_path_through_structs_and_lists) {
  EXPECT_EQ(wrong(R"({"limits": {}})"), "Parameter 'limits.burst' is missing");
  EXPECT_EQ(wrong(R"({"limits": {"burst": "x"}})"),
            "Invalid parameter type for 'limits.burst', expected: integer");
  EXPECT_EQ(wrong(R"({"limits": {"burst": 1, "z": 1}})"), "Parameter 'limits.z' is unexpected");
  EXPECT_EQ(wrong(R"({"rules": [1]})"), "Invalid parameter type for 'rules[0]', expected: object");
  EXPECT_EQ(wrong(R"({"rules": [{}]})"), "Parameter 'rules[0].match' is missing");
  EXPECT_EQ(wrong(R"({"rules": [{"match": "x"}]})"), "Parameter 'rules[0].policy' is missing");
  EXPECT_EQ(wrong(R"({"rules": [{"match": "x", "policy": 1}]})"),
            "Invalid parameter type for 'rules[0].policy', expected: string");
  EXPECT_EQ(
      wrong(R"({"rules": [{"match": "x", "policy": "deny"}, {"match": "x", "policy": "deny", "z": 1}]})"),
      "Parameter 'rules[1].z' is unexpected");
  EXPECT_EQ(wrong(R"({"rules": [{"match": "x", "policy": "deny", "ports": [1, "2"]}]})"),
            "Parameter 'rules[0].ports[1]' expects uint64");
  EXPECT_EQ(wrong(R"({"rules": [{"match": "x", "policy": "deny", "ports": {}}]})"),
            "Invalid parameter type for 'rules[0].ports', expected: array");
  EXPECT_EQ(wrong(R"({"matrix": [[1], [2, "3"]]})"),
            "Invalid parameter type for 'matrix[1][1]', expected: integer");
  EXPECT_EQ(message(from_json<std::vector<Rule>>(*parse_json("[{}]"), "rules")),
            "Parameter 'rules[0].match' is missing");
}

TEST(InputVisitorTest, errors_name_options_by_their_dotted_keys) {
  EXPECT_EQ(wrong_keyval("limits.burst=x"), "Parameter 'limits.burst' expects integer");
  EXPECT_EQ(wrong_keyval("limits.burst=1,limits.z=1"), "Parameter 'limits.z' is unexpected");
  EXPECT_EQ(wrong_keyval("limits=x"), "Invalid parameter type for 'limits', expected: object");
  EXPECT_EQ(wrong_keyval("rules.0.match=x"), "Parameter 'rules.0.policy' is missing");
  EXPECT_EQ(wrong_keyval("rules.0=x"), "Invalid parameter type for 'rules.0', expected: object");
  EXPECT_EQ(wrong_keyval("rules=x"), "Invalid parameter type for 'rules', expected: array");
  EXPECT_EQ(wrong_keyval("rules.a=1"), "Invalid parameter type for 'rules', expected: array");
  EXPECT_EQ(wrong_keyval("rules.0.match=x,rules.0.policy=deny,rules.0.z.q=1"),
            "Parameter 'rules.0.z' is unexpected");
  EXPECT_EQ(wrong_keyval("matrix.1.0=1,matrix.0.0=1,matrix.1.1=x"), "Parameter 'matrix.1.1' expects integer");
}

TEST(InputVisitorTest, errors_name_an_enum_or_a_small_integer_by_its_last_component) {
  EXPECT_EQ(wrong(R"({"policy": "foo"})"), "Parameter 'policy' does not accept value 'foo'");
  EXPECT_EQ(wrong(R"({"policy": "Deny"})"), "Parameter 'policy' does not accept value 'Deny'");
  EXPECT_EQ(wrong(R"({"policy": ""})"), "Parameter 'policy' does not accept value ''");
  EXPECT_EQ(wrong(R"({"rules": [{"match": "x", "policy": "foo"}]})"),
            "Parameter 'policy' does not accept value 'foo'");
  EXPECT_EQ(wrong_keyval("rules.0.match=x,rules.0.policy=foo"),
            "Parameter 'policy' does not accept value 'foo'");
  EXPECT_EQ(wrong(R"({"policies": ["deny", "foo"]})"), "Parameter 'null' does not accept value 'foo'");
  EXPECT_EQ(wrong(R"({"rules": [{"match": "x", "policy": "deny", "ports": [65536]}]})"),
            "Parameter 'null' expects uint16_t");
  EXPECT_EQ(wrong_keyval("rules.0.match=x,rules.0.policy=deny,rules.0.ports.0=-1"),
            "Parameter 'null' expects uint16_t");
}

TEST(InputVisitorTest, options_are_converted_to_the_type_of_the_member) {
  const auto config = read_keyval<Config>(
      "count=0x10,id=-1,memory=1.5M,on=yes,ratio=1e3,label=a,,b,extra.x.0=1,policy=allow,limits.burst=-5,"
      "rules.0.match=m,rules.0.policy=deny,policies.0=allow,level=-128,names.0=x");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->count, 16);
  EXPECT_EQ(config->id, UINT64_MAX);
  EXPECT_EQ(config->memory, Size{3 << 19});
  EXPECT_EQ(config->on, true);
  EXPECT_EQ(config->ratio, 1000.0);
  EXPECT_EQ(config->label, "a,b");
  EXPECT_EQ(json_text(*config->extra), R"({"x": ["1"]})");
  EXPECT_EQ(config->policy, Policy::allow);
  EXPECT_EQ(config->limits->burst, -5);
  EXPECT_EQ(config->rules->at(0).match, "m");
  EXPECT_THAT(*config->policies, ElementsAre(Policy::allow));
  EXPECT_EQ(config->level, -128);
}

TEST(InputVisitorTest, errors_of_options_say_what_is_expected) {
  EXPECT_EQ(wrong_keyval("count="), "Parameter 'count' expects integer");
  EXPECT_EQ(wrong_keyval("count=1.0"), "Parameter 'count' expects integer");
  EXPECT_EQ(wrong_keyval("id=18446744073709551616"), "Parameter 'id' expects integer");
  EXPECT_EQ(wrong_keyval("memory=1.5"), "Parameter 'memory' expects size");
  EXPECT_EQ(wrong_keyval("memory=-1"), "Parameter 'memory' expects size");
  EXPECT_EQ(wrong_keyval("on=1"), "Parameter 'on' expects 'on' or 'off'");
  EXPECT_EQ(wrong_keyval("ratio=inf"), "Parameter 'ratio' expects a number");
  EXPECT_EQ(wrong_keyval("policy=foo"), "Parameter 'policy' does not accept value 'foo'");
}

TEST(InputVisitorTest, keys_below_a_scalar_option_are_unexpected) {
  for (const char* name : {"count", "id", "memory", "on", "ratio", "label", "policy"}) {
    const std::string expected = "Parameters '" + std::string(name) + ".*' are unexpected";
    EXPECT_EQ(wrong_keyval(std::string(name) + ".a=1"), expected);
    EXPECT_EQ(wrong_keyval(std::string(name) + ".0=1"), expected);
  }
  EXPECT_EQ(wrong_keyval("rules.0.match.a=x"), "Parameters 'rules.0.match.*' are unexpected");
}

TEST(InputVisitorTest, an_absent_member_keeps_its_default_or_stays_empty) {
  const auto config = read<Config>("{}");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->level, 7);
  EXPECT_EQ(config->count, std::nullopt);
  EXPECT_FALSE(config->rules);
  EXPECT_EQ(read<Config>(R"({"level": 1})")->level, 1);
  EXPECT_TRUE(read<Config>(R"({"rules": []})")->rules->empty()) << "empty is not absent";
}

TEST(InputVisitorTest, a_list_of_integers_is_written_as_numbers_and_ranges) {
  EXPECT_THAT(*read_keyval<Config>("cpus=1-3,,5")->cpus, ElementsAre(1, 2, 3, 5));
  EXPECT_THAT(*read_keyval<Config>("cpus=7")->cpus, ElementsAre(7));
  EXPECT_THAT(*read_keyval<Config>("cpus=0x10-0x11,,-3--1,,-1-1,,4-4")->cpus,
              ElementsAre(16, 17, -3, -2, -1, -1, 0, 1, 4));
  EXPECT_THAT(*read_keyval<Config>("cpus=9223372036854775806-9223372036854775807")->cpus,
              ElementsAre(INT64_MAX - 1, INT64_MAX));
  EXPECT_THAT(*read_keyval<Config>("cpus=-9223372036854775808--9223372036854775807")->cpus,
              ElementsAre(INT64_MIN, INT64_MIN + 1));
  EXPECT_THAT(*read_keyval<Config>("cpus.0=1,cpus.1=2")->cpus, ElementsAre(1, 2));
  EXPECT_THAT(*read_keyval<Config>("cpus=")->cpus, IsEmpty());
}

TEST(InputVisitorTest, bad_ranges_are_refused) {
  EXPECT_EQ(wrong_keyval("cpus=3-1"),
            "Parameter 'cpus' expects ranges of at most 65536 values, lowest first");
  EXPECT_EQ(wrong_keyval("cpus=0-65536"),
            "Parameter 'cpus' expects ranges of at most 65536 values, lowest first");
  EXPECT_EQ(wrong_keyval("cpus=-9223372036854775808-9223372036854775807"),
            "Parameter 'cpus' expects ranges of at most 65536 values, lowest first");
  EXPECT_EQ(wrong_keyval("cpus=0-65535,,1"), "Parameter 'cpus' expects at most 65536 values");
  EXPECT_EQ(read_keyval<Config>("cpus=0-65535")->cpus->size(), 65536U);
  EXPECT_EQ(wrong_keyval("cpus=1,,x"), "Parameter 'cpus.1' expects integer");
  EXPECT_EQ(wrong_keyval("cpus=1-x"), "Parameter 'cpus.0' expects integer");
  EXPECT_EQ(wrong_keyval("cpus=1,,"), "Parameter 'cpus.1' expects integer");
  EXPECT_EQ(wrong_keyval("cpus=1,,,,2"), "Parameter 'cpus.1' expects integer");
  EXPECT_EQ(wrong_keyval("cpus.0=1-2"), "Parameter 'cpus.0' expects integer");
}

TEST(InputVisitorTest, a_list_of_strings_is_split_at_commas_without_ranges) {
  EXPECT_THAT(*read_keyval<Config>("names=a,,b-c,,1-3")->names, ElementsAre("a", "b-c", "1-3"));
  EXPECT_THAT(*read_keyval<Config>("policies=deny,,allow")->policies,
              ElementsAre(Policy::deny, Policy::allow));
  EXPECT_EQ(wrong_keyval("policies=deny,,x"), "Parameter 'null' does not accept value 'x'");
  EXPECT_EQ(wrong_keyval("matrix=1,,2"), "Invalid parameter type for 'matrix', expected: array");
}

TEST(InputVisitorTest, any_accepts_every_json_value) {
  for (const char* value :
       {"null", "true", "1", "1.5", "\"x\"", "[1, {\"a\": null}]", "{\"b\": 1, \"a\": 2}"}) {
    const auto config = read<Config>(std::string(R"({"extra": )") + value + "}");
    ASSERT_TRUE(config) << value;
    EXPECT_EQ(json_text(*config->extra), value);
  }
}

TEST(InputVisitorTest, a_scalar_that_fails_to_parse_is_not_changed) {
  std::int64_t count = 5;
  std::vector<std::int64_t> list{1, 2};
  const Json bad = Json::array({1, "x"});
  InputVisitor one(bad[1]);
  EXPECT_FALSE(visit(one, "count", count));
  EXPECT_EQ(count, 5);
  InputVisitor several(bad);
  EXPECT_FALSE(visit(several, "list", list));
  EXPECT_THAT(list, ElementsAre(1, 2));
}

}  // namespace
}  // namespace qomio
