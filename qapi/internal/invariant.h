// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <new>
#include <source_location>
#include <string>
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

// One rule for every function of somebody else's that the library calls, be it a hook, a getter, a command, a
// listener or a handler: it returns its errors. An exception that leaves one ends the program with a sentence
// that names it and what the exception says, "an exception left the bottom half 'flush': disk full". Only
// std::bad_alloc goes on from where somebody waits for an answer (see qapi/error.h).
//
// For a catch (...) around such a call.
[[noreturn]] void exception_left(std::string_view callback);

// Such a call, for an answer. `describe` makes the text that names it, if an exception leaves it.
template <class Describe, class Call>
decltype(auto) callback(const Describe& describe, const Call& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (...) {
    exception_left(describe());
  }
}
// The same, named by two words: callback("getter of property", "rate", [&] { ... }).
template <class Call>
decltype(auto) callback(std::string_view kind, std::string_view name, const Call& call) {
  return callback([&] { return std::string(kind).append(" '").append(name).append("'"); }, call);
}

// Calls where nobody waits for an answer: what has happened stays, even if there is no memory to report it.
template <class Call>
void unless_out_of_memory(const Call& call) {
  try {
    call();
  } catch (const std::bad_alloc&) {
    return;
  }
}

// An invariant on a hot path: `holds` is a function, which only debug builds call.
template <class Holds>
void debug_invariant([[maybe_unused]] const Holds& holds, [[maybe_unused]] std::string_view sentence,
                     [[maybe_unused]] std::source_location where = std::source_location::current()) {
#ifndef NDEBUG
  invariant(holds(), sentence, where);
#endif
}

}  // namespace qomio
