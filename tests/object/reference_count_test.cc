// SPDX-License-Identifier: GPL-2.0-or-later
// Lifetimes: reference counts, holders, and objects that are destroyed together.
#include <glib.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "qomio/object/link.h"
#include "qomio/object/property.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace reference_count_test {

int alive = 0;

class Box final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Box() { ++alive; }
  ~Box() override { --alive; }
  StrongLink<Object> content_;
  StrongLink<Object> other_;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(link("content", &Box::content_));
    klass.add(link("other", &Box::other_));
  }
};
constinit const TypeInfo Box::type_info{.name = "box",
                                        .parent = "object",
                                        .interfaces = {"user-creatable"},
                                        .create = create<Box>,
                                        .class_init = Box::class_init};

class LifetimeTest : public testing::Test {
 protected:
  LifetimeTest() {
    EXPECT_TRUE(register_type(Box::type_info));
    alive = 0;
  }
  static Box& add(Object& parent, std::string_view name) {
    const Ref<Object> made = *object_new_with_props("box", parent, name);
    return static_cast<Box&>(*made);
  }
  static std::string deleting(std::string_view id) {
    auto r = user_creatable_del(id);
    return r ? "ok" : r.error().message() + " " + r.error().data();
  }
};

TEST_F(LifetimeTest, an_object_that_holds_its_child_can_be_deleted) {
  Box& parent = add(objects_root(), "parent");
  Box& child = add(parent, "child");
  parent.content_.assign(&child, parent);
  EXPECT_EQ(deleting("parent"), "ok");
  EXPECT_EQ(alive, 0);
}

TEST_F(LifetimeTest, objects_below_it_may_hold_each_other) {
  Box& top = add(objects_root(), "top");
  Box& a = add(top, "a");
  Box& b = add(a, "b");
  Box& c = add(top, "c");
  a.content_.assign(&b, a);
  b.content_.assign(&c, b);
  top.content_.assign(&c, top);
  top.other_.assign(&b, top);
  EXPECT_EQ(deleting("top"), "ok");
  EXPECT_EQ(alive, 0);
}

TEST_F(LifetimeTest, a_ring_that_would_never_end_is_in_use) {
  Box& top = add(objects_root(), "top");
  Box& child = add(top, "child");
  child.content_.assign(&top, child);
  EXPECT_EQ(
      deleting("top"),
      R"(object 'top' is in use, can not be deleted (held by: box child) {"holders": [{"kind": "box", "name": "child"}]})");
  child.content_.reset();
  Box& third = add(top, "third");
  child.content_.assign(&third, child);
  third.content_.assign(&child, third);
  EXPECT_NE(deleting("top"), "ok");
  third.content_.reset();
  EXPECT_EQ(deleting("top"), "ok");
  EXPECT_EQ(alive, 0);
}

TEST_F(LifetimeTest, holders_outside_still_count) {
  Box& top = add(objects_root(), "top");
  Box& child = add(top, "child");
  Box& outside = add(objects_root(), "outside");
  top.content_.assign(&child, top);
  outside.content_.assign(&child, outside);
  EXPECT_EQ(
      deleting("top"),
      R"(object 'top' is in use, can not be deleted (held by: box outside) {"holders": [{"kind": "box", "name": "outside"}]})");
  outside.content_.reset();
  Hold hold = child.hold("export", "disk0");
  EXPECT_EQ(
      deleting("top"),
      R"(object 'top' is in use, can not be deleted (held by: export disk0) {"holders": [{"kind": "export", "name": "disk0"}]})");
  hold = Hold();
  EXPECT_EQ(deleting("top"), "ok");
  EXPECT_EQ(deleting("outside"), "ok");
  EXPECT_EQ(alive, 0);
}

TEST_F(LifetimeTest, a_link_that_outlives_its_owner_holds_in_the_name_of_its_type) {
  StrongLink<Object> link;
  Box& target = add(objects_root(), "target");
  {
    const Ref<Object> owner = *object_new("box");
    link.assign(&target, *owner);
    ASSERT_TRUE(objects_root().add_child("owner", *owner));
    EXPECT_EQ(target.holders(), (std::vector<Holder>{{"box", "owner"}}));
    object_unparent(*owner);
    EXPECT_EQ(target.holders(), (std::vector<Holder>{{"box", ""}}));
  }
  EXPECT_EQ(target.holders(), (std::vector<Holder>{{"box", ""}}));
  EXPECT_EQ(
      deleting("target"),
      R"(object 'target' is in use, can not be deleted (held by: box) {"holders": [{"kind": "box", "name": ""}]})");
  link.reset();
  EXPECT_EQ(deleting("target"), "ok");
  EXPECT_EQ(alive, 0);
}

TEST_F(LifetimeTest, a_property_is_kept_while_it_runs_and_released_after) {
  const Ref<Object> object = *object_new("box");
  auto state = std::make_shared<int>(1);
  bool released_inside = false;
  bool released = false;
  ASSERT_TRUE(object->add_property(property<std::int64_t>(
                                       "once",
                                       [state, &released, &released_inside](const Object& o) -> std::int64_t {
                                         EXPECT_TRUE(const_cast<Object&>(o).delete_property("once"));
                                         EXPECT_EQ(o.find_property("once"), nullptr);
                                         released_inside = released;
                                         return *state;  // the captures still exist
                                       },
                                       nullptr),
                                   [&released](Object&) { released = true; }));
  EXPECT_EQ(*object->get_property("once"), Json(1));
  EXPECT_FALSE(released_inside);
  EXPECT_TRUE(released);
  EXPECT_EQ(state.use_count(), 1);
}

class Watched final : public Object {
 public:
  static const TypeInfo type_info;
  Watched() { ++alive; }
  ~Watched() override { --alive; }
  static inline std::function<void()> in_getter;

 private:
  std::int64_t size() const {
    in_getter();
    return size_;
  }
  static void class_init(ObjectClass& klass) { klass.add(property("size", &Watched::size)); }
  std::int64_t size_ = 7;
};
constinit const TypeInfo Watched::type_info{
    .name = "watched", .parent = "object", .create = create<Watched>, .class_init = Watched::class_init};

TEST_F(LifetimeTest, an_object_whose_last_reference_goes_while_it_is_read_stays_until_then) {
  ASSERT_TRUE(register_type(Watched::type_info));
  auto object = *object_new("watched");
  Object& used = *object;
  Watched::in_getter = [&] {
    object = {};
    EXPECT_EQ(alive, 1);
    const Ref<Object> again(used);  // it exists, so references may be taken and released
  };
  EXPECT_EQ(*used.get_property("size"), Json(7));
  EXPECT_EQ(alive, 0);

  // The getter stores a reference that outlives the call.
  object = *object_new("watched");
  Object& kept = *object;
  Ref<Object> keeper;
  Watched::in_getter = [&] {
    object = {};
    keeper = Ref<Object>(kept);
  };
  EXPECT_EQ(*kept.get_property("size"), Json(7));
  EXPECT_EQ(alive, 1);
  keeper = {};
  EXPECT_EQ(alive, 0);
}

TEST_F(LifetimeTest, another_thread_may_be_the_one_that_gives_it_back) {
  ASSERT_TRUE(register_type(Watched::type_info));
  auto object = *object_new("watched");
  Object& used = *object;
  Watched::in_getter = [&] {
    Ref<Object> of_thread(used);
    object = {};
    std::jthread([ref = std::move(of_thread)]() mutable { ref = {}; }).join();
    EXPECT_EQ(alive, 1);
  };
  EXPECT_EQ(*used.get_property("size"), Json(7));
  while (alive > 0) ::g_main_context_iteration(nullptr, FALSE);
  EXPECT_EQ(alive, 0);
}

using ReferenceCountDeathTest = LifetimeTest;

TEST_F(ReferenceCountDeathTest, a_reference_given_back_too_often_says_so) {
  // In the object's own destructor, and while the object is in the tree.
  class Greedy final : public Object {
   public:
    ~Greedy() override { unref(); }
  };
  static constinit const TypeInfo greedy{.name = "greedy", .parent = "object", .create = create<Greedy>};
  ASSERT_TRUE(register_type(greedy));
  EXPECT_DEATH(
      { (void)object_new("greedy"); },
      "a reference to an object was released too often during the object's destruction");
  EXPECT_DEATH(
      {
        Object& box = add(objects_root(), "box");
        box.unref();
      },
      "an object that is still in a tree lost its last reference");
}

TEST_F(ReferenceCountDeathTest, more_references_than_can_be_counted_say_so) {
  EXPECT_DEATH(
      {
        const Ref<Object> box = *object_new("container");
        for (std::uint32_t i = 0; i < Object::kMaxReferences; ++i) box->ref();
      },
      "an object has more references than can be counted");
}

TEST_F(ReferenceCountDeathTest, what_belongs_to_the_main_thread_says_so) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto elsewhere = [](const std::function<void()>& call) { std::jthread(call).join(); };
  const Ref<Object> object = *object_new("box");
  const Ref<Object> child = *object_new("box");
  EXPECT_DEATH(elsewhere([&] { (void)object->add_child("c", *child); }), "Object::add_child\\(\\)");
  EXPECT_DEATH(elsewhere([&] { object_unparent(*object); }), "object_unparent\\(\\)");
  EXPECT_DEATH(elsewhere([&] { (void)object_new("box"); }), "object_new\\(\\)");
  EXPECT_DEATH(elsewhere([&] { (void)object_set_props(*object, {{"content", ""}}); }),
               "object_set_props\\(\\)");
  EXPECT_DEATH(elsewhere([&] { (void)object->set_property("content", Json("")); }),
               "Object::set_property\\(\\)");
  EXPECT_DEATH(elsewhere([&] { (void)object->get_property("content"); }), "Object::get_property\\(\\)");
  EXPECT_DEATH(elsewhere([&] { (void)object->hold("a", "b"); }), "Object::hold\\(\\)");
  EXPECT_DEATH(elsewhere([&] { (void)object_root(); }), "object_root\\(\\)");
}

#ifndef NDEBUG
// Checks that cost more than a comparison are made only in debug builds.
TEST_F(ReferenceCountDeathTest, debug_builds_see_a_link_that_is_set_in_another_thread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Ref<Object> object = *object_new("box");
  EXPECT_DEATH(std::jthread([&] { WeakLink<Object>().assign(object.get(), *object); }).join(),
               "a link is set or cleared in another thread than the main one; call");
}

TEST_F(ReferenceCountDeathTest, debug_builds_see_a_property_used_on_another_class) {
  const Ref<Object> box = *object_new("box");
  const Ref<Object> container = *object_new("container");
  const Property* content = box->find_property("content");
  InputVisitor text("");
  EXPECT_DEATH((void)content->assign(*container, text),
               "a property is used on an object of another C\\+\\+ class");
}

TEST_F(ReferenceCountDeathTest, debug_builds_see_a_cast_to_what_the_object_is_not) {
  class Bare final : public Object {};
  // Bare has no type_info of its own, so the cast uses Object's.
  const Ref<Object> box = *object_new("box");
  EXPECT_DEATH((void)object_cast<Bare>(box.get()),
               "object_cast\\(\\) to a C\\+\\+ class that the object is not of");
}
#endif

}  // namespace reference_count_test
}  // namespace qomio
