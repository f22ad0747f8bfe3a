// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/tools/qomctl/commands.h"

namespace qomio::qomctl {

// Runs the server's command that words[0] names, with the other words as KEY=VALUE arguments. Prints the
// result.
// Errors: usage for a name that neither the client nor the server knows.
Outcome<> run_server_command(Client& client, Words words);

// Returns the failure "no command 'sett'; did you mean 'set'? Commands: …", for a name that neither the
// client nor the server knows.
std::unexpected<Failure> no_such_command(const std::string& name,
                                         const std::vector<std::string>& server_commands);

}  // namespace qomio::qomctl
