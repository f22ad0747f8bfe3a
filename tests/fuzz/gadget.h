// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../qapi/every_kind.h"
#include "qomio/object/config.h"
#include "qomio/object/link.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/fuzz/fuzz.h"
#include "qomio/tests/object/object_registry.h"

// A user-creatable type with properties of several kinds. on_change hooks and complete() refuse some values.
namespace qomio::fuzz {

class Gadget final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  Result<void> complete() override {
    if (count_ == 13) return error("the gadget is broken");
    return {};
  }
  bool can_be_deleted() const override { return !busy_; }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("count", &Gadget::count_).range(0, 100).on_change(&Gadget::changed));
    klass.add(property("other", &Gadget::other_).range(0, 100).on_change(&Gadget::changed));
    klass.add(property("small", &Gadget::small_));
    klass.add(property("name", &Gadget::name_));
    klass.add(property("ratio", &Gadget::ratio_));
    klass.add(property("busy", &Gadget::busy_));
    klass.add(property("colour", &Gadget::colour_));
    klass.add(property("leaves", &Gadget::leaves_));
    klass.add(property("fixed", &Gadget::fixed_).until_complete());
    klass.add(property("sum", &Gadget::sum));
    klass.add(link("friend", &Gadget::friend_));
    klass.add(link("uses", &Gadget::uses_));
  }
  Result<void> changed() {
    if (sum() == 66) return error("unlucky sum");
    return {};
  }
  std::int64_t sum() const { return count_ + other_; }

  std::int64_t count_ = 1;
  std::int64_t other_ = 1;
  std::uint8_t small_ = 0;
  std::string name_;
  double ratio_ = 0.5;
  bool busy_ = false;
  sample::Colour colour_ = sample::Colour::red;
  std::vector<sample::Leaf> leaves_;
  std::int64_t fixed_ = 0;
  WeakLink<Gadget> friend_;
  StrongLink<Gadget> uses_;
};

inline const TypeInfo Gadget::type_info{.name = "gadget",
                                        .parent = "object",
                                        .interfaces = {"user-creatable"},
                                        .create = create<Gadget>,
                                        .class_init = class_init};

inline void register_gadget() {
  [[maybe_unused]] static const bool once = [] {
    require(register_type(Gadget::type_info).has_value(), "the type is registered");
    return true;
  }();
}

// Returns the configuration, which describes everything that users created, as JSON text.
inline std::string state() {
  const auto config = query_config();
  require(config.has_value(), "what runs can be told");
  return json_text(to_json(*config));
}

// Deletes all that users created. Clears the links "uses" first, because objects in a cycle live for ever.
inline void remove_all() {
  object_child_foreach(objects_root(), [](Object& object) {
    require(object.set_property("uses", Json("")).has_value(), "a link can be cleared");
    return 0;
  });
  objects_cleanup();
  require(objects_root().is_empty(), "all that was made can go");
}

}  // namespace qomio::fuzz
