// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/introspection.h"

#include <string>
#include <vector>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/schema/schema.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

struct CommandInfo {
  std::string name;
  static constexpr std::string_view type_name = "CommandInfo";
  static constexpr auto members = member_list(member("name", &CommandInfo::name, "name of a command"));
};

}  // namespace

std::string_view version_text() { return QOMIO_VERSION; }

void add_introspection_commands(CommandRegistry& commands) {
  commands.add(
      command("query-version", "returns the version of the program", [&commands]() -> Result<VersionInfo> {
        return VersionInfo{.package = commands.package()};
      }).query());

  commands.add(command("query-commands", "returns the names of all commands that the client may run",
                       [&commands](const Session& session) -> Result<std::vector<CommandInfo>> {
                         std::vector<CommandInfo> infos;
                         for (const auto& [name, c] : commands.commands()) {
                           if (c.is_offered(session.access())) infos.push_back({name});
                         }
                         return infos;
                       })
                   .query());

  // Sends the reply itself: a handler's result is copied, and this one is large.
  Command schema = internal::described_command<void, void>(
      "query-qmp-schema", "describes all commands that the client may run, all events, and their types");
  schema.result = schema_type;
  schema.start = [&commands](const CommandCall& call) {
    if (auto r = internal::read_no_arguments(call.arguments); !r) return call.reply.send(r.error());
    call.reply.send(schema_json(commands, call.session.access()));
  };
  commands.add(std::move(schema).query());
}

}  // namespace qomio
