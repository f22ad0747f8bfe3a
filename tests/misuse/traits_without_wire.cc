// SPDX-License-Identifier: GPL-2.0-or-later
// expected: ValueTraits<T> needs `using Wire = ...;`
#include "qomio/object/object.h"
#include "qomio/object/property.h"

struct Point {
  int x = 0;
};
template <>
struct qomio::ValueTraits<Point> {
  static int to_wire(const Point& point) { return point.x; }
  static qomio::Result<Point> from_wire(int x) { return Point{x}; }
};
class Thing : public qomio::Object {
 public:
  Point thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
