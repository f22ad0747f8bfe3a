// SPDX-License-Identifier: GPL-2.0-or-later
// expected: describe this type: give it type_name and members
#include "qomio/object/object.h"
#include "qomio/object/property.h"

struct Number {
  int value = 0;
};
struct Point {
  int x = 0;
};
template <>
struct qomio::ValueTraits<Point> {
  using Wire = Number;
  static Number to_wire(const Point& point) { return {point.x}; }
  static qomio::Result<Point> from_wire(Number number) { return Point{number.value}; }
};
class Thing : public qomio::Object {
 public:
  Point thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
