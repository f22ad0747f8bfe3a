// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/property.h"

#include "qomio/qapi/internal/json/text_visitor.h"

namespace qomio {

Result<void> Property::set(Object& object, Visitor& visitor) const {
  if (!hook_) return assign(object, visitor);
  const PropertyUse use(object);
  auto change = stage(object, visitor);
  if (!change) return failure(change);
  if (auto r = (*change)->check(); !r) return r;
  if (auto r = (*change)->apply(); !r) return r;
  auto changed = run_hook(object);
  if (!changed) {
    (*change)->revert();
    (void)run_hook(object);
  }
  return changed;
}

Result<void> Property::run_hook(Object& object) const {
  return callback("on_change hook of property", name_, [&] { return (object.*hook_)(); });
}

std::unexpected<Error> detail::range_error(std::string_view name, const Json& minimum, const Json& maximum) {
  // An end may be infinite, for which JSON has no text.
  const auto text = [](const Json& end) {
    return end.is_number_float() ? to_text(end.get<double>()) : json_text(end);
  };
  return error("{} value must be in range [{}, {}]", name, text(minimum), text(maximum));
}

}  // namespace qomio
