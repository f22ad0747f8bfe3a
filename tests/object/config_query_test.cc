// SPDX-License-Identifier: GPL-2.0-or-later
// query-config returns a configuration that recreates the objects, or names the properties it cannot save.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <limits>
#include <string>
#include <vector>

#include "qomio/object/config.h"
#include "qomio/object/global_defaults.h"
#include "qomio/object/link.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace config_query_test {

using testing::HasSubstr;
using testing::Not;

int made = 0;

// A part that its owner creates.
class Lid final : public Object {
 public:
  static const TypeInfo type_info;
  std::int64_t angle_ = 0;
  std::int64_t size_ = 0;
};
constinit const TypeInfo Lid::type_info{
    .name = "config-lid",
    .parent = "object",
    .create = create<Lid>,
    .class_init =
        [](ObjectClass& klass) {
          klass.add(property("angle", &Lid::angle_));
          klass.add(property("size", &Lid::size_).until_complete());
        },
};

class Box final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Box() { ++made; }
  Result<void> complete() override {
    auto lid = object_new_with_props("config-lid", *this, "lid", {});
    return lid ? Result<void>() : failure(lid);
  }
  double ratio_ = 0.5;
  std::string label_;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("i64", &Box::i64_));
    klass.add(property("declared", &Box::declared_).default_value(7));
    klass.add(property("early", &Box::early_).until_complete());
    klass.add(property("ratio", &Box::ratio_));
    klass.add(property("label", &Box::label_));
    klass.add(property("extra", &Box::extra_));
    klass.add(property("id", &Box::number_));
    klass.add(property("preset", &Box::preset, &Box::set_preset));
    klass.add(property("level", &Box::level_));
    klass.add(property("key", nullptr, &Box::set_key));
    klass.add(property("moody", &Box::moody, &Box::set_moody));
    klass.add(link("next", &Box::next_).check(&Box::may_lead_to));
    klass.add(link("held", &Box::held_));
    klass.add(link("base", &Box::base_).until_complete());
    klass.add(link("any", &Box::any_));
  }
  std::int64_t preset() const { return preset_; }
  Result<void> set_preset(std::int64_t preset) {
    preset_ = preset;
    level_ = 10 * preset;
    return {};
  }
  Result<void> set_key(std::string) { return {}; }
  std::int64_t moody() const { return moody_; }
  Result<void> set_moody(std::int64_t moody) {
    moody_ = moody;
    return {};
  }
  Result<void> may_lead_to(Box* target) { return target ? Result<void>() : error("'next' can't be empty"); }

  std::int64_t i64_ = 3;
  std::int64_t declared_ = 0;
  std::int64_t early_ = 1;
  Json extra_;
  std::int64_t number_ = 0;
  std::int64_t preset_ = 0;
  std::int64_t level_ = 5;
  std::int64_t moody_ = 0;
  WeakLink<Box> next_;
  StrongLink<Box> held_;
  WeakLink<Box> base_;
  WeakLink<Object> any_;
};
constinit const TypeInfo Box::type_info{.name = "config-box",
                                        .parent = "object",
                                        .interfaces = {"user-creatable"},
                                        .create = create<Box>,
                                        .class_init = Box::class_init};

// Cannot be created unless the link `needed` is set.
class Needy final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override {
    return needed_ ? Result<void>() : error("Parameter 'needed' is missing");
  }
  WeakLink<Object> needed_;
};
constinit const TypeInfo Needy::type_info{
    .name = "config-needy",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Needy>,
    .class_init = [](ObjectClass& klass) { klass.add(link("needed", &Needy::needed_)); },
};

class ConfigQueryTest : public testing::Test {
 protected:
  ConfigQueryTest() {
    EXPECT_TRUE(register_type(Box::type_info));
    EXPECT_TRUE(register_type(Lid::type_info));
    EXPECT_TRUE(register_type(Needy::type_info));
  }
  ~ConfigQueryTest() override {
    remove_global_defaults();
    remove_all();
  }

  static void remove_all() {
    object_child_foreach(objects_root(), [](Object& object) {
      (void)object.set_property("held", Json(""));
      return 0;
    });
    objects_cleanup();
  }
  static std::string run(const char* command, const char* arguments) {
    auto result = object_registry().run(command, *parse_json(arguments));
    return result ? json_text(*result) : result.error().message();
  }
  static void add(const char* options) { EXPECT_EQ(run("object-add", options), "{}") << options; }
  static void set(const char* arguments) { EXPECT_EQ(run("qom-set-many", arguments), "{}") << arguments; }
  static std::string config() { return run("query-config", "{}"); }
  // Saves the configuration, removes all objects and loads it again. Returns the configuration.
  static std::string reload() {
    const std::string before = config();
    remove_all();
    const auto loaded = load_config(object_registry(), before, "before");
    EXPECT_TRUE(loaded) << loaded.error().message() << "\n" << before;
    EXPECT_EQ(config(), before);
    return before;
  }
  static std::string get(std::string_view path, std::string_view property) {
    Object* object = object_resolve_path(path).object;
    if (!object) return "nothing there";
    auto value = object->get_property(property);
    return value ? json_text(*value) : value.error().message();
  }
};

TEST_F(ConfigQueryTest, links_in_a_ring_are_restored) {
  add("{'qom-type':'config-box','id':'a'}");
  add("{'qom-type':'config-box','id':'b','next':'a','held':'a','base':'a'}");
  add("{'qom-type':'config-box','id':'self'}");
  set("{'path':'self','properties':{'next':'self','held':'self'}}");
  set("{'path':'a','properties':{'next':'b','held':'b'}}");
  const std::string text = reload();
  EXPECT_THAT(text, HasSubstr(R"({"path": "/objects/self", "properties": {"next": "/objects/self", )"
                              R"("held": "/objects/self"}})"));
  EXPECT_EQ(get("a", "next"), "\"/objects/b\"");
  EXPECT_EQ(get("b", "held"), "\"/objects/a\"");
  EXPECT_EQ(get("b", "base"), "\"/objects/a\"");
  EXPECT_EQ(get("self", "held"), "\"/objects/self\"");
}

TEST_F(ConfigQueryTest, in_a_ring_an_object_is_saved_after_those_that_it_requires) {
  add("{'qom-type':'config-box','id':'first'}");
  add("{'qom-type':'config-needy','id':'needy','needed':'first'}");
  add("{'qom-type':'config-box','id':'second','any':'needy'}");
  set("{'path':'second','properties':{'next':'second'}}");
  add("{'qom-type':'config-box','id':'third'}");
  set("{'path':'needy','properties':{'needed':'third'}}");
  set("{'path':'third','properties':{'any':'needy'}}");
  EXPECT_EQ(run("object-del", "{'id':'first'}"), "{}");
  reload();
  EXPECT_EQ(get("needy", "needed"), "\"/objects/third\"");
  EXPECT_EQ(get("third", "any"), "\"/objects/needy\"");
  EXPECT_EQ(get("second", "next"), "\"/objects/second\"");
}

TEST_F(ConfigQueryTest, a_link_to_a_part_of_a_later_object_is_restored) {
  add("{'qom-type':'config-box','id':'a'}");
  add("{'qom-type':'config-box','id':'b'}");
  set("{'path':'a','properties':{'any':'/objects/b/lid'}}");
  set("{'path':'b','properties':{'any':'/objects/b/lid'}}");
  reload();
  EXPECT_EQ(get("a", "any"), "\"/objects/b/lid\"");
  EXPECT_EQ(get("b", "any"), "\"/objects/b/lid\"");
}

TEST_F(ConfigQueryTest, a_link_whose_target_is_destroyed_does_not_prevent_saving) {
  add("{'qom-type':'config-box','id':'a'}");
  add("{'qom-type':'config-box','id':'b','next':'a','any':'a'}");
  EXPECT_EQ(run("object-del", "{'id':'a'}"), "{}");
  EXPECT_EQ(reload(), R"({"objects": [{"qom-type": "config-box", "id": "b", "any": ""}]})");
}

TEST_F(ConfigQueryTest, a_value_from_a_global_default_is_saved) {
  ASSERT_TRUE(parse_global_default("config-box.i64=10"));
  add("{'qom-type':'config-box','id':'a'}");
  remove_global_defaults();
  add("{'qom-type':'config-box','id':'b'}");
  EXPECT_EQ(reload(), R"({"objects": [{"qom-type": "config-box", "id": "a", "i64": 10}, )"
                      R"({"qom-type": "config-box", "id": "b"}]})");
  EXPECT_EQ(get("a", "i64"), "10");
  EXPECT_EQ(get("b", "i64"), "3");
}

TEST_F(ConfigQueryTest, a_saved_value_wins_over_a_global_default_of_another_run) {
  add("{'qom-type':'config-box','id':'a','declared':7}");
  const std::string before = config();
  remove_all();
  ASSERT_TRUE(parse_global_default("config-box.declared=9"));
  ASSERT_TRUE(load_config(object_registry(), before, "before"));
  EXPECT_EQ(get("a", "declared"), "7");
}

TEST_F(ConfigQueryTest, a_property_named_like_an_argument_of_object_add_is_restored) {
  add("{'qom-type':'config-box','id':'a'}");
  set("{'path':'a','properties':{'id':5}}");
  EXPECT_EQ(reload(), R"({"objects": [{"qom-type": "config-box", "id": "a"}], )"
                      R"("settings": [{"path": "/objects/a", "properties": {"id": 5}}]})");
  EXPECT_EQ(get("a", "id"), "5");
}

TEST_F(ConfigQueryTest, properties_are_restored_in_the_order_in_which_they_were_set) {
  add("{'qom-type':'config-box','id':'a','level':1,'preset':2}");
  set("{'path':'a','properties':{'level':3}}");
  reload();
  EXPECT_EQ(get("a", "preset"), "2");
  EXPECT_EQ(get("a", "level"), "3");
}

TEST_F(ConfigQueryTest, settings_of_parts_and_of_the_programs_own_objects_are_restored) {
  auto own = *object_new("config-box");
  ASSERT_TRUE(objects_root().add_child("#own", *own));
  add("{'qom-type':'config-box','id':'a'}");
  set("{'path':'/objects/a/lid','properties':{'angle':30}}");
  set("{'path':'/objects/#own','properties':{'i64':4,'next':'a'}}");
  const std::string before = config();
  EXPECT_EQ(before, R"({"objects": [{"qom-type": "config-box", "id": "a"}], )"
                    R"("settings": [{"path": "/objects/a/lid", "properties": {"angle": 30}}, )"
                    R"({"path": "/objects/#own", "properties": {"i64": 4, "next": "/objects/a"}}]})");
  own = {};
  remove_all();
  EXPECT_EQ(load_config(object_registry(), before, "f").error().message(),
            "f:1:124: Device '/objects/#own' not found");
  EXPECT_TRUE(objects_root().is_empty());
  ASSERT_TRUE(objects_root().add_child("#own", **object_new("config-box")));
  ASSERT_TRUE(load_config(object_registry(), before, "f"));
  EXPECT_EQ(config(), before);
  EXPECT_EQ(get("/objects/a/lid", "angle"), "30");
  EXPECT_EQ(get("/objects/#own", "i64"), "4");
}

TEST_F(ConfigQueryTest, a_change_through_an_alias_is_saved) {
  add("{'qom-type':'config-box','id':'a'}");
  Object& a = *objects_root().child("a");
  const auto room = *object_new("container");
  ASSERT_TRUE(objects_root().add_child("#room", *room));
  ASSERT_TRUE(object_property_add_alias(*room, "box-i64", a, "i64"));
  set("{'path':'/objects/#room','properties':{'box-i64':8}}");
  EXPECT_EQ(config(), R"({"objects": [{"qom-type": "config-box", "id": "a", "i64": 8}]})");
}

TEST_F(ConfigQueryTest, what_can_not_be_saved_is_named) {
  ASSERT_TRUE(parse_global_default("config-lid.size=4"));
  add("{'qom-type':'config-box','id':'a','key':'secret','ratio':1.5,'label':'x'}");
  auto& a = static_cast<Box&>(*objects_root().child("a"));
  a.ratio_ = std::numeric_limits<double>::infinity();
  a.label_ = "\xff";
  EXPECT_EQ(
      config(),
      R"({"objects": [{"qom-type": "config-box", "id": "a"}], "not-saved": [)"
      R"({"path": "/objects/a", "property": "key", "reason": "it can't be read"}, )"
      R"({"path": "/objects/a", "property": "ratio", "reason": "Value 'ratio' is inf, which JSON can't hold"}, )"
      R"({"path": "/objects/a", "property": "label", "reason": "it is not UTF-8"}, )"
      R"({"path": "/objects/a/lid", "property": "size", )"
      R"("reason": "it can't be set once its object is made"}]})");
}

TEST_F(ConfigQueryTest, a_value_nested_too_deep_to_be_read_again_is_named) {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  add("{'qom-type':'config-box','id':'a'}");
  set(("{'path':'a','properties':{'extra':" + nested(1021) + "}}").c_str());
  EXPECT_THAT(reload(), Not(HasSubstr("not-saved")));
  add(("{'qom-type':'config-box','id':'b','extra':" + nested(1022) + "}").c_str());
  EXPECT_THAT(config(),
              HasSubstr(R"({"path": "/objects/b", "property": "extra", "reason": "it is nested too deep"})"));
  ASSERT_TRUE(
      load_config(object_registry(), "{'not-saved': [{'path': 'x', 'property': 'y', 'reason': ''}]}", "f"));
}

TEST_F(ConfigQueryTest, what_one_configuration_could_not_save_the_next_names_again) {
  add("{'qom-type':'config-box','id':'a','key':'secret'}");
  EXPECT_THAT(reload(), HasSubstr("not-saved"));
}

TEST_F(ConfigQueryTest, only_objects_that_users_can_create_are_listed) {
  ASSERT_TRUE(objects_root().add_child("#own", **object_new("config-box")));
  ASSERT_TRUE(objects_root().add_child("plain", **object_new("container")));
  ASSERT_TRUE(object_new_with_props("config-box", objects_root(), "7up", {}));
  ASSERT_TRUE(object_new_with_props("config-box", objects_root(), "like-a-users", {{"i64", 4}}));
  EXPECT_EQ(config(), R"({"objects": [{"qom-type": "config-box", "id": "like-a-users", "i64": 4}]})");
}

TEST_F(ConfigQueryTest, a_query_creates_no_object) {
  add("{'qom-type':'config-box','id':'a'}");
  const int before = made;
  (void)config();
  EXPECT_EQ(made, before);
}

TEST_F(ConfigQueryTest, a_long_chain_of_links_does_not_recurse) {
  constexpr int kLength = 100'000;
  std::string text = "{'objects': [{'qom-type': 'config-box', 'id': 'b0'}";
  for (int i = 1; i < kLength; ++i) {
    text += fmt::format(",{{'qom-type': 'config-box', 'id': 'b{}', 'held': '/objects/b{}'}}", i, i - 1);
  }
  ASSERT_TRUE(load_config(object_registry(), text + "]}", "chain"));
  // Reverses the links, so that each object is held by an older one.
  for (int i = kLength - 1; i > 0; --i) {
    ASSERT_TRUE(objects_root().child(fmt::format("b{}", i))->set_property("held", ""));
  }
  for (int i = 1; i < kLength; ++i) {
    const auto path = fmt::format("/objects/b{}", i);
    ASSERT_TRUE(objects_root().child(fmt::format("b{}", i - 1))->set_property("held", path));
  }
  const auto config = query_config();
  EXPECT_EQ(config->objects.size(), kLength);
  EXPECT_EQ(config->objects.front()["id"], fmt::format("b{}", kLength - 1));
  EXPECT_FALSE(config->settings);
  objects_cleanup();
  EXPECT_TRUE(objects_root().is_empty());
}

TEST_F(ConfigQueryTest, a_configuration_may_be_longer_than_a_clients_request) {
  add("{'qom-type':'config-box','id':'a'}");
  add("{'qom-type':'config-box','id':'b'}");
  const Json many(std::vector<Json>(530'000, 0));
  ASSERT_TRUE(objects_root().child("a")->set_property("extra", many));
  ASSERT_TRUE(objects_root().child("b")->set_property("extra", many));
  reload();
}

TEST_F(ConfigQueryTest, a_configuration_that_fails_restores_what_it_had_set) {
  add("{'qom-type':'config-box','id':'a','i64':1}");
  const auto loaded = load_config(object_registry(),
                                  "{'objects':[{'qom-type':'config-box','id':'b'}],\n"
                                  " 'settings':[{'path':'a','properties':{'i64':2,'held':'b'}},\n"
                                  "             {'path':'b','properties':{'held':'a'}},\n"
                                  "             {'path':'a','properties':{'nope':1}}]}",
                                  "f");
  EXPECT_EQ(loaded.error().message(), "f:4:14: Property 'config-box.nope' not found");
  EXPECT_EQ(get("a", "i64"), "1");
  EXPECT_EQ(get("a", "held"), "\"\"");
  EXPECT_EQ(objects_root().child("b"), nullptr);
}

}  // namespace config_query_test
}  // namespace qomio
