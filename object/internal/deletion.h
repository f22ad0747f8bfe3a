// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "qomio/object/object.h"

namespace qomio::internal {

// Returns the holders that keep the object or a descendant alive after the object has left the tree: holders
// outside its subtree, and objects inside that hold each other in a cycle. Thread: the main thread.
std::vector<Holder> holders_that_stay(Object& object);

}  // namespace qomio::internal
