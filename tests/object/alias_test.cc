// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"

namespace qomio {
namespace alias_test {

using testing::HasSubstr;

class Dimmer final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  int applied = 0;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("level", &Dimmer::level_)
                  .range(0, 100)
                  .default_value(50)
                  .on_change(&Dimmer::apply)
                  .describe("per cent"));
    klass.add(property("seconds", &Dimmer::seconds));
    klass.add(property("fixed", &Dimmer::fixed_).until_complete());
  }
  Result<void> apply() {
    if (level_ == 13) return error("unlucky");
    ++applied;
    return {};
  }
  std::int64_t seconds() const { return 7; }
  std::int64_t level_ = 0;
  std::int64_t fixed_ = 0;
};

const TypeInfo Dimmer::type_info{
    .name = "dimmer",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Dimmer>,
    .class_init = class_init,
};

class AliasTest : public testing::Test {
 protected:
  AliasTest() {
    EXPECT_TRUE(register_type(Dimmer::type_info));
    room_ = *object_new("container");
    dimmer_ = *object_new_with_props<Dimmer>("d0");
  }
  ~AliasTest() override { objects_cleanup(); }

  Result<void> alias(std::string_view name, Object& target, std::string_view property) {
    return object_property_add_alias(*room_, name, target, property);
  }

  Ref<Object> room_;
  Ref<Dimmer> dimmer_;
};

TEST_F(AliasTest, reads_and_sets_the_property_of_its_target) {
  ASSERT_TRUE(alias("light", *dimmer_, "level"));
  EXPECT_EQ(*room_->get_property("light"), 50);
  ASSERT_TRUE(room_->set_property("light", 70));
  EXPECT_EQ(*dimmer_->get_property("level"), 70);
  ASSERT_TRUE(room_->parse_property("light", "71"));
  EXPECT_EQ(*room_->get_property("light"), 71);
}

TEST_F(AliasTest, has_the_type_range_and_description_of_its_target) {
  ASSERT_TRUE(alias("light", *dimmer_, "level"));
  const Property* light = room_->find_property("light");
  ASSERT_NE(light, nullptr);
  EXPECT_EQ(light->type_name(), "int");
  EXPECT_EQ(light->description(), "per cent");
  EXPECT_EQ(light->maximum(), 100);
  EXPECT_EQ(light->default_value(), 50);
  EXPECT_EQ(&light->type(), &dimmer_->find_property("level")->type());
}

TEST_F(AliasTest, refuses_what_its_target_refuses) {
  ASSERT_TRUE(alias("light", *dimmer_, "level"));
  ASSERT_TRUE(alias("age", *dimmer_, "seconds"));
  ASSERT_TRUE(alias("early", *dimmer_, "fixed"));
  EXPECT_EQ(room_->set_property("light", 101).error().message(), "level value must be in range [0, 100]");
  EXPECT_EQ(room_->set_property("light", 13).error().message(), "unlucky");
  EXPECT_EQ(*room_->get_property("light"), 50);
  EXPECT_THAT(room_->set_property("age", 1).error().message(), HasSubstr("is not writable"));
  EXPECT_EQ(room_->set_property("early", 1).error().message(), "Property cannot be set after initialization");
}

TEST_F(AliasTest, is_undone_with_the_other_properties_that_are_set_together) {
  ASSERT_TRUE(alias("light", *dimmer_, "level"));
  auto other = *object_new_with_props<Dimmer>("d1");
  ASSERT_TRUE(alias("second", *other, "level"));
  const int applied = other->applied;
  ASSERT_TRUE(object_set_props(*room_, {{"light", "1"}, {"second", "2"}}));
  EXPECT_EQ(*dimmer_->get_property("level"), 1);
  EXPECT_EQ(*other->get_property("level"), 2);
  EXPECT_EQ(other->applied, applied + 1);
  EXPECT_EQ(object_set_props(*room_, {{"light", "3"}, {"second", "13"}}).error().message(), "unlucky");
  EXPECT_EQ(*dimmer_->get_property("level"), 1);
  EXPECT_EQ(*other->get_property("level"), 2);
}

TEST_F(AliasTest, of_a_child_is_a_link_that_paths_follow) {
  ASSERT_TRUE(object_root().add_child("room", *room_));
  ASSERT_TRUE(alias("lamp", objects_root(), "d0"));
  EXPECT_EQ(room_->find_property("lamp")->type_name(), "link<dimmer>");
  EXPECT_EQ(*room_->get_property("lamp"), "/objects/d0");
  EXPECT_EQ(object_resolve_path("/room/lamp").object, dimmer_.get());
  EXPECT_THAT(room_->set_property("lamp", "/objects").error().message(), HasSubstr("is not writable"));
  object_unparent(*room_);
}

TEST_F(AliasTest, of_a_destroyed_object_returns_an_error) {
  ASSERT_TRUE(alias("light", *dimmer_, "level"));
  object_unparent(*dimmer_);
  dimmer_ = {};
  const auto gone = "Property 'container.light' is an alias of an object that no longer exists";
  EXPECT_EQ(room_->get_property("light").error().message(), gone);
  EXPECT_EQ(room_->set_property("light", 1).error().message(), gone);
  EXPECT_EQ(object_set_props(*room_, {{"light", "1"}}).error().message(), gone);
}

TEST_F(AliasTest, of_a_deleted_property_says_so) {
  ASSERT_TRUE(dimmer_->add_property(property<bool>("hot", [](const Object&) { return true; }, nullptr)));
  ASSERT_TRUE(alias("hot", *dimmer_, "hot"));
  EXPECT_EQ(*room_->get_property("hot"), true);
  ASSERT_TRUE(dimmer_->delete_property("hot"));
  EXPECT_EQ(room_->get_property("hot").error().message(), "Property 'dimmer.hot' not found");
}

TEST_F(AliasTest, needs_a_target_and_a_free_name) {
  EXPECT_EQ(alias("light", *dimmer_, "colour").error().message(), "Property 'dimmer.colour' not found");
  EXPECT_THAT(alias("type", *dimmer_, "level").error().message(), HasSubstr("duplicate property 'type'"));
  ASSERT_TRUE(alias("light[*]", *dimmer_, "level"));
  ASSERT_TRUE(alias("light[*]", *dimmer_, "seconds"));
  EXPECT_EQ(*room_->get_property("light[1]"), 7);
}

TEST_F(AliasTest, a_long_chain_of_aliases_does_not_recurse) {
  std::vector<Ref<Object>> rooms;
  for (int i = 0; i < 100'000; ++i) {
    rooms.push_back(*object_new("container"));
    ASSERT_TRUE(rooms[i]->add_property(property<bool>("a", [](const Object&) { return true; }, nullptr)));
  }
  // Starts at the far end, so that each alias refers to a plain property when it is added.
  for (std::size_t i = rooms.size() - 1; i > 0; --i) {
    ASSERT_TRUE(rooms[i]->delete_property("a"));
    ASSERT_TRUE(object_property_add_alias(*rooms[i], "a", *rooms[i - 1], "a"));
  }
  Object& last = *rooms.back();
  EXPECT_EQ(*last.get_property("a"), true);
  ASSERT_TRUE(rooms[0]->delete_property("a"));
  ASSERT_TRUE(object_property_add_alias(*rooms[0], "a", *dimmer_, "level"));
  ASSERT_TRUE(last.set_property("a", 70));
  EXPECT_EQ(*dimmer_->get_property("level"), 70);
  EXPECT_EQ(object_set_props(last, {{"a", "13"}}).error().message(), "unlucky");
  EXPECT_EQ(*last.get_property("a"), 70);
  object_unparent(*dimmer_);
  dimmer_ = {};
  EXPECT_EQ(last.get_property("a").error().message(),
            "Property 'container.a' is an alias of an object that no longer exists");
}

TEST_F(AliasTest, a_circle_of_aliases_is_refused) {
  ASSERT_TRUE(room_->add_property(property<bool>("a", [](const Object&) { return true; }, nullptr)));
  ASSERT_TRUE(alias("b", *room_, "a"));
  ASSERT_TRUE(alias("c", *room_, "b"));
  ASSERT_TRUE(room_->delete_property("a"));
  EXPECT_EQ(alias("a", *room_, "c").error().message(), "'a' would be an alias of itself");
  EXPECT_EQ(room_->find_property("a"), nullptr);
}

}  // namespace alias_test
}  // namespace qomio
