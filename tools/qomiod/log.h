// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "qomio/qapi/error.h"

namespace qomiod {

// Writes the log messages of the program, the library and GLib to standard error, as `qomiod: info: text`.
// Never waits for the reader; see LogStream. GLib's levels ERROR, CRITICAL, MESSAGE, INFO and DEBUG are
// called critical, error, info, debug and trace. Errors: an unknown level.
qomio::Result<void> set_up_log(const std::string& level_name);

}  // namespace qomiod
