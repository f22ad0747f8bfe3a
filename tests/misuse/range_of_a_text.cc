// SPDX-License-Identifier: GPL-2.0-or-later
// expected: only a property that is a number has a range
#include "qomio/object/object.h"
#include "qomio/object/property.h"

class Thing : public qomio::Object {
 public:
  std::string name;
};
void class_init(qomio::ObjectClass& klass) {
  klass.add(qomio::property("name", &Thing::name).range("a", "z"));
}
