// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/property_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/json_member.h"
#include "qomio/tools/qomctl/render.h"
#include "qomio/tools/qomctl/suggestion.h"
#include "qomio/tools/qomctl/typed_value.h"

namespace qomio::qomctl {

namespace {

std::string inner_type(std::string_view type, std::string_view kind) {
  if (!type.starts_with(kind) || !type.ends_with('>')) return {};
  return std::string(type.substr(kind.size(), type.size() - kind.size() - 1));
}

std::string text_member(const Json& object, const char* key) {
  const Json& member = json_member(object, key);
  if (member.is_null()) return {};
  return member.is_string() ? member.get<std::string>() : json_line(member);
}

// A maximum of INT64_MAX or UINT64_MAX means that there is no upper limit.
std::string range_text(const Json& item) {
  const std::string low = text_member(item, "minimum");
  const std::string high = text_member(item, "maximum");
  if (low.empty() && high.empty()) return {};
  const bool is_open = high == std::to_string(INT64_MAX) || high == std::to_string(UINT64_MAX);
  return low + ".." + (is_open ? "" : high);
}

std::vector<PropertyInfo> properties_from(const Json& list) {
  std::vector<PropertyInfo> properties;
  for (const auto& item : list) {
    if (!item.is_object()) continue;
    properties.push_back({text_member(item, "name"), text_member(item, "type"),
                          text_member(item, "description"), text_member(item, "default-value"),
                          range_text(item), json_member(item, "writable") == false});
  }
  return properties;
}

auto find_property(const std::vector<PropertyInfo>& properties, const std::string& name) {
  return std::ranges::find(properties, name, &PropertyInfo::name);
}

}  // namespace

std::string PropertyInfo::child_type() const { return inner_type(type, "child<"); }
std::string PropertyInfo::link_type() const { return inner_type(type, "link<"); }

Outcome<std::vector<PropertyInfo>> object_properties(Client& client, const std::string& path) {
  auto list = client.execute("qom-list", {{"path", path}});
  if (!list) return failure(list);
  return properties_from(*list);
}

Outcome<std::vector<PropertyInfo>> type_properties(Client& client, const std::string& type) {
  auto list = client.execute("qom-list-properties", {{"typename", type}});
  if (!list) return failure(list);
  return properties_from(*list);
}

Json property_value(const std::vector<PropertyInfo>& properties, const std::string& name,
                    const std::string& text) {
  const auto found = find_property(properties, name);
  return found == properties.end() ? value_of_any_type(text) : typed_value(found->type, text);
}

std::string type_hint(const std::vector<PropertyInfo>& properties, const std::string& name,
                      std::string_view refusal) {
  if (!refusal.starts_with(fmt::format("Invalid parameter type for '{}", name))) return {};
  const auto found = find_property(properties, name);
  if (found == properties.end())
    return fmt::format("; the server does not list '{}': write it as JSON", name);
  return fmt::format("; the server lists '{}' as '{}' only: if that is not all, write it as JSON", name,
                     found->type);
}

std::string property_hint(const std::vector<PropertyInfo>& properties, const std::string& name) {
  if (find_property(properties, name) != properties.end()) return {};
  std::vector<std::string> names;
  names.reserve(properties.size());
  for (const auto& property : properties) names.push_back(property.name);
  return did_you_mean(name, names);
}

}  // namespace qomio::qomctl
