// SPDX-License-Identifier: GPL-2.0-or-later
// expected: describe this type: give it type_name and members
#include "qomio/object/object.h"
#include "qomio/object/property.h"

struct Point {
  int x = 0;
};
class Thing : public qomio::Object {
 public:
  Point at;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("at", &Thing::at)); }
