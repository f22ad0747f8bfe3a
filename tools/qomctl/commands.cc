// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/json_member.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/render.h"
#include "qomio/tools/qomctl/server_command.h"

namespace qomio::qomctl {

namespace {

constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

constexpr std::array<Command, 8> kCommands = {{
    {"add", "TYPE ID [PROP=VALUE…]", "create an object of a type", 2, kAnyNumber, run_add},
    {"del", "ID", "delete an object", 1, 1, run_del},
    {"events", "", "print events, one on a line, until Ctrl-C", 0, 0, run_events},
    {"get", "PATH [PROP]", "print an object's properties, or one of them", 1, 2, run_get},
    {"help", "[COMMAND | add TYPE]", "show the arguments of a command, or the properties of a type", 0, 2,
     run_help},
    {"raw", "JSON", "send a request unchanged, print the reply unchanged", 1, 1, run_raw},
    {"set", "PATH PROP VALUE | PATH PROP=VALUE…", "set properties of an object", 2, kAnyNumber, run_set},
    {"tree", "[PATH]", "print the tree of objects", 0, 1, run_tree},
}};

std::string time_text(const Json& event) {
  const Json& timestamp = json_member(event, "timestamp");
  const Json& seconds = json_member(timestamp, "seconds");
  const Json& microseconds = json_member(timestamp, "microseconds");
  if (!seconds.is_number_integer() || !microseconds.is_number_integer()) return "-";
  const auto when = static_cast<std::time_t>(seconds.get<std::int64_t>());
  std::tm parts{};
  if (!localtime_r(&when, &parts)) return "-";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     microseconds.get<std::int64_t>());
}

}  // namespace

std::span<const Command> own_commands() { return kCommands; }

const Command* find_own_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == kCommands.end() ? nullptr : &*found;
}

std::vector<std::string> own_command_names() {
  std::vector<std::string> names;
  names.reserve(kCommands.size());
  for (const auto& command : kCommands) names.emplace_back(command.name);
  return names;
}

std::string usage_line(const Command& command) {
  return fmt::format("usage: qomctl {}{}{}", command.name, command.usage.empty() ? "" : " ", command.usage);
}

Outcome<> run_command(Client& client, Words words) {
  const Command* command = find_own_command(words[0]);
  if (!command) return run_server_command(client, words);
  const Words arguments = words.subspan(1);
  if (arguments.size() < command->min_words || arguments.size() > command->max_words) {
    return fail(ExitStatus::usage, "{}", usage_line(*command));
  }
  return command->run(client, arguments);
}

Outcome<> run_raw(Client& client, Words words) {
  auto connection = client.connection();
  if (!connection) return failure(connection);
  auto reply = (*connection)->exchange(words[0]);
  if (!reply) return failure(reply);
  if (reply->is_null()) return {};  // the server has quit, as requested
  client.output().text(reply->dump(-1, ' ', /*ensure_ascii=*/true) + "\n");
  // The printed reply contains the error, so only the exit status is missing.
  if (reply->contains("error")) return fail(ExitStatus::server_error, "");
  return {};
}

Outcome<> run_events(Client& client, Words) {
  auto connection = client.connection();
  if (!connection) return failure(connection);
  // Ctrl-C is the normal end of this command. No output is lost, since nothing is buffered.
  std::signal(SIGINT, [](int) { _exit(0); });
  Output& output = client.output();
  while (!output.has_ended()) {
    auto event = (*connection)->next_event();
    if (!event) return failure(event);
    if (output.json) {
      output.text(json_line(*event) + "\n");
    } else {
      const Json& data = json_member(*event, "data");
      const Json& name = json_member(*event, "event");
      output.text(fmt::format("{}  {}{}{}\n", time_text(*event), cell_text(name), data.empty() ? "" : "  ",
                              data.empty() ? "" : printable(json_line(data, JsonCharacters::all))));
    }
  }
  return {};
}

}  // namespace qomio::qomctl
