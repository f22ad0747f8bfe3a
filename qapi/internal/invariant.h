// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <new>
#include <source_location>
#include <string>
#include <string_view>

namespace qomio {

// Prints the sentence and the place of the call to standard error and aborts the program. For bugs of the
// program itself; whatever a user or the system can cause is an Error.
[[noreturn]] void broken_invariant(std::string_view sentence,
                                   std::source_location where = std::source_location::current());

inline void invariant(bool holds, std::string_view sentence,
                      std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    broken_invariant(sentence, where);
}

// Callbacks that the library calls (hooks, getters, commands, listeners, handlers) must return their errors.
// An exception that leaves one aborts the program with a message that names the callback and contains what(),
// "an exception left the bottom half 'flush': disk full". Only std::bad_alloc is passed on, if a caller waits
// for a result (see qapi/error.h).
//
// To be called in a catch (...) around the call of a callback.
[[noreturn]] void exception_left(std::string_view callback);

// Calls a callback whose caller waits for a result. `describe` is called only if an exception leaves the
// callback, and returns the text that names it.
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
// The same; the callback is named by kind and name: callback("getter of property", "rate", [&] { ... }).
template <class Call>
decltype(auto) callback(std::string_view kind, std::string_view name, const Call& call) {
  return callback([&] { return std::string(kind).append(" '").append(name).append("'"); }, call);
}

// Calls `call` and ignores std::bad_alloc. For notifications: what they report has happened even if there is
// no memory to report it.
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
