// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/object_events.h"

#include <memory>
#include <optional>
#include <string>

#include "qomio/object/object.h"
#include "qomio/object/observe.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

struct ObjectInfo {
  std::string path;
  std::string qom_type;
  static constexpr std::string_view type_name = "ObjectEventInfo";
  static constexpr auto members = member_list(member("path", &ObjectInfo::path, "path of the object"),
                                              member("qom-type", &ObjectInfo::qom_type));
};

struct ChangedProperty {
  std::string path;
  std::string property;
  std::optional<Json> value;
  static constexpr std::string_view type_name = "ObjectChange";
  static constexpr auto members = member_list(
      member("path", &ChangedProperty::path, "path of the object"),
      member("property", &ChangedProperty::property),
      member("value", &ChangedProperty::value, "as qom-get returns it; absent if it can't be read"));
};

ObjectInfo info_of(const Object& object) { return {object.path().value_or(""), object.type_name()}; }

// Collects the data only if a client wants the event, because a getter may be slow.
void send_event(CommandRegistry& commands, const ObjectChange& change) {
  switch (change.kind) {
    case ObjectChange::Kind::added:
      if (commands.is_wanted("OBJECT_ADDED")) commands.emit("OBJECT_ADDED", info_of(change.object));
      return;
    case ObjectChange::Kind::removed:
      if (commands.is_wanted("OBJECT_DELETED")) commands.emit("OBJECT_DELETED", info_of(change.object));
      return;
    case ObjectChange::Kind::changed:
      if (!commands.is_wanted("OBJECT_CHANGED")) return;
      ChangedProperty changed{change.object.path().value_or(""), change.property->name(), {}};
      if (auto value = change.new_value()) changed.value = std::move(*value);
      commands.emit("OBJECT_CHANGED", changed);
  }
}

}  // namespace

void add_object_events(CommandRegistry& commands) {
  const auto observation = std::make_shared<Observation>(observe_tree(
      objects_root(), [&commands](const ObjectChange& change) { send_event(commands, change); },
      OldValues::skip));
  auto add = [&](Event event) {
    event.on_request = true;
    event.source = observation;
    commands.add(std::move(event));
  };
  add(event<ObjectInfo>("OBJECT_ADDED", "an object was created below /objects"));
  add(event<ObjectInfo>("OBJECT_DELETED", "an object below /objects is leaving the tree"));
  add(event<ChangedProperty>("OBJECT_CHANGED",
                             "a property of an object below /objects was set, or the object has changed it"));
}

}  // namespace qomio
