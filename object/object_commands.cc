// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "qomio/object/config.h"
#include "qomio/object/internal/object_events.h"
#include "qomio/object/internal/text_commands.h"
#include "qomio/object/module.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

struct PathArguments {
  std::string path;
  static constexpr std::string_view type_name = "PathArguments";
  static constexpr auto members =
      member_list(member("path", &PathArguments::path, "absolute, or its last part"));
};

struct ModuleArguments {
  std::string path;
  static constexpr std::string_view type_name = "ModuleArguments";
  static constexpr auto members = member_list(member("path", &ModuleArguments::path, "of the shared object"));
};

struct GetArguments {
  std::string path;
  std::string property;
  static constexpr std::string_view type_name = "GetArguments";
  static constexpr auto members =
      member_list(member("path", &GetArguments::path, "path of the object: absolute, or its last part"),
                  member("property", &GetArguments::property, "its name"));
};

struct SetArguments {
  std::string path;
  std::string property;
  Json value;
  static constexpr bool passes_values_on = true;
  static constexpr std::string_view type_name = "SetArguments";
  static constexpr auto members =
      member_list(member("path", &SetArguments::path, "path of the object: absolute, or its last part"),
                  member("property", &SetArguments::property, "its name"),
                  member("value", &SetArguments::value, "of the type of the property"));
};

struct SetManyArguments {
  std::string path;
  Json properties;
  static constexpr bool passes_values_on = true;
  static constexpr std::string_view type_name = "SetManyArguments";
  static constexpr auto members =
      member_list(member("path", &SetManyArguments::path, "path of the object: absolute, or its last part"),
                  member("properties", &SetManyArguments::properties, "an object of names and values"));
};

struct PathsArguments {
  std::vector<std::string> paths;
  static constexpr std::string_view type_name = "PathsArguments";
  static constexpr auto members = member_list(member("paths", &PathsArguments::paths, "of the objects"));
};

struct TypesArguments {
  std::optional<std::string> implements;
  std::optional<bool> abstract;
  static constexpr std::string_view type_name = "TypesArguments";
  static constexpr auto members = member_list(
      member("implements", &TypesArguments::implements, "only types that are this type, or implement it"),
      member("abstract", &TypesArguments::abstract, "include abstract types; default false"));
};

struct TypenameArguments {
  std::string typename_;
  static constexpr std::string_view type_name = "TypenameArguments";
  static constexpr auto members = member_list(member("typename", &TypenameArguments::typename_, "the type"));
};

struct IdArguments {
  std::string id;
  static constexpr std::string_view type_name = "IdArguments";
  static constexpr auto members = member_list(member("id", &IdArguments::id, "of the object"));
};

struct ObjectPropertyInfo {
  std::string name;
  std::string type;
  std::optional<std::string> description;
  std::optional<Json> default_value;
  std::optional<bool> writable;
  std::optional<bool> live;
  std::optional<Json> minimum;
  std::optional<Json> maximum;
  std::optional<std::vector<std::string>> features;
  static constexpr std::string_view type_name = "ObjectPropertyInfo";
  static constexpr auto members = member_list(
      member("name", &ObjectPropertyInfo::name, "of the property"),
      member("type", &ObjectPropertyInfo::type,
             "of its value; `child<t>` for an object below this one, `link<t>` for one elsewhere"),
      member("description", &ObjectPropertyInfo::description, "for people"),
      member("default-value", &ObjectPropertyInfo::default_value, "default value"),
      member("writable", &ObjectPropertyInfo::writable,
             "whether it can be set; only for properties of a type"),
      member("live", &ObjectPropertyInfo::live, "whether it can be set after the object was made"),
      member("minimum", &ObjectPropertyInfo::minimum, "minimum, if it is stricter than that of the type"),
      member("maximum", &ObjectPropertyInfo::maximum, "maximum, likewise"),
      member("features", &ObjectPropertyInfo::features, "its features: deprecated, unstable"));
};

struct ObjectPropertyValue {
  std::string name;
  std::string type;
  std::optional<Json> value;
  static constexpr std::string_view type_name = "ObjectPropertyValue";
  static constexpr auto members =
      member_list(member("name", &ObjectPropertyValue::name, "of the property"),
                  member("type", &ObjectPropertyValue::type, "of its value"),
                  member("value", &ObjectPropertyValue::value, "absent if it can't be read"));
};

struct ObjectPropertiesValues {
  std::vector<ObjectPropertyValue> properties;
  static constexpr std::string_view type_name = "ObjectPropertiesValues";
  static constexpr auto members =
      member_list(member("properties", &ObjectPropertiesValues::properties, "of one object"));
};

struct ObjectTypeInfo {
  std::string name;
  std::optional<bool> abstract;
  std::optional<std::string> parent;
  static constexpr std::string_view type_name = "ObjectTypeInfo";
  static constexpr auto members = member_list(
      member("name", &ObjectTypeInfo::name, "of the type"),
      member("abstract", &ObjectTypeInfo::abstract, "true if no object of this type can be created"),
      member("parent", &ObjectTypeInfo::parent, "the parent type; absent for a root type"));
};

std::unexpected<Error> not_found(std::string_view path) {
  return error(ErrorClass::DeviceNotFound, "Device '{}' not found", path);
}

Result<Object*> find(std::string_view path) {
  Object* object = object_resolve_path(path).object;
  if (!object) return not_found(path);
  return object;
}

Result<std::vector<ObjectPropertyInfo>> qom_list(const PathArguments& arguments) {
  const Resolved resolved = object_resolve_path(arguments.path);
  if (resolved.ambiguous) return error("Path '{}' is ambiguous", arguments.path);
  if (!resolved.object) return not_found(arguments.path);
  std::vector<ObjectPropertyInfo> infos;
  for (auto& view : resolved.object->property_views()) {
    auto& info = infos.emplace_back();
    info.name = std::move(view.name);
    info.type = std::move(view.type_name);
  }
  return infos;
}

Result<Json> qom_get(const GetArguments& arguments) {
  auto object = find(arguments.path);
  if (!object) return failure(object);
  return (*object)->get_property(arguments.property);
}

Result<void> qom_set(const SetArguments& arguments) {
  auto object = find(arguments.path);
  if (!object) return failure(object);
  return (*object)->set_property(arguments.property, arguments.value);
}

Result<void> qom_set_many(const SetManyArguments& arguments) {
  auto object = find(arguments.path);
  if (!object) return failure(object);
  if (!arguments.properties.is_object())
    return error("Invalid parameter type for 'properties', expected: object");
  return object_set_props(**object, arguments.properties);
}

Result<std::vector<ObjectPropertiesValues>> qom_list_get(const PathsArguments& arguments) {
  std::vector<ObjectPropertiesValues> all;
  for (const auto& path : arguments.paths) {
    auto found = find(path);
    if (!found) return failure(found);
    const Ref<Object> object(**found);  // its getters may unparent it
    auto& values = all.emplace_back().properties;
    for (auto& view : object->property_views()) {
      auto value = object->get_property(view.name);
      values.push_back({std::move(view.name), std::move(view.type_name),
                        value ? std::optional(std::move(*value)) : std::nullopt});
    }
  }
  return all;
}

Result<std::vector<ObjectTypeInfo>> qom_list_types(const TypesArguments& arguments) {
  std::vector<ObjectTypeInfo> infos;
  const auto implemented = arguments.implements ? object_class_by_name(*arguments.implements)
                                                : Result<const ObjectClass*>(nullptr);
  if (!implemented) return infos;
  for (const ObjectClass* klass : object_classes()) {
    const bool is_abstract = klass->is_abstract() || klass->is_interface();
    if (is_abstract && !arguments.abstract.value_or(false)) continue;
    if (*implemented && !klass->is_a(**implemented)) continue;
    auto& info = infos.emplace_back();
    info.name = klass->name();
    if (is_abstract) info.abstract = true;
    if (klass->parent()) info.parent = klass->parent()->name();
  }
  return infos;
}

Result<std::vector<ObjectPropertyInfo>> qom_list_properties(const TypenameArguments& arguments) {
  const auto klass = object_class_by_name(arguments.typename_);
  if (!klass) return error(ErrorClass::DeviceNotFound, "Class '{}' not found", arguments.typename_);
  if ((*klass)->is_interface()) return error("Parameter 'typename' expects a QOM type");
  std::vector<ObjectPropertyInfo> infos;
  for (const Property* property : (*klass)->properties()) {
    auto& info = infos.emplace_back();
    info.name = property->name();
    info.type = property->type_name();
    if (!property->description().empty()) info.description = property->description();
    if (!property->default_value().is_null()) info.default_value = property->default_value();
    info.writable = property->is_writable();
    if (property->is_writable()) info.live = property->is_settable_after_complete();
    // An infinite end is no limit, and JSON cannot represent it.
    const auto is_told = [](const Json& end) { return !end.is_null() && check_json(end, {}); };
    if (is_told(property->minimum())) info.minimum = property->minimum();
    if (is_told(property->maximum())) info.maximum = property->maximum();
    if (!property->features().empty()) info.features = property->features();
  }
  return infos;
}

Result<void> object_del(const IdArguments& arguments) { return user_creatable_del(arguments.id); }

// The arguments of object-add: a union with a branch for each type that users can create and that is
// registered at the time of construction.
struct ObjectAddType {
  TypeDescription type_names = enum_type("ObjectType", {});
  std::deque<TypeDescription> branches;
  TypeDescription options = struct_type("ObjectOptions");

  ObjectAddType() {
    options.members = {
        {"qom-type", &type_names, false, "type of the object"},
        {"id", &builtin_type("str"), false, "its name: a letter, then letters, digits, '-', '.', '_'"}};
    options.tag = "qom-type";
    for (const ObjectClass* klass : user_creatable_classes()) {
      type_names.values.push_back(klass->name());
      auto& branch = branches.emplace_back(struct_type(klass->name()));
      for (const Property* property : klass->properties()) {
        if (!property->is_writable()) continue;
        auto& described = branch.members.emplace_back(
            TypeDescription::Member{property->name(), &property->type(), true, property->description()});
        described.features = property->features();
        if (!property->default_value().is_null())
          described.default_text = json_text(property->default_value());
      }
      options.variants.push_back({klass->name(), &branch});
    }
  }
  ObjectAddType(const ObjectAddType&) = delete;
  ObjectAddType& operator=(const ObjectAddType&) = delete;
};

Command object_add() {
  Command c = command("object-add", "creates an object of a type that users may create",
                      [](const Json& options) -> Result<void> {
                        if (auto made = user_creatable_add(options); !made) return failure(made);
                        return {};
                      });
  // Built again for each call, because types may have been registered since; valid until the next call.
  c.arguments = [latest = std::make_shared<std::unique_ptr<ObjectAddType>>()]() -> const TypeDescription& {
    *latest = std::make_unique<ObjectAddType>();
    return (*latest)->options;
  };
  return c;
}

}  // namespace

void add_object_commands(CommandRegistry& commands) {
  commands.add(command("qom-list", "returns the children and properties of an object", qom_list).query());
  commands.add(command("qom-get", "returns the value of a property", qom_get).query());
  commands.add(command("qom-set", "sets a property", qom_set));
  commands.add(command("qom-set-many", "sets several properties of an object, all or none", qom_set_many));
  commands.add(
      command("qom-list-get", "returns the properties of several objects, with their values", qom_list_get)
          .query());
  commands.add(command("qom-list-types", "returns the types of objects", qom_list_types).query());
  commands.add(
      command("qom-list-properties", "returns the properties of a type", qom_list_properties).query());
  commands.add(command(
      "module-load", "registers the types and commands of a shared object",
      [&commands](const ModuleArguments& arguments) { return module_load(commands, arguments.path); }));
  commands.add(object_add());
  add_text_commands(commands);
  commands.add(command("query-config",
                       "returns the objects and settings of users as a configuration for --config",
                       query_config)
                   .query());
  add_object_events(commands);
  commands.add(command("object-del", "deletes an object that a user created", object_del));
}

std::optional<std::string> object_help(std::string_view type_name) {
  const auto classes = user_creatable_classes();
  if (type_name.empty()) {
    std::string text = "List of user creatable objects:\n";
    for (const ObjectClass* klass : classes) text += fmt::format("  {}\n", klass->name());
    return text;
  }
  const auto klass = std::ranges::find(classes, type_name, &ObjectClass::name);
  if (klass == classes.end()) return std::nullopt;
  std::vector<std::string> lines;
  for (const Property* property : (*klass)->properties()) {
    if (!property->is_writable()) continue;
    std::string line = fmt::format("  {}=<{}>", property->name(), property->type_name());
    const bool has_default = !property->default_value().is_null();
    if (!property->description().empty() || has_default) {
      line = fmt::format("{:<24} - {}", line, property->description());
    }
    if (has_default) line += fmt::format(" (default: {})", json_text(property->default_value()));
    lines.push_back(line + "\n");
  }
  if (lines.empty()) return fmt::format("There are no options for {}.\n", type_name);
  std::ranges::sort(lines);
  std::string text = fmt::format("{} options:\n", type_name);
  for (const auto& line : lines) text += line;
  return text;
}

}  // namespace qomio
