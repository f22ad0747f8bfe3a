// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace qomio {

// The error classes of QMP. Clients tell errors apart by class; the text is for people.
enum class ErrorClass { GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound, KVMMissingCap };

// The name of a class as it is sent: "GenericError".
std::string_view error_class_name(ErrorClass error_class);

// What went wrong, as a value: a class for programs, one sentence for people (names the parameter, its value
// and what is allowed; no final stop), an optional hint for the command line, which QMP never sends, and
// optional data, which only QMP sends, as the member `data` of the error.
class Error {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  Error(ErrorClass error_class, std::string message, std::string hint = {})
      : class_(error_class), message_(std::move(message)), hint_(std::move(hint)) {}

  ErrorClass error_class() const { return class_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const std::string& data() const { return data_; }  // JSON, for programs; empty: none
  void set_data(std::string json) { data_ = std::move(json); }

  // Adds context in front of the message; done once, at the seam that knows it.
  void prepend(std::string_view context) { message_.insert(0, context); }

 private:
  ErrorClass class_ = ErrorClass::GenericError;
  std::string message_;
  std::string hint_;
  std::string data_;
};

// A value, or the reason why there is none. The library throws nothing of its own. Where memory runs out:
// - object_new_with_props(), user_creatable_add() and what makes threads and loops return an error;
// - a QMP client that can't be served is dropped, an event that can't be told isn't; others go on;
// - loops go on, wake up, fire timers and end; what puts something new into one (bh_new(), timer(),
//   schedule_oneshot(), set_fd_handler()) throws std::bad_alloc, and has changed nothing;
// - all else throws std::bad_alloc, too. Out of a callback of a loop or of GLib it ends the process.
template <class T = void>
using Result = std::expected<T, Error>;

// `return error("object '{}' not found", id);` makes a GenericError.
template <class... Args>
std::unexpected<Error> error(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error(fmt::format(format, std::forward<Args>(args)...)));
}

template <class... Args>
std::unexpected<Error> error(ErrorClass error_class, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error(error_class, fmt::format(format, std::forward<Args>(args)...)));
}

// "<what>: <the system's words for number>", for a failed system call.
std::unexpected<Error> errno_error(int number, std::string_view what);

// Passes the error of a failed result on: `if (!r) return failure(r);`
template <class T>
std::unexpected<Error> failure(Result<T>& result) {
  return std::unexpected(std::move(result).error());
}

}  // namespace qomio
