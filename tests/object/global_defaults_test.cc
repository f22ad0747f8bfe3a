// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/global_defaults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qomio/object/property.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace global_defaults_test {

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
    EXPECT_TRUE(register_type(Tap::type_info));
    EXPECT_TRUE(register_type(kGardenTap));
  }
  ~GlobalDefaultsTest() override { remove_global_defaults(); }

  static Json made(std::string_view type, std::string_view property) {
    return *(*object_new(type))->get_property(property);
  }
};

TEST_F(GlobalDefaultsTest, override_the_defaults_of_the_property_and_of_instance_init) {
  add_global_default("tap", "flow", "20");
  add_global_default("tap", "name", "from outside");
  EXPECT_EQ(made("tap", "flow"), 20);
  EXPECT_EQ(made("tap", "name"), "from outside");
}

TEST_F(GlobalDefaultsTest, apply_to_derived_types_and_to_interfaces) {
  add_global_default("tap", "flow", "20");
  EXPECT_EQ(made("garden-tap", "flow"), 20);
  add_global_default("user-creatable", "flow", "30");
  EXPECT_EQ(made("garden-tap", "flow"), 30);
  add_global_default("garden-tap", "flow", "40");
  EXPECT_EQ(made("garden-tap", "flow"), 40);
  EXPECT_EQ(made("tap", "flow"), 30);
}

TEST_F(GlobalDefaultsTest, of_users_win_over_the_programs_and_later_ones_over_earlier_ones) {
  add_global_default("tap", "flow", "1", GlobalOrigin::user);
  add_global_default("tap", "flow", "2", GlobalOrigin::user);
  add_global_default("tap", "flow", "3", GlobalOrigin::program);
  EXPECT_EQ(made("tap", "flow"), 2);
}

TEST_F(GlobalDefaultsTest, lose_to_a_value_given_for_the_object) {
  add_global_default("tap", "flow", "20");
  EXPECT_EQ(*(*object_new_with_props("tap", internal_root(), "", {{"flow", "5"}}))->get_property("flow"), 5);
}

TEST_F(GlobalDefaultsTest, with_a_wrong_value_make_creating_an_object_fail) {
  add_global_default("tap", "flow", "101");
  EXPECT_EQ(object_new("tap").error().message(),
            "can't apply global tap.flow=101: flow value must be in range [0, 100]");
  remove_global_defaults();
  add_global_default("tap", "colour", "red");
  EXPECT_EQ(object_new("tap").error().message(),
            "can't apply global tap.colour=red: Property 'tap.colour' not found");
}

TEST_F(GlobalDefaultsTest, are_parsed_from_both_forms) {
  ASSERT_TRUE(parse_global_default("tap.name=a,b=c.d"));
  EXPECT_EQ(made("tap", "name"), "a,b=c.d");
  ASSERT_TRUE(parse_global_default("driver=tap,property=flow,value=7"));
  EXPECT_EQ(made("tap", "flow"), 7);
}

TEST_F(GlobalDefaultsTest, of_other_forms_are_refused) {
  EXPECT_EQ(parse_global_default("driver=tap,property=flow").error().message(),
            "Parameter 'value' is missing");
  EXPECT_EQ(parse_global_default("tap=3").error().message(), "Parameter 'driver' is missing");
  EXPECT_EQ(parse_global_default("driver=tap,property=flow,value=7,x=y").error().message(),
            "Parameter 'x' is unexpected");
  EXPECT_FALSE(parse_global_default("tap.flow"));
  EXPECT_FALSE(parse_global_default(".flow=1"));
  EXPECT_FALSE(parse_global_default("tap.=1"));
}

TEST_F(GlobalDefaultsTest, of_unknown_types_and_properties_cause_a_warning_only) {
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

}  // namespace global_defaults_test
}  // namespace qomio
