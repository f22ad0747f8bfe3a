// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace object_commands_test {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Engine final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

 private:
  Result<void> changed() { return speed_ == 13 ? error("unlucky speed") : Result<void>(); }
  Result<void> set_key(std::string key) {
    key_ = std::move(key);
    return {};
  }
  std::int64_t double_speed() const { return 2 * speed_; }

  std::int64_t speed_ = 0;
  std::uint16_t gear_ = 1;
  bool on_ = false;
  std::string label_;
  std::string key_;
  std::string serial_ = "s0";
  WeakLink<Engine> next_;

  static void class_init(ObjectClass& klass) {
    klass.add(property("speed", &Engine::speed_)
                  .range(0, 1000)
                  .default_value(50)
                  .on_change(&Engine::changed)
                  .describe("turns a second"));
    klass.add(property("gear", &Engine::gear_).default_value(1));
    klass.add(property("on", &Engine::on_).describe("running or not"));
    klass.add(property("label", &Engine::label_).with({"unstable"}));
    klass.add(property("serial", &Engine::serial_).until_complete());
    klass.add(property("double-speed", &Engine::double_speed));
    klass.add(property("key", nullptr, &Engine::set_key));
    klass.add(link("next", &Engine::next_));
  }
};

const TypeInfo Engine::type_info{.name = "engine",
                                 .parent = "object",
                                 .interfaces = {"user-creatable"},
                                 .create = create<Engine>,
                                 .class_init = class_init};

class Plain final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
};
const TypeInfo Plain::type_info{
    .name = "plain", .parent = "object", .interfaces = {"user-creatable"}, .create = create<Plain>};
const TypeInfo kAbstractEngine{.name = "abstract-engine", .parent = "engine", .abstract = true};

// Runs the commands for objects as clients do, with JSON text.
class ObjectCommandsTest : public testing::Test {
 protected:
  ObjectCommandsTest() {
    for (const TypeInfo* info : {&Engine::type_info, &Plain::type_info, &kAbstractEngine}) {
      EXPECT_TRUE(register_type(*info));
    }
  }
  ~ObjectCommandsTest() override { objects_cleanup(); }

  static std::string run(std::string_view name, std::string_view arguments = "{}") {
    const auto json = parse_json(arguments);
    EXPECT_TRUE(json) << arguments;
    const auto reply = object_registry().run(name, *json);
    if (reply) return json_text(*reply);
    const bool generic = reply.error().error_class() == ErrorClass::GenericError;
    return (generic ? "" : std::string(reply.error().error_class().name()) + ": ") + reply.error().message();
  }
  static void make(std::string_view members) {
    EXPECT_EQ(run("object-add", R"({"qom-type": "engine", )" + std::string(members) + "}"), "{}");
  }
  static std::string get(std::string_view path, std::string_view property) {
    return run("qom-get",
               R"({"path": ")" + std::string(path) + R"(", "property": ")" + std::string(property) + R"("})");
  }
  static std::string set(std::string_view path, std::string_view property, std::string_view value) {
    return run("qom-set", R"({"path": ")" + std::string(path) + R"(", "property": ")" +
                              std::string(property) + R"(", "value": )" + std::string(value) + "}");
  }
};

TEST_F(ObjectCommandsTest, qom_list_returns_children_then_properties_with_their_types) {
  EXPECT_EQ(run("qom-list", R"({"path": "/"})"),
            R"([{"name": "objects", "type": "child<container>"}, {"name": "type", "type": "string"}])");
  EXPECT_EQ(run("qom-list", R"({"path": "/objects"})"), R"([{"name": "type", "type": "string"}])");
  make(R"("id": "b")");
  make(R"("id": "a")");
  EXPECT_EQ(run("qom-list", R"({"path": "objects"})"),
            R"([{"name": "b", "type": "child<engine>"}, {"name": "a", "type": "child<engine>"}, )"
            R"({"name": "type", "type": "string"}])");
  EXPECT_EQ(run("qom-list", R"({"path": "a"})"),
            R"([{"name": "type", "type": "string"}, {"name": "speed", "type": "int"}, )"
            R"({"name": "gear", "type": "uint16"}, {"name": "on", "type": "bool"}, )"
            R"({"name": "label", "type": "string"}, {"name": "serial", "type": "string"}, )"
            R"({"name": "double-speed", "type": "int"}, {"name": "key", "type": "string"}, )"
            R"({"name": "next", "type": "link<engine>"}])");
}

TEST_F(ObjectCommandsTest, qom_list_distinguishes_an_ambiguous_path_from_a_missing_one) {
  make(R"("id": "objects")");
  EXPECT_EQ(run("qom-list", R"({"path": "objects"})"), "Path 'objects' is ambiguous");
  EXPECT_EQ(run("qom-list", R"({"path": ""})"), "Path '' is ambiguous");
  EXPECT_EQ(run("qom-list", R"({"path": "nope"})"), "DeviceNotFound: Device 'nope' not found");
  EXPECT_EQ(run("qom-list", R"({"path": "/nope"})"), "DeviceNotFound: Device '/nope' not found");
  EXPECT_EQ(run("qom-list", R"({"path": "/objects/objects/type"})"),
            "DeviceNotFound: Device '/objects/objects/type' not found");
}

TEST_F(ObjectCommandsTest, qom_get_reads_values_links_and_children) {
  make(R"("id": "a", "speed": 7, "on": true, "label": "x")");
  make(R"("id": "b", "next": "a")");
  EXPECT_EQ(get("a", "speed"), "7");
  EXPECT_EQ(get("/objects/a", "on"), "true");
  EXPECT_EQ(get("objects/a", "label"), R"("x")");
  EXPECT_EQ(get("a", "double-speed"), "14");
  EXPECT_EQ(get("a", "type"), R"("engine")");
  EXPECT_EQ(get("a", "next"), R"("")");
  EXPECT_EQ(get("b", "next"), R"("/objects/a")");
  EXPECT_EQ(get("/objects/b/next", "speed"), "7") << "through the link";
  EXPECT_EQ(get("/", "objects"), R"("/objects")");
  EXPECT_EQ(get("/objects", "a"), R"("/objects/a")");
}

TEST_F(ObjectCommandsTest, qom_get_refuses_unknown_objects_and_properties) {
  make(R"("id": "a")");
  make(R"("id": "objects")");
  EXPECT_EQ(get("a", "nope"), "Property 'engine.nope' not found");
  EXPECT_EQ(get("a", ""), "Property 'engine.' not found");
  EXPECT_EQ(get("a", "%s"), "Property 'engine.%s' not found");
  EXPECT_EQ(get("a", "key"), "Property 'engine.key' is not readable");
  EXPECT_EQ(get("nope", "type"), "DeviceNotFound: Device 'nope' not found");
  EXPECT_EQ(get("objects", "type"), "DeviceNotFound: Device 'objects' not found") << "ambiguous";
  EXPECT_EQ(get("", "type"), "DeviceNotFound: Device '' not found");
  EXPECT_EQ(run("qom-get"), "Parameter 'path' is missing");
  EXPECT_EQ(run("qom-get", R"({"path": "a"})"), "Parameter 'property' is missing");
  EXPECT_EQ(run("qom-get", R"({"path": 1, "property": 1})"),
            "Invalid parameter type for 'path', expected: string");
  EXPECT_EQ(run("qom-get", R"({"path": "a", "property": "type", "value": 1})"),
            "Parameter 'value' is unexpected");
}

TEST_F(ObjectCommandsTest, qom_set_stores_valid_values_only) {
  make(R"("id": "a")");
  EXPECT_EQ(set("a", "speed", "7"), "{}");
  EXPECT_EQ(set("a", "speed", "1001"), "speed value must be in range [0, 1000]");
  EXPECT_EQ(set("a", "speed", "-1"), "speed value must be in range [0, 1000]");
  EXPECT_EQ(set("a", "speed", "13"), "unlucky speed");
  for (const char* value : {"\"1\"", "1.0", "1e3", "null", "[]", "{}", "true", "9223372036854775808"}) {
    EXPECT_EQ(set("a", "speed", value), "Invalid parameter type for 'speed', expected: integer") << value;
  }
  EXPECT_EQ(get("a", "speed"), "7");
  EXPECT_EQ(set("a", "gear", "65536"), "Parameter 'gear' expects uint16_t");
  EXPECT_EQ(set("a", "on", "\"on\""), "Invalid parameter type for 'on', expected: boolean");
  EXPECT_EQ(set("a", "label", "1"), "Invalid parameter type for 'label', expected: string");
}

TEST_F(ObjectCommandsTest, qom_set_explains_each_refusal) {
  make(R"("id": "a")");
  EXPECT_EQ(set("a", "nope", "1"), "Property 'engine.nope' not found");
  EXPECT_EQ(set("a", "type", "1"), "Property 'engine.type' is not writable");
  EXPECT_EQ(set("a", "double-speed", "1"), "Property 'engine.double-speed' is not writable");
  EXPECT_EQ(set("/", "objects", "\"x\""), "Property 'container.objects' is not writable");
  EXPECT_EQ(set("/objects", "a", "\"x\""), "Property 'container.a' is not writable");
  EXPECT_EQ(set("a", "serial", "\"s1\""), "Property cannot be set after initialization");
  EXPECT_EQ(set("nope", "speed", "1"), "DeviceNotFound: Device 'nope' not found");
  EXPECT_EQ(run("qom-set", R"({"path": "a", "property": "speed"})"), "Parameter 'value' is missing");
  EXPECT_EQ(run("qom-set", R"({"path": "a", "property": "speed", "value": "1", "z": 1})"),
            "Parameter 'z' is unexpected");
}

TEST_F(ObjectCommandsTest, qom_set_sets_and_clears_links) {
  make(R"("id": "a")");
  make(R"("id": "b")");
  make(R"("id": "objects")");
  EXPECT_EQ(set("a", "next", "\"b\""), "{}");
  EXPECT_EQ(get("a", "next"), R"("/objects/b")");
  EXPECT_EQ(set("a", "next", "\"nope\""), "DeviceNotFound: Device 'nope' not found");
  EXPECT_EQ(set("a", "next", "\"/objects\""), "Invalid parameter type for 'next', expected: engine");
  EXPECT_EQ(set("a", "next", "1"), "Invalid parameter type for 'next', expected: string");
  EXPECT_EQ(get("a", "next"), R"("/objects/b")");
  EXPECT_EQ(set("a", "next", "\"objects\""), "{}") << "only one of the two is an engine";
  EXPECT_EQ(set("a", "next", "\"\""), "{}");
  EXPECT_EQ(get("a", "next"), R"("")");
}

TEST_F(ObjectCommandsTest, a_link_to_an_ambiguous_path_is_refused) {
  make(R"("id": "a")");
  make(R"("id": "b")");
  auto inner = *object_new_with_props("engine", *objects_root().child("a"), "b", {});
  EXPECT_EQ(set("a", "next", "\"b\""), "Path 'b' does not uniquely identify an object");
  EXPECT_EQ(set("a", "next", "\"a/b\""), "{}");
}

TEST_F(ObjectCommandsTest, qom_set_many_sets_all_or_none) {
  make(R"("id": "a")");
  EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": {"speed": 1, "gear": 2, "label": "x"}})"),
            "{}");
  EXPECT_EQ(get("a", "speed") + get("a", "gear") + get("a", "label"), R"(12"x")");
  EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": {"label": "y", "gear": 3, "speed": 1001}})"),
            "speed value must be in range [0, 1000]");
  EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": {"label": "y", "speed": 13}})"),
            "unlucky speed");
  EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": {"label": "y", "nope": 1}})"),
            "Property 'engine.nope' not found");
  EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": {"label": "y", "serial": "z"}})"),
            "Property cannot be set after initialization");
  EXPECT_EQ(get("a", "speed") + get("a", "gear") + get("a", "label"), R"(12"x")");
  EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": {}})"), "{}");
  EXPECT_EQ(run("qom-set-many", R"({"path": "nope", "properties": {}})"),
            "DeviceNotFound: Device 'nope' not found");
  for (const char* value : {"1", "[]", "null", "\"x\""}) {
    EXPECT_EQ(run("qom-set-many", R"({"path": "a", "properties": )" + std::string(value) + "}"),
              "Invalid parameter type for 'properties', expected: object");
  }
}

TEST_F(ObjectCommandsTest, qom_list_get_returns_the_readable_values_of_each_path) {
  make(R"("id": "a", "speed": 7)");
  EXPECT_EQ(
      run("qom-list-get", R"({"paths": ["/objects", "a"]})"),
      R"([{"properties": [{"name": "a", "type": "child<engine>", "value": "/objects/a"}, )"
      R"({"name": "type", "type": "string", "value": "container"}]}, )"
      R"({"properties": [{"name": "type", "type": "string", "value": "engine"}, )"
      R"({"name": "speed", "type": "int", "value": 7}, {"name": "gear", "type": "uint16", "value": 1}, )"
      R"({"name": "on", "type": "bool", "value": false}, {"name": "label", "type": "string", "value": ""}, )"
      R"({"name": "serial", "type": "string", "value": "s0"}, )"
      R"({"name": "double-speed", "type": "int", "value": 14}, {"name": "key", "type": "string"}, )"
      R"({"name": "next", "type": "link<engine>", "value": ""}]}])");
  EXPECT_EQ(run("qom-list-get", R"({"paths": []})"), "[]");
  EXPECT_EQ(run("qom-list-get", R"({"paths": ["a", "nope"]})"), "DeviceNotFound: Device 'nope' not found");
  EXPECT_EQ(run("qom-list-get", R"({"paths": ["a", 1]})"),
            "Invalid parameter type for 'paths[1]', expected: string");
}

TEST_F(ObjectCommandsTest, qom_list_types_filters_by_implemented_type_and_by_abstract) {
  const std::string all = run("qom-list-types");
  EXPECT_THAT(all, HasSubstr(R"({"name": "container", "parent": "object"})"));
  EXPECT_THAT(all, HasSubstr(R"({"name": "engine", "parent": "object"})"));
  EXPECT_THAT(all, Not(HasSubstr("abstract")));
  EXPECT_EQ(run("qom-list-types", R"({"abstract": false})"), all);
  const std::string with_abstract = run("qom-list-types", R"({"abstract": true})");
  EXPECT_THAT(with_abstract, HasSubstr(R"({"name": "object", "abstract": true})"));
  EXPECT_THAT(with_abstract, HasSubstr(R"({"name": "interface", "abstract": true})"));
  EXPECT_THAT(with_abstract,
              HasSubstr(R"({"name": "user-creatable", "abstract": true, "parent": "interface"})"));

  EXPECT_EQ(run("qom-list-types", R"({"implements": "engine"})"),
            R"([{"name": "engine", "parent": "object"}])");
  EXPECT_EQ(run("qom-list-types", R"({"implements": "engine", "abstract": true})"),
            R"([{"name": "abstract-engine", "abstract": true, "parent": "engine"}, )"
            R"({"name": "engine", "parent": "object"}])");
  EXPECT_EQ(run("qom-list-types", R"({"implements": "container"})"),
            R"([{"name": "container", "parent": "object"}])");
  EXPECT_THAT(run("qom-list-types", R"({"implements": "user-creatable"})"), Not(HasSubstr("container")));
  EXPECT_THAT(run("qom-list-types", R"({"implements": "interface"})"), HasSubstr("engine"));
  EXPECT_EQ(run("qom-list-types", R"({"implements": "nope"})"), "[]");
  EXPECT_EQ(run("qom-list-types", R"({"implements": "nope", "abstract": true})"), "[]");
  EXPECT_EQ(run("qom-list-types", R"({"implements": 1})"),
            "Invalid parameter type for 'implements', expected: string");
  EXPECT_EQ(run("qom-list-types", R"({"abstract": "x"})"),
            "Invalid parameter type for 'abstract', expected: boolean");
  EXPECT_EQ(run("qom-list-types", R"({"z": 1})"), "Parameter 'z' is unexpected");
}

TEST_F(ObjectCommandsTest, qom_list_properties_describes_a_class) {
  EXPECT_EQ(
      run("qom-list-properties", R"({"typename": "engine"})"),
      R"([{"name": "type", "type": "string", "description": "name of the type", "writable": false}, )"
      R"({"name": "speed", "type": "int", "description": "turns a second", "default-value": 50, )"
      R"("writable": true, "live": true, "minimum": 0, "maximum": 1000}, )"
      R"({"name": "gear", "type": "uint16", "default-value": 1, "writable": true, "live": true}, )"
      R"({"name": "on", "type": "bool", "description": "running or not", "writable": true, "live": true}, )"
      R"({"name": "label", "type": "string", "writable": true, "live": true, "features": ["unstable"]}, )"
      R"({"name": "serial", "type": "string", "writable": true, "live": false}, )"
      R"({"name": "double-speed", "type": "int", "writable": false}, )"
      R"({"name": "key", "type": "string", "writable": true, "live": true}, )"
      R"({"name": "next", "type": "link<engine>", "writable": true, "live": true}])");
  EXPECT_EQ(run("qom-list-properties", R"({"typename": "abstract-engine"})"),
            run("qom-list-properties", R"({"typename": "engine"})"));
  EXPECT_EQ(run("qom-list-properties", R"({"typename": "user-creatable"})"),
            "Parameter 'typename' expects a QOM type");
  EXPECT_EQ(run("qom-list-properties", R"({"typename": "interface"})"),
            "Parameter 'typename' expects a QOM type");
  for (const std::string name : {"nope", "", "Engine", "a'b"}) {
    EXPECT_EQ(run("qom-list-properties", R"({"typename": ")" + name + R"("})"),
              "DeviceNotFound: Class '" + name + "' not found");
  }
  EXPECT_EQ(run("qom-list-properties", R"({"type": "engine"})"), "Parameter 'typename' is missing");
}

TEST_F(ObjectCommandsTest, object_add_creates_an_object_that_object_del_deletes) {
  make(R"("id": "a", "speed": 3)");
  EXPECT_EQ(run("object-add", R"({"qom-type": "engine", "id": "a"})"),
            "attempt to add duplicate property 'a' to object (type 'container')");
  EXPECT_EQ(run("object-add"), "Parameter 'qom-type' is missing");
  EXPECT_EQ(run("object-add", R"({"qom-type": "engine", "id": "x", "props": {"speed": 1}})"),
            "Parameter 'props' is unexpected");
  EXPECT_EQ(run("object-del", R"({"id": "a"})"), "{}");
  EXPECT_EQ(run("object-del", R"({"id": "a"})"), "object 'a' not found");
  EXPECT_EQ(run("object-del", R"({"id": "type"})"), "object 'type' not found");
  EXPECT_EQ(run("object-del"), "Parameter 'id' is missing");
  EXPECT_EQ(run("object-del", R"({"id": 1})"), "Invalid parameter type for 'id', expected: string");
  EXPECT_EQ(run("object-del", R"({"id": "a", "x": 1})"), "Parameter 'x' is unexpected");
}

TEST_F(ObjectCommandsTest, object_del_refuses_an_object_that_is_held_and_names_the_holders) {
  make(R"("id": "a")");
  std::optional<Hold> hold = objects_root().child("a")->hold("export", "disk0");
  std::optional<Hold> another = objects_root().child("a")->hold("mirror", "m");
  EXPECT_EQ(run("object-del", R"({"id": "a"})"),
            "object 'a' is in use, can not be deleted (held by: export disk0, mirror m)");
  another.reset();
  EXPECT_EQ(run("object-del", R"({"id": "a"})"),
            "object 'a' is in use, can not be deleted (held by: export disk0)");
  const auto refused = object_registry().run("object-del", Json{{"id", "a"}});
  EXPECT_EQ(refused.error().data(), R"({"holders": [{"kind": "export", "name": "disk0"}]})");
  hold.reset();
  EXPECT_EQ(run("object-del", R"({"id": "a"})"), "{}");
}

// Returns the members of object-add's branch for a type, as the schema lists them, by name; null: no branch.
Json branch_of(const std::string& type) {
  add_introspection_commands(object_registry());
  const Json schema = *object_registry().run("query-qmp-schema", Json::object());
  std::map<std::string, Json> entries;
  for (const auto& e : schema) {
    EXPECT_TRUE(entries.emplace(e["name"], e).second) << "double: " << e["name"];
  }
  const Json& options = entries.at(entries.at("object-add")["arg-type"]);
  EXPECT_EQ(options["tag"], "qom-type");
  std::vector<std::string> base;
  for (const auto& m : options["members"]) base.push_back(m["name"]);
  EXPECT_THAT(base, testing::ElementsAre("qom-type", "id"));
  const Json& types = entries.at(options["members"][0]["type"]);
  for (const auto& v : options["variants"]) {
    EXPECT_THAT(types["values"].get<std::vector<std::string>>(), Contains(v["case"].get<std::string>()));
    if (v["case"] != type) continue;
    Json members = Json::object();
    for (const auto& m : entries.at(v["type"])["members"]) members[m["name"].get<std::string>()] = m;
    return members;
  }
  return nullptr;
}

TEST_F(ObjectCommandsTest, the_schema_of_object_add_includes_types_that_are_registered_later) {
  const Json engine = branch_of("engine");
  EXPECT_EQ(json_text(engine["speed"]),
            R"({"name": "speed", "type": "int", "default": null, "description": "turns a second"})");
  EXPECT_EQ(engine["gear"]["type"], "int");
  EXPECT_EQ(engine["next"]["type"], "str");
  EXPECT_TRUE(engine.contains("key"));
  EXPECT_FALSE(engine.contains("double-speed")) << "read-only";
  EXPECT_FALSE(engine.contains("type"));
  EXPECT_EQ(engine["label"]["features"], Json({"unstable"}));
  EXPECT_FALSE(engine["gear"].contains("features"));
  EXPECT_TRUE(branch_of("abstract-engine").is_null());
  EXPECT_TRUE(branch_of("container").is_null());

  EXPECT_TRUE(branch_of("late-engine").is_null());
  static const TypeInfo late{.name = "late-engine", .parent = "engine"};
  ASSERT_TRUE(register_type(late));
  EXPECT_EQ(branch_of("late-engine"), engine);
}

TEST_F(ObjectCommandsTest, object_add_refuses_what_the_policy_forbids) {
  const CompatPolicy before = object_registry().compat();
  object_registry().set_compat({.unstable_input = CompatInput::reject});
  const std::string refused = run("object-add", R"({"qom-type": "engine", "id": "a", "label": "l"})");
  object_registry().set_compat(before);
  EXPECT_EQ(refused, "Unstable parameter label disabled by policy");
  EXPECT_FALSE(objects_root().child("a"));
}

TEST_F(ObjectCommandsTest, help_lists_the_types_that_users_may_create) {
  const auto help = object_help();
  ASSERT_TRUE(help);
  EXPECT_TRUE(help->starts_with("List of user creatable objects:\n"));
  EXPECT_THAT(*help, HasSubstr("\n  engine\n"));
  EXPECT_THAT(*help, HasSubstr("\n  plain\n"));
  EXPECT_THAT(*help, Not(HasSubstr("container")));
  EXPECT_THAT(*help, Not(HasSubstr("abstract")));
}

TEST_F(ObjectCommandsTest, help_of_a_type_lists_its_writable_properties_by_name) {
  EXPECT_EQ(object_help("engine"),
            "engine options:\n"
            "  gear=<uint16>          -  (default: 1)\n"
            "  key=<string>\n"
            "  label=<string>\n"
            "  next=<link<engine>>\n"
            "  on=<bool>              - running or not\n"
            "  serial=<string>\n"
            "  speed=<int>            - turns a second (default: 50)\n");
  EXPECT_EQ(object_help("plain"), "There are no options for plain.\n");
  for (const char* type : {"nope", "container", "abstract-engine", "user-creatable"}) {
    EXPECT_EQ(object_help(type), std::nullopt) << type;
  }
}

}  // namespace object_commands_test
}  // namespace qomio
