// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "qomio/qapi/describe.h"

// Introspection of the commands and events that a program offers.
namespace qomio {

class CommandRegistry;

// Adds query-commands, query-qmp-schema and query-version. A second call is harmless. Each QmpServer does
// this for the registry that it serves.
void add_introspection_commands(CommandRegistry& commands);

// Returns a page of Markdown about everything that is offered: commands with their arguments and results,
// events, and the types that these use, each sorted by name. It is made from the same descriptions as
// query-qmp-schema, but shows the names of all types and the descriptions of enum values.
std::string qmp_reference(const CommandRegistry& commands);

struct VersionTriple {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::int64_t micro = 0;
  static constexpr std::string_view type_name = "VersionTriple";
  static constexpr auto members =
      member_list(member("micro", &VersionTriple::micro), member("minor", &VersionTriple::minor),
                  member("major", &VersionTriple::major));
};

// The result of query-version, also sent in the greeting. `qemu` is the version of QEMU whose protocol is
// spoken, from which clients decide what to send. `package` is the program's own name and version, see
// CommandRegistry::set_package().
struct VersionInfo {
  VersionTriple qemu = {.major = 7, .minor = 2, .micro = 22};
  std::string package;
  static constexpr std::string_view type_name = "VersionInfo";
  static constexpr auto members =
      member_list(member("qemu", &VersionInfo::qemu, "version of QEMU whose protocol this program follows"),
                  member("package", &VersionInfo::package, "the program's own name and version"));
};

// The library's own version, "0.1.0".
std::string_view version_text();

}  // namespace qomio
