// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/property.h"

namespace qomio {

Result<void> Property::set(Object& object, Visitor& visitor) const {
  if (!hook_) return assign(object, visitor);
  auto change = stage(object, visitor);
  if (!change) return failure(change);
  if (auto r = (*change)->check(); !r) return r;
  if (auto r = (*change)->apply(); !r) return r;
  auto changed = (object.*hook_)();
  if (!changed) {
    (*change)->revert();
    (void)(object.*hook_)();
  }
  return changed;
}

std::unexpected<Error> detail::range_error(std::string_view name, const Json& minimum, const Json& maximum) {
  return error("{} value must be in range [{}, {}]", name, json_text(minimum), json_text(maximum));
}

}  // namespace qomio
