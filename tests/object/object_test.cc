// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "qomio/object/link.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"

namespace qomio {
namespace {

using testing::ElementsAre;

std::vector<std::string> log;

enum class Colour { red, green };

}  // namespace

template <>
inline constexpr auto enum_description<Colour> =
    EnumDescription("Colour", value(Colour::red, "red"), value(Colour::green, "green"));

namespace {

// Has properties of each kind, a hook, and a complete() that can be made to fail.
class Lamp : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  ~Lamp() override { log.push_back("~" + label_); }

  Result<void> complete() override {
    if (fails_) return error("the lamp is broken");
    return {};
  }
  bool can_be_deleted() const override { return !locked_; }

  int hooks = 0;
  std::int64_t watts() const { return watts_; }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("watts", &Lamp::watts_).range(0, 100).default_value(40).on_change(&Lamp::changed));
    klass.add(property("volts", &Lamp::volts_).on_change(&Lamp::changed).describe("electrical tension"));
    klass.add(property("label", &Lamp::label_));
    klass.add(property("on", &Lamp::on_));
    klass.add(property("colour", &Lamp::colour_));
    klass.add(property("locked", &Lamp::locked_));
    klass.add(property("fails", &Lamp::fails_).until_complete());
    klass.add(property("power", &Lamp::power));
    klass.add(property("secret", nullptr, &Lamp::set_secret));
    klass.add(link("near", &Lamp::near_));
    klass.add(link("host", &Lamp::host_));
  }
  Result<void> changed() {
    ++hooks;
    if (watts_ * volts_ == 13) return error("unlucky");
    return {};
  }
  std::int64_t power() const { return watts_ * volts_; }
  Result<void> set_secret(std::string value) {
    label_ = std::move(value);
    return {};
  }

  std::int64_t watts_ = 0;
  std::uint8_t volts_ = 1;
  std::string label_ = "lamp";
  bool on_ = false;
  Colour colour_ = Colour::red;
  bool locked_ = false;
  bool fails_ = false;
  WeakLink<Lamp> near_;
  StrongLink<Lamp> host_;
};

const TypeInfo Lamp::type_info{
    .name = "lamp",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Lamp>,
    .class_init = class_init,
};

class ObjectTest : public testing::Test {
 protected:
  ObjectTest() {
    log.clear();
    EXPECT_TRUE(register_type(Lamp::type_info));
  }
  ~ObjectTest() override { objects_cleanup(); }

  static std::string message(const Result<void>& r) { return r ? "ok" : r.error().message(); }
  template <class T>
  static std::string message(const Result<T>& r) {
    return r ? "ok" : r.error().message();
  }
  static Ref<Lamp> lamp(std::string_view id, std::initializer_list<PropertyArgument> properties = {}) {
    auto made = object_new_with_props<Lamp>(id, properties);
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
};

TEST_F(ObjectTest, is_created_with_properties_from_text_and_found_in_the_tree) {
  const auto l = lamp("l0", {{"watts", "0x10"}, {"on", "yes"}, {"colour", "green"}, {"label", "a b"}});
  EXPECT_EQ(*l->get_property("watts"), 16);
  EXPECT_EQ(*l->get_property("on"), true);
  EXPECT_EQ(*l->get_property("colour"), "green");
  EXPECT_EQ(*l->get_property("type"), "lamp");
  EXPECT_EQ(object_get_canonical_path(*l), "/objects/l0");
  EXPECT_EQ(object_resolve_path("/objects/l0").object, l.get());
}

TEST_F(ObjectTest, defaults_apply_unless_a_property_is_set) {
  EXPECT_EQ(*lamp("l0")->get_property("watts"), 40);
}

TEST_F(ObjectTest, every_refusal_says_why_and_changes_nothing) {
  const auto l = lamp("l0");
  EXPECT_EQ(message(l->set_property("watts", 101)), "watts value must be in range [0, 100]");
  EXPECT_EQ(message(l->set_property("watts", -1)), "watts value must be in range [0, 100]");
  EXPECT_EQ(message(l->set_property("watts", "1")), "Invalid parameter type for 'watts', expected: integer");
  EXPECT_EQ(message(l->set_property("watts", 1.0)), "Invalid parameter type for 'watts', expected: integer");
  EXPECT_EQ(message(l->set_property("volts", 256)), "Parameter 'volts' expects uint8_t");
  EXPECT_EQ(message(l->set_property("on", 1)), "Invalid parameter type for 'on', expected: boolean");
  EXPECT_EQ(message(l->set_property("label", 1)), "Invalid parameter type for 'label', expected: string");
  EXPECT_EQ(message(l->set_property("colour", "blue")), "Parameter 'colour' does not accept value 'blue'");
  EXPECT_EQ(message(l->set_property("nope", 1)), "Property 'lamp.nope' not found");
  EXPECT_EQ(message(l->set_property("power", 1)), "Property 'lamp.power' is not writable");
  EXPECT_EQ(message(l->set_property("fails", true)), "Property cannot be set after initialization");
  EXPECT_EQ(message(l->get_property("secret")), "Property 'lamp.secret' is not readable");
  EXPECT_EQ(message(l->parse_property("watts", "5 ")), "Parameter 'watts' expects integer");
  EXPECT_EQ(*l->get_property("watts"), 40);
  EXPECT_EQ(*l->get_property("volts"), 1);
  EXPECT_EQ(*l->get_property("colour"), "red");
}

TEST_F(ObjectTest, a_hook_that_refuses_restores_the_old_value) {
  const auto l = lamp("l0");
  EXPECT_EQ(message(l->set_property("watts", 13)), "unlucky");
  EXPECT_EQ(l->watts(), 40);
}

TEST_F(ObjectTest, several_properties_are_set_all_or_none) {
  const auto l = lamp("l0");
  l->hooks = 0;
  EXPECT_TRUE(object_set_props(*l, {{"watts", "2"}, {"volts", "3"}, {"label", "x"}}));
  EXPECT_EQ(l->hooks, 1) << "a hook runs once for all the properties that share it";
  EXPECT_EQ(*l->get_property("power"), 6);
  EXPECT_EQ(message(object_set_props(*l, {{"label", "y"}, {"watts", "1"}, {"volts", "13"}})), "unlucky");
  EXPECT_EQ(message(object_set_props(*l, {{"label", "y"}, {"watts", "200"}})),
            "watts value must be in range [0, 100]");
  EXPECT_EQ(message(object_set_props(*l, {{"label", "y"}, {"nope", "200"}})),
            "Property 'lamp.nope' not found");
  EXPECT_EQ(*l->get_property("label"), "x");
  EXPECT_EQ(*l->get_property("power"), 6);
}

TEST_F(ObjectTest, a_failed_creation_leaves_nothing) {
  EXPECT_EQ(message(object_new_with_props<Lamp>("l0", {{"label", "gone"}, {"watts", "-1"}})),
            "watts value must be in range [0, 100]");
  EXPECT_EQ(message(object_new_with_props<Lamp>("l0", {{"label", "gone too"}, {"fails", "on"}})),
            "the lamp is broken");
  EXPECT_THAT(log, ElementsAre("~gone", "~gone too"));
  EXPECT_FALSE(object_resolve_path("/objects/l0").object);
  EXPECT_TRUE(objects_root().is_empty());
  EXPECT_EQ(message(object_new_with_props("nope", objects_root(), "x")), "invalid object type: nope");
  EXPECT_EQ(message(object_new_with_props("object", objects_root(), "x")),
            "object type 'object' is abstract");
}

TEST_F(ObjectTest, an_id_in_use_is_refused) {
  const auto first = lamp("l0");
  EXPECT_EQ(message(object_new_with_props<Lamp>("l0")),
            "attempt to add duplicate property 'l0' to object (type 'container')");
  EXPECT_EQ(message(object_new_with_props<Lamp>("type")),
            "attempt to add duplicate property 'type' to object (type 'container')");
  EXPECT_EQ(object_resolve_path("l0").object, first.get());
}

TEST_F(ObjectTest, unparenting_releases_the_reference_of_the_tree) {
  auto l = lamp("l0", {{"label", "kept"}});
  object_unparent(*l);
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(object_get_canonical_path(*l), std::nullopt);
  object_unparent(*l);
  l = nullptr;
  EXPECT_THAT(log, ElementsAre("~kept"));
}

TEST_F(ObjectTest, a_referenced_child_survives_the_deletion_of_its_parent) {
  auto parent = *object_new_with_props("container", object_root(), "box", {});
  auto child = *object_new_with_props("lamp", *parent, "inner", {{"label", "inner"}});
  object_unparent(*parent);
  parent = nullptr;
  EXPECT_EQ(child->parent(), nullptr);
  EXPECT_TRUE(log.empty());
}

TEST_F(ObjectTest, links_read_as_paths_and_never_dangle) {
  const auto a = lamp("a");
  auto b = lamp("b");
  EXPECT_EQ(*a->get_property("near"), "");
  EXPECT_TRUE(a->set_property("near", "b"));
  EXPECT_EQ(*a->get_property("near"), "/objects/b");
  EXPECT_EQ(object_resolve_path("/objects/a/near").object, b.get());
  EXPECT_EQ(message(a->set_property("near", "nope")), "Device 'nope' not found");
  EXPECT_EQ(message(a->set_property("near", "/objects")),
            "Invalid parameter type for 'near', expected: lamp");
  EXPECT_EQ(*a->get_property("near"), "/objects/b");
  object_unparent(*b);
  b = nullptr;
  EXPECT_EQ(*a->get_property("near"), "");
}

TEST_F(ObjectTest, a_strong_link_keeps_its_target_from_being_deleted) {
  const auto a = lamp("a");
  lamp("b", {{"label", "b"}});
  EXPECT_TRUE(a->set_property("host", "b"));
  EXPECT_EQ(message(user_creatable_del("b")), "object 'b' is in use, can not be deleted (held by: lamp a)");
  EXPECT_THAT(object_resolve_path("b").object->holders(), ElementsAre(Holder{"lamp", "a"}));
  EXPECT_TRUE(a->set_property("host", ""));
  EXPECT_TRUE(user_creatable_del("b"));
  EXPECT_THAT(log, ElementsAre("~b"));
  EXPECT_EQ(message(user_creatable_del("b")), "object 'b' not found");
}

TEST_F(ObjectTest, holders_are_listed_oldest_first_until_their_holds_are_destroyed) {
  const auto a = lamp("a");
  Hold first = a->hold("export", "disk0");
  Hold second = a->hold("export", "disk1");
  Hold third = a->hold("export", "disk0");
  EXPECT_FALSE(user_creatable_del("a"));
  first = Hold();
  EXPECT_THAT(a->holders(), ElementsAre(Holder{"export", "disk1"}, Holder{"export", "disk0"}));
  second = std::move(third);  // releases what `second` held
  EXPECT_EQ(second.object(), a.get());
  EXPECT_EQ(third.object(), nullptr);
  EXPECT_THAT(a->holders(), ElementsAre(Holder{"export", "disk0"}));
  second = Hold();
  EXPECT_TRUE(user_creatable_del("a"));
}

TEST_F(ObjectTest, a_hold_keeps_an_object_that_has_left_the_tree) {
  auto a = lamp("a");
  std::optional<Hold> hold = a->hold("export", "disk0");
  object_unparent(*a);
  a = nullptr;
  EXPECT_THAT(log, testing::IsEmpty());
  hold.reset();
  EXPECT_THAT(log, ElementsAre("~lamp"));
}

TEST_F(ObjectTest, an_object_that_refuses_deletion_stays) {
  const auto a = lamp("a", {{"locked", "on"}});
  EXPECT_EQ(message(user_creatable_del("a")), "object 'a' is in use, can not be deleted");
}

TEST_F(ObjectTest, many_children_are_found_by_name_and_keep_their_order) {
  for (int i = 0; i < 100; ++i) lamp("l" + std::to_string(i));
  for (int i = 0; i < 100; i += 2) EXPECT_TRUE(user_creatable_del("l" + std::to_string(i)));
  EXPECT_FALSE(objects_root().child("l50"));
  EXPECT_TRUE(objects_root().child("l51"));
  std::vector<std::string> names;
  object_child_foreach(objects_root(), [&](Object& child) {
    names.push_back(child.name());
    return 0;
  });
  ASSERT_EQ(names.size(), 50U);
  EXPECT_EQ(names.front(), "l1");
  EXPECT_EQ(names.back(), "l99");
}

TEST_F(ObjectTest, a_partial_path_that_matches_two_objects_is_ambiguous) {
  auto box = *object_new_with_props("container", object_root(), "box", {});
  const auto outer = lamp("x");
  auto inner = *object_new_with_props("lamp", *box, "y", {});
  EXPECT_EQ(object_resolve_path("y").object, inner.get());
  EXPECT_EQ(object_resolve_path("box/y/").object, inner.get());
  EXPECT_EQ(object_resolve_path("//box//y").object, inner.get());
  EXPECT_FALSE(object_resolve_path("./y").object);
  EXPECT_FALSE(object_resolve_path("/y").object);
  EXPECT_TRUE(object_resolve_path("").ambiguous);
  auto same = *object_new_with_props("container", *box, "x", {});
  EXPECT_TRUE(object_resolve_path("x").ambiguous);
  EXPECT_EQ(object_resolve_path_type("x", "lamp").object, outer.get()) << "unique by type";
  EXPECT_EQ(object_resolve_path_type("x", "user-creatable").object, outer.get())
      << "an interface is a type, too";
  object_unparent(*box);
}

TEST_F(ObjectTest, a_walk_survives_the_deletion_of_any_object) {
  for (int i = 0; i < 10; ++i) lamp("l" + std::to_string(i));
  int visits = 0;
  object_child_foreach_recursive(objects_root(), [&](Object&) {
    ++visits;
    objects_cleanup();
    return 0;
  });
  EXPECT_EQ(visits, 1);
}

TEST_F(ObjectTest, properties_are_listed_children_first_then_in_order_of_declaration) {
  const auto l = lamp("l0");
  auto inner = *object_new_with_props("container", *l, "c", {});
  std::vector<std::string> names;
  for (const auto& view : l->property_views()) names.emplace_back(view.name);
  EXPECT_THAT(names, ElementsAre("c", "type", "watts", "volts", "label", "on", "colour", "locked", "fails",
                                 "power", "secret", "near", "host"));
  EXPECT_EQ(l->property_views()[0].type_name, "child<container>");
  EXPECT_EQ(l->property_views()[12].type_name, "link<lamp>");
}

TEST_F(ObjectTest, instance_properties_are_released_once_and_may_delete_each_other) {
  auto l = lamp("l0");
  int released = 0;
  auto own = [] { return std::unique_ptr<Property>(property("extra[*]", &Lamp::watts)); };
  EXPECT_TRUE(l->add_property(own(), [&](Object& o) {
    ++released;
    (void)o.delete_property("extra[1]");
  }));
  EXPECT_TRUE(l->add_property(own(), [&](Object& o) {
    ++released;
    (void)o.delete_property("extra[0]");
  }));
  EXPECT_EQ(*l->get_property("extra[1]"), 40);
  object_unparent(*l);
  l = nullptr;
  EXPECT_EQ(released, 2);
}

TEST_F(ObjectTest, casts_follow_types_and_interfaces) {
  const auto l = lamp("l0");
  Object* object = l.get();
  EXPECT_EQ(object_cast<Lamp>(object), l.get());
  EXPECT_EQ(object_cast<Container>(object), nullptr);
  EXPECT_EQ(object_cast<UserCreatable>(object), static_cast<UserCreatable*>(l.get()));
  EXPECT_EQ(object_cast<Lamp>(static_cast<Object*>(nullptr)), nullptr);
  EXPECT_EQ(object_cast<UserCreatable>(&objects_root()), nullptr);
  EXPECT_DEATH(object_check<Container>(*object), "is not an instance of type container");
}

}  // namespace
}  // namespace qomio
