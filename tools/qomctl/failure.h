// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <utility>

namespace qomio::qomctl {

// The exit statuses of the program.
enum class ExitStatus { ok = 0, server_error = 1, usage = 2, no_connection = 3, time_out = 4, no_output = 5 };

// The reason why a command failed: the exit status and one sentence for people.
struct Failure {
  ExitStatus status;
  std::string message;
  std::string error_class = {};  // the server's QMP error class; empty if the server sent no error
};

// A value, or the reason why there is no value.
template <class T = void>
using Outcome = std::expected<T, Failure>;

// `return fail(ExitStatus::usage, "'{}' is not a number", word);`
template <class... Args>
std::unexpected<Failure> fail(ExitStatus status, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Failure{status, fmt::format(format, std::forward<Args>(args)...)});
}

// Returns the failure of an outcome, for the caller to pass on.
template <class T>
std::unexpected<Failure> failure(Outcome<T>& outcome) {
  return std::unexpected(std::move(outcome).error());
}

}  // namespace qomio::qomctl
