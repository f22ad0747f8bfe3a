// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "qomio/qapi/text.h"

namespace qomio::qomctl {

namespace {

struct Codes {
  std::int32_t first, last;
};

// Characters above U+007F that a terminal obeys instead of showing them, or that make a text look like
// another.
constexpr std::array kUnprintable{
    Codes{0x80, 0x9f},        // control characters
    Codes{0x61c, 0x61c},      // direction of writing: Arabic letter mark
    Codes{0x200b, 0x200b},    // zero width space
    Codes{0x200e, 0x200f},    // direction of writing: marks
    Codes{0x2028, 0x202e},    // line and paragraph separators; direction embeddings and overrides
    Codes{0x2060, 0x206f},    // invisible characters; direction isolates
    Codes{0xfeff, 0xfeff},    // byte order mark
    Codes{0xfff9, 0xfffb},    // annotations
    Codes{0xe0000, 0xe0fff},  // tags
};

bool is_printable(std::int32_t code) {
  if (code < 0x80) return code >= 0x20 && code != 0x7f;
  return std::ranges::none_of(
      kUnprintable, [code](const Codes& codes) { return code >= codes.first && code <= codes.last; });
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  const auto out = std::back_inserter(result);
  while (!text.empty()) {
    const Utf8Character character = utf8_decode(text);
    const std::string_view bytes = text.substr(0, character.length);
    text.remove_prefix(character.length);
    if (character.code >= 0 && is_printable(character.code)) {
      result += bytes;
    } else if (character.code >= 0x80) {
      fmt::format_to(out, "\\u{:04x}", character.code);
    } else {
      for (const char byte : bytes) fmt::format_to(out, "\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return result;
}

}  // namespace qomio::qomctl
