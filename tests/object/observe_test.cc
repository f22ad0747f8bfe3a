// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/observe.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "qomio/object/config.h"
#include "qomio/object/link.h"
#include "qomio/object/object_new.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/object/diary.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace observe_test {

using testing::ElementsAre;
using testing::IsEmpty;

// --- Whatever way objects are created, set and deleted, it is reported alike ---

// complete() creates a garage, itself a Villa, if `nested` is not 0, and then fails if `haunted` is set.
class Villa final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override {
    if (nested_) {
      auto garage = object_new_with_props("villa", *this, "garage", {{"nested", nested_ - 1}});
      if (!garage) return failure(garage);
    }
    return haunted_ ? error("haunted") : Result<void>();
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("plain", &Villa::plain_));
    klass.add(property("bounded", &Villa::bounded_).range(0, 9));
    klass.add(property("hooked", &Villa::hooked_).on_change(&Villa::apply));
    klass.add(property("reached", &Villa::reached, &Villa::set_reached));
    klass.add(property("write-only", nullptr, &Villa::set_reached));
    klass.add(property("haunted", &Villa::haunted_));
    klass.add(property("nested", &Villa::nested_));
    klass.add(link("neighbour", &Villa::neighbour_));
  }
  Result<void> apply() { return {}; }
  std::int64_t reached() const { return plain_; }
  Result<void> set_reached(std::int64_t value) {
    plain_ = value;
    return {};
  }
  std::int64_t plain_ = 0;
  std::int64_t bounded_ = 0;
  std::int64_t hooked_ = 0;
  bool haunted_ = false;
  std::int64_t nested_ = 0;
  WeakLink<Villa> neighbour_;
};
constinit const TypeInfo Villa::type_info{
    .name = "villa",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Villa>,
    .class_init = class_init,
};

class ObserveTest : public testing::Test {
 protected:
  ObserveTest() { EXPECT_TRUE(register_type(Villa::type_info)); }
  ~ObserveTest() override { objects_cleanup(); }

  static bool run(const char* command, const Json& arguments) {
    return object_registry().run(command, arguments).has_value();
  }

  Diary diary_;
};

TEST_F(ObserveTest, every_way_to_set_every_kind_of_property_is_reported_alike) {
  const auto villa = *object_new_with_props<Villa>("v");
  const auto room = *object_new_with_props<Villa>("room");
  std::int64_t number = 0;
  ASSERT_TRUE(villa->add_property(property<std::int64_t>(
      "own", [&](const Object&) { return number; },
      [&](Object&, std::int64_t value) { return number = value, Result<void>(); })));
  for (const char* name : {"plain", "hooked", "own", "neighbour"}) {
    ASSERT_TRUE(object_property_add_alias(*room, fmt::format("other-{}", name), *villa, name));
    ASSERT_TRUE(
        object_property_add_alias(*room, fmt::format("far-{}", name), *room, fmt::format("other-{}", name)));
  }

  using Set = std::function<bool(Object&, const std::string& name, const Json& value)>;
  const std::vector<std::pair<const char*, Set>> ways{
      {"set_property", [](auto& o, auto& n, auto& v) { return o.set_property(n, v).has_value(); }},
      {"parse_property",
       [](auto& o, auto& n, auto& v) {
         return o.parse_property(n, v.is_string() ? v.template get<std::string>() : json_text(v)).has_value();
       }},
      {"a typed setter",
       [](auto& o, auto& n, auto& v) {
         return (v.is_string() ? object_property_set_str(o, n, v.template get<std::string>())
                               : object_property_set_int(o, n, v.template get<std::int64_t>()))
             .has_value();
       }},
      {"object_set_props of JSON",
       [](auto& o, auto& n, auto& v) { return object_set_props(o, Json{{n, v}}).has_value(); }},
      {"object_set_props of text",
       [](auto& o, auto& n, auto& v) {
         const std::string text = v.is_string() ? v.template get<std::string>() : json_text(v);
         return object_set_props(o, {{n, std::string_view(text)}}).has_value();
       }},
      {"qom-set",
       [](auto& o, auto& n, auto& v) {
         return run("qom-set", {{"path", o.name()}, {"property", n}, {"value", v}});
       }},
      {"qom-set-many",
       [](auto& o, auto& n, auto& v) {
         return run("qom-set-many", {{"path", o.name()}, {"properties", {{n, v}}}});
       }},
      {"a configuration",
       [](auto& o, auto& n, auto& v) {
         const Json settings{{"path", o.name()}, {"properties", {{n, v}}}};
         return load_config(object_registry(), json_text({{"settings", Json::array({settings})}}), "f")
             .has_value();
       }},
  };
  (void)diary_.take();
  for (const auto& [way, set] : ways) {
    SCOPED_TRACE(way);
    for (const char* name : {"plain", "bounded", "hooked", "reached", "write-only", "own"}) {
      EXPECT_TRUE(set(*villa, name, 5));
      EXPECT_THAT(diary_.take(), ElementsAre(fmt::format("{} /objects/v", name)));
    }
    EXPECT_TRUE(set(*villa, "neighbour", "room"));
    EXPECT_THAT(diary_.take(), ElementsAre("neighbour /objects/v"));
    for (const std::string name : {"plain", "hooked", "own", "neighbour"}) {
      const Json value = name == "neighbour" ? Json("/objects/room") : Json(6);
      EXPECT_TRUE(set(*room, "other-" + name, value));
      EXPECT_THAT(diary_.take(), ElementsAre(name + " /objects/v", "other-" + name + " /objects/room"));
      EXPECT_TRUE(set(*room, "far-" + name, value));
      EXPECT_THAT(diary_.take(), ElementsAre(name + " /objects/v", "other-" + name + " /objects/room",
                                             "far-" + name + " /objects/room"));
    }
    EXPECT_FALSE(set(*villa, "bounded", 10));
    EXPECT_FALSE(set(*villa, "nope", 10));
    EXPECT_THAT(diary_.take(), IsEmpty());
  }
}

TEST_F(ObserveTest, a_change_through_an_alias_is_reported_for_its_target) {
  const auto villa = *object_new_with_props<Villa>("v");
  const auto outside = *object_new("container");
  ASSERT_TRUE(object_property_add_alias(*outside, "plain", *villa, "plain"));
  (void)diary_.take();
  ASSERT_TRUE(outside->set_property("plain", 1));
  EXPECT_THAT(diary_.take(), ElementsAre("plain /objects/v"));
  ASSERT_TRUE(object_set_props(*outside, Json{{"plain", 2}}));
  EXPECT_THAT(diary_.take(), ElementsAre("plain /objects/v"));
}

TEST_F(ObserveTest, every_way_to_create_and_delete_is_reported_alike_with_the_parts) {
  const std::vector<std::pair<const char*, std::function<bool()>>> ways_to_make{
      {"object_new_with_props",
       [] { return object_new_with_props("villa", objects_root(), "v", {{"nested", 2}}).has_value(); }},
      {"user_creatable_add",
       [] { return user_creatable_add({{"qom-type", "villa"}, {"id", "v"}, {"nested", 2}}).has_value(); }},
      {"object-add", [] { return run("object-add", {{"qom-type", "villa"}, {"id", "v"}, {"nested", 2}}); }},
      {"a configuration",
       [] {
         return load_config(object_registry(), "{'objects':[{'qom-type':'villa','id':'v','nested':2}]}", "f")
             .has_value();
       }},
  };
  const std::vector<std::pair<const char*, std::function<bool()>>> ways_to_delete{
      {"user_creatable_del", [] { return user_creatable_del("v").has_value(); }},
      {"object-del", [] { return run("object-del", {{"id", "v"}}); }},
      {"object_unparent", [] { return object_unparent(*objects_root().child("v")), true; }},
      {"objects_cleanup", [] { return objects_cleanup(), true; }},
      {"object_unparent, kept",
       [] {
         const Ref<Object> kept(*objects_root().child("v"));
         object_unparent(*kept);
         return kept->child("garage")->set_property("plain", 1).has_value();
       }},
  };
  for (const auto& [how_made, make] : ways_to_make) {
    for (const auto& [how_deleted, remove] : ways_to_delete) {
      SCOPED_TRACE(fmt::format("{}, {}", how_made, how_deleted));
      EXPECT_TRUE(make());
      EXPECT_THAT(diary_.take(), ElementsAre("added /objects/v/garage/garage", "added /objects/v/garage",
                                             "added /objects/v"));
      EXPECT_TRUE(remove());
      EXPECT_THAT(diary_.take(), ElementsAre("removed /objects/v", "removed /objects/v/garage",
                                             "removed /objects/v/garage/garage"));
    }
  }
}

TEST_F(ObserveTest, parts_of_a_refused_object_are_reported_as_deleted) {
  EXPECT_FALSE(object_new_with_props<Villa>("v", {{"nested", 1}, {"haunted", true}}));
  EXPECT_THAT(diary_.take(), ElementsAre("added /objects/v/garage", "removed /objects/v/garage"));
}

TEST_F(ObserveTest, a_subtree_that_is_added_below_objects_is_reported) {
  const auto villa = *object_new_with_props("villa", internal_root(), "v", {{"nested", 1}});
  EXPECT_THAT(diary_.take(), IsEmpty());
  object_unparent(*villa);
  ASSERT_TRUE(objects_root().add_child("w", *villa));
  EXPECT_THAT(diary_.take(), ElementsAre("added /objects/w", "added /objects/w/garage"));
  const auto folder = *object_new("container");
  object_unparent(*villa);
  ASSERT_TRUE(folder->add_child("x", *villa));
  ASSERT_TRUE(objects_root().add_child("#folder", *folder));
  EXPECT_THAT(diary_.take(), ElementsAre("removed /objects/w", "removed /objects/w/garage",
                                         "added /objects/#folder/x", "added /objects/#folder/x/garage"));
  object_unparent(*folder);
  EXPECT_THAT(diary_.take(), ElementsAre("removed /objects/#folder/x", "removed /objects/#folder/x/garage"));
}

TEST_F(ObserveTest, an_object_that_the_program_completes_itself_is_reported) {
  const auto villa = *object_new("villa");
  ASSERT_TRUE(objects_root().add_child("v", *villa));
  ASSERT_TRUE(villa->set_property("plain", 1));
  EXPECT_THAT(diary_.take(), IsEmpty()) << "it is still being made";
  villa->set_complete();
  villa->set_complete();
  object_unparent(*villa);
  EXPECT_THAT(diary_.take(), ElementsAre("added /objects/v", "removed /objects/v"));
}

// --- What observers hear, and what they may do ---

class Tank final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override { return {}; }
  void leak(std::int64_t litres) {
    const std::int64_t before = std::exchange(leaked_, litres);
    notify("leaked", before);
  }
  mutable int reads = 0;                        // number of calls of the getter
  static inline std::function<void()> on_read;  // called once, by the getter
  std::int64_t leaked_ = 0;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("level", &Tank::level_).range(0, 100));
    klass.add(property("content", &Tank::content_));
    klass.add(property("doors", &Tank::doors_));
    klass.add(property("leaked", &Tank::leaked));
    klass.add(property("pressure", &Tank::pressure, &Tank::set_pressure));
    klass.add(property("key", nullptr, &Tank::set_key));
    klass.add(link("next", &Tank::next_));
  }
  std::int64_t leaked() const { return leaked_; }
  std::int64_t pressure() const {
    ++reads;
    if (on_read) std::exchange(on_read, {})();
    return pressure_;
  }
  Result<void> set_pressure(std::int64_t value) { return pressure_ = value, Result<void>(); }
  Result<void> set_key(std::int64_t) { return {}; }
  std::int64_t level_ = 0;
  std::int64_t pressure_ = 0;
  std::string content_;
  std::vector<std::int64_t> doors_;
  WeakLink<Tank> next_;
};
constinit const TypeInfo Tank::type_info{
    .name = "tank",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Tank>,
    .class_init = class_init,
};

class ObserverTest : public testing::Test {
 protected:
  ObserverTest() {
    EXPECT_TRUE(register_type(Tank::type_info));
    tank_ = *object_new_with_props<Tank>("t");
  }
  ~ObserverTest() override { objects_cleanup(); }

  // Returns a callback that records what it hears: "a level 1 2", "a removed".
  auto record(std::string who) {
    return [this, who](const ObjectChange& change) {
      if (change.kind == ObjectChange::Kind::changed) {
        heard_.push_back(fmt::format("{} {} {} {}", who, change.property->name(),
                                     change.old_value ? json_text(*change.old_value) : "?",
                                     json_text(change.new_value().value_or(Json("?")))));
      } else {
        const bool added = change.kind == ObjectChange::Kind::added;
        heard_.push_back(fmt::format("{} {} {}", who, added ? "added" : "removed", change.object.name()));
      }
    };
  }
  // The same for a property: "a 1 2".
  auto record_values(std::string who) {
    return [this, who](std::int64_t before, std::int64_t now) {
      heard_.push_back(fmt::format("{} {} {}", who, before, now));
    };
  }
  Observation observe_level(std::string who) {
    return *observe<std::int64_t>(*tank_, "level", record_values(std::move(who)));
  }
  void set_level(std::int64_t level) { EXPECT_TRUE(tank_->set_property("level", level)); }
  std::vector<std::string> take() { return std::exchange(heard_, {}); }

  Ref<Tank> tank_;
  std::vector<std::string> heard_;
};

TEST_F(ObserverTest, an_observer_of_a_property_hears_its_old_and_its_new_value) {
  set_level(1);
  const auto level = observe_level("a");
  set_level(2);
  EXPECT_TRUE(object_set_props(*tank_, {{"level", 3}, {"content", "oil"}}));
  EXPECT_FALSE(tank_->set_property("level", 101));
  EXPECT_TRUE(tank_->set_property("content", "water"));
  EXPECT_THAT(take(), ElementsAre("a 1 2", "a 2 3"));
}

TEST_F(ObserverTest, a_property_is_heard_as_any_type_that_holds_its_value) {
  const auto text = observe<std::string>(*tank_, "content", [&](const std::string& before, std::string now) {
    heard_.push_back(before + "-" + now);
  });
  const auto list = observe<std::vector<std::int64_t>>(*tank_, "doors", [&](const auto& before, auto& now) {
    heard_.push_back(fmt::format("{}-{}", before.size(), now.size()));
  });
  const auto json = observe<Json>(*tank_, "doors", [&](const Json& before, const Json& now) {
    heard_.push_back(json_text(before) + "-" + json_text(now));
  });
  const auto path = observe<std::string>(
      *tank_, "next", [&](auto& before, auto& now) { heard_.push_back(before + "-" + now); });
  EXPECT_TRUE(tank_->set_property("content", "oil"));
  EXPECT_TRUE(tank_->set_property("doors", Json{1, 2}));
  EXPECT_TRUE(tank_->set_property("next", "t"));
  EXPECT_THAT(take(), ElementsAre("-oil", "0-2", "[]-[1, 2]", "-/objects/t"));
}

TEST_F(ObserverTest, an_observer_of_a_property_does_not_hear_a_value_that_stays) {
  const auto level = observe_level("a");
  set_level(0);
  set_level(5);
  set_level(5);
  EXPECT_THAT(take(), ElementsAre("a 0 5"));
}

TEST_F(ObserverTest, an_observer_of_an_object_hears_each_property_with_both_values) {
  const auto all = observe(*tank_, record("a"));
  set_level(1);
  set_level(1);
  EXPECT_TRUE(tank_->set_property("content", "oil"));
  EXPECT_TRUE(tank_->set_property("key", 1)) << "it can't be read";
  EXPECT_TRUE(object_set_props(*tank_, {{"level", 2}, {"content", "water"}}));
  EXPECT_FALSE(tank_->set_property("level", 101));
  EXPECT_THAT(take(), ElementsAre("a level 0 1", "a level 1 1", R"(a content "" "oil")", R"(a key ? "?")",
                                  "a level 1 2", R"(a content "oil" "water")"));
}

TEST_F(ObserverTest, properties_that_are_set_together_are_heard_when_all_are_set) {
  const auto level = observe<int>(
      *tank_, "level", [&](int, int) { heard_.push_back(json_text(*tank_->get_property("content"))); });
  EXPECT_TRUE(object_set_props(*tank_, {{"level", 2}, {"content", "water"}}));
  EXPECT_THAT(take(), ElementsAre(R"("water")"));
}

TEST_F(ObserverTest, a_change_that_an_object_makes_itself_is_heard) {
  const auto value = *observe<std::int64_t>(*tank_, "leaked", record_values("value"));
  const auto object = observe(*tank_, record("object"));
  const auto tree = observe_tree(objects_root(), record("tree"));
  tank_->leak(3);
  EXPECT_THAT(take(), ElementsAre("value 0 3", "object leaked 0 3", "tree leaked 0 3"));
  tank_->leaked_ = 4;
  tank_->notify("leaked");  // does not say what the value was; the observer of the property knows it
  EXPECT_THAT(take(), ElementsAre("value 3 4", "object leaked ? 4", "tree leaked ? 4"));
}

TEST_F(ObserverTest, an_observer_of_an_object_hears_of_its_removal_and_its_return) {
  const Ref<Object> group = *object_new("container");
  const auto of_group = observe(*group, record("group"));
  const auto of_tank = observe(*tank_, record("tank"));
  object_unparent(*tank_);
  ASSERT_TRUE(group->add_child("t", *tank_));
  ASSERT_TRUE(objects_root().add_child("g", *group));
  object_unparent(*group);
  set_level(1);
  EXPECT_THAT(take(), ElementsAre("tank removed t", "tank added t", "group added g", "tank added t",
                                  "group removed g", "tank removed t", "tank level 0 1"));
}

TEST_F(ObserverTest, any_object_is_the_root_of_an_observed_tree) {
  const Ref<Object> outside = *object_new("container");
  const auto part = *object_new_with_props("tank", *tank_, "part");
  const auto hidden = *object_new_with_props("tank", internal_root(), "i");
  const auto detached = *object_new_with_props("tank", *outside, "d");
  const auto of_root = observe_tree(object_root(), record("/"));
  const auto of_tank = observe_tree(*tank_, record("t"));
  const auto of_internal = observe_tree(internal_root(), record("internal"));
  const auto of_outside = observe_tree(*outside, record("outside"));
  for (const auto& object : {part, hidden, detached}) EXPECT_TRUE(object->set_property("level", 1));
  EXPECT_THAT(take(), ElementsAre("t level 0 1", "/ level 0 1", "internal level 0 1", "outside level 0 1"));
  set_level(1);
  EXPECT_THAT(take(), ElementsAre("/ level 0 1")) << "a root is not below itself";
  object_unparent(*tank_);
  EXPECT_THAT(take(), ElementsAre("/ removed t", "/ removed part")) << "it is still below the tank";
  ASSERT_TRUE(part->set_property("level", 2));
  EXPECT_THAT(take(), ElementsAre("t level 1 2"));
  object_unparent(*hidden);
  EXPECT_THAT(take(), ElementsAre("internal removed i"));
}

TEST_F(ObserverTest, when_a_root_is_destroyed_the_removal_of_its_parts_is_heard) {
  Ref<Object> outside = *object_new("container");
  const auto part = *object_new_with_props("tank", *outside, "part");
  const auto tree = observe_tree(*outside, record("a"));
  outside = {};
  EXPECT_THAT(take(), ElementsAre("a removed part"));
  EXPECT_EQ(part->parent(), nullptr);
}

TEST_F(ObserverTest, observers_are_called_from_the_object_to_the_farthest_root_and_the_oldest_first) {
  const auto far_root = observe_tree(object_root(), record("/"));
  const auto root = observe_tree(objects_root(), record("1"));
  const auto root_again = observe_tree(objects_root(), record("2"));
  const auto object = observe(*tank_, record("3"));
  const auto value = observe_level("4");
  const auto object_again = observe(*tank_, record("5"));
  set_level(1);
  EXPECT_THAT(take(), ElementsAre("3 level 0 1", "4 0 1", "5 level 0 1", "1 level 0 1", "2 level 0 1",
                                  "/ level 0 1"));
}

TEST_F(ObserverTest, an_alias_is_observed_at_its_target) {
  const auto other = *object_new_with_props<Tank>("other");
  ASSERT_TRUE(object_property_add_alias(*other, "alias", *tank_, "level"));
  ASSERT_TRUE(object_property_add_alias(*other, "far", *other, "alias"));
  const auto alias = *observe<std::int64_t>(*other, "far", record_values("a"));
  const auto tree = observe_tree(objects_root(), record("tree"));
  set_level(1);
  EXPECT_THAT(take(), ElementsAre("a 0 1", "tree level 0 1"));
  ASSERT_TRUE(other->set_property("far", 2));
  EXPECT_THAT(take(), ElementsAre("a 1 2", "tree level 1 2", "tree alias 1 2", "tree far 1 2"));
}

TEST_F(ObserverTest, what_can_not_be_observed_is_an_error) {
  const auto message = [](const auto& result) { return result ? "none" : result.error().message(); };
  const auto part = *object_new_with_props<Tank>("other");
  object_unparent(*part);
  ASSERT_TRUE(tank_->add_child("part", *part));
  ASSERT_TRUE(object_property_add_alias(*tank_, "of-child", *tank_, "part"));
  ASSERT_TRUE(object_property_add_alias(*tank_, "alias", **object_new("tank"), "level"));
  const auto ignore = [](auto&, auto&) {};
  EXPECT_EQ(message(observe<int>(*tank_, "nope", ignore)), "Property 'tank.nope' not found");
  EXPECT_EQ(message(observe<int>(*tank_, "key", ignore)), "Property 'tank.key' is not readable");
  EXPECT_EQ(message(observe<std::string>(*tank_, "level", ignore)),
            "Invalid parameter type for 'level', expected: string");
  EXPECT_EQ(message(observe<std::string>(*tank_, "part", ignore)), "Property 'tank.part' not found");
  EXPECT_EQ(message(observe<std::string>(*tank_, "of-child", ignore)),
            "Property 'tank.of-child' is an alias of a child, which can't be observed");
  EXPECT_EQ(message(observe<int>(*tank_, "alias", ignore)),
            "Property 'tank.alias' is an alias of an object that no longer exists");
}

TEST_F(ObserverTest, an_observation_ends_with_its_handle) {
  Observation kept;
  {
    auto level = observe_level("a");
    auto moved = observe_level("b");
    kept = std::move(moved);
  }
  set_level(1);
  EXPECT_THAT(take(), ElementsAre("b 0 1"));
  kept = observe_level("c");
  set_level(2);
  EXPECT_THAT(take(), ElementsAre("c 1 2"));
  kept = {};
  set_level(3);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(ObserverTest, a_handle_may_outlive_its_object) {
  auto level = observe_level("a");
  auto object = observe(*tank_, record("b"));
  auto tree = observe_tree(*tank_, record("c"));
  object_unparent(*tank_);
  tank_ = {};
  level = {};
  EXPECT_THAT(take(), ElementsAre("b removed t"));
}

TEST_F(ObserverTest, what_a_callback_captured_is_destroyed_with_the_handle_but_not_during_a_call) {
  const auto tested = std::make_shared<int>(1);
  int calls = 0;
  Observation own;
  // A callback need not be copyable.
  own = observe(*tank_, [&, number = std::make_unique<int>(7), shared = tested](const ObjectChange&) {
    own = {};
    calls += *number;
    EXPECT_EQ(shared.use_count(), 2);
  });
  set_level(1);
  EXPECT_EQ(calls, 7);
  EXPECT_EQ(tested.use_count(), 1);
}

TEST_F(ObserverTest, a_callback_may_set_the_property_again_and_all_hear_the_last_value_last) {
  const auto first = observe_level("a");
  const auto limit = observe<int>(*tank_, "level", [&](int, int now) {
    if (now > 30) set_level(30);
  });
  const auto last = observe_level("b");
  const auto object = observe(*tank_, record("object"));
  set_level(40);
  EXPECT_THAT(take(), ElementsAre("a 0 40", "a 40 30", "b 0 30", "object level 40 30", "object level 0 30"));
}

TEST_F(ObserverTest, two_properties_may_follow_each_other) {
  const auto other = *object_new_with_props<Tank>("other");
  const auto there =
      observe<int>(*tank_, "level", [&](int, int now) { EXPECT_TRUE(other->set_property("level", now)); });
  const auto back = observe<int>(*other, "level", [&](int, int now) { set_level(now); });
  set_level(5);
  EXPECT_EQ(*other->get_property("level"), 5);
  EXPECT_TRUE(other->set_property("level", 6));
  EXPECT_EQ(*tank_->get_property("level"), 6);
}

TEST_F(ObserverTest, a_callback_may_delete_what_it_observes) {
  const auto level = observe<int>(*tank_, "level", [&](int, int) {
    object_unparent(*tank_);
    tank_ = {};
  });
  const auto object = observe(*tank_, record("object"));
  const auto tree = observe_tree(objects_root(), record("tree"));
  EXPECT_TRUE(tank_.get()->set_property("level", 1));
  EXPECT_THAT(take(), ElementsAre("object removed t", "tree removed t", "object level 0 1"));
  EXPECT_EQ(objects_root().child("t"), nullptr);
}

TEST_F(ObserverTest, a_callback_may_delete_the_root_that_it_observes) {
  Object* group = nullptr;
  {
    const Ref<Object> made = *object_new("container");
    ASSERT_TRUE(objects_root().add_child("g", *made));
    group = made.get();
  }
  const auto part = *object_new_with_props("tank", *group, "part");
  const auto nearest = observe_tree(*group, [&](const ObjectChange& change) {
    if (change.property) object_unparent(*group);
  });
  const auto second = observe_tree(*group, record("near"));
  const auto far_root = observe_tree(object_root(), record("/"));
  EXPECT_TRUE(part->set_property("level", 1));
  EXPECT_THAT(take(), ElementsAre("/ removed part", "near level 0 1", "near removed part"));
}

TEST_F(ObserverTest, an_object_that_is_deleted_as_it_is_added_is_heard_as_removed) {
  const auto first = observe_tree(objects_root(), [&](const ObjectChange& change) {
    if (change.kind == ObjectChange::Kind::added) object_unparent(change.object);
  });
  const auto second = observe_tree(objects_root(), record("a"));
  const auto made = object_new_with_props<Tank>("u");
  EXPECT_THAT(take(), ElementsAre("a removed u"));
}

TEST_F(ObserverTest, a_callback_may_end_its_own_and_other_observations) {
  Observation own;
  Observation later = observe(*tank_, record("unused"));
  own = observe(*tank_, [&](const ObjectChange&) {
    heard_.push_back("own");
    own = {};
    later = {};
  });
  later = observe(*tank_, record("later"));
  const auto last = observe(*tank_, record("last"));
  set_level(1);
  set_level(2);
  EXPECT_THAT(take(), ElementsAre("own", "last level 0 1", "last level 1 2"));
}

TEST_F(ObserverTest, an_observation_that_a_callback_makes_hears_the_next_change) {
  std::vector<Observation> made;
  const auto first = observe(*tank_, [&](const ObjectChange&) {
    if (made.empty()) made.push_back(observe(*tank_, record("new")));
  });
  set_level(1);
  EXPECT_THAT(take(), IsEmpty());
  set_level(2);
  EXPECT_THAT(take(), ElementsAre("new level 1 2"));
}

TEST_F(ObserverTest, a_callback_may_delete_the_property_that_it_hears_of) {
  std::int64_t number = 0;
  ASSERT_TRUE(tank_->add_property(property<std::int64_t>(
      "own", [&](const Object&) { return number; },
      [&](Object&, std::int64_t value) { return number = value, Result<void>(); })));
  const auto value =
      observe<int>(*tank_, "own", [&](int, int) { EXPECT_TRUE(tank_->delete_property("own")); });
  const auto object = observe(*tank_, record("a"));
  EXPECT_TRUE(tank_->set_property("own", 1));
  EXPECT_THAT(take(), ElementsAre(R"(a own 0 "?")"));
}

TEST_F(ObserverTest, an_old_value_is_read_only_for_those_who_want_it) {
  const auto reads_of_a_set = [&] {
    tank_->reads = 0;
    EXPECT_TRUE(tank_->parse_property("pressure", "1"));
    EXPECT_TRUE(object_set_props(*tank_, {{"level", 1}}));
    return tank_->reads;
  };
  const auto other = *object_new_with_props<Tank>("other");
  const auto of_other = observe(*other, [](const ObjectChange&) {});
  const auto of_level = observe_level("a");
  const auto skips = observe(*tank_, [](const ObjectChange&) {}, OldValues::skip);
  const auto skips_tree = observe_tree(objects_root(), [](const ObjectChange&) {}, OldValues::skip);
  EXPECT_EQ(reads_of_a_set(), 0);
  {
    const auto wants = observe(*tank_, [](const ObjectChange&) {});
    const auto wants_too = observe_tree(object_root(), [](const ObjectChange&) {});
    EXPECT_EQ(reads_of_a_set(), 1);
  }
  EXPECT_EQ(reads_of_a_set(), 0);
}

TEST_F(ObserverTest, a_getter_may_delete_the_object_that_is_observed) {
  const auto remove = [&] {
    object_unparent(*tank_);
    tank_ = {};
  };
  Tank::on_read = remove;
  Object& first = *tank_;
  const auto value = observe<int>(first, "pressure", [](int, int) {});
  EXPECT_EQ(tank_.get(), nullptr);

  tank_ = *object_new_with_props<Tank>("t");
  const auto object = observe(*tank_, record("a"));
  Object& second = *tank_;
  Tank::on_read = remove;
  EXPECT_TRUE(second.set_property("pressure", 1));
  EXPECT_THAT(take(), ElementsAre("a removed t", "a pressure 0 1"));
  EXPECT_TRUE(objects_root().is_empty());
}

using ObserverDeathTest = ObserverTest;

TEST_F(ObserverDeathTest, an_object_reports_only_properties_that_it_has) {
  const auto object = observe(*tank_, record("a"));
  EXPECT_DEATH(tank_->notify("nope"), "notify.. is called for a property that the object does not have");
}

TEST_F(ObserverDeathTest, an_addition_has_no_value) {
  EXPECT_DEATH((void)(ObjectChange{ObjectChange::Kind::added, *tank_}.new_value()),
               "new_value.. is called for a change that is not of a property");
}

}  // namespace observe_test
}  // namespace qomio
