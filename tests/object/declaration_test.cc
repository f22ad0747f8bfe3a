// SPDX-License-Identifier: GPL-2.0-or-later
// Mistakes in a declaration are reported as errors and never corrupt memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "qomio/object/global_defaults.h"
#include "qomio/object/link.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace declaration_test {

using testing::HasSubstr;

class Gauge : public Object {
 public:
  static const TypeInfo type_info;
  std::int64_t level = 0;
  double ratio = 0;
  std::string text;
  std::string past[16];
  std::int64_t get() const { return level; }
  Result<void> set(std::int64_t value) {
    if (value == 13) return error("unlucky");
    level = value;
    return {};
  }
  Result<void> hook() { return {}; }
};
constinit const TypeInfo Gauge::type_info{.name = "gauge", .parent = "object", .create = create<Gauge>};

// Creates an object of a type with this class_init. Returns the error message, or "ok".
std::string declaring(void (*class_init)(ObjectClass&)) {
  static int number = 0;
  const std::string name = "declared-" + std::to_string(++number);
  if (auto r = register_type(
          {.name = name, .parent = "object", .create = create<Gauge>, .class_init = class_init});
      !r)
    return r.error().message();
  auto made = object_new(name);
  std::string message = made ? "ok" : made.error().message();
  for (auto at = message.find(name); at != std::string::npos; at = message.find(name))
    message.replace(at, name.size(), "t");
  return message;
}

TEST(Declarations, that_contradict_themselves_are_errors_of_the_class) {
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("p", &Gauge::level).range(5, 4)); }),
            "Property 't.p' has a range whose low end is above its high end");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("p", &Gauge::ratio).range(0, std::nan(""))); }),
            "Property 't.p' has a range whose low end is above its high end");
  EXPECT_EQ(
      declaring([](ObjectClass& k) { k.add(property("p", &Gauge::level).range(0, 10).default_value(11)); }),
      "Property 't.p' has a default value outside its range");
  EXPECT_EQ(
      declaring([](ObjectClass& k) { k.add(property("p", &Gauge::level).default_value(-1).range(0, 10)); }),
      "Property 't.p' has a default value outside its range");
  EXPECT_EQ(declaring([](ObjectClass& k) {
              k.add(property("p", &Gauge::level).default_value(1).default_value(1));
            }),
            "Property 't.p' has two default values");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("p", &Gauge::get).default_value(1)); }),
            "Property 't.p' has a default value, and can not be set");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("p", &Gauge::get).on_change(&Gauge::hook)); }),
            "Property 't.p' has an on_change hook, and can not be set");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("p", &Gauge::get).until_complete()); }),
            "Property 't.p' is settable until complete(), and can not be set");
  EXPECT_EQ(
      declaring([](ObjectClass& k) { k.add(property("p", nullptr, &Gauge::set).on_change(&Gauge::hook)); }),
      "Property 't.p' has an on_change hook, and can't be read to put back what that refuses");
  EXPECT_EQ(declaring([](ObjectClass& k) {
              k.add(property("p", &Gauge::level));
              k.add(property("p", &Gauge::ratio));
            }),
            "Property 't.p' is declared twice");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("type", &Gauge::level)); }),
            "Property 't.type' is declared twice");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("", &Gauge::level)); }),
            "Property 't.' is refused: a name can't be empty");
  EXPECT_EQ(declaring([](ObjectClass& k) { k.add(property("a/b", &Gauge::level)); }),
            "Property 't.a/b' is refused: name 'a/b' has a '/', which separates names in paths");
  EXPECT_EQ(
      declaring([](ObjectClass& k) { k.add(property("p", &Gauge::get, &Gauge::set).default_value(13)); }),
      "type 't' has a default that it refuses: unlucky");
  EXPECT_EQ(declaring([](ObjectClass& k) {
              const char* f = "f";
              k.add(property("p", &Gauge::level).with({f, f, f, f, f}));
            }),
            "Property 't.p' has more features than there is room for");
  EXPECT_EQ(
      declaring([](ObjectClass& k) { k.add(property("p", &Gauge::level).range(4, 4).default_value(4)); }),
      "ok");
}

TEST(Declarations, are_all_looked_at_by_check_types) {
  ASSERT_TRUE(check_types().has_value() || true);  // other tests may have registered wrong types before
  static constinit const TypeInfo wrong{.name = "0-is-no-name", .parent = "object"};
  EXPECT_FALSE(register_type(wrong));
  static constinit const TypeInfo early{
      .name = "1st-of-all", .parent = "object", .class_init = [](ObjectClass& k) {
        k.add(property("p", &Gauge::level).range(1, 0));
      }};
  ASSERT_TRUE(register_type(early));
  EXPECT_THAT(check_types().error().message(), HasSubstr("1st-of-all.p"));
}

TEST(Declarations, of_one_object_are_refused_alike) {
  const Ref<Object> object = *object_new("container");
  const auto adding = [&](auto property) {
    auto r = object->add_property(std::move(property));
    return r ? std::string("ok") : r.error().message();
  };
  const auto number = [](std::string_view name) {
    return property<std::int64_t>(name, [](const Object&) { return 1; }, nullptr);
  };
  EXPECT_EQ(adding(number("a/b")), "name 'a/b' has a '/', which separates names in paths");
  EXPECT_EQ(adding(number("")), "a name can't be empty");
  EXPECT_EQ(adding(number("p").default_value(1)),
            "Property 'container.p' has a default value, and can not be set");
  EXPECT_EQ(adding(number("p")), "ok");
}

TEST(Declarations, more_interfaces_than_there_is_room_for_are_an_error) {
  std::string names[9];
  for (int i = 0; i < 9; ++i) names[i] = "interface-" + std::to_string(i);
  const TypeInfo info{.name = "of-many-faces",
                      .parent = "object",
                      .interfaces = {names[0], names[1], names[2], names[3], names[4], names[5], names[6],
                                     names[7], names[8]}};
  EXPECT_EQ(register_type(info).error().message(), "Registering 'of-many-faces' with more than 8 interfaces");
}

// --- A forgotten .create: the objects have the parent's C++ class, which is smaller ---

class Tank final : public Gauge {
 public:
  static const TypeInfo type_info;
  std::int64_t volume = 42;
};
constinit const TypeInfo Tank::type_info{.name = "tank-without-create", .parent = "gauge"};

TEST(ForgottenCreate, is_an_error_where_a_property_shows_it) {
  ASSERT_TRUE(register_type(Gauge::type_info));
  static constinit const TypeInfo info{
      .name = "tank-with-volume", .parent = "gauge", .class_init = [](ObjectClass& k) {
        k.add(property("volume", &Tank::volume));
      }};
  ASSERT_TRUE(register_type(info));
  EXPECT_EQ(object_new("tank-with-volume").error().message(),
            "type 'tank-with-volume' makes objects of another C++ class than property 'volume' is for: is "
            ".create of "
            "its TypeInfo missing?");
}

TEST(ForgottenCreate, is_an_error_once_the_class_is_cast_to) {
  ASSERT_TRUE(register_type(Gauge::type_info));
  ASSERT_TRUE(register_type(Tank::type_info));
  auto made = object_new_with_props<Tank>("t");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(),
            "type 'tank-without-create' makes objects of another C++ class than type_info of type "
            "'tank-without-create' is for: is .create of its TypeInfo missing?");
}

class Tub final : public Gauge {
 public:
  static const TypeInfo type_info;
};
constinit const TypeInfo Tub::type_info{.name = "tub-without-create", .parent = "gauge"};

TEST(ForgottenCreate, is_an_error_even_if_objects_were_made_by_name_before) {
  ASSERT_TRUE(register_type(Gauge::type_info));
  ASSERT_TRUE(register_type(Tub::type_info));
  EXPECT_TRUE(object_new("tub-without-create")) << "nothing shows the mistake yet";
  EXPECT_FALSE(object_new_with_props<Tub>("t"));
}

// --- Names and roots ---

TEST(Names, that_paths_can_not_say_are_refused) {
  const Ref<Object> child = *object_new("container");
  EXPECT_EQ(objects_root().add_child("a/b", *child).error().message(),
            "name 'a/b' has a '/', which separates names in paths");
  EXPECT_EQ(objects_root().add_child("/", *child).error().message(),
            "name '/' has a '/', which separates names in paths");
  EXPECT_EQ(objects_root().add_child("", *child).error().message(), "a name can't be empty");
  EXPECT_FALSE(objects_root().add_child("a/[*]", *child));
  EXPECT_EQ(child->parent(), nullptr);
}

TEST(Roots, stay_where_they_are) {
  const Ref<Object> group = *object_new("container");
  for (Object* root : {&object_root(), &objects_root(), &internal_root()}) {
    EXPECT_EQ(group->add_child("r", *root).error().message(), "a root can't be added to a tree, as 'r'");
    EXPECT_DEATH(object_unparent(*root), "a root of the object tree can't be unparented");
  }
  EXPECT_EQ(object_get_canonical_path(objects_root()), "/objects");
}

TEST(GlobalDefaults, for_all_objects_do_not_keep_the_roots_from_being_made) {
  // Runs in its own process, where the roots do not exist yet.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto start = [] {
    add_global_default("object", "type", "x");
    const bool there = object_root().child("objects") == &objects_root();
    const auto made = object_new("container");
    fmt::print(stderr, "{} {}", there, made ? "made" : made.error().message());
    std::exit(there ? 0 : 1);
  };
  EXPECT_EXIT(start(), testing::ExitedWithCode(0),
              "true can't apply global object.type=x: Property 'container.type' is not writable");
}

// --- Values that a property accepts ---

class Meter final : public Object {
 public:
  static const TypeInfo type_info;
  std::uint64_t total = 7;
  Size size{7};
  std::vector<std::uint64_t> all;
  std::vector<bool> flags;
  std::uint8_t small = 7;
};
constinit const TypeInfo Meter::type_info{
    .name = "meter", .parent = "object", .create = create<Meter>, .class_init = [](ObjectClass& k) {
      k.add(property("total", &Meter::total));
      k.add(property("size", &Meter::size));
      k.add(property("all", &Meter::all));
      k.add(property("flags", &Meter::flags));
      k.add(property("small", &Meter::small));
    }};

TEST(UnsignedProperties, refuse_negative_numbers_however_they_come) {
  ASSERT_TRUE(register_type(Meter::type_info));
  const Ref<Object> meter = *object_new("meter");
  auto& m = static_cast<Meter&>(*meter);
  for (const char* name : {"total", "size", "small"}) {
    EXPECT_EQ(meter->set_property(name, Json(-1)).error().message(),
              std::string("Parameter '") + name + "' expects uint64");
    EXPECT_FALSE(meter->parse_property(name, "-1")) << name;
    EXPECT_FALSE(object_set_props(*meter, {{name, -1}})) << name;
    EXPECT_FALSE(object_set_props(*meter, {{name, "-1"}})) << name;
    EXPECT_FALSE(object_new_with_props("meter", objects_root(), "m", {{name, -1}})) << name;
  }
  EXPECT_FALSE(meter->set_property("all", Json{1, -1}));
  EXPECT_FALSE(meter->parse_property("all", "-2--1"));
  EXPECT_EQ(m.total, 7);
  EXPECT_EQ(m.size.bytes, 7);
  EXPECT_TRUE(m.all.empty());
  EXPECT_TRUE(meter->parse_property("total", "-0"));
  EXPECT_TRUE(meter->set_property("total", Json(UINT64_MAX)));
  EXPECT_EQ(m.total, UINT64_MAX);
}

TEST(ListsOfFlags, are_read_and_shown) {
  ASSERT_TRUE(register_type(Meter::type_info));
  const Ref<Object> meter = *object_new("meter");
  ASSERT_TRUE(meter->set_property("flags", Json{true, false, true}));
  EXPECT_EQ(*meter->get_property("flags"), Json({true, false, true}));
  ASSERT_TRUE(meter->parse_property("flags", "off,on"));
  EXPECT_EQ(static_cast<Meter&>(*meter).flags, (std::vector<bool>{false, true}));
}

// --- Setting several properties: all or none, even if a value can't be read back ---

class Safe final : public Object {
 public:
  static const TypeInfo type_info;
  std::string secret, pin, label;
  std::int64_t limit = 0;
  Result<void> set_secret(std::string s) {
    if (s == "bad") return error("a bad secret");
    secret = std::move(s);
    return {};
  }
  Result<void> set_pin(std::string s) { return pin = std::move(s), Result<void>(); }
  Result<void> hook() {
    if (limit == 13) return error("unlucky");
    return {};
  }
};
constinit const TypeInfo Safe::type_info{
    .name = "safe", .parent = "object", .create = create<Safe>, .class_init = [](ObjectClass& k) {
      k.add(property("secret", nullptr, &Safe::set_secret));
      k.add(property("pin", nullptr, &Safe::set_pin));
      k.add(property("label", &Safe::label));
      k.add(property("limit", &Safe::limit).range(0, 100).on_change(&Safe::hook));
    }};

TEST(SettingSeveral, is_all_or_none_with_what_can_not_be_read_back) {
  ASSERT_TRUE(register_type(Safe::type_info));
  const Ref<Object> object = *object_new("safe");
  auto& safe = static_cast<Safe&>(*object);
  ASSERT_TRUE(object_set_props(*object, {{"secret", "s"}, {"label", "l"}, {"limit", 1}}));
  const auto refused = [&](std::initializer_list<PropertyArgument> values) {
    EXPECT_FALSE(object_set_props(*object, values));
    EXPECT_EQ(safe.secret, "s");
    EXPECT_EQ(safe.label, "l");
    EXPECT_EQ(safe.limit, 1);
    EXPECT_EQ(safe.pin, "");
  };
  refused({{"secret", "new"}, {"limit", 13}});
  refused({{"limit", 13}, {"secret", "new"}, {"label", "new"}});
  refused({{"secret", "bad"}, {"limit", 2}, {"label", "new"}});
  refused({{"label", "new"}, {"secret", "new"}, {"limit", 101}});
  refused({{"secret", "new"}, {"pin", "new"}});
  refused({{"pin", "new"}, {"secret", "bad"}});
  EXPECT_EQ(object_set_props(*object, {{"pin", "1"}, {"secret", "2"}}).error().message(),
            "Properties 'pin' and 'secret' can't be read, so they can't be set together");
  ASSERT_TRUE(object_set_props(*object, {{"pin", "1"}, {"label", "new"}}));
  EXPECT_EQ(safe.pin, "1");
  // A new object accepts both together, since it is destroyed if one is refused.
  EXPECT_TRUE(object_new_with_props("safe", objects_root(), "#s", {{"pin", "1"}, {"secret", "2"}}));
  object_unparent(*objects_root().child("#s"));
}

}  // namespace declaration_test
}  // namespace qomio
