// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/tools/qomctl/client.h"

namespace qomio::qomctl {

using Words = std::span<const std::string>;

// A command of the client itself; the table in commands.cc has a line for each.
struct Command {
  std::string_view name;
  std::string_view usage;  // the arguments, as shown in the usage line
  std::string_view summary;
  std::size_t min_words;
  std::size_t max_words;
  Outcome<> (*run)(Client& client, Words words);  // words: the arguments
};

// The client's own commands, sorted by name.
std::span<const Command> own_commands();
const Command* find_own_command(std::string_view name);
std::vector<std::string> own_command_names();

// "usage: qomctl set PATH …"
std::string usage_line(const Command& command);

// Runs the command that words[0] names: one of the client's own, or else one of the server's.
Outcome<> run_command(Client& client, Words words);

Outcome<> run_add(Client& client, Words words);
Outcome<> run_del(Client& client, Words words);
Outcome<> run_get(Client& client, Words words);
Outcome<> run_set(Client& client, Words words);
Outcome<> run_tree(Client& client, Words words);
Outcome<> run_help(Client& client, Words words);
Outcome<> run_raw(Client& client, Words words);
Outcome<> run_events(Client& client, Words words);

}  // namespace qomio::qomctl
