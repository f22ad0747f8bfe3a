// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/property.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/object_new.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

using testing::ElementsAre;

enum class Phase { idle, busy, done };
enum class Fruit { apple, pear };

struct Point {
  std::int64_t x = 0;
  std::int64_t y = 0;
  static constexpr std::string_view type_name = "Point";
  static constexpr auto members = member_list(member("x", &Point::x), member("y", &Point::y));
};

}  // namespace

template <>
inline constexpr auto enum_description<Phase> = EnumDescription(
    "Phase", value(Phase::idle, "idle"), value(Phase::busy, "busy"), value(Phase::done, "done"));
template <>
inline constexpr auto enum_description<Fruit> =
    EnumDescription("Fruit", value(Fruit::apple, "apple"), value(Fruit::pear, "pear"));

namespace {

// Has a property of each kind.
class Kinds final : public Object {
 public:
  static const TypeInfo type_info;
  int hooks = 0;
  void lead_to(Kinds* target) { shown_.assign(target, *this); }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("bool", &Kinds::bool_));
    klass.add(property("string", &Kinds::string_));
    klass.add(property("int8", &Kinds::int8_));
    klass.add(property("uint8", &Kinds::uint8_));
    klass.add(property("int16", &Kinds::int16_));
    klass.add(property("uint16", &Kinds::uint16_));
    klass.add(property("int32", &Kinds::int32_));
    klass.add(property("uint32", &Kinds::uint32_));
    klass.add(property("int", &Kinds::int_));
    klass.add(property("uint64", &Kinds::uint64_));
    klass.add(property("size", &Kinds::size_));
    klass.add(property("number", &Kinds::number_));
    klass.add(property("phase", &Kinds::phase_).default_value(Phase::busy));
    klass.add(property("point", &Kinds::point_));
    klass.add(property("list", &Kinds::list_));
    klass.add(property("any", &Kinds::any_));
    klass.add(property("time", &Kinds::time));
    klass.add(property("low", &Kinds::low_).default_value(1).on_change(&Kinds::ordered));
    klass.add(property("high", &Kinds::high_).default_value(9).on_change(&Kinds::ordered));
    klass.add(property("name", &Kinds::name_));
    klass.add(link("shown", &Kinds::shown_).read_only());
    klass.add(link("other", &Kinds::other_).check(&Kinds::may_lead_to));
  }
  DateTime time() const { return {.year = 126, .month = 1}; }
  Result<void> may_lead_to(Kinds* target) {
    if (target == this) return error("'other' can't be the object itself");
    if (!target && bool_) return error("'other' can't be cleared now");
    return {};
  }
  Result<void> ordered() {
    ++hooks;
    return low_ <= high_ ? Result<void>() : error("low is above high");
  }

  bool bool_ = false;
  std::string string_;
  std::int8_t int8_ = 0;
  std::uint8_t uint8_ = 0;
  std::int16_t int16_ = 0;
  std::uint16_t uint16_ = 0;
  std::int32_t int32_ = 0;
  std::uint32_t uint32_ = 0;
  std::int64_t int_ = 0;
  std::uint64_t uint64_ = 0;
  Size size_;
  double number_ = 0;
  Phase phase_ = Phase::idle;
  Point point_;
  std::vector<std::int64_t> list_;
  Json any_;
  std::int64_t low_ = 0;
  std::int64_t high_ = 0;
  std::string name_ = "c";
  WeakLink<Kinds> shown_;
  StrongLink<Kinds> other_;
};

const TypeInfo Kinds::type_info{
    .name = "kinds", .parent = "object", .create = create<Kinds>, .class_init = class_init};

class PropertyTest : public testing::Test {
 protected:
  PropertyTest() { EXPECT_TRUE(register_type(Kinds::type_info)); }
  ~PropertyTest() override { objects_cleanup(); }

  static Ref<Kinds> make(std::initializer_list<PropertyArgument> values = {}) {
    auto made = object_new_with_props(Kinds::type_info.name, internal_root(), "", values);
    EXPECT_TRUE(made) << made.error().message();
    return Ref<Kinds>(object_check<Kinds>(**made));
  }
  template <class T>
  static std::string message(const Result<T>& r) {
    return r ? "ok" : r.error().message();
  }
};

TEST_F(PropertyTest, of_every_kind_keeps_the_value_that_it_is_given) {
  const auto object = make();
  const std::vector<std::pair<std::string, Json>> values{
      {"bool", true},         {"string", "text"},
      {"int8", -128},         {"uint8", 255},
      {"int16", -32768},      {"uint16", 65535},
      {"int32", -2147483648}, {"uint32", 4294967295},
      {"int", INT64_MIN},     {"uint64", UINT64_MAX},
      {"size", 4096},         {"number", 1.5},
      {"phase", "done"},      {"point", {{"x", 1}, {"y", 2}}},
      {"list", {1, 2, 3}},    {"any", {{"a", {1, nullptr}}}}};
  for (const auto& [name, value] : values) {
    EXPECT_EQ(message(object->set_property(name, value)), "ok") << name;
    EXPECT_EQ(*object->get_property(name), value) << name;
  }
}

TEST_F(PropertyTest, of_every_kind_is_set_from_text) {
  const auto object = make({{"bool", "off"},
                            {"string", ""},
                            {"uint8", "0xff"},
                            {"size", "1.5K"},
                            {"number", "1e3"},
                            {"phase", "done"},
                            {"list", "1,3-5"},
                            {"any", "x"}});
  EXPECT_EQ(*object->get_property("uint8"), 255);
  EXPECT_EQ(*object->get_property("size"), 1536);
  EXPECT_EQ(*object->get_property("number"), 1000.0);
  EXPECT_EQ(*object->get_property("phase"), "done");
  EXPECT_EQ(*object->get_property("list"), Json({1, 3, 4, 5}));
}

TEST_F(PropertyTest, numbers_and_flags_are_passed_without_text) {
  const auto object = make({{"bool", true}, {"uint8", 255}, {"int", -1}, {"number", 2.5}, {"low", 7}});
  EXPECT_EQ(*object->get_property("bool"), true);
  EXPECT_EQ(*object->get_property("uint8"), 255);
  EXPECT_EQ(*object->get_property("int"), -1);
  EXPECT_EQ(*object->get_property("number"), 2.5);
  EXPECT_TRUE(object_set_props(*object, {{"bool", false}, {"low", 8}, {"number", "3"}}));
  EXPECT_EQ(*object->get_property("low"), 8);
  EXPECT_EQ(*object->get_property("number"), 3.0);
  EXPECT_EQ(message(object_set_props(*object, {{"bool", 1}})),
            "Invalid parameter type for 'bool', expected: boolean");
}

TEST_F(PropertyTest, a_value_that_does_not_fit_is_refused_and_not_stored) {
  const auto object = make({{"uint8", 7}, {"phase", "done"}, {"name", "k"}});
  EXPECT_EQ(message(object->set_property("uint8", 256)), "Parameter 'uint8' expects uint8_t");
  EXPECT_EQ(message(object->set_property("int8", -129)), "Parameter 'int8' expects int8_t");
  EXPECT_EQ(message(object->set_property("phase", "lazy")), "Parameter 'phase' does not accept value 'lazy'");
  EXPECT_EQ(message(object->set_property("point", {{"x", 1}})), "Parameter 'point.y' is missing");
  EXPECT_EQ(message(object->set_property("list", {1, "b"})),
            "Invalid parameter type for 'list[1]', expected: integer");
  EXPECT_EQ(*object->get_property("uint8"), 7);
  EXPECT_EQ(*object->get_property("phase"), "done");
  EXPECT_EQ(*object->get_property("list"), Json::array());
  EXPECT_EQ(*object->get_property("name"), "k");
}

TEST_F(PropertyTest, a_wrong_value_at_any_position_leaves_no_object) {
  const std::vector<PropertyArgument> good{{"bool", true}, {"string", "s"}, {"uint8", 1}, {"phase", "done"}};
  for (std::size_t bad = 0; bad <= good.size(); ++bad) {
    auto values = good;
    values.insert(values.begin() + static_cast<std::ptrdiff_t>(bad), {"int8", 1000});
    const auto made = object_new_with_props("kinds", objects_root(), "k0", values);
    EXPECT_EQ(message(made), "Parameter 'int8' expects int8_t");
    EXPECT_TRUE(objects_root().is_empty());
  }
}

TEST_F(PropertyTest, a_hook_runs_once_for_all_initial_values_and_not_for_defaults) {
  EXPECT_EQ(make()->hooks, 0);
  const auto object = make({{"low", 20}, {"high", 30}});
  EXPECT_EQ(object->hooks, 1) << "low would have been refused alone";
  EXPECT_EQ(message(object_new_with_props("kinds", internal_root(), "", {{"high", 0}})), "low is above high");
}

TEST_F(PropertyTest, an_enum_is_read_as_its_name_and_as_its_value) {
  const auto object = make();
  EXPECT_EQ(*object_property_get_str(*object, "string"), "");
  EXPECT_EQ(*object_property_get_enum<Phase>(*object, "phase"), Phase::busy) << "its default";
  EXPECT_TRUE(object_property_set_enum(*object, "phase", Phase::done));
  EXPECT_EQ(static_cast<int>(*object_property_get_enum<Phase>(*object, "phase")), 2);
  EXPECT_EQ(*object->get_property("phase"), "done");
  EXPECT_EQ(message(object_property_get_enum<Fruit>(*object, "phase")),
            "Parameter 'phase' does not accept value 'done'");
  EXPECT_EQ(message(object_property_get_enum<Phase>(*object, "bool")),
            "Invalid parameter type for 'bool', expected: string");
}

TEST_F(PropertyTest, scalars_are_read_and_set_without_json) {
  const auto object = make();
  EXPECT_TRUE(object_property_set_int(*object, "uint16", 65535));
  EXPECT_EQ(*object_property_get_int(*object, "uint16"), 65535);
  EXPECT_TRUE(object_property_set_bool(*object, "bool", true));
  EXPECT_TRUE(*object_property_get_bool(*object, "bool"));
  EXPECT_TRUE(object_property_set_str(*object, "string", "s"));
  EXPECT_EQ(*object_property_get_str(*object, "string"), "s");
  EXPECT_EQ(message(object_property_set_int(*object, "uint16", 65536)),
            "Parameter 'uint16' expects uint16_t");
  EXPECT_EQ(message(object_property_set_int(*object, "string", 1)),
            "Invalid parameter type for 'string', expected: string");
  EXPECT_EQ(message(object_property_get_bool(*object, "nope")), "Property 'kinds.nope' not found");
}

TEST_F(PropertyTest, a_point_in_time_is_shown_as_its_calendar_fields) {
  const auto object = make();
  EXPECT_EQ((*object->get_property("time"))["tm_year"], 126);
  EXPECT_EQ(message(object->set_property("time", Json::object())), "Property 'kinds.time' is not writable");
  EXPECT_EQ(object->find_property("time")->type_name(), "struct tm");
}

TEST_F(PropertyTest, a_read_only_link_is_set_by_its_object_only) {
  const auto target = make();
  ASSERT_TRUE(objects_root().add_child("target", *target));
  const auto object = make();
  EXPECT_EQ(message(object->set_property("shown", "/objects/target")),
            "Property 'kinds.shown' is not writable");
  object->lead_to(target.get());
  EXPECT_EQ(*object->get_property("shown"), "/objects/target");
}

TEST_F(PropertyTest, a_link_runs_its_check_before_it_changes) {
  const auto target = make();
  ASSERT_TRUE(objects_root().add_child("target", *target));
  const auto object = make();
  ASSERT_TRUE(objects_root().add_child("object", *object));
  EXPECT_EQ(message(object->set_property("other", "/objects/target")), "ok");
  EXPECT_EQ(message(object->set_property("other", "object")), "'other' can't be the object itself");
  ASSERT_TRUE(object->set_property("bool", true));
  EXPECT_EQ(message(object->set_property("other", "")), "'other' can't be cleared now");
  EXPECT_EQ(*object->get_property("other"), "/objects/target");
  EXPECT_THAT(target->holders(), ElementsAre(Holder{"kinds", "object"}));
  EXPECT_EQ(message(object_set_props(*object, {{"bool", false}, {"other", ""}})),
            "'other' can't be cleared now")
      << "each is checked before any is stored";
  EXPECT_EQ(*object->get_property("bool"), true);
}

TEST_F(PropertyTest, instance_properties_take_the_first_free_number_and_are_released_once) {
  std::vector<std::string> released;
  const auto object = make();
  const auto add = [&](const std::string& name) {
    auto state = std::make_shared<std::string>(name);
    return message(object->add_property(property<std::string>(
                                            name, [state](const Object&) { return *state; }, nullptr),
                                        [&released, name](Object&) { released.push_back(name); }));
  };
  const auto own = [&] {
    std::vector<std::string> names;
    for (const auto& view : object->property_views()) {
      if (view.name.starts_with("p[")) names.emplace_back(view.name);
    }
    return names;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(add("p[*]"), "ok");
  EXPECT_TRUE(object->delete_property("p[1]"));
  EXPECT_THAT(released, ElementsAre("p[*]"));
  EXPECT_EQ(add("p[1]"), "ok") << "by its full name";
  EXPECT_EQ(add("p[*]"), "ok");
  EXPECT_THAT(own(), ElementsAre("p[0]", "p[2]", "p[1]", "p[3]"));
  EXPECT_EQ(add("p[2]"), "attempt to add duplicate property 'p[2]' to object (type 'kinds')");
}

TEST_F(PropertyTest, features_are_kept) {
  const std::unique_ptr<Property> old =
      property<bool>("old", [](const Object&) { return true; }, nullptr).with({"deprecated"});
  EXPECT_THAT(old->features(), ElementsAre("deprecated"));
}

}  // namespace
}  // namespace qomio
