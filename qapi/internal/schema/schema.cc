// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/schema/schema.h"

#include <deque>
#include <map>
#include <set>
#include <string>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

// A part of the schema, built member by member. Freeing it needs no memory.
struct SchemaEntry {
  Json json = Json(Json::value_t::object);

  SchemaEntry() = default;
  SchemaEntry(SchemaEntry&&) = default;
  SchemaEntry& operator=(SchemaEntry&&) = delete;
  SchemaEntry(const SchemaEntry&) = delete;
  SchemaEntry& operator=(const SchemaEntry&) = delete;
  ~SchemaEntry() { json_clear(json); }

  SchemaEntry&& add(const char* name, Json value) && {
    extend(name, std::move(value));
    return std::move(*this);
  }
  void extend(const char* name, Json value) {
    const JsonClearer clearer(value);
    Json& member = json_add_member(json, name);
    member = std::move(value);
  }
};

// Names types as clients see them and emits each once, when it is first referred to.
class SchemaWriter {
 public:
  explicit SchemaWriter(const CompatPolicy& policy) : policy_(policy) {}
  SchemaWriter(const SchemaWriter&) = delete;
  SchemaWriter& operator=(const SchemaWriter&) = delete;
  ~SchemaWriter() { json_clear(entries_); }

  std::string reference(const TypeDescription& type) {
    switch (type.kind) {
      case TypeDescription::Kind::builtin:
        return reference_builtin(type);
      case TypeDescription::Kind::list:
        return reference_list(type);
      case TypeDescription::Kind::map:
        return reference_builtin(builtin_type("any"));  // the schema has no maps
      default:
        break;
    }
    const auto [it, is_new] = names_.try_emplace(&type, std::to_string(names_.size()));
    const std::string name = it->second;
    if (!is_new) return name;
    switch (type.kind) {
      case TypeDescription::Kind::object:
        append(entries_, object(name, type));
        break;
      case TypeDescription::Kind::alternate:
        append(entries_, alternate(name, type));
        break;
      default:
        append(entries_, enumeration(name, type));
    }
    return name;
  }

  void add(const Command& command) {
    if (policy_.hides(command.features)) return;
    SchemaEntry entry = SchemaEntry()
                            .add("name", command.name)
                            .add("ret-type", reference(command.result()))
                            .add("meta-type", "command")
                            .add("arg-type", reference(command.arguments()));
    if (!command.description.empty()) entry.extend("description", command.description);
    if (command.allow_oob) entry.extend("allow-oob", true);
    if (!command.features.empty()) entry.extend("features", command.features);
    append(entries_, std::move(entry));
  }

  void add(const Event& event) {
    if (policy_.hides(event.features)) return;
    SchemaEntry entry = SchemaEntry()
                            .add("name", event.name)
                            .add("meta-type", "event")
                            .add("arg-type", reference(event.data()));
    if (!event.description.empty()) entry.extend("description", event.description);
    if (!event.features.empty()) entry.extend("features", event.features);
    append(entries_, std::move(entry));
  }

  Json take() { return std::move(entries_); }

 private:
  static void append(Json& list, SchemaEntry entry) { list.push_back(std::move(entry.json)); }

  std::string reference_builtin(const TypeDescription& type) {
    std::string name = type.json_type == "int" ? "int" : type.name;
    if (emitted_.insert(name).second) {
      append(entries_,
             SchemaEntry().add("name", name).add("meta-type", "builtin").add("json-type", type.json_type));
    }
    return name;
  }

  std::string reference_list(const TypeDescription& type) {
    const std::string element = reference(*type.element);
    std::string name = "[" + element + "]";
    if (emitted_.insert(name).second) {
      append(entries_,
             SchemaEntry().add("name", name).add("meta-type", "array").add("element-type", element));
    }
    return name;
  }

  static SchemaEntry enumeration(const std::string& name, const TypeDescription& type) {
    Json members = Json::array();
    const JsonClearer clearer(members);
    for (const auto& value : type.values) {
      SchemaEntry entry = SchemaEntry().add("name", value);
      if (const auto notes = type.notes.find(value);
          notes != type.notes.end() && !notes->second.features.empty())
        entry.extend("features", notes->second.features);
      append(members, std::move(entry));
    }
    return SchemaEntry()
        .add("name", name)
        .add("meta-type", "enum")
        .add("members", std::move(members))
        .add("values", type.values);
  }

  SchemaEntry alternate(const std::string& name, const TypeDescription& type) {
    Json members = Json::array();
    const JsonClearer clearer(members);
    for (const auto* alternative : type.alternatives) {
      append(members, SchemaEntry().add("type", reference(*alternative)));
    }
    return SchemaEntry().add("name", name).add("meta-type", "alternate").add("members", std::move(members));
  }

  SchemaEntry object(const std::string& name, const TypeDescription& type) {
    Json members = Json::array();
    const JsonClearer clearer(members);
    for (const auto& member : type.members) {
      if (policy_.hides(member.features)) continue;
      SchemaEntry entry = SchemaEntry().add("name", member.name).add("type", reference(*member.type));
      if (member.optional) entry.extend("default", nullptr);
      if (!member.description.empty()) entry.extend("description", member.description);
      if (!member.features.empty()) entry.extend("features", member.features);
      append(members, std::move(entry));
    }
    SchemaEntry entry =
        SchemaEntry().add("name", name).add("meta-type", "object").add("members", std::move(members));
    if (!type.tag.empty()) {
      Json variants = Json::array();
      const JsonClearer variants_clearer(variants);
      for (const auto& variant : type.variants) {
        append(variants, SchemaEntry().add("case", variant.tag_value).add("type", reference(*variant.type)));
      }
      entry.extend("tag", type.tag);
      entry.extend("variants", std::move(variants));
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

// The type of an entry, built by hand, since entries are written as JSON and not from a described struct.
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
                                                  {"description", &str, true},
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
  Type info = object(
      "SchemaInfo",
      {{"name", &str}, {"meta-type", &meta_type}, {"description", &str, true}, {"features", &strings, true}});
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

Json schema_json(const CommandRegistry& registry, Access access) {
  SchemaWriter writer(registry.compat());
  for (const auto& [name, command] : registry.commands()) {
    if (command.is_offered(access)) writer.add(command);
  }
  for (const auto& [name, event] : registry.events()) writer.add(event);
  return writer.take();
}

const TypeDescription& schema_type() {
  static const SchemaTypes types;
  return types.infos;
}

}  // namespace qomio
