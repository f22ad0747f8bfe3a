// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/global_defaults.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "qomio/object/property.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/keyval.h"

namespace qomio {
namespace {

struct GlobalDefault {
  std::string type;
  std::string property;
  std::string value;
  GlobalOrigin origin;
};

// In the order in which they are applied.
constinit std::vector<GlobalDefault> defaults;

// What class a default is for, if it is for this one: the class, an ancestor or an interface.
bool is_for(const GlobalDefault& one, const ObjectClass& klass) {
  if (one.type == klass.name()) return true;
  const auto meant = object_class_by_name(one.type);
  return meant && klass.is_a(**meant);
}

struct GlobalOptions {
  std::string driver;
  std::string property;
  std::string value;
  static constexpr auto members =
      std::tuple(member("driver", &GlobalOptions::driver), member("property", &GlobalOptions::property),
                 member("value", &GlobalOptions::value));
};

}  // namespace

void add_global_default(std::string_view type, std::string_view property, std::string_view value,
                        GlobalOrigin origin) {
  require_main_thread("add_global_default()");
  const auto place = origin == GlobalOrigin::user
                         ? defaults.end()
                         : std::ranges::find(defaults, GlobalOrigin::user, &GlobalDefault::origin);
  defaults.insert(place, {std::string(type), std::string(property), std::string(value), origin});
}

Result<void> parse_global_default(std::string_view text) {
  const auto equals = text.find('=');
  const auto dot = text.substr(0, equals).find('.');
  if (equals != std::string_view::npos && dot != std::string_view::npos && dot > 0 && dot + 1 < equals) {
    add_global_default(text.substr(0, dot), text.substr(dot + 1, equals - dot - 1), text.substr(equals + 1),
                       GlobalOrigin::user);
    return {};
  }
  auto options = parse_keyval(text);
  if (!options) return failure(options);
  auto read = from_json<GlobalOptions>(options->values, {}, InputVisitor::Scalars::text);
  if (!read) return failure(read);
  add_global_default(read->driver, read->property, read->value, GlobalOrigin::user);
  return {};
}

std::vector<std::string> global_default_warnings() {
  std::vector<std::string> warnings;
  for (const auto& one : defaults) {
    if (one.origin != GlobalOrigin::user) continue;
    const auto klass = object_class_by_name(one.type);
    if (!klass) {
      warnings.push_back(fmt::format("global {}.{} has invalid class name", one.type, one.property));
    } else if (!(*klass)->is_interface() && !(*klass)->find_property(one.property)) {
      warnings.push_back(
          fmt::format("global {}.{}={} has invalid property name", one.type, one.property, one.value));
    }
  }
  return warnings;
}

void remove_global_defaults() { defaults.clear(); }

Result<void> detail::apply_global_defaults(Object& object) {
  if (defaults.empty()) return {};
  // A setter may add others.
  std::vector<GlobalDefault> meant;
  std::ranges::copy_if(defaults, std::back_inserter(meant),
                       [&](const auto& one) { return is_for(one, object.object_class()); });
  for (const auto& one : meant) {
    if (auto r = object.parse_property(one.property, one.value); !r) {
      r.error().prepend(fmt::format("can't apply global {}.{}={}: ", one.type, one.property, one.value));
      return r;
    }
    // Another run may not be given it, so a configuration must tell.
    if (one.origin != GlobalOrigin::user) continue;
    if (const Property* property = object.find_property(one.property))
      object.remember_set(*property, /*when_made=*/true);
  }
  return {};
}

}  // namespace qomio
