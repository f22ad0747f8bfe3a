// SPDX-License-Identifier: GPL-2.0-or-later
// expected: an EnumDescription has a name for each value of the enum, and these are 0, 1, 2, ...
#include "qomio/object/object.h"
#include "qomio/object/property.h"

enum class Colour { red = 1, green };
template <>
inline constexpr auto qomio::enum_description<Colour> = qomio::EnumDescription("Colour", "red", "green");
class Thing : public qomio::Object {
 public:
  Colour colour = Colour::red;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("colour", &Thing::colour)); }
