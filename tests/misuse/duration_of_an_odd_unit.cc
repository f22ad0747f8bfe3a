// SPDX-License-Identifier: GPL-2.0-or-later
// expected: a duration counts ns, us, ms, s, min, h or days
#include <chrono>

#include "qomio/object/object.h"
#include "qomio/object/property.h"

class Thing : public qomio::Object {
 public:
  std::chrono::duration<int, std::ratio<1, 60>> thing{};
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
