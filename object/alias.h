// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "qomio/object/object.h"

namespace qomio {

// Gives `object` a property of its own that reads and sets `target_property` of `target`: one setting shown
// in two places. Type, description, default and range are those of the target's; a child<T> shows as a
// link<T>, which paths are followed through, too.
//
// The target isn't kept alive. Once it, or its property, has gone, reading and setting are errors: `Property
// 't.x' is an alias of an object that is gone`, `Property 't.x' not found`.
//
// Errors: no such property of the target; a name that is taken; an alias of itself through others. A name
// that ends in "[*]" takes the first free number. Thread: the main thread.
Result<void> object_property_add_alias(Object& object, std::string_view name, Object& target,
                                       std::string_view target_property);

}  // namespace qomio
