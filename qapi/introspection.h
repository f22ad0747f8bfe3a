// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "qomio/qapi/describe.h"

// What a program tells about the commands and events that it offers.
namespace qomio {

class CommandRegistry;

// Adds query-commands, query-qmp-schema and query-version. A second call is harmless. Each QmpServer does
// this for the registry that it serves.
void add_introspection_commands(CommandRegistry& commands);

// A page of Markdown about all that is offered: commands with arguments and results, events, and the types
// that these use. It follows from the same descriptions as query-qmp-schema, but has the names of types and
// the descriptions. Sorted by name.
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

// The answer of query-version, also in the greeting. `qemu` is the version of QEMU whose protocol is spoken:
// clients choose by it what they send. `package` is the program's own name and version, see
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
