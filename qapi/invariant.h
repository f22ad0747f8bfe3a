// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <source_location>
#include <string_view>

namespace qomio {

// Ends the program with the sentence and the place of the call on standard error. For mistakes of the program
// itself; what a user or the system can cause is an Error.
[[noreturn]] void broken_invariant(std::string_view sentence,
                                   std::source_location where = std::source_location::current());

inline void invariant(bool holds, std::string_view sentence,
                      std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    broken_invariant(sentence, where);
}

// For a catch (...) around a call of somebody else's: ends the program with a sentence that names what was
// called and what the exception says, "an exception left the bottom half 'flush': disk full".
[[noreturn]] void exception_left(std::string_view callback);

// The same, in debug builds only; for checks on hot paths.
inline void debug_invariant([[maybe_unused]] bool holds, [[maybe_unused]] std::string_view sentence,
                            [[maybe_unused]] std::source_location where = std::source_location::current()) {
#ifndef NDEBUG
  invariant(holds, sentence, where);
#endif
}

}  // namespace qomio
