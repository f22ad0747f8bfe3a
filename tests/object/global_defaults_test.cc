// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/global_defaults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/user_creatable.h"

namespace qomio {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Tap : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("flow", &Tap::flow_).range(0, 100).default_value(10));
    klass.add(property("name", &Tap::name_));
  }
  static void init(Object& object) { static_cast<Tap&>(object).name_ = "from instance_init"; }
  std::int64_t flow_ = 0;
  std::string name_;
};

const TypeInfo Tap::type_info{
    .name = "tap",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Tap>,
    .class_init = class_init,
    .instance_init = init,
};

const TypeInfo kGardenTap{.name = "garden-tap", .parent = "tap", .create = create<Tap>};

class GlobalDefaultsTest : public testing::Test {
 protected:
  GlobalDefaultsTest() {
    register_object_types();
    EXPECT_TRUE(register_type(Tap::type_info));
    EXPECT_TRUE(register_type(kGardenTap));
  }
  ~GlobalDefaultsTest() override { remove_global_defaults(); }

  static Json made(std::string_view type, std::string_view property) {
    return *(*object_new(type))->get_property(property);
  }
};

TEST_F(GlobalDefaultsTest, TakeThePlaceOfWhatThePropertyAndInstanceInitSay) {
  add_global_default("tap", "flow", "20");
  add_global_default("tap", "name", "from outside");
  EXPECT_EQ(made("tap", "flow"), 20);
  EXPECT_EQ(made("tap", "name"), "from outside");
}

TEST_F(GlobalDefaultsTest, AreForDerivedTypesAndForInterfacesToo) {
  add_global_default("tap", "flow", "20");
  EXPECT_EQ(made("garden-tap", "flow"), 20);
  add_global_default("user-creatable", "flow", "30");
  EXPECT_EQ(made("garden-tap", "flow"), 30);
  add_global_default("garden-tap", "flow", "40");
  EXPECT_EQ(made("garden-tap", "flow"), 40);
  EXPECT_EQ(made("tap", "flow"), 30);
}

TEST_F(GlobalDefaultsTest, TheUsersWinOverTheProgramsAndTheLatestOverEarlierOnes) {
  add_global_default("tap", "flow", "1", GlobalOrigin::user);
  add_global_default("tap", "flow", "2", GlobalOrigin::user);
  add_global_default("tap", "flow", "3", GlobalOrigin::program);
  EXPECT_EQ(made("tap", "flow"), 2);
}

TEST_F(GlobalDefaultsTest, WhatOneObjectIsGivenWins) {
  add_global_default("tap", "flow", "20");
  EXPECT_EQ(*(*object_new_with_props("tap", internal_root(), "", {{"flow", "5"}}))->get_property("flow"), 5);
}

TEST_F(GlobalDefaultsTest, AWrongOneIsAnErrorOfMakingAnObject) {
  add_global_default("tap", "flow", "101");
  EXPECT_EQ(object_new("tap").error().message(),
            "can't apply global tap.flow=101: flow value must be in range [0, 100]");
  remove_global_defaults();
  add_global_default("tap", "colour", "red");
  EXPECT_EQ(object_new("tap").error().message(),
            "can't apply global tap.colour=red: Property 'tap.colour' not found");
}

TEST_F(GlobalDefaultsTest, AreReadFromBothForms) {
  ASSERT_TRUE(parse_global_default("tap.name=a,b=c.d"));
  EXPECT_EQ(made("tap", "name"), "a,b=c.d");
  ASSERT_TRUE(parse_global_default("driver=tap,property=flow,value=7"));
  EXPECT_EQ(made("tap", "flow"), 7);
}

TEST_F(GlobalDefaultsTest, OtherFormsAreRefused) {
  EXPECT_EQ(parse_global_default("driver=tap,property=flow").error().message(),
            "Parameter 'value' is missing");
  EXPECT_EQ(parse_global_default("tap=3").error().message(), "Parameter 'driver' is missing");
  EXPECT_EQ(parse_global_default("driver=tap,property=flow,value=7,x=y").error().message(),
            "Parameter 'x' is unexpected");
  EXPECT_FALSE(parse_global_default("tap.flow"));
  EXPECT_FALSE(parse_global_default(".flow=1"));
  EXPECT_FALSE(parse_global_default("tap.=1"));
}

TEST_F(GlobalDefaultsTest, UnknownTypesAndPropertiesAreWarnedOfAndHarmOthersNot) {
  ASSERT_TRUE(parse_global_default("tub.flow=1"));
  ASSERT_TRUE(parse_global_default("garden-tap.colour=red"));
  ASSERT_TRUE(parse_global_default("garden-tap.flow=1"));
  add_global_default("of-the-program", "x", "1");
  EXPECT_THAT(global_default_warnings(),
              ElementsAre("global tub.flow has invalid class name",
                          "global garden-tap.colour=red has invalid property name"));
  EXPECT_TRUE(object_new("tap"));
  remove_global_defaults();
  EXPECT_THAT(global_default_warnings(), IsEmpty());
}

}  // namespace
}  // namespace qomio
