// SPDX-License-Identifier: GPL-2.0-or-later
// expected: ValueTraits<T> needs `static Wire to_wire(const T&)`
#include "qomio/object/object.h"
#include "qomio/object/property.h"

struct Point {
  int x = 0;
};
template <>
struct qomio::ValueTraits<Point> {
  using Wire = int;
  static qomio::Result<Point> from_wire(int x) { return Point{x}; }
};
class Thing : public qomio::Object {
 public:
  Point thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
