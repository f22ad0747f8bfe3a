// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/tools/qomctl/commands.h"

namespace qomio::qomctl {

// Runs the server's command that words[0] names, the rest as KEY=VALUE arguments, and prints what it returns.
// Errors: usage for a name that neither the client nor the server knows.
Outcome<> run_server_command(Client& client, Words words);

// "no command 'sett'; did you mean 'set'? Commands: …", for a name that is neither the client's nor the
// server's.
std::unexpected<Failure> no_such_command(const std::string& name,
                                         const std::vector<std::string>& server_commands);

}  // namespace qomio::qomctl
