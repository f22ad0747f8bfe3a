// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/invariant.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>

namespace qomio {

void broken_invariant(std::string_view sentence, std::source_location where) {
  fmt::print(stderr, "{}:{}: {}: {}\n", where.file_name(), where.line(), where.function_name(), sentence);
  std::abort();
}

}  // namespace qomio
