// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/global_defaults.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "qomio/object/internal/global_list.h"
#include "qomio/object/type.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"

namespace qomio {
namespace {

struct GlobalOptions {
  std::string driver;
  std::string property;
  std::string value;
  static constexpr auto members =
      member_list(member("driver", &GlobalOptions::driver), member("property", &GlobalOptions::property),
                  member("value", &GlobalOptions::value));
};

}  // namespace

void add_global_default(std::string_view type, std::string_view property, std::string_view value,
                        GlobalOrigin origin) {
  require_main_thread("add_global_default()");
  auto& defaults = internal::global_defaults();
  const bool is_users = origin == GlobalOrigin::user;
  const auto place =
      is_users ? defaults.end() : std::ranges::find(defaults, true, &internal::GlobalDefault::is_users);
  defaults.insert(place, {std::string(type), std::string(property), std::string(value), is_users});
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
  auto read = from_json<GlobalOptions>(options->values, {}, Scalars::text);
  if (!read) return failure(read);
  add_global_default(read->driver, read->property, read->value, GlobalOrigin::user);
  return {};
}

std::vector<std::string> global_default_warnings() {
  std::vector<std::string> warnings;
  for (const auto& one : internal::global_defaults()) {
    if (!one.is_users) continue;
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

void remove_global_defaults() { internal::global_defaults().clear(); }

}  // namespace qomio
