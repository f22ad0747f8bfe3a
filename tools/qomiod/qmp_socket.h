// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "qomio/qapi/command.h"
#include "qomio/qapi/error.h"

namespace qomio {
class QmpServer;
}

namespace qomiod {

// What --qmp says: where clients come from, and what they may do.
struct QmpSocket {
  enum class Kind { path, descriptor, stdio };
  Kind kind = Kind::stdio;
  std::string path;
  int fd = -1;
  qomio::Access access = qomio::Access::full;
};

// Reads `unix:PATH`, `fd:N` or `stdio`, and `,access=read-only` or `,access=full` behind it. A comma in the
// path is written twice. Errors: anything else.
qomio::Result<QmpSocket> parse_qmp_socket(const std::string& typed);

qomio::Result<void> open_qmp_socket(qomio::QmpServer& server, const QmpSocket& socket);

}  // namespace qomiod
