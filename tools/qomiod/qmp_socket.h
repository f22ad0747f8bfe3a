// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "qomio/qapi/command.h"
#include "qomio/qapi/error.h"

namespace qomio {
class QmpServer;
}

namespace qomiod {

// The value of --qmp: where clients connect, and what they may do.
struct QmpSocket {
  enum class Kind { path, descriptor, stdio };
  Kind kind = Kind::stdio;
  std::string path;
  int fd = -1;
  qomio::Access access = qomio::Access::full;
};

// Parses `unix:PATH`, `fd:N` or `stdio`, optionally followed by `,access=read-only` or `,access=full`. A
// comma in the path is written twice. Errors: any other text.
qomio::Result<QmpSocket> parse_qmp_socket(const std::string& typed);

qomio::Result<void> open_qmp_socket(qomio::QmpServer& server, const QmpSocket& socket);

}  // namespace qomiod
