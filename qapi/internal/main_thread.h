// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace qomio {

// The main thread is the one that main() was called in, unless another has taken that part over, as the
// thread does that makes a MainLoop. To it belong the tree of objects, interfaces and servers. Thread-safe,
// all three.
bool in_main_thread();
void become_main_thread();
// Ends the program, in any other thread, with a sentence that names the function called and what to call
// instead. Costs a comparison in the main thread.
void require_main_thread(std::string_view function,
                         std::string_view instead = "AioContext::schedule_oneshot() of the main loop");

}  // namespace qomio
