// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the Wire of ValueTraits<T> is a type other than T
#include "qomio/object/object.h"
#include "qomio/object/property.h"

struct Point {
  int x = 0;
};
template <>
struct qomio::ValueTraits<Point> {
  using Wire = Point;
  static Point to_wire(const Point& point) { return point; }
  static qomio::Result<Point> from_wire(Point point) { return point; }
};
class Thing : public qomio::Object {
 public:
  Point thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
