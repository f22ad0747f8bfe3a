// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomiod {

// Ignores the signals that would end the daemon although they have no meaning for it. MainLoop handles
// SIGTERM, SIGINT and SIGHUP. The manual, qomiod(1), lists all signals. A program that a module starts gets
// the default actions at exec(); until then, the child ignores the signals, too.
//
// Call it in the main thread before any other thread exists.
void set_up_signals();

}  // namespace qomiod
