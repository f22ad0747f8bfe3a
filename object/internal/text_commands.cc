// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/text_commands.h"

#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/json/text_visitor.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

struct GetTextArguments {
  std::string path;
  std::optional<std::string> property;
  static constexpr std::string_view type_name = "GetTextArguments";
  static constexpr auto members =
      member_list(member("path", &GetTextArguments::path, "path of the object: absolute, or its last part"),
                  member("property", &GetTextArguments::property, "its name; all properties if absent"));
};

struct SetTextArguments {
  std::string path;
  Json properties;
  static constexpr std::string_view type_name = "SetTextArguments";
  static constexpr auto members =
      member_list(member("path", &SetTextArguments::path, "path of the object: absolute, or its last part"),
                  member("properties", &SetTextArguments::properties,
                         "an object of names and values; all scalars are strings, and a list of scalars may "
                         "be a string: `0-3,5`"));
};

struct AddTextArguments {
  std::string qom_type;
  std::string id;
  std::optional<Json> properties;
  static constexpr std::string_view type_name = "AddTextArguments";
  static constexpr auto members = member_list(
      member("qom-type", &AddTextArguments::qom_type, "type of the object"),
      member("id", &AddTextArguments::id, "its name: a letter, then letters, digits, '-', '.', '_'"),
      member("properties", &AddTextArguments::properties,
             "an object of names and values, as for qom-set-text"));
};

struct PropertyText {
  std::string name;
  std::optional<std::string> text;
  static constexpr std::string_view type_name = "PropertyText";
  static constexpr auto members =
      member_list(member("name", &PropertyText::name, "of the property"),
                  member("text", &PropertyText::text, "its value; absent if it can't be read"));
};

Result<Object*> object_at(std::string_view path) {
  Object* object = object_resolve_path(path).object;
  if (!object) return error(ErrorClass::DeviceNotFound, "Device '{}' not found", path);
  return object;
}

Result<std::string> text_of(Object& object, std::string_view property) {
  TextVisitor visitor;
  if (auto r = object.get_property(property, visitor); !r) return failure(r);
  return visitor.take();
}

Result<std::vector<PropertyText>> qom_get_text(const GetTextArguments& arguments) {
  auto object = object_at(arguments.path);
  if (!object) return failure(object);
  std::vector<PropertyText> texts;
  if (arguments.property) {
    auto text = text_of(**object, *arguments.property);
    if (!text) return failure(text);
    texts.push_back({*arguments.property, std::move(*text)});
    return texts;
  }
  for (const auto& view : (*object)->property_views()) {
    auto text = text_of(**object, view.name);
    texts.push_back({std::string(view.name), text ? std::optional(std::move(*text)) : std::nullopt});
  }
  return texts;
}

// Checks that all scalars are strings. For a number, the visitor would return a misleading error,
// `Parameters 'x.*' are unexpected`.
Result<void> check_texts(const Json& value, const std::string& name) {
  if (value.is_string()) return {};
  if (!value.is_structured()) return error("Invalid parameter type for '{}', expected: string", name);
  for (const auto& [key, member] : value.items()) {
    if (auto r = check_texts(member, fmt::format("{}.{}", name, key)); !r) return r;
  }
  return {};
}

Result<void> check_properties(const Json& properties) {
  if (!properties.is_object()) return error("Invalid parameter type for 'properties', expected: object");
  return check_texts(properties, "properties");
}

Result<void> qom_set_text(const SetTextArguments& arguments) {
  auto object = object_at(arguments.path);
  if (!object) return failure(object);
  if (auto r = check_properties(arguments.properties); !r) return r;
  return object_set_props(**object, arguments.properties, Scalars::text);
}

// Checks the properties of a new object against the compatibility policy, as object-add does.
Result<void> check_policy(const CommandRegistry& commands, const Json& options) {
  const Command* object_add = commands.find_command("object-add");
  if (!object_add || !commands.compat().rejects_some()) return {};
  return commands.compat().check_input(options, object_add->arguments());
}

Result<void> object_add_text(const CommandRegistry& commands, const AddTextArguments& arguments) {
  Json options{{"qom-type", arguments.qom_type}, {"id", arguments.id}};
  if (arguments.properties) {
    if (auto r = check_properties(*arguments.properties); !r) return r;
    for (const auto& [name, value] : arguments.properties->items()) {
      if (options.contains(name)) return error("Parameter 'properties.{}' is unexpected", name);
      options[name] = value;
    }
  }
  if (auto r = check_policy(commands, options); !r) return r;
  if (auto made = user_creatable_add(options, Scalars::text); !made) return failure(made);
  return {};
}

}  // namespace

void add_text_commands(CommandRegistry& commands) {
  commands.add(command("qom-get-text", "returns properties of an object as text that qom-set-text accepts",
                       qom_get_text)
                   .query());
  commands.add(command("qom-set-text", "sets properties of an object from text, all or none", qom_set_text));
  commands.add(command(
      "object-add-text", "creates an object with properties from text",
      [&commands](const AddTextArguments& arguments) { return object_add_text(commands, arguments); }));
}

}  // namespace qomio
