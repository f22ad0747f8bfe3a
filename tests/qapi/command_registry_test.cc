// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/command_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Inner {
  std::int64_t depth = 0;
  static constexpr std::string_view type_name = "Inner";
  static constexpr auto members = member_list(member("depth", &Inner::depth));
};

struct Greet {
  std::string name;
  std::optional<std::int64_t> times;
  std::optional<Inner> inner;
  static constexpr std::string_view type_name = "Greet";
  static constexpr auto members = member_list(member("name", &Greet::name), member("times", &Greet::times),
                                              member("inner", &Greet::inner));
};

struct Reply {
  std::string text;
  static constexpr std::string_view type_name = "Reply";
  static constexpr auto members = member_list(member("text", &Reply::text));
};

int nothing_calls = 0;

Result<void> nothing() {
  ++nothing_calls;
  return {};
}
Result<Reply> greet(const Greet& arguments) {
  std::string text;
  for (auto i = arguments.times.value_or(1); i > 0; --i) text += "hi " + arguments.name + ";";
  if (arguments.inner) text += std::to_string(arguments.inner->depth);
  return Reply{text};
}
Result<std::vector<std::int64_t>> fail() { return error(ErrorClass::DeviceNotActive, "not today"); }

class CommandRegistryTest : public testing::Test {
 protected:
  CommandRegistryTest() {
    nothing_calls = 0;
    add_introspection_commands(registry);
    registry.add(command("nothing", "does nothing", nothing));
    registry.add(command("greet", "greets", greet));
    registry.add(command("fail", "fails", fail));
    registry.add(event<Reply>("SPOKEN", "somebody spoke"));
  }

  // Runs a command. Returns the reply as JSON text, or the class and message of the error.
  std::string run(std::string_view name, std::string_view arguments = "{}") {
    const auto json = parse_json(arguments);
    EXPECT_TRUE(json) << arguments;
    const auto reply = registry.run(name, *json);
    if (reply) return json_text(*reply);
    return std::string(reply.error().error_class().name()) + ": " + reply.error().message();
  }

  CommandRegistry registry;
};

TEST_F(CommandRegistryTest, a_command_without_result_returns_an_empty_object) {
  EXPECT_EQ(run("nothing"), "{}");
  EXPECT_EQ(nothing_calls, 1);
}

TEST_F(CommandRegistryTest, a_running_command_is_named_until_it_returns) {
  std::vector<std::string> seen;
  registry.add(command("outer", "", [&]() -> Result<void> {
    seen.emplace_back(registry.running());
    EXPECT_TRUE(registry.run("inner", Json::object()));
    seen.emplace_back(registry.running());
    return {};
  }));
  registry.add(command("inner", "", [&](Answer<void> answer) {
    seen.emplace_back(registry.running());
    answer.send({});
  }));
  EXPECT_EQ(registry.running(), nullptr);
  EXPECT_EQ(run("outer"), "{}");
  EXPECT_EQ(seen, (std::vector<std::string>{"command 'outer'", "command 'inner'", "command 'outer'"}));
  EXPECT_EQ(registry.running(), nullptr);
}

TEST_F(CommandRegistryTest, a_command_without_arguments_refuses_any_and_does_not_run) {
  EXPECT_EQ(run("nothing", R"({"foo": 1})"), "GenericError: Parameter 'foo' is unexpected");
  EXPECT_EQ(run("nothing", R"({"": null, "b": 1})"), "GenericError: Parameter '' is unexpected");
  EXPECT_EQ(nothing_calls, 0);
}

TEST_F(CommandRegistryTest, required_optional_and_nested_arguments_reach_the_handler) {
  EXPECT_EQ(run("greet", R"({"name": "x"})"), R"({"text": "hi x;"})");
  EXPECT_EQ(run("greet", R"({"times": 2, "name": "x"})"), R"({"text": "hi x;hi x;"})");
  EXPECT_EQ(run("greet", R"({"name": "x", "times": 0, "inner": {"depth": 5}})"), R"({"text": "5"})");
}

TEST_F(CommandRegistryTest, wrong_arguments_are_refused_before_the_handler_runs) {
  EXPECT_EQ(run("greet"), "GenericError: Parameter 'name' is missing");
  EXPECT_EQ(run("greet", R"({"name": 1})"),
            "GenericError: Invalid parameter type for 'name', expected: string");
  EXPECT_EQ(run("greet", R"({"name": "x", "times": "2"})"),
            "GenericError: Invalid parameter type for 'times', expected: integer");
  EXPECT_EQ(run("greet", R"({"name": "x", "inner": {}})"),
            "GenericError: Parameter 'inner.depth' is missing");
  EXPECT_EQ(run("greet", R"({"name": "x", "foo": 1})"), "GenericError: Parameter 'foo' is unexpected");
}

TEST_F(CommandRegistryTest, the_error_of_a_handler_keeps_its_class) {
  EXPECT_EQ(run("fail"), "DeviceNotActive: not today");
}

TEST_F(CommandRegistryTest, an_unknown_command_is_command_not_found_whatever_its_arguments) {
  EXPECT_EQ(run("nope"), "CommandNotFound: The command nope has not been found");
  EXPECT_EQ(run("", R"({"a": 1})"), "CommandNotFound: The command  has not been found");
  EXPECT_EQ(run("GREET"), "CommandNotFound: The command GREET has not been found");
  EXPECT_EQ(registry.find_command("nope"), nullptr);
}

TEST_F(CommandRegistryTest, adding_a_command_again_replaces_it_and_removing_it_hides_it) {
  registry.add(command("greet", "greets nobody", nothing));
  EXPECT_EQ(run("greet"), "{}");
  EXPECT_EQ(registry.find_command("greet")->description, "greets nobody");
  registry.remove_command("greet");
  registry.remove_command("greet");
  EXPECT_EQ(run("greet"), "CommandNotFound: The command greet has not been found");
}

TEST_F(CommandRegistryTest, a_disabled_command_is_neither_run_nor_listed_until_it_is_enabled) {
  registry.enable_command("nothing", false);
  EXPECT_EQ(run("nothing"), "CommandNotFound: Command nothing has been disabled");
  EXPECT_EQ(nothing_calls, 0);
  EXPECT_THAT(run("query-commands"), Not(HasSubstr("nothing")));
  EXPECT_THAT(run("query-qmp-schema"), Not(HasSubstr("nothing")));
  registry.enable_command("nothing", true);
  EXPECT_EQ(run("nothing"), "{}");
  EXPECT_THAT(run("query-commands"), HasSubstr("nothing"));
}

TEST_F(CommandRegistryTest, flags_are_set_when_a_command_is_made) {
  const Command c = command("x", "y", nothing).oob().last().feature("unstable").feature("own");
  EXPECT_TRUE(c.allow_oob);
  EXPECT_TRUE(c.ends_server);
  EXPECT_THAT(c.features, ElementsAre("unstable", "own"));
  EXPECT_FALSE(registry.find_command("greet")->allow_oob);
  EXPECT_FALSE(registry.find_command("greet")->ends_server);
}

TEST_F(CommandRegistryTest, lists_its_own_commands) {
  EXPECT_EQ(run("query-commands"), R"([{"name": "fail"}, {"name": "greet"}, {"name": "nothing"}, )"
                                   R"({"name": "query-commands"}, {"name": "query-qmp-schema"}, )"
                                   R"({"name": "query-version"}])");
  EXPECT_EQ(run("query-commands", R"({"foo": 1})"), "GenericError: Parameter 'foo' is unexpected");
  EXPECT_EQ(run("query-qmp-schema", R"({"foo": 1})"), "GenericError: Parameter 'foo' is unexpected");
  EXPECT_EQ(run("query-version", R"({"foo": 1})"), "GenericError: Parameter 'foo' is unexpected");
}

TEST_F(CommandRegistryTest, the_version_is_the_protocols_and_the_package_names_the_program) {
  EXPECT_EQ(run("query-version"), R"({"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "qomio-)" +
                                      std::string(version_text()) + R"("})");
}

TEST_F(CommandRegistryTest, an_event_reaches_every_listener_in_order_with_its_data) {
  std::vector<std::string> heard;
  const auto first = registry.listen([&](std::string_view name, const Json& data) {
    heard.push_back("1 " + std::string(name) + json_text(data));
  });
  const auto second =
      registry.listen([&](std::string_view name, const Json&) { heard.push_back("2 " + std::string(name)); });
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_THAT(heard, ElementsAre(R"(1 SPOKEN{"text": "x"})", "2 SPOKEN"));
}

TEST_F(CommandRegistryTest, a_removed_listener_is_not_called_again) {
  int heard = 0;
  auto listener = registry.listen([&](std::string_view, const Json&) { ++heard; });
  registry.emit("SPOKEN", Reply{"x"});
  listener = nullptr;
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_EQ(heard, 1);
}

TEST_F(CommandRegistryTest, a_listener_that_removes_itself_is_destroyed_after_it_returns) {
  std::vector<std::string> heard;
  std::shared_ptr<void> self;
  self = registry.listen([&heard, &self, text = std::string(64, 'x')](std::string_view, const Json&) {
    self = nullptr;
    heard.push_back(text);  // the capture must still exist
  });
  registry.emit("SPOKEN", Reply{"x"});
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_THAT(heard, ElementsAre(std::string(64, 'x')));
}

TEST_F(CommandRegistryTest, a_listener_removed_by_an_earlier_one_is_not_called) {
  std::vector<int> heard;
  std::shared_ptr<void> second;
  const auto first = registry.listen([&](std::string_view, const Json&) {
    heard.push_back(1);
    second = nullptr;
  });
  second = registry.listen([&](std::string_view, const Json&) { heard.push_back(2); });
  const auto third = registry.listen([&](std::string_view, const Json&) { heard.push_back(3); });
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_THAT(heard, ElementsAre(1, 3));
}

TEST_F(CommandRegistryTest, a_listener_added_during_a_call_is_first_called_for_the_next_event) {
  std::vector<std::shared_ptr<void>> added;
  int heard = 0;
  const auto first = registry.listen([&](std::string_view, const Json&) {
    added.push_back(registry.listen([&](std::string_view, const Json&) { ++heard; }));
  });
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_EQ(heard, 0);
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_EQ(heard, 1);
}

TEST_F(CommandRegistryTest, a_listener_may_send_another_event) {
  registry.add(event<Inner>("DEEPER", "one level down"));
  std::vector<std::string> heard;
  const auto first = registry.listen([&](std::string_view name, const Json&) {
    heard.push_back("1 " + std::string(name));
    if (name == "SPOKEN") registry.emit("DEEPER", Inner{1});
  });
  const auto second =
      registry.listen([&](std::string_view name, const Json&) { heard.push_back("2 " + std::string(name)); });
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_THAT(heard, ElementsAre("1 SPOKEN", "1 DEEPER", "2 DEEPER", "2 SPOKEN"));
}

// Data that can't be formatted: to_json() aborts, because the enum value has no name.
enum class Mood { calm };
struct Unspeakable {
  Mood mood = static_cast<Mood>(7);
  static constexpr std::string_view type_name = "Unspeakable";
  static constexpr auto members = member_list(member("mood", &Unspeakable::mood));
};

}  // namespace

template <>
inline constexpr auto enum_description<Mood> = EnumDescription("Mood", value(Mood::calm, "calm"));

namespace {

TEST_F(CommandRegistryTest, an_event_that_nobody_wants_is_not_formatted) {
  registry.add(event<Unspeakable>("SILENT", "for tests"));
  EXPECT_FALSE(registry.is_wanted("SILENT"));
  registry.emit("SILENT", Unspeakable{});
  std::vector<std::string> heard;
  const auto note = [&](std::string_view name, const Json&) { heard.emplace_back(name); };
  const auto picky = registry.listen(note, [](std::string_view name) { return name != "SILENT"; });
  registry.emit("SILENT", Unspeakable{});
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_THAT(heard, ElementsAre("SPOKEN"));
  const auto greedy = registry.listen(note);
  EXPECT_TRUE(registry.is_wanted("SILENT"));
  EXPECT_DEATH(registry.emit("SILENT", Unspeakable{}), "does not name");
}

TEST_F(CommandRegistryTest, an_event_that_the_policy_hides_is_not_formatted) {
  Event hidden = event<Unspeakable>("SILENT", "for tests");
  hidden.features = {"deprecated"};
  registry.add(std::move(hidden));
  const auto greedy = registry.listen([](std::string_view, const Json&) {});
  registry.set_compat({.deprecated_output = CompatOutput::hide});
  EXPECT_FALSE(registry.is_wanted("SILENT"));
  registry.emit("SILENT", Unspeakable{});
}

TEST_F(CommandRegistryTest, sending_an_event_that_was_not_added_aborts) {
  EXPECT_DEATH((void)registry.is_wanted("NOPE"),
               "the event 'NOPE' was not added to the registry before it was sent");
  EXPECT_DEATH(registry.emit("NOPE", Json::object()),
               "the event 'NOPE' was not added to the registry before it was sent");
}

TEST_F(CommandRegistryTest, an_event_may_have_no_data) {
  std::vector<std::string> heard;
  registry.add(event("STARTED", "the program has started"));
  const auto listening = registry.listen(
      [&](std::string_view name, const Json& data) { heard.push_back(std::string(name) + json_text(data)); });
  registry.emit("STARTED");
  EXPECT_THAT(heard, ElementsAre("STARTED{}"));
  EXPECT_DEATH(registry.emit("STARTED", Json("text")), "the data of an event is an object");
}

TEST_F(CommandRegistryTest, a_filter_may_add_a_listener_and_the_event_reaches_all_others) {
  std::vector<std::string> heard;
  const auto note = [&heard](const char* who) {
    return [&heard, who](std::string_view, const Json&) { heard.emplace_back(who); };
  };
  auto gone = registry.listen(note("gone"));
  std::shared_ptr<void> added;
  const auto asked = registry.listen(note("asked"), [&](std::string_view) {
    if (!added) added = registry.listen(note("added"));
    return false;
  });
  const auto last = registry.listen(note("last"));
  gone = nullptr;
  registry.emit("SPOKEN", Reply{"x"});
  EXPECT_THAT(heard, testing::Contains("last"));
}

// Emits an event in its destructor, like an object that joins a thread there.
struct LastWords {
  CommandRegistry& registry;
  ~LastWords() { registry.emit("SPOKEN", Reply{"farewell"}); }
};

TEST_F(CommandRegistryTest, what_a_command_or_an_event_owns_may_emit_until_it_is_destroyed) {
  int heard = 0;
  std::shared_ptr<void> listening;
  {
    CommandRegistry other;
    other.add(event<Reply>("SPOKEN", "somebody spoke"));
    Event owner = event("OWNER", "owns something");
    owner.source = std::make_shared<LastWords>(other);
    other.add(std::move(owner));
    other.add(command("own", "", [words = std::make_shared<LastWords>(other)] { return Result<void>(); }));
    listening = other.listen([&](std::string_view, const Json&) { ++heard; });
  }
  EXPECT_EQ(heard, 2);
}

TEST_F(CommandRegistryTest, listeners_may_outlive_the_registry) {
  auto other = std::make_unique<CommandRegistry>();
  const auto listener = other->listen([](std::string_view, const Json&) {});
  other = nullptr;
}

TEST(Package, is_what_the_program_says_it_is) {
  CommandRegistry registry;
  add_introspection_commands(registry);
  registry.set_package("storaged-1.4");
  EXPECT_EQ(registry.run("query-version", Json::object())->at("package"), Json("storaged-1.4"));
  EXPECT_EQ(CommandRegistry().package(), "qomio-" + std::string(version_text()));
}

TEST(ACommand, may_remove_itself) {
  CommandRegistry registry;
  auto state = std::make_shared<std::string>("a text that is too long for the string itself");
  registry.add(command("once", "", [&registry, state]() -> Result<std::string> {
    registry.remove_command("once");
    return *state;
  }));
  registry.add(command("later", "", [&registry, state](const Answer<std::string>& answer) {
    registry.remove_command("later");
    answer.send(*state);
  }));
  EXPECT_EQ(*registry.run("once", Json::object()), Json(*state));
  EXPECT_EQ(*registry.run("later", Json::object()), Json(*state));
  EXPECT_EQ(registry.find_command("once"), nullptr);
  EXPECT_EQ(registry.find_command("later"), nullptr);
}

struct Amount {
  std::int64_t number = 0;
  static constexpr std::string_view type_name = "Amount";
  static constexpr auto members = member_list(member("number", &Amount::number));
};

class Till {
 public:
  Result<Amount> pay(const Amount& amount) {
    sum_ += amount.number;
    return Amount{sum_};
  }
  Result<Amount> sum() const { return Amount{sum_}; }
  void later(Answer<Amount> answer) { answer.send(Amount{sum_}); }

 private:
  std::int64_t sum_ = 0;
};

TEST(CommandsWithState, are_lambdas_that_capture_and_methods_of_objects) {
  CommandRegistry registry;
  Till till;
  registry.add(command("pay", "adds", &Till::pay, till));
  registry.add(command("sum", "tells", &Till::sum, till));
  registry.add(command("later", "tells later", &Till::later, till));
  int calls = 0;
  registry.add(command("count", "counts", [&calls] { return Result<Amount>(Amount{++calls}); }));
  registry.add(command(
      "own", "counts by itself",
      [n = std::int64_t{0}](const Amount& by) mutable -> Result<Amount> { return Amount{n += by.number}; }));
  const auto number = [&](const char* name, const Json& arguments = Json::object()) {
    return registry.run(name, arguments)->at("number").get<std::int64_t>();
  };
  EXPECT_EQ(number("pay", {{"number", 3}}), 3);
  EXPECT_EQ(number("pay", {{"number", 4}}), 7);
  EXPECT_EQ(number("sum"), 7);
  EXPECT_EQ(number("later"), 7);
  EXPECT_EQ(number("count"), 1);
  EXPECT_EQ(number("count"), 2);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(number("own", {{"number", 5}}), 5);
  EXPECT_EQ(number("own", {{"number", 5}}), 10) << "its state stays between two calls";
  static_assert(!internal::CommandHandler<int>);
  static_assert(!internal::CommandHandler<decltype([](int, int) { return 0; })>);
}

TEST(CommandsWithState, keep_what_they_capture_as_long_as_they_run) {
  CommandRegistry registry;
  auto state = std::make_shared<int>(7);
  const std::weak_ptr<int> alive = state;
  registry.add(command("once", "removes itself", [&registry, state = std::move(state)]() -> Result<Amount> {
    registry.remove_command("once");
    return Amount{*state};
  }));
  EXPECT_EQ(registry.run("once", Json::object())->at("number"), Json(7));
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace qomio
