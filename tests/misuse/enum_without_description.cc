// SPDX-License-Identifier: GPL-2.0-or-later
// expected: describe this enum: specialise enum_description
#include "qomio/object/object.h"
#include "qomio/object/property.h"

enum class Colour { red, green };
class Thing : public qomio::Object {
 public:
  Colour thing = Colour::red;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
