// SPDX-License-Identifier: GPL-2.0-or-later
// expected: describe this type: give it type_name and members
#include "qomio/object/object.h"
#include "qomio/object/property.h"

class Thing : public qomio::Object {
 public:
  const char* thing = nullptr;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
