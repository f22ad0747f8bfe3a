// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/error.h"

namespace qomiod {

// The options of the command line, as typed.
struct Options {
  bool help = false;
  bool version = false;
  bool print_reference = false;
  std::vector<std::string> qmp_sockets;  // see QmpSocket
  std::vector<std::string> modules;      // paths
  std::vector<std::string> globals;      // TYPE.PROP=VALUE
  std::vector<std::string> configs;      // paths
  std::vector<std::string> objects;      // keyval or JSON
  std::vector<std::string> compats;      // keyval or JSON
  std::string log_level = "info";
};

// Errors: as worded by qemu-storage-daemon and the C library's getopt_long(), which it uses:
// `unrecognized option '--foo'`, `option '--object' requires an argument`, `foo: Unexpected argument`.
qomio::Result<Options> parse_options(int argc, char** argv);

std::string usage(std::string_view program);

}  // namespace qomiod
