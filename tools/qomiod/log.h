// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "qomio/qapi/error.h"

namespace qomiod {

// Writes the log of the program, and what the library and GLib have to say, to standard error, as
// `qomiod: info: text`. Nothing waits for who reads it, see LogStream. GLib's messages are info, its info is
// debug, its debug is trace. Errors: an unknown level.
qomio::Result<void> set_up_log(const std::string& level_name);

}  // namespace qomiod
