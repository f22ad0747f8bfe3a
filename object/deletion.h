// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "qomio/object/object.h"

namespace qomio::detail {

// Who keeps the object, or what lies below it, from ending once it is out of the tree: holders that don't go
// with it, and those that hold each other in a ring. Thread: the main thread.
std::vector<Holder> holders_that_stay(Object& object);

}  // namespace qomio::detail
