// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "qomio/qapi/error.h"

// Functions shared by the fuzz targets. A target is the function that libFuzzer calls with each input:
//
//     extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
//
// It aborts the program if a property does not hold. Without libFuzzer, replay_main.cc calls it with each
// file of the corpus.
namespace qomio::fuzz {

inline void require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "Does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

// Requires that the error has a message, because people read it.
inline void require_text(const Error& error) { require(!error.message().empty(), "an error has a text"); }

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Removes the first line from the text and returns it without its newline.
inline std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace qomio::fuzz
