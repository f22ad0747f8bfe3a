// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace link_test {

class Station final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  WeakLink<Station> next;
  StrongLink<Station> home;
  int changes = 0;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(link("next", &Station::next).on_change(&Station::changed).describe("the station after this"));
    klass.add(link("home", &Station::home).until_complete());
  }
  Result<void> changed() {
    ++changes;
    if (next.get() == this) return error("a station can't follow itself");
    return {};
  }
};

const TypeInfo Station::type_info{.name = "station",
                                  .parent = "object",
                                  .interfaces = {"user-creatable"},
                                  .create = create<Station>,
                                  .class_init = class_init};

class LinkTest : public testing::Test {
 protected:
  LinkTest() { EXPECT_TRUE(register_type(Station::type_info)); }
  ~LinkTest() override { objects_cleanup(); }

  static Ref<Station> station(const char* id, std::initializer_list<PropertyArgument> properties = {}) {
    return object_new_with_props<Station>(id, properties).value();
  }
  static std::string set(Object& object, const char* property, const char* path) {
    const auto r = object.set_property(property, Json(path));
    return r ? "ok" : r.error().message();
  }
};

TEST_F(LinkTest, is_set_by_path_or_id_and_read_as_path) {
  const auto a = station("a");
  const auto b = station("b");
  EXPECT_FALSE(a->next);
  EXPECT_EQ(*a->get_property("next"), Json(""));
  EXPECT_EQ(set(*a, "next", "b"), "ok");
  EXPECT_EQ(a->next.get(), b.get());
  EXPECT_EQ(*a->get_property("next"), Json("/objects/b"));
  EXPECT_EQ(set(*a, "next", "/objects/b"), "ok");
  EXPECT_EQ(set(*a, "next", ""), "ok");
  EXPECT_FALSE(a->next);
}

TEST_F(LinkTest, refuses_what_is_not_there_or_of_another_type) {
  const auto a = station("a");
  EXPECT_EQ(set(*a, "next", "nowhere"), "Device 'nowhere' not found");
  EXPECT_EQ(set(*a, "next", "/objects"), "Invalid parameter type for 'next', expected: station");
  EXPECT_FALSE(a->next);
}

TEST_F(LinkTest, that_its_hook_refuses_leads_where_it_did) {
  const auto a = station("a");
  const auto b = station("b");
  EXPECT_EQ(set(*a, "next", "b"), "ok");
  EXPECT_EQ(set(*a, "next", "a"), "a station can't follow itself");
  EXPECT_EQ(a->next.get(), b.get());
  EXPECT_EQ(a->changes, 3) << "once for b, once for itself, once for b again";
}

TEST_F(LinkTest, of_a_weak_link_is_empty_once_its_target_has_been_destroyed) {
  const auto a = station("a");
  {
    const auto b = station("b");
    EXPECT_EQ(set(*a, "next", "b"), "ok");
    EXPECT_TRUE(user_creatable_del("b"));
    EXPECT_TRUE(a->next) << "it is still referenced";
  }
  EXPECT_FALSE(a->next);
  EXPECT_EQ(*a->get_property("next"), Json(""));
}

TEST_F(LinkTest, of_a_strong_link_keeps_and_holds_its_target) {
  auto a = station("a");
  const auto b = station("b", {{"home", "a"}});
  a = {};
  EXPECT_EQ(user_creatable_del("a").error().message(),
            "object 'a' is in use, can not be deleted (held by: station b)");
  EXPECT_EQ(b->home->holders().at(0).name, "b");
  EXPECT_EQ(set(*b, "home", ""), "Property cannot be set after initialization");
  b->home.reset();
  EXPECT_FALSE(b->home);
  EXPECT_TRUE(user_creatable_del("a"));
}

TEST_F(LinkTest, is_described_by_the_type_that_it_leads_to) {
  const Property& next = *(*object_class_by_name("station"))->find_property("next");
  EXPECT_EQ(next.type_name(), "link<station>");
  EXPECT_EQ(next.description(), "the station after this");
  EXPECT_TRUE(next.is_settable_after_complete());
  EXPECT_FALSE((*object_class_by_name("station"))->find_property("home")->is_settable_after_complete());
}

}  // namespace link_test
}  // namespace qomio
