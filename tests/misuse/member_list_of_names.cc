// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the members of a struct are described by member()
#include "qomio/qapi/describe.h"

struct Point {
  int x = 0;
  static constexpr std::string_view type_name = "Point";
  static constexpr auto members = qomio::member_list("x", &Point::x);
};
