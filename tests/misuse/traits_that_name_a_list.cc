// SPDX-License-Identifier: GPL-2.0-or-later
// expected: ValueTraits<T> has a type_name only if its Wire is a number, a flag or text
#include "qomio/object/object.h"
#include "qomio/object/property.h"

struct Point {
  int x = 0;
};
template <>
struct qomio::ValueTraits<Point> {
  using Wire = std::vector<int>;
  static constexpr std::string_view type_name = "point";
  static Wire to_wire(const Point& point) { return {point.x}; }
  static qomio::Result<Point> from_wire(const Wire& x) { return Point{x.at(0)}; }
};
class Thing : public qomio::Object {
 public:
  Point thing;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::property("thing", &Thing::thing)); }
