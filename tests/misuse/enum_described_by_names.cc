// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the values of an enum are described by value(Level::low, "low")
#include "qomio/object/object.h"
#include "qomio/object/property.h"

enum class Colour { red, green };
template <>
inline constexpr auto qomio::enum_description<Colour> = qomio::EnumDescription("Colour", "red", "green");
class Thing : public qomio::Object {
 public:
  Colour thing = Colour::red;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
