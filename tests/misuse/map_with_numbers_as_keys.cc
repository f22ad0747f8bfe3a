// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the keys of a map are std::string
#include <map>

#include "qomio/object/object.h"
#include "qomio/object/property.h"

class Thing : public qomio::Object {
 public:
  std::map<int, int> thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
