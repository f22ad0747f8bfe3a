// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/command_registry.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "qomio/qapi/internal/schema/schema.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"

namespace qomio {

enum class Mode { plain, old, wild };
template <>
inline constexpr auto enum_description<Mode> =
    EnumDescription("Mode", value(Mode::plain, "plain"), value(Mode::old, "old", "", {"deprecated"}),
                    value(Mode::wild, "wild", "", {"unstable", "own"}));

namespace compat_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Inner {
  std::optional<std::int64_t> old;
  std::optional<std::int64_t> wild;
  std::optional<std::int64_t> plain;
  static constexpr std::string_view type_name = "Inner";
  static constexpr auto members =
      member_list(member("old", &Inner::old).with({"deprecated"}),
                  member("wild", &Inner::wild).with({"unstable"}), member("plain", &Inner::plain));
};
struct Branched {
  Mode kind = Mode::plain;
  std::variant<std::monostate, Inner> more;
  static constexpr std::string_view type_name = "Branched";
  static constexpr auto members = member_list(member("kind", &Branched::kind));
  static constexpr auto branches = union_of(&Branched::kind, &Branched::more, branch<Inner>(Mode::wild));
};
struct Outer {
  std::optional<Mode> mode;
  std::vector<Inner> list;
  std::optional<Branched> branched;
  std::optional<std::variant<std::int64_t, Inner>> either;
  static constexpr std::string_view type_name = "Outer";
  static constexpr auto members =
      member_list(member("mode", &Outer::mode), member_with_default("list", &Outer::list),
                  member("branched", &Outer::branched), member("either", &Outer::either));
};

// The command `echo` returns its arguments; `later` does the same through an Answer.
class CompatTest : public testing::Test {
 protected:
  CompatTest() {
    add_introspection_commands(registry_);
    registry_.add(command("echo", "", +[](const Outer& outer) { return Result<Outer>(outer); }));
    registry_.add(command("later", "", [](const Outer& outer, Answer<Outer> answer) { answer.send(outer); }));
    registry_.add(command("old", "", +[] { return Result<void>(); }).feature("deprecated"));
    registry_.add(command("wild", "", +[] { return Result<void>(); }).feature("unstable"));
    registry_.add(event<Inner>("PLAIN", ""));
    Event old = event<Inner>("OLD", "");
    old.features = {"deprecated"};
    registry_.add(std::move(old));
  }
  std::string run(std::string_view name, std::string_view arguments = "{}") {
    const auto result = registry_.run(name, *parse_json(arguments));
    return result ? json_text(*result)
                  : fmt::format("{}: {}", result.error().error_class().name(), result.error().message());
  }
  void input(CompatInput deprecated, CompatInput unstable) {
    registry_.set_compat({.deprecated_input = deprecated, .unstable_input = unstable});
  }
  void output(CompatOutput deprecated, CompatOutput unstable) {
    registry_.set_compat({.deprecated_output = deprecated, .unstable_output = unstable});
  }

  static constexpr std::string_view kAll =
      R"({"mode": "old", "list": [{"old": 1, "wild": 2, "plain": 3}], )"
      R"("branched": {"kind": "wild", "old": 4, "wild": 5}, "either": {"old": 6, "plain": 7}})";
  CommandRegistry registry_;
};

TEST_F(CompatTest, by_default_all_is_accepted_and_shown) {
  EXPECT_EQ(run("echo", kAll), kAll);
  EXPECT_EQ(run("old"), "{}");
  EXPECT_EQ(run("wild"), "{}");
}

TEST_F(CompatTest, deprecated_and_unstable_commands_are_rejected_each_by_its_policy) {
  input(CompatInput::reject, CompatInput::accept);
  EXPECT_EQ(run("old"), "CommandNotFound: Deprecated command old disabled by policy");
  EXPECT_EQ(run("wild"), "{}");
  input(CompatInput::accept, CompatInput::reject);
  EXPECT_EQ(run("old"), "{}");
  EXPECT_EQ(run("wild"), "CommandNotFound: Unstable command wild disabled by policy");
}

TEST_F(CompatTest, members_are_rejected_wherever_they_stand) {
  input(CompatInput::reject, CompatInput::accept);
  const std::string refused = "GenericError: Deprecated parameter old disabled by policy";
  for (const char* name : {"echo", "later"}) {
    EXPECT_EQ(run(name, "{'list':[{'plain':1},{'old':1}]}"), refused);
    EXPECT_EQ(run(name, "{'branched':{'kind':'wild','old':1}}"), refused);
    EXPECT_EQ(run(name, "{'either':{'old':1}}"), refused);
    EXPECT_EQ(run(name, "{'list':[{'wild':1}],'either':5}"), R"({"list": [{"wild": 1}], "either": 5})");
  }
  input(CompatInput::accept, CompatInput::reject);
  EXPECT_EQ(run("echo", "{'list':[{'wild':1}]}"), "GenericError: Unstable parameter wild disabled by policy");
}

TEST_F(CompatTest, values_are_rejected) {
  input(CompatInput::reject, CompatInput::reject);
  EXPECT_EQ(run("echo", "{'mode':'old'}"), "GenericError: Deprecated value old disabled by policy");
  EXPECT_EQ(run("echo", "{'mode':'wild'}"), "GenericError: Unstable value wild disabled by policy");
  EXPECT_EQ(run("echo", "{'mode':'plain'}"), R"({"mode": "plain", "list": []})");
}

TEST_F(CompatTest, what_is_malformed_is_still_told) {
  input(CompatInput::reject, CompatInput::reject);
  EXPECT_EQ(run("echo", "{'mode':5}"), "GenericError: Invalid parameter type for 'mode', expected: string");
  EXPECT_EQ(run("echo", "{'list':{}}"), "GenericError: Invalid parameter type for 'list', expected: array");
  EXPECT_EQ(run("echo", "{'branched':{'kind':1}}"),
            "GenericError: Invalid parameter type for 'branched.kind', expected: string");
}

TEST_F(CompatTest, hidden_members_are_left_out_of_replies) {
  output(CompatOutput::hide, CompatOutput::accept);
  for (const char* name : {"echo", "later"}) {
    EXPECT_EQ(run(name, kAll), R"({"mode": "old", "list": [{"wild": 2, "plain": 3}], )"
                               R"("branched": {"kind": "wild", "wild": 5}, "either": {"plain": 7}})");
  }
  output(CompatOutput::hide, CompatOutput::hide);
  EXPECT_EQ(run("echo", "{'list':[{'old':1,'wild':2}]}"), R"({"list": [{}]})");
}

TEST_F(CompatTest, hidden_events_are_not_sent_and_hidden_members_are_left_out_of_others) {
  std::vector<std::string> heard;
  const auto listening = registry_.listen([&](std::string_view name, const Json& data) {
    heard.push_back(fmt::format("{} {}", name, json_text(data)));
  });
  output(CompatOutput::hide, CompatOutput::accept);
  registry_.emit("OLD", Inner{});
  registry_.emit("PLAIN", Inner{.old = 1, .wild = 2, .plain = 3});
  EXPECT_THAT(heard, ElementsAre(R"(PLAIN {"wild": 2, "plain": 3})"));
}

TEST_F(CompatTest, the_schema_tells_features_and_leaves_out_what_is_hidden) {
  const std::string all = json_text(schema_json(registry_, Access::full));
  EXPECT_THAT(all, HasSubstr(R"("features": ["deprecated"])"));
  EXPECT_THAT(all, HasSubstr(R"({"name": "wild", "features": ["unstable", "own"]})"));
  output(CompatOutput::hide, CompatOutput::accept);
  const std::string some = run("query-qmp-schema");
  EXPECT_THAT(some, Not(HasSubstr(R"({"name": "old", "type")")));
  EXPECT_THAT(some, Not(HasSubstr("OLD")));
  EXPECT_THAT(some, HasSubstr(R"({"name": "wild", "type")"));
  // As in QEMU, deprecated enum values are kept, but the member "values", itself deprecated, is hidden.
  EXPECT_THAT(some, HasSubstr(R"({"name": "old", "features": ["deprecated"]})"));
  EXPECT_THAT(some, Not(HasSubstr(R"("values": [)")));
}

TEST_F(CompatTest, the_crash_policy_aborts) {
  input(CompatInput::crash, CompatInput::accept);
  EXPECT_DEATH(run("old"), "Deprecated command old disabled by policy");
  EXPECT_EQ(run("wild"), "{}");
}

}  // namespace compat_test
}  // namespace qomio
