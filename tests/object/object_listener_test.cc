// SPDX-License-Identifier: GPL-2.0-or-later
// Listeners are notified alike, in whichever way objects are created, set and deleted.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "qomio/object/config.h"
#include "qomio/object/internal/object_events.h"
#include "qomio/object/link.h"
#include "qomio/object/object_listener.h"
#include "qomio/object/object_new.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/object/diary.h"
#include "qomio/tests/object/object_registry.h"

namespace qomio {
namespace object_listener_test {

using testing::ElementsAre;
using testing::IsEmpty;

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

class ObjectListenerTest : public testing::Test {
 protected:
  ObjectListenerTest() {
    EXPECT_TRUE(register_type(Villa::type_info));
    object_listen(diary_);
  }
  ~ObjectListenerTest() override { objects_cleanup(); }

  static bool run(const char* command, const Json& arguments) {
    return object_registry().run(command, arguments).has_value();
  }

  std::shared_ptr<Diary> diary_ = std::make_shared<Diary>();
};

TEST_F(ObjectListenerTest, every_way_to_set_every_kind_of_property_is_reported_alike) {
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
  (void)diary_->take();
  for (const auto& [way, set] : ways) {
    SCOPED_TRACE(way);
    for (const char* name : {"plain", "bounded", "hooked", "reached", "write-only", "own"}) {
      EXPECT_TRUE(set(*villa, name, 5));
      EXPECT_THAT(diary_->take(), ElementsAre(fmt::format("{} /objects/v", name)));
    }
    EXPECT_TRUE(set(*villa, "neighbour", "room"));
    EXPECT_THAT(diary_->take(), ElementsAre("neighbour /objects/v"));
    for (const std::string name : {"plain", "hooked", "own", "neighbour"}) {
      const Json value = name == "neighbour" ? Json("/objects/room") : Json(6);
      EXPECT_TRUE(set(*room, "other-" + name, value));
      EXPECT_THAT(diary_->take(), ElementsAre(name + " /objects/v", "other-" + name + " /objects/room"));
      EXPECT_TRUE(set(*room, "far-" + name, value));
      EXPECT_THAT(diary_->take(), ElementsAre(name + " /objects/v", "other-" + name + " /objects/room",
                                              "far-" + name + " /objects/room"));
    }
    EXPECT_FALSE(set(*villa, "bounded", 10));
    EXPECT_FALSE(set(*villa, "nope", 10));
    EXPECT_THAT(diary_->take(), IsEmpty());
  }
}

TEST_F(ObjectListenerTest, a_change_through_an_alias_is_reported_for_its_target) {
  const auto villa = *object_new_with_props<Villa>("v");
  const auto outside = *object_new("container");
  ASSERT_TRUE(object_property_add_alias(*outside, "plain", *villa, "plain"));
  (void)diary_->take();
  ASSERT_TRUE(outside->set_property("plain", 1));
  EXPECT_THAT(diary_->take(), ElementsAre("plain /objects/v"));
  ASSERT_TRUE(object_set_props(*outside, Json{{"plain", 2}}));
  EXPECT_THAT(diary_->take(), ElementsAre("plain /objects/v"));
}

TEST_F(ObjectListenerTest, every_way_to_create_and_delete_is_reported_alike_with_the_parts) {
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
      EXPECT_THAT(diary_->take(), ElementsAre("added /objects/v/garage/garage", "added /objects/v/garage",
                                              "added /objects/v"));
      EXPECT_TRUE(remove());
      EXPECT_THAT(diary_->take(), ElementsAre("removed /objects/v", "removed /objects/v/garage",
                                              "removed /objects/v/garage/garage"));
    }
  }
}

TEST_F(ObjectListenerTest, parts_of_a_refused_object_are_reported_as_deleted) {
  EXPECT_FALSE(object_new_with_props<Villa>("v", {{"nested", 1}, {"haunted", true}}));
  EXPECT_THAT(diary_->take(), ElementsAre("added /objects/v/garage", "removed /objects/v/garage"));
}

TEST_F(ObjectListenerTest, a_subtree_that_is_added_below_objects_is_reported) {
  const auto villa = *object_new_with_props("villa", internal_root(), "v", {{"nested", 1}});
  EXPECT_THAT(diary_->take(), IsEmpty());
  object_unparent(*villa);
  ASSERT_TRUE(objects_root().add_child("w", *villa));
  EXPECT_THAT(diary_->take(), ElementsAre("added /objects/w", "added /objects/w/garage"));
  const auto folder = *object_new("container");
  object_unparent(*villa);
  ASSERT_TRUE(folder->add_child("x", *villa));
  ASSERT_TRUE(objects_root().add_child("#folder", *folder));
  EXPECT_THAT(diary_->take(), ElementsAre("removed /objects/w", "removed /objects/w/garage",
                                          "added /objects/#folder/x", "added /objects/#folder/x/garage"));
  object_unparent(*folder);
  EXPECT_THAT(diary_->take(), ElementsAre("removed /objects/#folder/x", "removed /objects/#folder/x/garage"));
}

TEST_F(ObjectListenerTest, an_object_that_the_program_completes_itself_is_reported) {
  const auto villa = *object_new("villa");
  ASSERT_TRUE(objects_root().add_child("v", *villa));
  ASSERT_TRUE(villa->set_property("plain", 1));
  EXPECT_THAT(diary_->take(), IsEmpty()) << "it is still being made";
  villa->set_complete();
  villa->set_complete();
  object_unparent(*villa);
  EXPECT_THAT(diary_->take(), ElementsAre("added /objects/v", "removed /objects/v"));
}

}  // namespace object_listener_test
}  // namespace qomio
