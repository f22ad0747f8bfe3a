// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_events.h"

#include <new>
#include <nlohmann/json.hpp>
#include <vector>

#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

constinit std::vector<std::weak_ptr<ObjectListener>> listeners;

bool is_below_objects(const Object& object) {
  for (const Object* at = object.parent(); at; at = at->parent()) {
    if (at == &objects_root()) return true;
  }
  return false;
}

// What has happened has happened, even if there is no memory to tell it.
template <class Call>
void unless_out_of_memory(const Call& call) {
  try {
    call();
  } catch (const std::bad_alloc&) {
    return;
  }
}

template <class Call>
void tell(Object& object, const Call& call) {
  if (listeners.empty() || !is_below_objects(object)) return;
  unless_out_of_memory([&] {
    const PropertyUse use(object);
    const auto present = listeners;  // listeners come and go during the calls
    for (const auto& weak : present) {
      if (const auto listener = weak.lock()) {
        unless_out_of_memory(
            [&] { callback("listener for the object", object.name(), [&] { call(*listener); }); });
      }
    }
  });
}

template <class Call>
void tell_below(Object& object, const Call& call) {
  if (listeners.empty() || !is_below_objects(object)) return;
  unless_out_of_memory([&] {
    object_child_foreach_recursive(object, [&](Object& below) {
      if (below.is_complete()) tell(below, [&](ObjectListener& listener) { call(listener, below); });
      return 0;
    });
  });
}

struct ObjectInfo {
  std::string path;
  std::string qom_type;
  static constexpr std::string_view type_name = "ObjectEventInfo";
  static constexpr auto members =
      std::tuple(member("path", &ObjectInfo::path, "where the object is in the tree"),
                 member("qom-type", &ObjectInfo::qom_type));
};

struct ObjectChange {
  std::string path;
  std::string property;
  std::optional<Json> value;
  static constexpr std::string_view type_name = "ObjectChange";
  static constexpr auto members =
      std::tuple(member("path", &ObjectChange::path, "where the object is in the tree"),
                 member("property", &ObjectChange::property),
                 member("value", &ObjectChange::value, "as qom-get shows it; absent if it can't be read"));
};

class Sender final : public ObjectListener {
 public:
  explicit Sender(Interface& interface) : interface_(interface) {}

  // Paths and values are put together only if a client wants them: a getter may be slow.
  void added(Object& object) override {
    if (interface_.is_wanted("OBJECT_ADDED")) interface_.emit("OBJECT_ADDED", info(object));
  }
  void removed(Object& object) override {
    if (interface_.is_wanted("OBJECT_DELETED")) interface_.emit("OBJECT_DELETED", info(object));
  }
  void changed(Object& object, const Property& property) override {
    if (!interface_.is_wanted("OBJECT_CHANGED")) return;
    ObjectChange change{object_get_canonical_path(object).value_or(""), property.name(), {}};
    if (auto value = object.get_property(property.name())) change.value = std::move(*value);
    interface_.emit("OBJECT_CHANGED", change);
  }

 private:
  static ObjectInfo info(const Object& object) {
    return {object_get_canonical_path(object).value_or(""), object.type_name()};
  }
  Interface& interface_;
};

}  // namespace

void object_listen(const std::shared_ptr<ObjectListener>& listener) {
  require_main_thread("object_listen()");
  std::erase_if(listeners, [](const auto& known) { return known.expired(); });
  listeners.push_back(listener);
}

void add_object_events(Interface& interface) {
  const auto sender = std::make_shared<Sender>(interface);
  object_listen(sender);
  auto add = [&](Event event) {
    event.on_request = true;
    event.source = sender;
    interface.add(std::move(event));
  };
  add(event<ObjectInfo>("OBJECT_ADDED", "an object was made below /objects"));
  add(event<ObjectInfo>("OBJECT_DELETED", "an object below /objects leaves the tree"));
  add(event<ObjectChange>("OBJECT_CHANGED", "a property of an object below /objects was set"));
}

void detail::report_added(Object& object) {
  tell(object, [&](ObjectListener& listener) { listener.added(object); });
}

void detail::report_tree_added(Object& object) {
  if (object.is_complete()) report_added(object);
  tell_below(object, [](ObjectListener& listener, Object& below) { listener.added(below); });
}

void detail::report_removed_below(Object& object) {
  tell_below(object, [](ObjectListener& listener, Object& below) { listener.removed(below); });
}

void detail::report_removed(Object& object) {
  tell(object, [&](ObjectListener& listener) { listener.removed(object); });
}

void detail::report_changed(Object& object, const Property& property) {
  tell(object, [&](ObjectListener& listener) { listener.changed(object, property); });
}

}  // namespace qomio
