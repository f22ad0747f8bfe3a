// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/object_events.h"

#include <memory>
#include <optional>
#include <string>

#include "qomio/object/object.h"
#include "qomio/object/object_listener.h"
#include "qomio/object/property.h"
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

struct ObjectChange {
  std::string path;
  std::string property;
  std::optional<Json> value;
  static constexpr std::string_view type_name = "ObjectChange";
  static constexpr auto members = member_list(
      member("path", &ObjectChange::path, "path of the object"), member("property", &ObjectChange::property),
      member("value", &ObjectChange::value, "as qom-get returns it; absent if it can't be read"));
};

class Sender final : public ObjectListener {
 public:
  explicit Sender(CommandRegistry& commands) : commands_(commands) {}

  // Collects the data only if a client wants the event, because a getter may be slow.
  void added(Object& object) override {
    if (commands_.is_wanted("OBJECT_ADDED")) commands_.emit("OBJECT_ADDED", info(object));
  }
  void removed(Object& object) override {
    if (commands_.is_wanted("OBJECT_DELETED")) commands_.emit("OBJECT_DELETED", info(object));
  }
  void changed(Object& object, const Property& property) override {
    if (!commands_.is_wanted("OBJECT_CHANGED")) return;
    ObjectChange change{object.path().value_or(""), property.name(), {}};
    if (auto value = object.get_property(property.name())) change.value = std::move(*value);
    commands_.emit("OBJECT_CHANGED", change);
  }

 private:
  static ObjectInfo info(const Object& object) { return {object.path().value_or(""), object.type_name()}; }
  CommandRegistry& commands_;
};

}  // namespace

void add_object_events(CommandRegistry& commands) {
  const auto sender = std::make_shared<Sender>(commands);
  object_listen(sender);
  auto add = [&](Event event) {
    event.on_request = true;
    event.source = sender;
    commands.add(std::move(event));
  };
  add(event<ObjectInfo>("OBJECT_ADDED", "an object was created below /objects"));
  add(event<ObjectInfo>("OBJECT_DELETED", "an object below /objects is leaving the tree"));
  add(event<ObjectChange>("OBJECT_CHANGED", "a property of an object below /objects was set"));
}

}  // namespace qomio
