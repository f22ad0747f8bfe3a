// SPDX-License-Identifier: GPL-2.0-or-later
// Callbacks may change or delete the object they are called for. AddressSanitizer finds uses after the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "qomio/object/global_defaults.h"
#include "qomio/object/link.h"
#include "qomio/object/observe.h"
#include "qomio/object/property.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace callback_test {

// The callbacks that the library makes for an object.
enum class Callback {
  getter,
  setter,
  hook,
  failing_hook,
  link_check,
  own_getter,
  own_setter,
  release,
  complete,
  can_be_deleted,
  unparent,
  instance_init,
  instance_finalize,
  added,
  removed,
  changed,
  observed_object,
  observed_property,
  event,
  event_filter,
  command,
  walk,
};
constexpr int kCallbacks = static_cast<int>(Callback::walk) + 1;

enum class Change {
  delete_object,
  delete_parent,
  delete_partner,
  delete_own_properties,
  add_and_delete_property,
  set_others,
  list_all,
  end_observations,
  remove_command,
  throw_nothing_at_all,
};
constexpr int kChanges = static_cast<int>(Change::throw_nothing_at_all) + 1;

class Actor;
// An action, performed once, in one kind of callback.
struct Plan {
  Callback where;
  std::function<void(Actor&)> act;
};
Plan* plan = nullptr;

class Actor final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

  void reached(Callback here) {
    if (!plan || plan->where != here) return;
    const auto act = std::exchange(plan->act, nullptr);
    if (act) act(*this);
  }
  Result<void> complete() override {
    reached(Callback::complete);
    return {};
  }
  bool can_be_deleted() const override {
    const_cast<Actor*>(this)->reached(Callback::can_be_deleted);
    return true;
  }
  StrongLink<Object> friend_;

 private:
  std::int64_t size() const {
    const_cast<Actor*>(this)->reached(Callback::getter);
    return size_;
  }
  Result<void> set_size(std::int64_t size) {
    reached(Callback::setter);
    size_ = size;
    return {};
  }
  Result<void> hooked() {
    reached(Callback::hook);
    if (plan && plan->where == Callback::failing_hook) {
      reached(Callback::failing_hook);
      return error("refused");
    }
    return {};
  }
  Result<void> check_friend(Object*) {
    reached(Callback::link_check);
    return {};
  }
  void unparent() override { reached(Callback::unparent); }

  static void class_init(ObjectClass& klass) {
    klass.add(property("size", &Actor::size, &Actor::set_size));
    klass.add(property("hooked", &Actor::hooked_).on_change(&Actor::hooked));
    klass.add(link("friend", &Actor::friend_).check(&Actor::check_friend));
  }

  std::int64_t size_ = 0;
  std::string hooked_;
};

constinit const TypeInfo Actor::type_info{
    .name = "actor",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Actor>,
    .class_init = Actor::class_init,
    .instance_init = [](Object& o) { static_cast<Actor&>(o).reached(Callback::instance_init); },
    .instance_finalize = [](Object& o) { static_cast<Actor&>(o).reached(Callback::instance_finalize); },
};

struct Happening {
  std::string what;
  static constexpr std::string_view type_name = "Happening";
  static constexpr auto members = member_list(member("what", &Happening::what));
};

// Returns a callback that performs the plan of an Actor.
auto act_on(Callback added, Callback removed, Callback changed) {
  return [=](const ObjectChange& change) {
    auto* actor = object_cast<Actor>(&change.object);
    if (!actor) return;
    using Kind = ObjectChange::Kind;
    actor->reached(change.kind == Kind::added ? added : change.kind == Kind::removed ? removed : changed);
  };
}

class CallbackChangeTest : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  CallbackChangeTest() { EXPECT_TRUE(register_type(Actor::type_info)); }
  ~CallbackChangeTest() override {
    plan = nullptr;
    objects_cleanup();
    if (Object* group = objects_root().child("group")) object_unparent(*group);
  }

  static void add_own_properties(Actor& actor) {
    for (const char* name : {"own", "own-too"}) {
      (void)actor.add_property(
          property<bool>(
              name,
              [](const Object& o) {
                const_cast<Actor&>(static_cast<const Actor&>(o)).reached(Callback::own_getter);
                return true;
              },
              [](Object& o, bool) {
                static_cast<Actor&>(o).reached(Callback::own_setter);
                return Result<void>();
              }),
          [](Object& o) { static_cast<Actor&>(o).reached(Callback::release); });
    }
    (void)object_property_add_alias(actor, "alias", actor, "own");
    (void)object_property_add_alias(actor, "alias-of-size", actor, "size");
  }

  void act(Change change, Actor& actor) {
    switch (change) {
      case Change::delete_object:
        object_unparent(actor);
        break;
      case Change::delete_parent:
        if (Object* group = objects_root().child("group")) object_unparent(*group);
        break;
      case Change::delete_partner:
        actor.friend_.reset();
        if (Object* partner = objects_root().child("partner")) object_unparent(*partner);
        break;
      case Change::delete_own_properties:
        for (const char* name : {"own", "own-too", "alias", "alias-of-size"})
          (void)actor.delete_property(name);
        break;
      case Change::add_and_delete_property:
        add_own_properties(actor);
        (void)actor.delete_property("own");
        (void)actor.add_property(property<bool>("own", [](const Object&) { return false; }, nullptr));
        break;
      case Change::set_others:
        (void)object_set_props(actor, {{"size", 7}, {"hooked", "x"}, {"own-too", true}});
        (void)actor.set_property("friend", Json(""));
        break;
      case Change::list_all:
        (void)commands_.run("qom-list-get", Json{{"paths", {"/objects/a", "/objects/group"}}});
        break;
      case Change::end_observations:
        observations_.clear();
        listening_.reset();
        break;
      case Change::remove_command:
        commands_.remove_command("act");
        break;
      case Change::throw_nothing_at_all:
        break;
    }
  }

  void observe_actor(Actor& actor) {
    constexpr auto kHere = Callback::observed_object;
    for (int i = 0; i < 2; ++i) {
      observations_.push_back(observe(actor, act_on(kHere, kHere, kHere)));
      for (const char* name : {"size", "hooked", "own"}) {
        auto made = observe<Json>(actor, name, [observed = &actor](const Json&, const Json&) {
          observed->reached(Callback::observed_property);
        });
        if (made) observations_.push_back(std::move(*made));
      }
    }
  }

  void use(const std::string& path) {
    const auto run = [&](const char* command, const Json& arguments) {
      (void)commands_.run(command, arguments);
    };
    for (const char* name : {"size", "hooked", "own", "own-too", "alias", "alias-of-size", "friend"})
      run("qom-get", {{"path", path}, {"property", name}});
    run("qom-list-get", {{"paths", {path}}});
    run("qom-list", {{"path", path}});
    run("qom-set", {{"path", path}, {"property", "friend"}, {"value", "/objects/partner"}});
    for (const char* name : {"own", "alias"})
      run("qom-set", {{"path", path}, {"property", name}, {"value", true}});
    for (const char* name : {"size", "alias-of-size"})
      run("qom-set", {{"path", path}, {"property", name}, {"value", 3}});
    run("qom-set", {{"path", path}, {"property", "hooked"}, {"value", "y"}});
    run("qom-set-many",
        {{"path", path},
         {"properties",
          {{"hooked", "z"}, {"size", 4}, {"own", false}, {"alias-of-size", 5}, {"friend", ""}}}});
    run("act", Json::object());
    commands_.emit("HAPPENING", Happening{"here"});
    object_child_foreach_recursive(objects_root(), [&](Object& object) {
      if (auto* actor = object_cast<Actor>(&object)) actor->reached(Callback::walk);
      return 0;
    });
    object_child_foreach(objects_root(), [&](Object& object) {
      if (auto* actor = object_cast<Actor>(&object)) actor->reached(Callback::walk);
      return 0;
    });
    run("query-config", Json::object());
  }

  Actor* any() {
    if (auto* a = object_cast<Actor>(objects_root().child("a"))) return a;
    return object_cast<Actor>(object_resolve_path("/objects/group/a").object);
  }

  CommandRegistry& commands_ = object_registry();
  std::vector<Observation> observations_;
  std::shared_ptr<void> listening_;
};

TEST_P(CallbackChangeTest, leaves_nothing_behind) {
  const auto where = static_cast<Callback>(std::get<0>(GetParam()));
  const auto change = static_cast<Change>(std::get<1>(GetParam()));
  Command act_command = command(
      "act", "does what is planned", +[] {
        for (const char* path : {"/objects/a", "/objects/group/a"}) {
          if (auto* actor = object_cast<Actor>(object_resolve_path(path).object))
            actor->reached(Callback::command);
        }
        return Result<void>();
      });
  const auto reach = [this](Callback here) {
    if (Actor* actor = any()) actor->reached(here);
  };
  commands_.add(event<Happening>("HAPPENING", "for this test"));
  const auto listen = [&] {
    observations_.clear();
    for (Object* root : {&objects_root(), &objects_root(), &object_root()})
      observations_.push_back(
          observe_tree(*root, act_on(Callback::added, Callback::removed, Callback::changed)));
    listening_ = commands_.listen([reach](auto, auto&) { reach(Callback::event); },
                                  [reach](std::string_view name) {
                                    if (name == "HAPPENING") reach(Callback::event_filter);
                                    return true;
                                  });
  };
  // First an object that users create, then one that the program creates, whose parent may be deleted.
  for (const bool in_group : {false, true}) {
    listen();
    commands_.add(act_command);
    (void)user_creatable_add(Json{{"qom-type", "actor"}, {"id", "partner"}});
    Plan planned{where, [&](Actor& actor) { act(change, actor); }};
    plan = &planned;
    const std::string path = in_group ? "/objects/group/a" : "/objects/a";
    if (in_group) {
      const Ref<Object> group = *object_new("container");
      ASSERT_TRUE(objects_root().add_child("group", *group));
      (void)object_new_with_props("actor", *group, "a", {{"size", 1}, {"hooked", "h"}});
    } else {
      (void)user_creatable_add(Json{{"qom-type", "actor"}, {"id", "a"}, {"size", 1}, {"hooked", "h"}});
    }
    if (auto* actor = object_cast<Actor>(object_resolve_path(path).object)) {
      add_own_properties(*actor);
      // Reads properties, which the other use of a getter below would then do for the second time.
      if (where != Callback::getter && where != Callback::own_getter) observe_actor(*actor);
    }
    use(path);
    (void)user_creatable_del("a");
    if (Object* left = object_resolve_path(path).object) object_unparent(*left);
    const bool is_asked = where != Callback::can_be_deleted || !in_group;
    EXPECT_EQ(planned.act == nullptr, is_asked) << "was the callback reached?";
    plan = nullptr;
    (void)user_creatable_del("partner");
    if (Object* group = objects_root().child("group")) object_unparent(*group);
    EXPECT_EQ(object_resolve_path(path).object, nullptr);
    EXPECT_TRUE(objects_root().is_empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Every, CallbackChangeTest,
                         testing::Combine(testing::Range(0, kCallbacks), testing::Range(0, kChanges)));

// --- An object that is leaving the tree is not removed again ---

class Recluse final : public Object {
 public:
  static const TypeInfo type_info;
  int left = 0;
  Object* takes_along = nullptr;

 private:
  void unparent() override {
    ++left;
    object_unparent(*this);
    if (takes_along) object_unparent(*takes_along);
  }
};
constinit const TypeInfo Recluse::type_info{.name = "recluse", .parent = "object", .create = create<Recluse>};

TEST(Leaving, an_object_is_told_once_that_it_leaves) {
  ASSERT_TRUE(register_type(Recluse::type_info));
  const auto a = *object_new_with_props<Recluse>("a");
  const auto b = *object_new_with_props<Recluse>("b");
  a->takes_along = b.get();
  b->takes_along = a.get();
  object_unparent(*a);
  EXPECT_EQ(a->left, 1);
  EXPECT_EQ(b->left, 1);
  EXPECT_EQ(a->parent(), nullptr);
  EXPECT_EQ(b->parent(), nullptr);
  // It may be added again and leave again.
  ASSERT_TRUE(objects_root().add_child("a", *a));
  object_unparent(*a);
  EXPECT_EQ(a->left, 2);
}

TEST(Leaving, an_object_may_take_its_parent_along) {
  ASSERT_TRUE(register_type(Recluse::type_info));
  const auto child = *object_new_with_props<Recluse>("#unused");
  object_unparent(*child);
  Object* group = nullptr;
  {
    const Ref<Object> made = *object_new("container");
    ASSERT_TRUE(objects_root().add_child("group", *made));
    ASSERT_TRUE(made->add_child("child", *child));
    group = made.get();
  }
  child->takes_along = group;
  object_unparent(*child);
  EXPECT_TRUE(objects_root().is_empty());
  EXPECT_EQ(child->parent(), nullptr);
}

TEST(Leaving, clearing_all_from_an_object_that_leaves_ends) {
  class Last final : public Object {
    void unparent() override { objects_cleanup(); }
  };
  static constinit const TypeInfo last{.name = "last-one", .parent = "object", .create = create<Last>};
  ASSERT_TRUE(register_type(last));
  (void)object_new_with_props("last-one", objects_root(), "x");
  (void)object_new_with_props("last-one", objects_root(), "y");
  objects_cleanup();
  EXPECT_TRUE(objects_root().is_empty());
}

TEST(Leaving, observers_may_delete_each_others_partners) {
  ASSERT_TRUE(register_type(Recluse::type_info));
  int heard = 0;
  const auto pairs = observe_tree(objects_root(), [&](const ObjectChange& change) {
    if (change.kind != ObjectChange::Kind::removed) return;
    ++heard;
    const char* partner = change.object.name() == "p" ? "q" : "p";
    if (Object* other = objects_root().child(partner)) object_unparent(*other);
  });
  (void)object_new_with_props("recluse", objects_root(), "p");
  (void)object_new_with_props("recluse", objects_root(), "q");
  object_unparent(*objects_root().child("p"));
  EXPECT_EQ(heard, 2);
  EXPECT_TRUE(objects_root().is_empty());
}

// --- Exceptions ---

class Thrower final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  static inline std::string where;
  static void reached(std::string_view here) {
    if (where == here) throw std::runtime_error("no luck");
  }
  Thrower() { reached("constructor"); }
  Result<void> complete() override { return reached("complete"), Result<void>(); }
  bool can_be_deleted() const override { return reached("can_be_deleted"), true; }

 private:
  std::int64_t get() const { return reached("get"), 1; }
  Result<void> set(std::int64_t) { return reached("set"), Result<void>(); }
  Result<void> hook() { return reached("hook"), Result<void>(); }
  Result<void> check(Object*) { return reached("check"), Result<void>(); }
  void unparent() override { reached("unparent"); }
  static void class_init(ObjectClass& klass) {
    reached("class_init");
    klass.add(property("size", &Thrower::get, &Thrower::set));
    klass.add(property("hooked", &Thrower::hooked_).on_change(&Thrower::hook));
    klass.add(link("friend", &Thrower::friend_).check(&Thrower::check));
  }
  std::int64_t hooked_ = 0;
  WeakLink<Object> friend_;
};
constinit const TypeInfo Thrower::type_info{
    .name = "thrower",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Thrower>,
    .class_init = Thrower::class_init,
    .instance_init = [](Object&) { Thrower::reached("init"); },
    .instance_post_init = [](Object&) { Thrower::reached("post_init"); },
    .instance_finalize = [](Object&) { Thrower::reached("finalize"); },
};

class ExceptionDeathTest : public testing::Test {
 protected:
  ExceptionDeathTest() { EXPECT_TRUE(register_type(Thrower::type_info)); }
  // Reaches all callbacks of a Thrower; the one named `where` throws.
  static void use(const char* where) {
    Thrower::where = where;
    auto made = object_new_with_props("thrower", objects_root(), "t", {{"size", 1}});
    (void)(*made)->get_property("size");
    (void)(*made)->set_property("hooked", Json(1));
    (void)(*made)->set_property("friend", Json("/objects"));
    (void)user_creatable_del("t");
    made->operator->();
    *made = Ref<Object>();
  }
};

TEST_F(ExceptionDeathTest, names_the_callback_and_what_it_says) {
  EXPECT_DEATH(use("class_init"), "left the class_init of type 'thrower': no luck");
  EXPECT_DEATH(use("constructor"), "left the constructor of type 'thrower': no luck");
  EXPECT_DEATH(use("init"), "left the instance_init of type 'thrower': no luck");
  EXPECT_DEATH(use("post_init"), "left the instance_post_init of type 'thrower': no luck");
  EXPECT_DEATH(use("finalize"), "left the instance_finalize of type 'thrower': no luck");
  EXPECT_DEATH(use("complete"), "left the complete.. of 't': no luck");
  EXPECT_DEATH(use("can_be_deleted"), "left the can_be_deleted.. of 't': no luck");
  EXPECT_DEATH(use("get"), "left the getter of property 'size': no luck");
  EXPECT_DEATH(use("set"), "left the setter of property 'size': no luck");
  EXPECT_DEATH(use("hook"), "left the on_change hook of property 'hooked': no luck");
  EXPECT_DEATH(use("check"), "left the check of property 'friend': no luck");
  EXPECT_DEATH(use("unparent"), "left the unparent.. of 't': no luck");
  use("nowhere");
}

TEST_F(ExceptionDeathTest, of_observers_walks_releases_and_commands_too) {
  const auto fail = [] { throw std::runtime_error("no luck"); };
  EXPECT_DEATH(object_child_foreach(object_root(), [&](Object&) { return fail(), 0; }),
               "left the walk at 'objects': no luck");
  EXPECT_DEATH(
      {
        const Ref<Object> object = *object_new("container");
        (void)object->add_property(
            property<bool>("p", [](const Object&) { return true; }, nullptr), [&](Object&) { fail(); });
        (void)object->delete_property("p");
      },
      "left the release of property 'p': no luck");
  EXPECT_DEATH(
      {
        const auto failing = observe_tree(objects_root(), [&](const ObjectChange&) { fail(); });
        (void)object_new_with_props("thrower", objects_root(), "t");
      },
      "left the observer of 't': no luck");
  CommandRegistry commands;
  Command broken = command("break", "throws", +[]() -> Result<void> { throw std::runtime_error("no luck"); });
  commands.add(broken);
  EXPECT_DEATH((void)commands.run("break", Json::object()), "left the command 'break': no luck");
}

}  // namespace callback_test
}  // namespace qomio
