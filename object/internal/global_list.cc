// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/global_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "qomio/object/property.h"

namespace qomio::internal {
namespace {

constinit std::vector<GlobalDefault> defaults;

// Whether the default is for this class, one of its ancestors or one of its interfaces.
bool is_for(const GlobalDefault& one, const ObjectClass& klass) {
  if (one.type == klass.name()) return true;
  const auto meant = object_class_by_name(one.type);
  return meant && klass.is_a(**meant);
}

}  // namespace

std::vector<GlobalDefault>& global_defaults() { return defaults; }

Result<void> apply_global_defaults(Object& object) {
  if (defaults.empty()) return {};
  // Applies a copy, because a setter may add defaults.
  std::vector<GlobalDefault> meant;
  std::ranges::copy_if(defaults, std::back_inserter(meant),
                       [&](const auto& one) { return is_for(one, object.object_class()); });
  for (const auto& one : meant) {
    if (auto r = object.parse_property(one.property, one.value); !r) {
      r.error().prepend(fmt::format("can't apply global {}.{}={}: ", one.type, one.property, one.value));
      return r;
    }
    // The option may be missing in the next run of the program, so a configuration must contain the value.
    if (!one.is_users) continue;
    if (const Property* property = object.find_property(one.property))
      object.remember_set(*property, /*when_made=*/true);
  }
  return {};
}

}  // namespace qomio::internal
