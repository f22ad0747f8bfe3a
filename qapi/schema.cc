// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/schema.h"

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "qomio/qapi/interface.h"

namespace qomio {
namespace {

// Names types as clients see them and emits each once, when it is first referred to.
class SchemaWriter {
 public:
  explicit SchemaWriter(const CompatPolicy& policy) : policy_(policy) {}

  std::string reference(const TypeDescription& type) {
    switch (type.kind) {
      case TypeDescription::Kind::builtin:
        return reference_builtin(type);
      case TypeDescription::Kind::list:
        return reference_list(type);
      default:
        break;
    }
    const auto [it, is_new] = names_.try_emplace(&type, std::to_string(names_.size()));
    const std::string name = it->second;
    if (!is_new) return name;
    switch (type.kind) {
      case TypeDescription::Kind::object:
        entries_.push_back(object(name, type));
        break;
      case TypeDescription::Kind::alternate:
        entries_.push_back(alternate(name, type));
        break;
      default:
        entries_.push_back(enumeration(name, type));
    }
    return name;
  }

  void add(const Command& command) {
    if (policy_.hides(command.features)) return;
    Json entry{{"name", command.name}, {"ret-type", reference(command.result())}, {"meta-type", "command"}};
    entry["arg-type"] = reference(command.arguments());
    if (command.allow_oob) entry["allow-oob"] = true;
    if (!command.features.empty()) entry["features"] = command.features;
    entries_.push_back(std::move(entry));
  }

  void add(const Event& event) {
    if (policy_.hides(event.features)) return;
    Json entry{{"name", event.name}, {"meta-type", "event"}, {"arg-type", reference(event.data())}};
    if (!event.features.empty()) entry["features"] = event.features;
    entries_.push_back(std::move(entry));
  }

  Json take() { return std::move(entries_); }

 private:
  std::string reference_builtin(const TypeDescription& type) {
    std::string name = type.json_type == "int" ? "int" : type.name;
    if (emitted_.insert(name).second) {
      entries_.push_back({{"name", name}, {"meta-type", "builtin"}, {"json-type", type.json_type}});
    }
    return name;
  }

  std::string reference_list(const TypeDescription& type) {
    const std::string element = reference(*type.element);
    std::string name = "[" + element + "]";
    if (emitted_.insert(name).second) {
      entries_.push_back({{"name", name}, {"meta-type", "array"}, {"element-type", element}});
    }
    return name;
  }

  static Json enumeration(const std::string& name, const TypeDescription& type) {
    Json members = Json::array();
    for (const auto& value : type.values) {
      Json& entry = members.emplace_back(Json{{"name", value}});
      if (const auto notes = type.notes.find(value);
          notes != type.notes.end() && !notes->second.features.empty())
        entry["features"] = notes->second.features;
    }
    return {{"name", name}, {"meta-type", "enum"}, {"members", std::move(members)}, {"values", type.values}};
  }

  Json alternate(const std::string& name, const TypeDescription& type) {
    Json members = Json::array();
    for (const auto* alternative : type.alternatives) members.push_back({{"type", reference(*alternative)}});
    return {{"name", name}, {"meta-type", "alternate"}, {"members", std::move(members)}};
  }

  Json object(const std::string& name, const TypeDescription& type) {
    Json members = Json::array();
    for (const auto& member : type.members) {
      if (policy_.hides(member.features)) continue;
      Json entry{{"name", member.name}, {"type", reference(*member.type)}};
      if (member.optional) entry["default"] = nullptr;
      if (!member.features.empty()) entry["features"] = member.features;
      members.push_back(std::move(entry));
    }
    Json entry{{"name", name}, {"meta-type", "object"}, {"members", std::move(members)}};
    if (!type.tag.empty()) {
      Json variants = Json::array();
      for (const auto& variant : type.variants) {
        variants.push_back({{"case", variant.tag_value}, {"type", reference(*variant.type)}});
      }
      entry["tag"] = type.tag;
      entry["variants"] = std::move(variants);
    }
    return entry;
  }

  const CompatPolicy& policy_;
  Json entries_ = Json::array();
  std::map<const TypeDescription*, std::string> names_;
  std::set<std::string> emitted_;
};

struct Field {
  std::string_view name;
  const TypeDescription* type;
  bool optional = false;
  bool deprecated = false;
};

TypeDescription object(std::string_view name, std::initializer_list<Field> fields) {
  TypeDescription type = struct_type(name);
  for (const Field& field : fields) {
    auto& member = type.members.emplace_back(
        TypeDescription::Member{std::string(field.name), field.type, field.optional});
    if (field.deprecated) member.features = {"deprecated"};
  }
  return type;
}

// The description of an entry, built by hand: it is a union, which structs described in C++ are not.
struct SchemaTypes {
  using Type = TypeDescription;
  const Type& str = builtin_type("str");
  Type strings = list_type(str);
  Type json_type =
      enum_type("JSONType", {"string", "number", "int", "boolean", "null", "object", "array", "value"});
  Type meta_type =
      enum_type("SchemaMetaType", {"builtin", "enum", "array", "object", "alternate", "command", "event"});
  Type builtin = object("SchemaInfoBuiltin", {{"json-type", &json_type}});
  Type enum_member = object("SchemaInfoEnumMember", {{"name", &str}, {"features", &strings, true}});
  Type enum_members = list_type(enum_member);
  Type enumeration =
      object("SchemaInfoEnum", {{"members", &enum_members}, {"values", &strings, false, true}});
  Type array = object("SchemaInfoArray", {{"element-type", &str}});
  Type member = object("SchemaInfoObjectMember", {{"name", &str},
                                                  {"type", &str},
                                                  {"default", &builtin_type("any"), true},
                                                  {"features", &strings, true}});
  Type object_members = list_type(member);
  Type variant = object("SchemaInfoObjectVariant", {{"case", &str}, {"type", &str}});
  Type variants = list_type(variant);
  Type object_info = object(
      "SchemaInfoObject", {{"members", &object_members}, {"tag", &str, true}, {"variants", &variants, true}});
  Type alternate_member = object("SchemaInfoAlternateMember", {{"type", &str}});
  Type alternate_members = list_type(alternate_member);
  Type alternate = object("SchemaInfoAlternate", {{"members", &alternate_members}});
  Type command = object("SchemaInfoCommand",
                        {{"arg-type", &str}, {"ret-type", &str}, {"allow-oob", &builtin_type("bool"), true}});
  Type event = object("SchemaInfoEvent", {{"arg-type", &str}});
  Type info = object("SchemaInfo", {{"name", &str}, {"meta-type", &meta_type}, {"features", &strings, true}});
  Type infos = list_type(info);

  SchemaTypes() {
    info.tag = "meta-type";
    info.variants = {{"builtin", &builtin},    {"enum", &enumeration},    {"array", &array},
                     {"object", &object_info}, {"alternate", &alternate}, {"command", &command},
                     {"event", &event}};
  }
  SchemaTypes(const SchemaTypes&) = delete;
  SchemaTypes& operator=(const SchemaTypes&) = delete;
};

}  // namespace

Json schema_json(const Interface& interface, Access access) {
  SchemaWriter writer(interface.compat());
  for (const auto& [name, command] : interface.commands()) {
    if (command.is_offered(access)) writer.add(command);
  }
  for (const auto& [name, event] : interface.events()) writer.add(event);
  return writer.take();
}

const TypeDescription& schema_type() {
  static const SchemaTypes types;
  return types.infos;
}

}  // namespace qomio
