// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/schema.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace qomio::qomctl {

namespace {

// Variants nest two or three deep; a server whose types refer to themselves must not hang the client.
constexpr int kMaxDepth = 8;

std::string text(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string enum_words(const Json& entity) {
  std::string words;
  // Older servers send `values` only; newer ones may hide it.
  const char* key = entity.contains("members") ? "members" : "values";
  for (const auto& value : entity.value(key, Json::array())) {
    const std::string word = value.is_string() ? value.get<std::string>() : text(value, "name");
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
  const auto found =
      std::ranges::find_if(entities_, [&](const Json& entity) { return entity.value("name", "") == name; });
  return found == entities_.end() ? nullptr : &*found;
}

bool Schema::has_command(std::string_view name) const {
  const Json* entity = find(name);
  return entity && text(*entity, "meta-type") == "command";
}

std::vector<std::string> Schema::command_names() const {
  std::vector<std::string> names;
  for (const auto& entity : entities_) {
    if (text(entity, "meta-type") == "command") names.push_back(text(entity, "name"));
  }
  return names;
}

Argument Schema::argument(const Json& member) const {
  Argument argument{text(member, "name"), "value", "any value", member.contains("default")};
  const Json* type = find(text(member, "type"));
  if (!type) return argument;
  const std::string kind = text(*type, "meta-type");
  if (kind == "builtin") {
    argument.value_type = text(*type, "name") == "any" ? "value" : text(*type, "json-type");
    argument.description = argument.value_type == "value" ? "any value" : argument.value_type;
  } else if (kind == "enum") {
    argument.value_type = "string";
    argument.description = enum_words(*type);
  } else if (kind == "array") {
    const Argument element = this->argument(Json{{"name", ""}, {"type", text(*type, "element-type")}});
    argument.value_type = "[" + element.value_type + "]";
    argument.description = "[" + (element.value_type == "object" ? "{…}" : element.description) + "]";
  } else if (kind == "object") {
    argument.value_type = "object";
    argument.description = "{…}";
  }
  return argument;
}

void Schema::add_members(const std::string& type, std::vector<Argument>& arguments, int depth) const {
  const Json* entity = find(type);
  if (!entity || depth == kMaxDepth) return;
  for (const auto& member : entity->value("members", Json::array())) {
    const std::string name = text(member, "name");
    if (std::ranges::find(arguments, name, &Argument::name) == arguments.end()) {
      arguments.push_back(argument(member));
    }
  }
  for (const auto& variant : entity->value("variants", Json::array())) {
    add_members(text(variant, "type"), arguments, depth + 1);
  }
}

std::vector<Argument> Schema::arguments(std::string_view command) const {
  std::vector<Argument> arguments;
  if (const Json* entity = find(command)) add_members(text(*entity, "arg-type"), arguments, 0);
  return arguments;
}

}  // namespace qomio::qomctl
