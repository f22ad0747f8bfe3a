// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/server_command.h"

#include <algorithm>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/assignment.h"
#include "qomio/tools/qomctl/json_member.h"
#include "qomio/tools/qomctl/schema.h"
#include "qomio/tools/qomctl/suggestion.h"
#include "qomio/tools/qomctl/typed_value.h"

namespace qomio::qomctl {

namespace {

std::vector<std::string> server_command_names(Client& client) {
  std::vector<std::string> names;
  const auto list = client.execute("query-commands");
  if (!list) return names;
  for (const auto& item : *list) names.push_back(string_member(item, "name"));
  return names;
}

}  // namespace

std::unexpected<Failure> no_such_command(const std::string& name,
                                         const std::vector<std::string>& server_commands) {
  std::vector<std::string> names = own_command_names();
  std::string own;
  for (const auto& command : names) own += " " + command;
  names.insert(names.end(), server_commands.begin(), server_commands.end());
  const std::string hint = did_you_mean(name, names);
  return fail(ExitStatus::usage,
              "no command '{}'{} Commands:{}, and the server's, which query-commands lists", name,
              hint.empty() ? "." : hint, own);
}

Outcome<> run_server_command(Client& client, Words words) {
  const std::string& name = words[0];
  Json arguments = Json::object();
  if (words.size() > 1) {
    // Only the schema says whether 5 is a number or a string. A command without arguments does not need it.
    auto schema = Schema::read(client);
    if (!schema) return failure(schema);
    if (!schema->has_command(name)) return no_such_command(name, schema->command_names());
    auto assignments = parse_assignments(words.subspan(1));
    if (!assignments) return failure(assignments);
    const auto known = schema->arguments(name);
    for (const auto& [key, text] : *assignments) {
      const auto argument = std::ranges::find(known, key, &Argument::name);
      arguments[key] = argument == known.end() || argument->value_type == "value"
                           ? value_of_any_type(text)
                           : typed_value(argument->value_type, text);
    }
  }
  auto value = client.execute(name, arguments);
  if (value) {
    client.output().value(*value);
    return {};
  }
  if (value.error().error_class == "CommandNotFound") {
    const auto names = server_command_names(client);
    if (std::ranges::find(names, name) == names.end()) return no_such_command(name, names);
  }
  return failure(value);
}

}  // namespace qomio::qomctl
