// SPDX-License-Identifier: GPL-2.0-or-later
// expected: say the type of the property's value: observe<std::int64_t>(object, name, callback)
#include "qomio/object/observe.h"

auto hear(qomio::Object& object) {
  return qomio::observe(object, "rate", [](int, int) {});
}
