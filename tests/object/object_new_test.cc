// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_new.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace object_new_test {

class Counter final : public Object {
 public:
  static const TypeInfo type_info;
  ~Counter() override { ++destroyed; }
  static inline int destroyed = 0;
  int hooks = 0;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("count", &Counter::count_).range(0, 10).default_value(3).on_change(&Counter::changed));
    klass.add(property("step", &Counter::step_).on_change(&Counter::changed));
    klass.add(property("label", &Counter::label_));
    klass.add(property("on", &Counter::on_));
  }
  Result<void> changed() {
    ++hooks;
    if (count_ * step_ == 10) return error("ten is too much");
    return {};
  }
  std::int64_t count_ = 0;
  std::uint8_t step_ = 1;
  std::string label_;
  bool on_ = false;
};

const TypeInfo Counter::type_info{
    .name = "counter", .parent = "object", .create = create<Counter>, .class_init = class_init};
const TypeInfo kAbstract{.name = "abstract-counter", .parent = "counter", .abstract = true};

class ObjectNewTest : public testing::Test {
 protected:
  ObjectNewTest() {
    EXPECT_TRUE(register_type(Counter::type_info));
    EXPECT_TRUE(register_type(kAbstract));
    Counter::destroyed = 0;
  }
  template <class T>
  static std::string message(const Result<T>& r) {
    return r ? "ok" : r.error().message();
  }
};

TEST_F(ObjectNewTest, has_its_defaults_one_reference_and_no_place_in_the_tree) {
  {
    const Ref<Object> counter = object_new("counter").value();
    EXPECT_EQ(*object_property_get_int(*counter, "count"), 3);
    EXPECT_FALSE(counter->path());
    EXPECT_EQ(counter->type_name(), "counter");
  }
  EXPECT_EQ(Counter::destroyed, 1);
}

TEST_F(ObjectNewTest, of_a_type_that_is_unknown_or_abstract_is_an_error) {
  EXPECT_EQ(message(object_new("nothing")), "unknown type 'nothing'");
  EXPECT_EQ(message(object_new("abstract-counter")), "object type 'abstract-counter' is abstract");
}

TEST_F(ObjectNewTest, several_properties_are_set_all_or_none_with_one_call_of_each_hook) {
  const Ref<Object> object = object_new("counter").value();
  const auto& counter = *object_cast<Counter>(object.get());
  EXPECT_EQ(message(object_set_props(*object, {{"count", 4}, {"step", 2}, {"label", "x"}, {"on", true}})),
            "ok");
  EXPECT_EQ(counter.hooks, 1);
  EXPECT_EQ(message(object_set_props(*object, {{"label", "y"}, {"count", 5}})), "ten is too much");
  EXPECT_EQ(*object_property_get_str(*object, "label"), "x");
  EXPECT_EQ(*object_property_get_int(*object, "count"), 4);
  EXPECT_EQ(message(object_set_props(*object, Json{{"on", false}, {"step", 300}})),
            "Parameter 'step' expects uint8_t");
  EXPECT_TRUE(*object_property_get_bool(*object, "on"));
  EXPECT_EQ(message(object_set_props(*object, Json{{"count", "7"}}, Scalars::text)), "ok");
  EXPECT_EQ(*object_property_get_int(*object, "count"), 7);
}

TEST_F(ObjectNewTest, a_property_is_read_and_set_as_a_plain_value_of_its_kind) {
  const Ref<Object> object = object_new("counter").value();
  EXPECT_EQ(message(object_property_set_int(*object, "count", 5)), "ok");
  EXPECT_EQ(message(object_property_set_int(*object, "count", 11)), "count value must be in range [0, 10]");
  EXPECT_EQ(message(object_property_set_bool(*object, "on", true)), "ok");
  EXPECT_EQ(message(object_property_set_str(*object, "label", "l")), "ok");
  EXPECT_EQ(message(object_property_set_str(*object, "count", "5")),
            "Invalid parameter type for 'count', expected: integer");
  EXPECT_EQ(message(object_property_set_int(*object, "nope", 1)), "Property 'counter.nope' not found");
  EXPECT_EQ(*object_property_get_int(*object, "count"), 5);
  EXPECT_EQ(message(object_property_get_bool(*object, "label")),
            "Invalid parameter type for 'label', expected: boolean");
}

}  // namespace object_new_test
}  // namespace qomio
