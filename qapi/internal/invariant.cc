// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/invariant.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace qomio {

void broken_invariant(std::string_view sentence, std::source_location where) {
  fmt::print(stderr, "{}:{}: {}: {}\n", where.file_name(), where.line(), where.function_name(), sentence);
  std::abort();
}

void exception_left(std::string_view callback) {
  const auto report = [&](const char* what) {
    fmt::print(stderr, "an exception left the {}: {}\n", callback, what);
  };
  try {
    throw;
  } catch (const std::exception& e) {
    report(e.what());
  } catch (...) {
    report("of an unknown type");
  }
  std::abort();
}

}  // namespace qomio
