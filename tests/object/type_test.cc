// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/object_new.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"

namespace qomio {
namespace type_test {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

std::vector<std::string> log;

// Three generations of types; each hook logs the type that declares it.
class Grandparent : public Object {
 public:
  static const TypeInfo type_info;
  ~Grandparent() override { log.push_back("~"); }
};
class Parent : public Grandparent {
 public:
  static const TypeInfo type_info;
};
class Child final : public Parent {
 public:
  static const TypeInfo type_info;
};

const TypeInfo Grandparent::type_info{
    .name = "grandparent",
    .parent = "object",
    .abstract = true,
    .class_init = [](ObjectClass& klass) { log.push_back("class grandparent of " + klass.name()); },
    .class_base_init = [](ObjectClass& klass) { log.push_back("base grandparent of " + klass.name()); },
    .instance_init = [](Object&) { log.push_back("init grandparent"); },
    .instance_post_init = [](Object&) { log.push_back("post grandparent"); },
    .instance_finalize = [](Object&) { log.push_back("finalize grandparent"); },
};
const TypeInfo Parent::type_info{
    .name = "parent",
    .parent = "grandparent",
    .create = create<Parent>,
    .class_init = [](ObjectClass& klass) { log.push_back("class parent of " + klass.name()); },
    .class_base_init = [](ObjectClass& klass) { log.push_back("base parent of " + klass.name()); },
    .instance_init = [](Object&) { log.push_back("init parent"); },
    .instance_post_init = [](Object&) { log.push_back("post parent"); },
    .instance_finalize = [](Object&) { log.push_back("finalize parent"); },
};
const TypeInfo Child::type_info{
    .name = "child",
    .parent = "parent",
    .create = create<Child>,
    .class_init = [](ObjectClass& klass) { log.push_back("class child of " + klass.name()); },
    .class_base_init = [](ObjectClass& klass) { log.push_back("base child of " + klass.name()); },
    .instance_init = [](Object&) { log.push_back("init child"); },
    .instance_post_init = [](Object&) { log.push_back("post child"); },
    .instance_finalize = [](Object&) { log.push_back("finalize child"); },
};

// A C++ class without a type_info of its own.
class Thing : public Object {};

// An interface and a class that implements it.
class Ringing {
 public:
  static const TypeInfo type_info;
  virtual int ring() = 0;

 protected:
  ~Ringing() = default;
};
const TypeInfo Ringing::type_info{
    .name = "ringing", .parent = "interface", .implemented_by = implements<Ringing>};

class Bell : public Object, public Ringing {
 public:
  static const TypeInfo type_info;
  int ring() override { return 1; }
};
const TypeInfo Bell::type_info{
    .name = "bell", .parent = "object", .interfaces = {"ringing"}, .create = create<Bell>};

// Types live as long as the program, and tests may share a program, so each test uses its own names.
class TypeTest : public testing::Test {
 protected:
  TypeTest() { log.clear(); }
  template <class T>
  static std::string message(const Result<T>& r) {
    return r ? "ok" : r.error().message();
  }
  static std::string registering(const TypeInfo& info) { return message(register_type(info)); }
  static std::string class_of(std::string_view name) { return message(object_class_by_name(name)); }
  static std::vector<std::string> names(const std::vector<const ObjectClass*>& classes) {
    std::vector<std::string> names;
    for (const auto* klass : classes) names.push_back(klass->name());
    return names;
  }
};

TEST_F(TypeTest, classes_are_built_once_at_first_use_parents_first) {
  for (const TypeInfo* info : {&Child::type_info, &Parent::type_info, &Grandparent::type_info}) {
    ASSERT_EQ(registering(*info), "ok") << "children may be registered before their parents";
  }
  EXPECT_THAT(log, IsEmpty());
  ASSERT_EQ(class_of("child"), "ok");
  EXPECT_THAT(log, ElementsAre("class grandparent of grandparent", "base grandparent of parent",
                               "class parent of parent", "base grandparent of child", "base parent of child",
                               "class child of child"));
  log.clear();
  EXPECT_EQ(*object_class_by_name("child"), *object_class_by_name("child"));
  EXPECT_EQ((*object_class_by_name("child"))->parent(), *object_class_by_name("parent"));
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(TypeTest, instance_hooks_run_base_first_and_finalizers_derived_first) {
  for (const TypeInfo* info : {&Child::type_info, &Parent::type_info, &Grandparent::type_info}) {
    ASSERT_EQ(registering(*info), "ok");
  }
  ASSERT_EQ(class_of("child"), "ok");
  log.clear();
  auto child = object_new("child");
  ASSERT_TRUE(child);
  EXPECT_THAT(log, ElementsAre("init grandparent", "init parent", "init child", "post grandparent",
                               "post parent", "post child"));
  log.clear();
  *child = nullptr;
  EXPECT_THAT(log, ElementsAre("finalize child", "finalize parent", "finalize grandparent", "~"));
  log.clear();
  (void)*object_new("parent");
  EXPECT_THAT(log, ElementsAre("init grandparent", "init parent", "post grandparent", "post parent",
                               "finalize parent", "finalize grandparent", "~"));
}

TEST_F(TypeTest, a_type_name_is_registered_once) {
  static const TypeInfo first{.name = "taken", .parent = "object"};
  static const TypeInfo second{.name = "taken", .parent = "container"};
  EXPECT_EQ(registering(first), "ok");
  EXPECT_EQ(registering(first), "ok") << "the very same again is no duplicate";
  EXPECT_EQ(registering(second), "Registering 'taken' which already exists");
  EXPECT_EQ((*object_class_by_name("taken"))->parent()->name(), "object");
}

TEST_F(TypeTest, illegal_names_are_refused) {
  for (const char* name : {"", "a", "-ab", "_ab", ".ab", "0ab", "a b", "a/b", "a:b", "a\xc3\xa9", "ab,"}) {
    EXPECT_EQ(registering({.name = name, .parent = "object"}),
              "Registering '" + std::string(name) + "' with illegal type name");
    EXPECT_FALSE(object_class_by_name(name)) << name;
  }
  for (const char* name : {"ab", "1a", "99", "a-b_c.d", "Z9"}) {
    EXPECT_EQ(registering({.name = name, .parent = "object"}), "ok") << name;
  }
}

TEST_F(TypeTest, the_strings_of_a_registration_are_copied) {
  std::string name = "from-a-string-that-goes-away";
  std::string interface = "ringing";
  (void)register_type(Ringing::type_info);
  (void)register_type(Bell::type_info);
  EXPECT_EQ(registering({.name = name, .parent = "bell", .interfaces = {interface}}), "ok");
  name.assign(name.size(), 'x');
  interface.assign(interface.size(), 'x');
  EXPECT_EQ(class_of("from-a-string-that-goes-away"), "ok");
}

TEST_F(TypeTest, a_missing_parent_or_interface_is_an_error_at_first_use) {
  EXPECT_EQ(class_of("nowhere"), "unknown type 'nowhere'");
  EXPECT_EQ(registering({.name = "orphan", .parent = "nowhere"}), "ok");
  EXPECT_EQ(class_of("orphan"), "Type 'orphan' is missing its parent 'nowhere'");
  EXPECT_EQ(registering({.name = "rootless"}), "ok");
  EXPECT_EQ(class_of("rootless"), "Type 'rootless' is missing its parent ''");
  EXPECT_EQ(registering({.name = "half", .parent = "object", .interfaces = {"nowhere"}}), "ok");
  EXPECT_EQ(class_of("half"), "missing interface 'nowhere' for object 'half'");
  EXPECT_EQ(registering({.name = "confused", .parent = "object", .interfaces = {"container"}}), "ok");
  EXPECT_EQ(class_of("confused"), "'container' for object 'confused' is not an interface");
  EXPECT_EQ(message(object_new("orphan")), "Type 'orphan' is missing its parent 'nowhere'");
  EXPECT_THAT(names(object_classes()), Not(Contains("orphan")));
}

TEST_F(TypeTest, a_parent_may_be_registered_after_its_child) {
  EXPECT_EQ(registering({.name = "early", .parent = "late"}), "ok");
  EXPECT_EQ(class_of("early"), "Type 'early' is missing its parent 'late'");
  EXPECT_EQ(registering({.name = "late", .parent = "container"}), "ok");
  EXPECT_EQ(class_of("early"), "ok");
  EXPECT_TRUE(object_new("early"));
}

TEST_F(TypeTest, a_cycle_of_parents_is_an_error) {
  EXPECT_EQ(registering({.name = "hen", .parent = "egg"}), "ok");
  EXPECT_EQ(registering({.name = "egg", .parent = "hen"}), "ok");
  EXPECT_EQ(class_of("hen"), "Type 'hen' is its own ancestor");
  EXPECT_EQ(class_of("egg"), "Type 'egg' is its own ancestor");
  EXPECT_EQ(registering({.name = "self-made", .parent = "self-made"}), "ok");
  EXPECT_EQ(class_of("self-made"), "Type 'self-made' is its own ancestor");
  EXPECT_EQ(registering({.name = "self-like", .parent = "object", .interfaces = {"self-like"}}), "ok");
  EXPECT_EQ(class_of("self-like"), "Type 'self-like' is its own ancestor");
  EXPECT_THAT(names(object_classes()), Not(Contains("hen")));
}

TEST_F(TypeTest, abstract_types_and_interfaces_have_no_instances) {
  (void)register_type(Ringing::type_info);
  EXPECT_EQ(message(object_new("object")), "object type 'object' is abstract");
  EXPECT_EQ(message(object_new("ringing")), "object type 'ringing' is abstract");
  EXPECT_EQ(registering({.name = "bodiless", .parent = "object"}), "ok");
  EXPECT_EQ(message(object_new("bodiless")),
            "type 'bodiless' can't be instantiated: its TypeInfo has no .create");
}

TEST_F(TypeTest, a_type_may_be_made_from_data_alone) {
  (void)register_type(Bell::type_info);
  (void)register_type(Ringing::type_info);
  static const int weight = 7;
  EXPECT_EQ(registering({.name = "heavy-bell", .parent = "bell", .class_data = &weight}), "ok");
  EXPECT_EQ(registering({.name = "heavier-bell", .parent = "heavy-bell"}), "ok");
  auto bell = object_new("heavier-bell");
  ASSERT_TRUE(bell) << bell.error().message();
  EXPECT_EQ((*bell)->type_name(), "heavier-bell");
  EXPECT_EQ((*bell)->object_class().class_data(), &weight) << "what is left out comes from the parent";
  ASSERT_NE(object_cast<Bell>(bell->get()), nullptr);
  EXPECT_EQ(object_cast<Ringing>(bell->get())->ring(), 1);
  EXPECT_TRUE((*bell)->object_class().is_a(**object_class_by_name("heavy-bell")));
  EXPECT_FALSE((*bell)->object_class().is_a(**object_class_by_name("container")));
}

TEST_F(TypeTest, interfaces_are_inherited_once_and_found_through_their_parents) {
  (void)register_type(Ringing::type_info);
  (void)register_type(Bell::type_info);
  EXPECT_EQ(registering({.name = "ringing-loud", .parent = "ringing"}), "ok");
  EXPECT_EQ(registering({.name = "rusting", .parent = "interface"}), "ok");
  EXPECT_EQ(
      registering(
          {.name = "church-bell", .parent = "bell", .interfaces = {"rusting", "ringing", "ringing-loud"}}),
      "ok");
  ASSERT_EQ(class_of("church-bell"), "ok");
  const ObjectClass& klass = **object_class_by_name("church-bell");
  EXPECT_THAT(names(klass.interfaces()), ElementsAre("ringing", "rusting", "ringing-loud"))
      << "inherited ones first, none repeated";
  EXPECT_TRUE(klass.is_a(**object_class_by_name("ringing")));
  EXPECT_TRUE(klass.is_a(**object_class_by_name("interface")));
  EXPECT_FALSE((*object_class_by_name("bell"))->is_a(**object_class_by_name("rusting")));

  EXPECT_EQ(registering({.name = "loud-only", .parent = "object", .interfaces = {"ringing-loud"}}), "ok");
  ASSERT_EQ(class_of("loud-only"), "ok");
  EXPECT_TRUE((*object_class_by_name("loud-only"))->is_a(**object_class_by_name("ringing")))
      << "an interface's parent is implemented, too";
}

TEST_F(TypeTest, interfaces_have_neither_interfaces_nor_instances) {
  EXPECT_EQ(
      registering({.name = "nested-interface", .parent = "interface", .interfaces = {"user-creatable"}}),
      "ok");
  EXPECT_EQ(class_of("nested-interface"),
            "interface 'nested-interface' can have no interfaces but its parents");
  EXPECT_EQ(registering({.name = "hooked-interface", .parent = "interface", .instance_init = [](Object&) {}}),
            "ok");
  EXPECT_EQ(class_of("hooked-interface"),
            "interface 'hooked-interface' can have no instances, nor hooks for them");
}

TEST_F(TypeTest, listing_an_interface_without_deriving_from_it_is_an_error_of_the_first_instance) {
  (void)register_type(Ringing::type_info);
  EXPECT_EQ(
      registering({.name = "mute", .parent = "object", .interfaces = {"ringing"}, .create = create<Thing>}),
      "ok");
  EXPECT_EQ(class_of("mute"), "ok");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(message(object_new("mute")),
              "type 'mute' lists interface 'ringing', but its C++ class does not derive from it");
  }
}

// The types that the class_init of `lister` saw.
std::vector<std::string> seen_by_lister;

TEST_F(TypeTest, a_class_hook_may_list_types_and_look_up_its_own) {
  static const TypeInfo lister{
      .name = "lister", .parent = "container", .class_init = [](ObjectClass& klass) {
        seen_by_lister = names(object_classes());
        EXPECT_EQ(*object_class_by_name("lister"), &klass);
        EXPECT_EQ(class_of("lister-child"),
                  "Type 'lister' is used by a type that derives from it, before it is ready");
        klass.add(property("late", &Object::type_name));
      }};
  EXPECT_EQ(registering({.name = "lister-child", .parent = "lister"}), "ok");
  EXPECT_EQ(registering(lister), "ok");
  ASSERT_EQ(class_of("lister"), "ok");
  EXPECT_THAT(seen_by_lister, IsSupersetOf({"container", "interface", "object", "user-creatable"}));
  EXPECT_THAT(seen_by_lister, Not(Contains("lister")));
  EXPECT_THAT(seen_by_lister, Not(Contains("lister-child")));
  EXPECT_THAT(names(object_classes()), IsSupersetOf({"lister", "lister-child"}));
  EXPECT_TRUE((*object_class_by_name("lister-child"))->find_property("late"))
      << "a class is made of its whole parent, whoever listed types meanwhile";
}

TEST_F(TypeTest, all_types_are_listed_by_name) {
  const auto all = names(object_classes());
  EXPECT_THAT(all, IsSupersetOf({"container", "interface", "object", "user-creatable"}));
  EXPECT_TRUE(std::ranges::is_sorted(all));
}

TEST_F(TypeTest, class_properties_are_inherited_in_order_of_declaration) {
  EXPECT_EQ(registering({.name = "shelf",
                         .parent = "container",
                         .class_init =
                             [](ObjectClass& klass) {
                               klass.add(property("b", &Object::type_name));
                               klass.add(property("a", &Object::type_name));
                             }}),
            "ok");
  EXPECT_EQ(
      registering({.name = "book-shelf",
                   .parent = "shelf",
                   .class_init = [](ObjectClass& klass) { klass.add(property("0", &Object::type_name)); }}),
      "ok");
  ASSERT_EQ(class_of("book-shelf"), "ok");
  std::vector<std::string> properties;
  for (const Property* p : (*object_class_by_name("book-shelf"))->properties())
    properties.push_back(p->name());
  EXPECT_THAT(properties, ElementsAre("type", "b", "a", "0"));
  EXPECT_FALSE((*object_class_by_name("shelf"))->find_property("0"));
}

int slow_class_inits = 0;

TEST_F(TypeTest, two_threads_that_first_use_a_type_at_once_get_one_complete_class) {
  EXPECT_EQ(registering({.name = "contended",
                         .parent = "container",
                         .class_init =
                             [](ObjectClass& klass) {
                               ++slow_class_inits;
                               klass.add(property("last", &Object::type_name));
                             }}),
            "ok");
  EXPECT_EQ(registering({.name = "contended-child", .parent = "contended"}), "ok");
  constexpr int kThreads = 4;
  std::latch start(kThreads);
  std::vector<const ObjectClass*> found(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        const auto klass = object_class_by_name(i % 2 ? "contended" : "contended-child");
        found[i] = klass && (*klass)->find_property("last") ? *klass : nullptr;
      });
    }
  }
  EXPECT_EQ(slow_class_inits, 1);
  EXPECT_EQ(found[0], *object_class_by_name("contended-child"));
  EXPECT_EQ(found[1], *object_class_by_name("contended"));
  EXPECT_EQ(found[0], found[2]);
  EXPECT_EQ(found[1], found[3]);
}

TEST_F(TypeTest, threads_may_register_and_list_types_at_once) {
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 20; ++i) {
          const std::string name = "race-" + std::to_string(t) + "-" + std::to_string(i);
          EXPECT_TRUE(register_type({.name = name, .parent = "container"}));
          EXPECT_THAT(names(object_classes()), Contains(name));
        }
      });
    }
  }
  EXPECT_THAT(names(object_classes()), IsSupersetOf({"race-0-19", "race-1-19"}));
}

std::latch both_ask(2);

TEST_F(TypeTest, a_class_hook_may_cast_while_another_thread_does) {
  ASSERT_EQ(registering(Ringing::type_info), "ok");
  EXPECT_EQ(registering({.name = "asking",
                         .parent = "container",
                         .class_init =
                             [](ObjectClass&) {
                               both_ask.arrive_and_wait();
                               (void)object_cast<Ringing>(&object_root());
                             }}),
            "ok");
  Object& root = object_root();
  std::jthread other([&] {
    both_ask.arrive_and_wait();
    EXPECT_EQ(object_cast<Ringing>(&root), nullptr);
  });
  EXPECT_EQ(class_of("asking"), "ok");
}

TEST_F(TypeTest, a_type_can_be_taken_back_and_registered_again) {
  static int classes = 0;
  static constinit const TypeInfo info{
      .name = "passing", .parent = "object", .create = create<Thing>, .class_init = [](ObjectClass&) {
        ++classes;
      }};
  static constinit const TypeInfo other{.name = "passing", .parent = "object", .create = create<Thing>};
  ASSERT_TRUE(register_type(info));
  const Ref<Object> old = *object_new("passing");
  ASSERT_TRUE(unregister_type(info));
  EXPECT_EQ(object_new("passing").error().message(), "unknown type 'passing'");
  EXPECT_EQ(old->object_class().name(), "passing") << "objects that exist keep their class";
  ASSERT_TRUE(register_type(other)) << "the name is free";
  const Ref<Object> another = *object_new("passing");
  EXPECT_NE(&another->object_class(), &old->object_class());
  ASSERT_TRUE(unregister_type(other));
  ASSERT_TRUE(register_type(info));
  EXPECT_EQ(&(*object_new("passing"))->object_class(), &old->object_class());
  EXPECT_EQ(classes, 1);
  ASSERT_TRUE(unregister_type(info));
}

TEST_F(TypeTest, a_type_that_others_use_or_that_is_unknown_cannot_be_taken_back) {
  static constinit const TypeInfo base{.name = "passing-base", .parent = "object", .create = create<Thing>};
  static constinit const TypeInfo face{.name = "passing-face", .parent = "interface"};
  static constinit const TypeInfo derived{
      .name = "passing-derived", .parent = "passing-base", .interfaces = {"passing-face"}};
  EXPECT_EQ(unregister_type(base).error().message(), "Type 'passing-base' is not registered");
  for (const TypeInfo* info : {&base, &face, &derived}) ASSERT_TRUE(register_type(*info));
  EXPECT_EQ(unregister_type(base).error().message(), "Type 'passing-base' is used by type 'passing-derived'");
  EXPECT_EQ(unregister_type(face).error().message(), "Type 'passing-face' is used by type 'passing-derived'");
  const TypeInfo copy = base;
  EXPECT_EQ(unregister_type(copy).error().message(), "Type 'passing-base' is not registered");
  for (const TypeInfo* info : {&derived, &face, &base}) EXPECT_TRUE(unregister_type(*info));
}

TEST_F(TypeTest, the_number_of_ancestors_is_limited) {
  const auto name = [](int generation) { return "heir-" + std::to_string(generation); };
  for (int generation = 0; generation < 2000; ++generation) {
    const std::string own = name(generation);
    const std::string parent = generation == 0 ? "object" : name(generation - 1);
    ASSERT_TRUE(register_type({.name = own, .parent = parent}));
  }
  EXPECT_TRUE(object_class_by_name(name(499)));
  EXPECT_FALSE(object_class_by_name(name(500)));
  const auto last = object_class_by_name(name(1999));
  ASSERT_FALSE(last);
  EXPECT_NE(last.error().message().find("has more than 500 ancestors"), std::string::npos);
  EXPECT_TRUE(object_class_by_name(name(498))) << "those that are near enough go on";
}

}  // namespace type_test
}  // namespace qomio
