// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/object_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/tests/object/diary.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace object_events_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Door final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  static inline int weighed = 0;  // the number of calls of the getter
  Result<void> complete() override { return stuck_ ? error("stuck") : Result<void>(); }
  void swing() {
    ++swings_;
    notify("swings");
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("angle", &Door::angle_).range(0, 180));
    klass.add(property("colour", &Door::colour_));
    klass.add(property("stuck", &Door::stuck_));
    klass.add(property("key", nullptr, &Door::set_key));
    klass.add(property("swings", &Door::swings));
    klass.add(property("weight", &Door::weight, &Door::set_weight));
  }
  std::int64_t swings() const { return swings_; }
  double weight() const {
    ++weighed;
    return weight_;
  }
  Result<void> set_weight(double weight) { return weight_ = weight, Result<void>(); }
  Result<void> set_key(std::string) { return {}; }
  std::int64_t angle_ = 0;
  std::int64_t swings_ = 0;
  double weight_ = 0;
  std::string colour_;
  bool stuck_ = false;
};

const TypeInfo Door::type_info{
    .name = "door",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Door>,
    .class_init = class_init,
};

void register_door() { EXPECT_TRUE(register_type(Door::type_info)); }

class ObjectEventsTest : public testing::Test {
 protected:
  ObjectEventsTest() { register_door(); }
  ~ObjectEventsTest() override { objects_cleanup(); }
  Diary diary_;
};

TEST_F(ObjectEventsTest, an_object_is_reported_when_it_is_complete_and_when_it_is_deleted) {
  ASSERT_TRUE(object_new_with_props<Door>("d0", {{"angle", "3"}}));
  EXPECT_THAT(diary_.take(), ElementsAre("added /objects/d0"));
  ASSERT_TRUE(user_creatable_del("d0"));
  EXPECT_THAT(diary_.take(), ElementsAre("removed /objects/d0"));
}

TEST_F(ObjectEventsTest, an_object_that_fails_to_complete_is_never_reported) {
  EXPECT_FALSE(object_new_with_props<Door>("d0", {{"stuck", "on"}}));
  EXPECT_FALSE(object_new_with_props<Door>("d0", {{"angle", "181"}}));
  EXPECT_THAT(diary_.take(), IsEmpty());
}

TEST_F(ObjectEventsTest, each_changed_property_is_reported_once) {
  auto door = *object_new_with_props<Door>("d0");
  (void)diary_.take();
  ASSERT_TRUE(door->set_property("angle", 5));
  EXPECT_THAT(diary_.take(), ElementsAre("angle /objects/d0"));
  ASSERT_TRUE(object_set_props(*door, {{"colour", "red"}, {"angle", "6"}}));
  EXPECT_THAT(diary_.take(), ElementsAre("colour /objects/d0", "angle /objects/d0"));
  EXPECT_FALSE(door->set_property("angle", 181));
  EXPECT_FALSE(object_set_props(*door, {{"colour", "green"}, {"angle", "181"}}));
  EXPECT_THAT(diary_.take(), IsEmpty());
}

TEST_F(ObjectEventsTest, only_objects_that_users_see_are_reported) {
  auto door = *object_new_with_props("door", internal_root(), "d0", {});
  ASSERT_TRUE(door->set_property("angle", 5));
  object_unparent(*door);
  EXPECT_THAT(diary_.take(), IsEmpty());
}

TEST_F(ObjectEventsTest, an_observation_that_has_ended_reports_nothing) {
  diary_.end();
  EXPECT_TRUE(object_new_with_props<Door>("d0"));
  EXPECT_THAT(diary_.take(), IsEmpty());
}

class ObjectEventsOverQmpTest : public QmpServerTest {
 protected:
  ObjectEventsOverQmpTest() {
    register_door();
    add_object_commands(registry_);
  }
  ~ObjectEventsOverQmpTest() override { objects_cleanup(); }
};

TEST_F(ObjectEventsOverQmpTest, clients_receive_the_events_that_they_subscribed_to) {
  TestClient asks = negotiated();
  TestClient silent = negotiated();
  EXPECT_THAT(ask(asks, R"({"execute": "subscribe-events",
                            "arguments": {"events": ["OBJECT_ADDED", "OBJECT_CHANGED", "OBJECT_DELETED"]}})"),
              ElementsAre(R"({"return": {}})"));
  EXPECT_THAT(ask(silent, R"({"execute": "object-add", "arguments": {"qom-type": "door", "id": "d0"}})"),
              SizeIs(1));
  EXPECT_THAT(lines(asks),
              ElementsAre(HasSubstr(
                  R"("event": "OBJECT_ADDED", "data": {"path": "/objects/d0", "qom-type": "door"}})")));
  EXPECT_THAT(
      ask(silent, R"({"execute": "qom-set", "arguments": {"path": "d0", "property": "angle", "value": 9}})"),
      SizeIs(1));
  EXPECT_THAT(lines(asks),
              ElementsAre(HasSubstr(R"("data": {"path": "/objects/d0", "property": "angle", "value": 9}})")));
  EXPECT_THAT(
      ask(silent, R"({"execute": "qom-set", "arguments": {"path": "d0", "property": "key", "value": "k"}})"),
      SizeIs(1));
  EXPECT_THAT(lines(asks), ElementsAre(HasSubstr(R"("data": {"path": "/objects/d0", "property": "key"}})")));
  EXPECT_THAT(ask(silent, R"({"execute": "object-del", "arguments": {"id": "d0"}})"), SizeIs(1));
  EXPECT_THAT(lines(asks), ElementsAre(HasSubstr("OBJECT_DELETED")));
}

TEST_F(ObjectEventsOverQmpTest, a_property_that_an_object_changes_itself_is_sent_too) {
  const auto door = *object_new_with_props<Door>("d0");
  TestClient client = negotiated();
  ask(client, R"({"execute": "subscribe-events", "arguments": {"events": ["OBJECT_CHANGED"]}})");
  door->swing();
  EXPECT_THAT(
      lines(client),
      ElementsAre(HasSubstr(R"("data": {"path": "/objects/d0", "property": "swings", "value": 1}})")));
}

TEST_F(ObjectEventsOverQmpTest, no_value_is_read_for_an_event_without_subscribers) {
  auto door = *object_new_with_props<Door>("d0");
  TestClient client = negotiated();
  ask(client,
      R"({"execute": "subscribe-events", "arguments": {"events": ["OBJECT_ADDED", "OBJECT_DELETED"]}})");
  const auto set_weight = [&] {
    return ask(client,
               R"({"execute": "qom-set", "arguments": {"path": "d0", "property": "weight", "value": 2.5}})");
  };
  // Setting the property reads the old value, to restore it if the change fails.
  EXPECT_THAT(set_weight(), SizeIs(1));
  const int needed = std::exchange(Door::weighed, 0);
  ask(client, R"({"execute": "subscribe-events", "arguments": {"events": ["OBJECT_CHANGED"]}})");
  EXPECT_THAT(set_weight(), SizeIs(2));
  EXPECT_EQ(std::exchange(Door::weighed, 0), needed + 1);
  client.leave();
  settle();
  ASSERT_TRUE(door->set_property("weight", 1));
  EXPECT_EQ(std::exchange(Door::weighed, 0), needed);
}

TEST_F(ObjectEventsOverQmpTest, a_subscription_replaces_the_previous_one) {
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, R"({"execute": "subscribe-events", "arguments": {"events": ["OBJECT_ADDED"]}})"),
              SizeIs(1));
  EXPECT_THAT(ask(client, R"({"execute": "subscribe-events", "arguments": {"events": ["NOPE"]}})"),
              ElementsAre(error_line("GenericError", "Parameter 'events' does not accept value 'NOPE'")));
  EXPECT_THAT(ask(client, R"({"execute": "object-add", "arguments": {"qom-type": "door", "id": "d0"}})"),
              SizeIs(2));
  EXPECT_THAT(ask(client, R"({"execute": "subscribe-events", "arguments": {"events": []}})"), SizeIs(1));
  EXPECT_THAT(ask(client, R"({"execute": "object-del", "arguments": {"id": "d0"}})"), SizeIs(1));
}

}  // namespace object_events_test
}  // namespace qomio
