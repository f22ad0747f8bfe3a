// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "qomio/qapi/describe.h"

namespace qomio {

struct VersionTriple {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::int64_t micro = 0;
  static constexpr std::string_view type_name = "VersionTriple";
  static constexpr auto members =
      std::tuple(member("micro", &VersionTriple::micro), member("minor", &VersionTriple::minor),
                 member("major", &VersionTriple::major));
};

// The answer of query-version, also in the greeting. `qemu` is the version of QEMU whose protocol is spoken:
// clients choose what they send by it. `package` is the program's own name and version: what
// Interface::set_package() says, "qomio-" and the library's version until then.
struct VersionInfo {
  VersionTriple qemu;
  std::string package;
  static constexpr std::string_view type_name = "VersionInfo";
  static constexpr auto members =
      std::tuple(member("qemu", &VersionInfo::qemu, "of QEMU, whose protocol this is"),
                 member("package", &VersionInfo::package, "the program's own name and version"));
};

// "0.1.0"
std::string_view version_text();

}  // namespace qomio
