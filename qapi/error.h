// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace qomio {

// The class of an error. Clients distinguish errors by class; the message is for people. QMP has five, and a
// program may add its own, each a constant:
//
//     inline constexpr ErrorClass kBusy("DeviceBusy");
//     return error(kBusy, "disk '{}' is being copied", id);
//
// Two classes are equal if their names are.
class ErrorClass {
 public:
  // A name of letters and digits that begins with a capital; any other does not compile.
  explicit consteval ErrorClass(const char* name) : name_(name) {
    if (!is_name(name_)) the_name_of_an_error_class_is_letters_and_digits_after_a_capital();
  }
  // As QMP sends it: "GenericError".
  constexpr std::string_view name() const { return name_; }
  friend constexpr bool operator==(const ErrorClass& a, const ErrorClass& b) { return a.name() == b.name(); }

  static const ErrorClass GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound, KVMMissingCap;

 private:
  static constexpr bool is_name(std::string_view name) {
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (name.empty() || !is_capital(name[0])) return false;
    for (const char c : name) {
      if (!is_capital(c) && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return false;
    }
    return true;
  }
  static void the_name_of_an_error_class_is_letters_and_digits_after_a_capital() {}
  const char* name_;
};

inline constexpr ErrorClass ErrorClass::GenericError("GenericError");
inline constexpr ErrorClass ErrorClass::CommandNotFound("CommandNotFound");
inline constexpr ErrorClass ErrorClass::DeviceNotActive("DeviceNotActive");
inline constexpr ErrorClass ErrorClass::DeviceNotFound("DeviceNotFound");
inline constexpr ErrorClass ErrorClass::KVMMissingCap("KVMMissingCap");

// An error as a value: a class for programs; one sentence for people, which names the parameter, its value
// and the allowed values and has no final full stop; an optional hint for the command line, which QMP never
// sends; and optional data, which only QMP sends, as the member `data` of the error. The size of a pointer. A
// moved-from Error is a GenericError with an empty message.
class Error {
 public:
  explicit Error(std::string_view message);
  Error(ErrorClass error_class, std::string_view message, std::string_view hint = {});
  Error(const Error& other);
  Error(Error&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  Error& operator=(Error other) noexcept {
    std::swap(body_, other.body_);
    return *this;
  }
  ~Error() {
    if (body_) free_body();
  }
  // Returns "out of memory" without allocating.
  static Error out_of_memory() noexcept;
  // "Cancelled" and "Timed out", without allocating; and whether an error is one of them or was made from it.
  static Error cancelled() noexcept;
  static Error timed_out() noexcept;
  bool is_cancelled() const;
  bool is_timed_out() const;

  ErrorClass error_class() const;
  const std::string& message() const;
  const std::string& hint() const;
  const std::string& data() const;  // JSON, for programs; empty if there is none
  void set_data(std::string json);

  // Adds context in front of the message. Call it once, where the context is known.
  void prepend(std::string_view context);

 private:
  struct Body;
  explicit Error(Body* body) : body_(body) {}
  const Body& body() const;
  Body& own_body();
  void free_body();
  Body* body_;
};

// A value, or an Error. The library throws no exceptions of its own. When memory runs out:
// - object_new_with_props() and user_creatable_add() return an error, as do functions that create threads and
//   loops if the kernel lacks memory for them;
// - a QMP client that cannot be served is disconnected, and an event that cannot be delivered is lost; other
//   clients are still served;
// - loops keep running: waking up, firing timers and ending need no memory. Functions that add something to a
//   loop (bh_new(), timer(), schedule_oneshot(), set_fd_handler()) throw std::bad_alloc and change nothing;
// - everything else throws std::bad_alloc, too. If it leaves a callback of a loop or of GLib, it ends the
//   process.
template <class T = void>
using Result = std::expected<T, Error>;

namespace internal {

// The argument for a "{}" in a message.
class ErrorArgument {
 public:
  ErrorArgument(std::string_view text) : kind_(Kind::text), text_(text) {}
  ErrorArgument(const char* text) : ErrorArgument(std::string_view(text)) {}
  ErrorArgument(const std::string& text) : ErrorArgument(std::string_view(text)) {}
  template <class T>
    requires(std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>)
  ErrorArgument(T number) : kind_(std::is_signed_v<T> ? Kind::integer : Kind::natural) {
    if constexpr (std::is_signed_v<T>) {
      integer_ = number;
    } else {
      natural_ = number;
    }
  }
  void append_to(std::string& out) const;

 private:
  enum class Kind { text, integer, natural } kind_;
  union {
    std::string_view text_;
    std::int64_t integer_;
    std::uint64_t natural_;
  };
};

// A message with one "{}" for each of N arguments; any other number does not compile.
template <std::size_t N>
class ErrorFormat {
 public:
  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  consteval ErrorFormat(const Text& text) : text_(text) {
    std::size_t places = 0;
    for (std::size_t i = 0; i + 1 < text_.size(); ++i) {
      if (text_[i] == '{' && text_[i + 1] == '}') ++places;
    }
    if (places != N) the_number_of_places_differs_from_the_number_of_arguments();
  }
  std::string_view text() const { return text_; }

 private:
  static void the_number_of_places_differs_from_the_number_of_arguments() {}
  std::string_view text_;
};

Error formatted_error(ErrorClass error_class, std::string_view format, const ErrorArgument* arguments);

}  // namespace internal

// `return error("object '{}' not found", id);` returns a GenericError. Arguments are strings and integers.
template <class... Args>
std::unexpected<Error> error(ErrorClass error_class,
                             std::type_identity_t<internal::ErrorFormat<sizeof...(Args)>> format,
                             const Args&... args) {
  const internal::ErrorArgument arguments[] = {internal::ErrorArgument(args)..., internal::ErrorArgument("")};
  return std::unexpected(internal::formatted_error(error_class, format.text(), arguments));
}

template <class... Args>
std::unexpected<Error> error(std::type_identity_t<internal::ErrorFormat<sizeof...(Args)>> format,
                             const Args&... args) {
  return error(ErrorClass::GenericError, format, args...);
}

// "<what>: <the system's message for number>", for a failed system call.
std::unexpected<Error> errno_error(int number, std::string_view what);

// Moves the error out of a failed result: `if (!r) return failure(r);`
template <class T>
std::unexpected<Error> failure(Result<T>& result) {
  return std::unexpected(std::move(result).error());
}

}  // namespace qomio
