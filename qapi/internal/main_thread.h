// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace qomio {

// The main thread is the one that runs main(), or the last one that called become_main_thread(), as
// MainLoop::create() does. The object tree, command registries and QMP servers belong to it. These three
// functions are thread-safe.
bool in_main_thread();
void become_main_thread();
// Aborts the program if it is called in another thread; the message names `function` and what to call
// instead. In the main thread it costs one comparison.
void require_main_thread(std::string_view function,
                         std::string_view instead = "AioContext::schedule_oneshot() of the main loop");

}  // namespace qomio
