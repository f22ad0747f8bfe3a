// SPDX-License-Identifier: GPL-2.0-or-later
// expected: an optional does not hold another optional or null
#include <optional>

#include "qomio/object/object.h"
#include "qomio/object/property.h"

class Thing : public qomio::Object {
 public:
  std::optional<std::optional<int>> thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
