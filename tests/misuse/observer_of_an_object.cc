// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the callback for an object or a tree takes a const ObjectChange& and returns nothing
#include "qomio/object/observe.h"

auto hear(qomio::Object& object) {
  return qomio::observe_tree(object, [](qomio::Object&) {});
}
