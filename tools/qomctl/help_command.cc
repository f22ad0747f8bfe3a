// SPDX-License-Identifier: GPL-2.0-or-later
// `help`: describes the client's commands from its own table, and everything else by asking the server.
#include <fmt/format.h>

#include <algorithm>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/commands.h"
#include "qomio/tools/qomctl/json_member.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/property_info.h"
#include "qomio/tools/qomctl/render.h"
#include "qomio/tools/qomctl/schema.h"
#include "qomio/tools/qomctl/server_command.h"
#include "qomio/tools/qomctl/suggestion.h"
#include "qomio/tools/qomctl/table.h"

namespace qomio::qomctl {

namespace {

Outcome<> help_overview(Client& client) {
  Table table;
  for (const auto& command : own_commands()) {
    table.add_row({{fmt::format("  {}{}{}", command.name, command.usage.empty() ? "" : " ", command.usage)},
                   {std::string(command.summary)}});
  }
  client.output().text("Commands:\n" + table.text(false) +
                       "\nEvery command of the server works by its name too: qomctl NAME [KEY=VALUE…]."
                       "\n  qomctl query-commands  lists them"
                       "\n  qomctl help NAME       shows the arguments of one"
                       "\n  qomctl help add        lists the types of objects that can be created\n");
  return {};
}

Outcome<std::vector<std::string>> creatable_types(Client& client) {
  auto types = client.execute("qom-list-types", {{"implements", "user-creatable"}});
  if (!types) return failure(types);
  std::vector<std::string> names;
  for (const auto& item : *types) {
    if (item.is_object() && json_member(item, "abstract") != true) {
      names.push_back(string_member(item, "name"));
    }
  }
  std::ranges::sort(names);
  return names;
}

Outcome<> help_types(Client& client) {
  auto names = creatable_types(client);
  if (!names) return failure(names);
  if (client.output().json) {
    client.output().value(*names);
    return {};
  }
  std::string list = "Types of objects that can be created:\n";
  for (const auto& name : *names) list += "  " + printable(name) + "\n";
  client.output().text(list);
  return {};
}

Outcome<> help_type(Client& client, const std::string& type) {
  auto properties = type_properties(client, type);
  if (!properties) {
    if (auto names = creatable_types(client)) properties.error().message += did_you_mean(type, *names);
    return failure(properties);
  }
  // Every object has a property "type", which cannot be set; QEMU does not list it as read-only.
  std::erase_if(*properties, [](const PropertyInfo& property) {
    return property.is_read_only || property.name == "type";
  });
  std::ranges::sort(*properties, {}, &PropertyInfo::name);
  Json list = Json::array();
  for (const auto& property : *properties) {
    Json item{{"name", property.name}, {"type", property.type}};
    if (!property.default_value.empty()) item["default"] = property.default_value;
    if (!property.range.empty()) item["range"] = property.range;
    if (!property.description.empty()) item["description"] = property.description;
    list.push_back(std::move(item));
  }
  if (!client.output().json && list.empty()) {
    client.output().text(fmt::format("Nothing can be set on a new {}.\n", printable(type)));
    return {};
  }
  client.output().value(list);
  return {};
}

Outcome<> help_server_command(Client& client, const std::string& name) {
  auto schema = Schema::read(client);
  if (!schema) return failure(schema);
  if (!schema->has_command(name)) return no_such_command(name, schema->command_names());
  std::string usage = "usage: qomctl " + printable(name);
  const std::string description = printable(schema->description(name));
  Table table;
  for (const auto& argument : schema->arguments(name)) {
    const std::string key = printable(argument.name);
    usage += argument.optional ? fmt::format(" [{}=…]", key) : fmt::format(" {}=…", key);
    table.add_row({{"  " + key},
                   {printable(argument.type_text)},
                   {argument.optional ? "optional" : ""},
                   {printable(argument.help)}});
  }
  client.output().text(usage + "\n" + (description.empty() ? "" : description + "\n") + table.text(false));
  return {};
}

}  // namespace

Outcome<> run_help(Client& client, Words words) {
  if (words.empty()) return help_overview(client);
  if (words.size() == 2) {
    if (words[0] == "add") return help_type(client, words[1]);
    return fail(ExitStatus::usage, "{}", usage_line(*find_own_command("help")));
  }
  const Command* command = find_own_command(words[0]);
  if (!command) return help_server_command(client, words[0]);
  const bool lists_types = command->name == "add" && client.has_socket();
  if (!client.output().json || !lists_types) {
    client.output().text(fmt::format("{}\n{}\n", usage_line(*command), command->summary));
  }
  if (!lists_types) return {};
  return help_types(client);
}

}  // namespace qomio::qomctl
