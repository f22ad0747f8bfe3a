// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/json_member.h"

namespace qomio::qomctl {

namespace {

std::string enum_words(const Json& entity) {
  std::string words;
  // Older servers send only `values`; newer ones may omit it.
  const char* key = entity.contains("members") ? "members" : "values";
  for (const auto& value : json_member(entity, key)) {
    const std::string word = value.is_string() ? value.get<std::string>() : string_member(value, "name");
    words += fmt::format("{}'{}'", words.empty() ? "" : " | ", word);
  }
  return words;
}

}  // namespace

Schema::Schema(Json entities) {
  for (auto& entity : entities) {
    if (entity.is_object()) entities_.push_back(std::move(entity));
  }
}
Schema::Schema(Schema&&) noexcept = default;
Schema::~Schema() = default;

Outcome<Schema> Schema::read(Client& client) {
  auto answer = client.execute("query-qmp-schema");
  if (!answer) return failure(answer);
  return Schema(std::move(*answer));
}

const Json* Schema::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      entities_, [&](const Json& entity) { return string_member(entity, "name") == name; });
  return found == entities_.end() ? nullptr : &*found;
}

bool Schema::has_command(std::string_view name) const {
  const Json* entity = find(name);
  return entity && string_member(*entity, "meta-type") == "command";
}

std::vector<std::string> Schema::command_names() const {
  std::vector<std::string> names;
  for (const auto& entity : entities_) {
    if (string_member(entity, "meta-type") == "command") names.push_back(string_member(entity, "name"));
  }
  return names;
}

Argument Schema::argument(const Json& member, int depth) const {
  Argument argument{string_member(member, "name"), "value", "any value", string_member(member, "description"),
                    member.contains("default")};
  const Json* type = find(string_member(member, "type"));
  constexpr int kMaxDepth = 8;  // of nested lists; a server's list type may contain itself
  if (!type || depth == kMaxDepth) return argument;
  const std::string kind = string_member(*type, "meta-type");
  if (kind == "builtin") {
    argument.value_type = string_member(*type, "name") == "any" ? "value" : string_member(*type, "json-type");
    argument.type_text = argument.value_type == "value" ? "any value" : argument.value_type;
  } else if (kind == "enum") {
    argument.value_type = "string";
    argument.type_text = enum_words(*type);
  } else if (kind == "array") {
    const Json unnamed{{"name", ""}, {"type", string_member(*type, "element-type")}};
    const Argument element = this->argument(unnamed, depth + 1);
    argument.value_type = "[" + element.value_type + "]";
    argument.type_text = "[" + (element.value_type == "object" ? "{…}" : element.type_text) + "]";
  } else if (kind == "object") {
    argument.value_type = "object";
    argument.type_text = "{…}";
  }
  return argument;
}

void Schema::add_members(const std::string& type, std::vector<Argument>& arguments,
                         std::set<std::string>& seen) const {
  const Json* entity = find(type);
  if (!entity || !seen.insert(type).second) return;
  for (const auto& member : json_member(*entity, "members")) {
    const std::string name = string_member(member, "name");
    if (std::ranges::find(arguments, name, &Argument::name) == arguments.end()) {
      arguments.push_back(argument(member));
    }
  }
  for (const auto& variant : json_member(*entity, "variants")) {
    add_members(string_member(variant, "type"), arguments, seen);
  }
}

std::string Schema::description(std::string_view command) const {
  const Json* entity = find(command);
  return entity ? string_member(*entity, "description") : std::string();
}

std::vector<Argument> Schema::arguments(std::string_view command) const {
  std::vector<Argument> arguments;
  std::set<std::string> seen;  // types may contain themselves
  if (const Json* entity = find(command)) add_members(string_member(*entity, "arg-type"), arguments, seen);
  return arguments;
}

}  // namespace qomio::qomctl
