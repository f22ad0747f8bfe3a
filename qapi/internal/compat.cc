// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/command_registry.h"

#include "qomio/qapi/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace qomio {
namespace {

using Type = TypeDescription;

bool has(const std::vector<std::string>& features, std::string_view name) {
  return std::ranges::find(features, name) != features.end();
}

// The alternative that the value belongs to; null if that is a builtin type.
const Type* alternative_for(const Json& value, const Type& alternate) {
  for (const Type* type : alternate.alternatives) {
    switch (type->kind) {
      case Type::Kind::object:
      case Type::Kind::map:
        if (value.is_object()) return type;
        break;
      case Type::Kind::list:
        if (value.is_array()) return type;
        break;
      case Type::Kind::enumeration:
        if (value.is_string()) return type;
        break;
      default:
        break;
    }
  }
  return nullptr;
}

// The branch that the tag in the value selects; null if there is none.
const Type* branch_for(const Json& object, const Type& type) {
  if (type.tag.empty()) return nullptr;
  const auto tag = object.find(type.tag);
  if (tag == object.end() || !tag->is_string()) return nullptr;
  const auto is_it = [&](const Type::Variant& variant) {
    return variant.tag_value == tag->get_ref<const std::string&>();
  };
  const auto it = std::ranges::find_if(type.variants, is_it);
  return it == type.variants.end() ? nullptr : it->type;
}

}  // namespace

bool CompatPolicy::rejects_some() const {
  return deprecated_input != CompatInput::accept || unstable_input != CompatInput::accept;
}

bool CompatPolicy::hides_some() const {
  return deprecated_output != CompatOutput::accept || unstable_output != CompatOutput::accept;
}

bool CompatPolicy::hides(const std::vector<std::string>& features) const {
  return (deprecated_output == CompatOutput::hide && has(features, "deprecated")) ||
         (unstable_output == CompatOutput::hide && has(features, "unstable"));
}

Result<void> CompatPolicy::check(std::string_view what, std::string_view name,
                                 const std::vector<std::string>& features) const {
  const auto one = [&](std::string_view feature, std::string_view word, CompatInput policy) -> Result<void> {
    if (policy == CompatInput::accept || !has(features, feature)) return {};
    const std::string text = fmt::format("{} {} {} disabled by policy", word, what, name);
    if (policy == CompatInput::crash) broken_invariant(text);
    return std::unexpected(
        Error(what == "command" ? ErrorClass::CommandNotFound : ErrorClass::GenericError, text));
  };
  if (auto r = one("deprecated", "Deprecated", deprecated_input); !r) return r;
  return one("unstable", "Unstable", unstable_input);
}

Result<void> CompatPolicy::check_input(const Json& value, const Type& type) const {
  switch (type.kind) {
    case Type::Kind::builtin:
      return {};
    case Type::Kind::enumeration: {
      if (!value.is_string()) return {};
      const auto& name = value.get_ref<const std::string&>();
      const auto notes = type.notes.find(name);
      return notes == type.notes.end() ? Result<void>() : check("value", name, notes->second.features);
    }
    case Type::Kind::list:
      if (!value.is_array()) return {};
      for (const Json& element : value) {
        if (auto r = check_input(element, *type.element); !r) return r;
      }
      return {};
    case Type::Kind::map:
      if (!value.is_object()) return {};
      for (const auto& [key, element] : value.items()) {
        if (auto r = check_input(element, *type.element); !r) return r;
      }
      return {};
    case Type::Kind::alternate: {
      const Type* alternative = alternative_for(value, type);
      return alternative ? check_input(value, *alternative) : Result<void>();
    }
    case Type::Kind::object:
      break;
  }
  if (!value.is_object()) return {};
  for (const auto& member : type.members) {
    const auto it = value.find(member.name);
    if (it == value.end()) continue;
    if (auto r = check("parameter", member.name, member.features); !r) return r;
    if (auto r = check_input(*it, *member.type); !r) return r;
  }
  const Type* branch = branch_for(value, type);
  return branch ? check_input(value, *branch) : Result<void>();
}

void CompatPolicy::filter_output(Json& value, const Type& type) const {
  switch (type.kind) {
    case Type::Kind::list:
      if (!value.is_array()) return;
      for (Json& element : value) filter_output(element, *type.element);
      return;
    case Type::Kind::map:
      if (!value.is_object()) return;
      for (const auto& [key, element] : value.items()) filter_output(element, *type.element);
      return;
    case Type::Kind::alternate:
      if (const Type* alternative = alternative_for(value, type)) filter_output(value, *alternative);
      return;
    case Type::Kind::object: {
      if (!value.is_object()) return;
      if (const Type* branch = branch_for(value, type)) filter_output(value, *branch);
      for (const auto& member : type.members) {
        const auto it = value.find(member.name);
        if (it == value.end()) continue;
        if (hides(member.features)) {
          value.erase(it);
        } else {
          filter_output(*it, *member.type);
        }
      }
      return;
    }
    default:
      return;
  }
}

}  // namespace qomio
