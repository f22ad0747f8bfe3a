// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/schema/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

enum class Mode { slow, fast };

}  // namespace

template <>
inline constexpr auto enum_description<Mode> =
    EnumDescription("Mode", value(Mode::slow, "slow"), value(Mode::fast, "fast"));

namespace {

struct Part {
  std::uint8_t size = 0;
  Mode mode = Mode::slow;
  static constexpr std::string_view type_name = "Part";
  static constexpr auto members = member_list(member("size", &Part::size), member("mode", &Part::mode));
};

struct Build {
  std::string name;
  std::optional<std::vector<Part>> parts;
  Mode mode = Mode::fast;
  Size memory;
  std::optional<Json> extra;
  static constexpr std::string_view type_name = "Build";
  static constexpr auto members =
      member_list(member("name", &Build::name, "what to build"), member("parts", &Build::parts),
                  member_with_default("mode", &Build::mode), member("memory", &Build::memory),
                  member("extra", &Build::extra));
};

Result<std::vector<std::vector<std::string>>> build(const Build&) { return {}; }
Result<void> stop() { return {}; }

class SchemaTest : public testing::Test {
 protected:
  SchemaTest() {
    add_introspection_commands(registry);
    registry.add(command("build", "builds", build).feature("unstable"));
    registry.add(command("stop", "stops", stop).oob());
    registry.add(event<Part>("BUILT", "a part was built"));
    schema = schema_json(registry, Access::full);
    for (const auto& entry : schema) entries.emplace(entry["name"].get<std::string>(), entry);
  }

  const Json& entry(const Json& name) const { return entries.at(name.get<std::string>()); }
  const Json& member_of(const Json& object, std::string_view name) const {
    for (const auto& m : object["members"]) {
      if (m["name"] == name) return m;
    }
    ADD_FAILURE() << "no member " << name;
    return object;
  }

  CommandRegistry registry;
  Json schema;
  std::map<std::string, Json> entries;
};

// Returns all names that the entry refers to.
std::vector<std::string> references(const Json& entry) {
  std::vector<std::string> names;
  for (const char* key : {"arg-type", "ret-type", "element-type"}) {
    if (entry.contains(key)) names.push_back(entry[key]);
  }
  if (entry["meta-type"] == "object") {
    for (const auto& m : entry["members"]) names.push_back(m["type"]);
    if (entry.contains("variants")) {
      for (const auto& v : entry["variants"]) names.push_back(v["type"]);
    }
  }
  return names;
}

TEST_F(SchemaTest, names_are_unique_and_every_reference_resolves) {
  EXPECT_EQ(entries.size(), schema.size());
  for (const auto& e : schema) {
    for (const auto& name : references(e)) EXPECT_TRUE(entries.contains(name)) << json_text(e);
  }
}

TEST_F(SchemaTest, only_types_that_a_command_or_an_event_uses_are_listed) {
  std::map<std::string, bool> reached;
  std::vector<std::string> open;
  for (const auto& e : schema) {
    if (e["meta-type"] == "command" || e["meta-type"] == "event") open.push_back(e["name"]);
  }
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    if (std::exchange(reached[name], true)) continue;
    for (auto& next : references(entries.at(name))) open.push_back(next);
  }
  EXPECT_EQ(reached.size(), entries.size());
}

TEST_F(SchemaTest, structs_and_enums_have_numbers_as_names) {
  for (const auto& e : schema) {
    const std::string name = e["name"];
    if (e["meta-type"] == "object" || e["meta-type"] == "enum") {
      EXPECT_TRUE(std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); })) << name;
    } else if (e["meta-type"] == "array") {
      EXPECT_EQ(name, "[" + e["element-type"].get<std::string>() + "]");
    }
  }
  EXPECT_FALSE(entries.contains("Build"));
}

TEST_F(SchemaTest, a_command_names_its_arguments_result_and_flags) {
  const Json& b = entry("build");
  EXPECT_EQ(b["meta-type"], "command");
  EXPECT_FALSE(b.contains("allow-oob")) << "only when true";
  EXPECT_THAT(b["features"], ElementsAre("unstable"));
  EXPECT_EQ(entry("build")["ret-type"], "[[str]]");
  EXPECT_EQ(entry("[[str]]")["element-type"], "[str]");
  const Json& s = entry("stop");
  EXPECT_EQ(s["allow-oob"], true);
  EXPECT_FALSE(s.contains("features"));
  EXPECT_EQ(s["arg-type"], s["ret-type"]) << "no arguments and no result are the same empty object";
  EXPECT_THAT(entry(s["arg-type"])["members"], IsEmpty());
}

TEST_F(SchemaTest, an_object_lists_its_members_in_order_and_marks_optional_ones) {
  const Json& arguments = entry(entry("build")["arg-type"]);
  EXPECT_EQ(arguments["meta-type"], "object");
  std::string names;
  for (const auto& m : arguments["members"]) {
    names += m["name"].get<std::string>() + (m.contains("default") ? "? " : " ");
    EXPECT_TRUE(m.value("default", Json()).is_null());
  }
  EXPECT_EQ(names, "name parts? mode? memory extra? ");
  EXPECT_FALSE(arguments.contains("tag"));
}

TEST_F(SchemaTest, commands_events_and_arguments_carry_their_descriptions) {
  EXPECT_EQ(entry("build")["description"], "builds");
  EXPECT_EQ(entry("BUILT")["description"], "a part was built");
  const Json& arguments = entry(entry("build")["arg-type"]);
  EXPECT_EQ(member_of(arguments, "name")["description"], "what to build");
  EXPECT_FALSE(member_of(arguments, "parts").contains("description")) << "only where there is one";
}

TEST_F(SchemaTest, every_integer_is_an_int_and_builtins_keep_their_names) {
  const Json& arguments = entry(entry("build")["arg-type"]);
  EXPECT_EQ(member_of(arguments, "memory")["type"], "int");
  EXPECT_EQ(member_of(arguments, "extra")["type"], "any");
  EXPECT_EQ(entry("int"), Json({{"name", "int"}, {"meta-type", "builtin"}, {"json-type", "int"}}));
  EXPECT_EQ(entry("str")["json-type"], "string");
  EXPECT_EQ(entry("any")["json-type"], "value");
  EXPECT_EQ(entry("bool")["json-type"], "boolean");
  EXPECT_FALSE(entries.contains("size"));
  EXPECT_FALSE(entries.contains("uint8"));
}

TEST_F(SchemaTest, an_enum_lists_its_values_in_both_forms) {
  const Json& mode = entry(member_of(entry(entry("build")["arg-type"]), "mode")["type"]);
  EXPECT_EQ(mode["meta-type"], "enum");
  EXPECT_THAT(mode["values"], ElementsAre("slow", "fast"));
  EXPECT_EQ(json_text(mode["members"]), R"([{"name": "slow"}, {"name": "fast"}])");
}

TEST_F(SchemaTest, a_type_that_is_used_twice_is_listed_once) {
  const Json& parts = entry(member_of(entry(entry("build")["arg-type"]), "parts")["type"]);
  EXPECT_EQ(parts["element-type"], entry("BUILT")["arg-type"]);
  const Json& part = entry(parts["element-type"]);
  EXPECT_EQ(member_of(part, "mode")["type"], member_of(entry(entry("build")["arg-type"]), "mode")["type"]);
  EXPECT_EQ(member_of(part, "size")["type"], "int");
}

TEST_F(SchemaTest, the_schema_describes_itself) {
  const Json& result = entry(entry("query-qmp-schema")["ret-type"]);
  const Json& info = entry(result["element-type"]);
  EXPECT_EQ(info["tag"], "meta-type");
  std::vector<std::string> cases;
  for (const auto& v : info["variants"]) cases.push_back(v["case"]);
  const Json& tag = entry(member_of(info, "meta-type")["type"]);
  EXPECT_EQ(Json(cases), tag["values"]) << "one branch for each value of the tag";

  // Each entry must have the members of the base and of its branch, and no others.
  for (const auto& e : schema) {
    std::map<std::string, bool> allowed;  // whether each name is optional
    for (const auto& m : info["members"]) allowed.emplace(m["name"], m.contains("default"));
    for (const auto& v : info["variants"]) {
      if (v["case"] != e["meta-type"]) continue;
      for (const auto& m : entry(v["type"])["members"]) allowed.emplace(m["name"], m.contains("default"));
    }
    for (const auto& [name, value] : e.items()) {
      EXPECT_TRUE(allowed.contains(name)) << json_text(e);
      allowed.erase(name);
    }
    for (const auto& [name, optional] : allowed)
      EXPECT_TRUE(optional) << name << " lacks in " << json_text(e);
  }
}

TEST_F(SchemaTest, added_commands_appear_and_removed_ones_disappear) {
  registry.add(command("later", "comes later", stop));
  registry.remove_command("build");
  const auto answer = registry.run("query-qmp-schema", Json::object());
  ASSERT_TRUE(answer);
  std::vector<std::string> names;
  for (const auto& e : *answer) names.push_back(e["name"]);
  EXPECT_THAT(names, testing::Contains("later"));
  EXPECT_THAT(names, testing::Not(testing::Contains("build")));
  EXPECT_THAT(names, testing::Not(testing::Contains("[[str]]")));
}

}  // namespace
}  // namespace qomio
