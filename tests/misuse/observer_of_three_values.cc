// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the callback of observe<T>() takes two T, the old and the new value, and returns nothing
#include "qomio/object/observe.h"

auto hear(qomio::Object& object) {
  return qomio::observe<int>(object, "rate", [](int, int, int) {});
}
