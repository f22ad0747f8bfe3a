// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "qomio/object/object.h"

namespace qomio::internal {

// The holders that keep the object, or a descendant, alive after it has left the tree: those outside its
// subtree, and those inside that hold each other in a ring. Thread: the main thread.
std::vector<Holder> holders_that_stay(Object& object);

}  // namespace qomio::internal
