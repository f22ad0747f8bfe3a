// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomiod {

// From now on no signal ends the daemon by accident: those that would, and mean nothing to it, are ignored,
// and those that ask it to end or would end it soon are left to MainLoop. The table is in the manual.
// Programs that a module starts have the signals' defaults, except in a child that has not called exec() yet.
//
// Call it in the main thread before there are others.
void set_up_signals();

}  // namespace qomiod
