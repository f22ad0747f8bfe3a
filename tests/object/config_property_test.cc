// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration that query-config returns recreates whatever clients have created and set.
#include <gtest/gtest.h>
#include <rapidcheck.h>

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
#include "qomio/tests/qapi/every_kind.h"

namespace qomio {
namespace config_property_test {

using sample::Colour;
using sample::Leaf;
using sample::Shape;

class Knob final : public Object {
 public:
  static const TypeInfo type_info;
  std::int64_t angle_ = 4;
};
constinit const TypeInfo Knob::type_info{
    .name = "random-knob",
    .parent = "object",
    .create = create<Knob>,
    .class_init = [](ObjectClass& klass) { klass.add(property("angle", &Knob::angle_)); },
};

// Has a property of every kind; some depend on each other.
class Panel final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override {
    auto knob = object_new_with_props("random-knob", *this, "knob", {});
    return knob ? Result<void>() : failure(knob);
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("flag", &Panel::flag_));
    klass.add(property("level", &Panel::level_));
    klass.add(property("small", &Panel::small_).default_value(9));
    klass.add(property("i64", &Panel::i64_));
    klass.add(property("u64", &Panel::u64_));
    klass.add(property("size", &Panel::size_));
    klass.add(property("number", &Panel::number_).default_value(0.25));
    klass.add(property("text", &Panel::text_));
    klass.add(property("colour", &Panel::colour_).default_value(Colour::green));
    klass.add(property("numbers", &Panel::numbers_));
    klass.add(property("texts", &Panel::texts_));
    klass.add(property("leaves", &Panel::leaves_));
    klass.add(property("shape", &Panel::shape_));
    klass.add(property("any", &Panel::any_));
    klass.add(property("id", &Panel::id_));
    klass.add(property("preset", &Panel::preset, &Panel::set_preset));
    klass.add(property("early", &Panel::early_).until_complete());
    klass.add(property("base", &Panel::base_number_).range(0, 9).on_change(&Panel::check_sum));
    klass.add(property("rest", &Panel::rest_).range(0, 9).on_change(&Panel::check_sum));
    klass.add(link("friend", &Panel::friend_));
    klass.add(link("holds", &Panel::holds_));
    klass.add(link("root", &Panel::root_).until_complete());
    klass.add(link("knob-of", &Panel::knob_));
  }
  std::int64_t preset() const { return preset_; }
  Result<void> set_preset(std::int64_t preset) {
    preset_ = preset;
    level_ = preset / 2;
    return {};
  }
  Result<void> check_sum() { return base_number_ + rest_ == 9 ? error("nine is too much") : Result<void>(); }

  bool flag_ = true;
  std::int64_t level_ = 3;
  std::int8_t small_ = 0;
  std::int64_t i64_ = -1;
  std::uint64_t u64_ = 7;
  Size size_{4096};
  double number_ = 0;
  std::string text_ = "new";
  Colour colour_ = Colour::red;
  std::vector<std::int64_t> numbers_{1, 2};
  std::vector<std::string> texts_{"a"};
  std::vector<Leaf> leaves_;
  Shape shape_;
  Json any_;
  std::int64_t id_ = 0;
  std::int64_t preset_ = 0;
  std::int64_t early_ = 0;
  std::int64_t base_number_ = 0;
  std::int64_t rest_ = 0;
  WeakLink<Panel> friend_;
  StrongLink<Panel> holds_;
  WeakLink<Panel> root_;
  WeakLink<Knob> knob_;
};
constinit const TypeInfo Panel::type_info{.name = "random-panel",
                                          .parent = "object",
                                          .interfaces = {"user-creatable"},
                                          .create = create<Panel>,
                                          .class_init = Panel::class_init};

const std::vector<std::string> kIds{"a", "b", "c", "d", "e"};

std::string any_string() {
  return *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab,[]{}\"'\\/ \n\0", 15)));
}

Json any_number() {
  return *rc::gen::oneOf(rc::gen::map(rc::gen::inRange(-5, 20), [](int i) { return Json(i); }),
                         rc::gen::element<Json>(INT64_MIN, INT64_MAX, UINT64_MAX, 0.1, -1e300));
}

// Returns a value that usually fits the property. A value that is refused changes nothing.
Json any_value(const std::string& name) {
  const auto path = [](const char* below) {
    return Json(*rc::gen::element<std::string>("/objects/") + *rc::gen::elementOf(kIds) + below);
  };
  if (name == "flag") return *rc::gen::arbitrary<bool>();
  if (name == "text") return any_string();
  if (name == "colour") return *rc::gen::element("red", "green", "blue");
  if (name == "numbers")
    return *rc::gen::container<std::vector<std::int64_t>>(rc::gen::arbitrary<std::int64_t>());
  if (name == "texts") return Json::array({any_string(), any_string()});
  if (name == "leaves") return Json::array({Json{{"name", any_string()}, {"weight", 2}}});
  if (name == "shape")
    return *rc::gen::element(Json{{"colour", "blue"}}, Json{{"colour", "red"}, {"radius", 0.5}});
  if (name == "any")
    return *rc::gen::element(Json(nullptr), Json::array({1, "x"}), Json{{"a", any_number()}});
  if (name == "friend" || name == "holds" || name == "root")
    return *rc::gen::arbitrary<bool>() ? path("") : Json("");
  if (name == "knob-of") return path("/knob");
  return any_number();
}

Json some_properties() {
  Json properties = Json::object();
  const auto& all = (*object_class_by_name("random-panel"))->properties();
  for (int n = *rc::gen::inRange(0, 4); n > 0; --n) {
    const Property& property = **rc::gen::elementOf(all);
    if (property.is_writable()) properties[property.name()] = any_value(property.name());
  }
  return properties;
}

void run(const char* command, const Json& arguments) {
  (void)object_registry().run(command, *parse_json(json_text(arguments)));
}

void do_something() {
  const std::string id = *rc::gen::elementOf(kIds);
  switch (*rc::gen::inRange(0, 8)) {
    case 0:
    case 1:
    case 2: {
      Json options = some_properties();
      options["id"] = id;
      options["qom-type"] = "random-panel";
      return run("object-add", options);
    }
    case 3:
      return run("object-del", {{"id", id}});
    case 4:
      return run("qom-set",
                 {{"path", "/objects/" + id + "/knob"}, {"property", "angle"}, {"value", any_number()}});
    default:
      return run("qom-set-many", {{"path", "/objects/" + id}, {"properties", some_properties()}});
  }
}

// Returns all readable properties of every object below /objects, by path.
Json everything() {
  Json all = Json::object();
  object_child_foreach_recursive(objects_root(), [&](Object& object) {
    Json& values = all[*object_get_canonical_path(object)];
    for (const auto& view : object.property_views()) {
      if (auto value = object.get_property(view.name)) values[std::string(view.name)] = std::move(*value);
    }
    return 0;
  });
  return all;
}

// Compares by path, not by position: objects are recreated in the order of their links.
bool same(const Json& a, const Json& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [path, values] : a.items()) {
    if (!b.contains(path) || b[path] != values) return false;
  }
  return true;
}

void remove_everything() {
  object_child_foreach(objects_root(), [](Object& object) {
    (void)object.set_property("holds", Json(""));
    return 0;
  });
  objects_cleanup();
}

TEST(ConfigPropertyTest, a_saved_configuration_restores_what_clients_created) {
  ASSERT_TRUE(register_type(Panel::type_info));
  ASSERT_TRUE(register_type(Knob::type_info));
  EXPECT_TRUE(rc::check("any history", [] {
    remove_everything();
    if (*rc::gen::inRange(0, 3) == 0) {
      RC_ASSERT(parse_global_default("random-panel.i64=10").has_value());
      RC_ASSERT(parse_global_default("random-knob.angle=11").has_value());
    }
    const int length = *rc::gen::inRange(5, 30);
    for (int i = 0; i < length; ++i) do_something();
    remove_global_defaults();

    const Json before = everything();
    const auto config = query_config();
    RC_ASSERT(config.has_value());
    RC_ASSERT(!config->not_saved.has_value());
    RC_TAG(config->settings.has_value());
    const std::string text = json_text(to_json(*config));
    remove_everything();
    const auto loaded = load_config(object_registry(), text, "f");
    if (!loaded) RC_FAIL(loaded.error().message() + "\n" + text);
    const Json after = everything();
    if (!same(before, after)) RC_FAIL(text + "\n" + json_text(before) + "\n" + json_text(after));
    RC_ASSERT(json_text(to_json(*query_config())) == text);
  }));
  remove_everything();
}

}  // namespace config_property_test
}  // namespace qomio
