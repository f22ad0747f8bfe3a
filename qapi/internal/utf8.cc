// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/text.h"

#include <bit>

namespace qomio {

namespace {

// The lowest code that needs a sequence of this length; a lower one is an overlong form.
constexpr std::uint32_t kLeastCode[] = {0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};

}  // namespace

bool is_unicode_character(std::uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  return (code < 0xfdd0 || code > 0xfdef) && (code & 0xfffe) != 0xfffe;
}

Utf8Character utf8_decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const auto wanted = static_cast<std::size_t>(std::countl_one(lead));
  if (wanted == 1 || wanted > 6) return {-1, 1};  // a continuation byte; fe, ff

  std::uint32_t code = lead & (0x7fU >> wanted);
  std::size_t length = 1;
  while (length < wanted && length < text.size() &&
         (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) {
    code = code << 6 | (static_cast<unsigned char>(text[length]) & 0x3f);
    ++length;
  }
  if (length < wanted) return {-1, length};
  const bool overlong = code < kLeastCode[wanted] && !(wanted == 2 && code == 0);
  if (overlong || !is_unicode_character(code)) return {-1, length};
  return {static_cast<std::int32_t>(code), length};
}

std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  for (std::size_t end = max_bytes; end > 0 && max_bytes - end < 4; --end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80) return text.substr(0, end);
  }
  // The text is not UTF-8, since no character has so many continuation bytes, or max_bytes is too small for
  // the first character.
  return text.substr(0, max_bytes < 4 ? 0 : max_bytes);
}

void utf8_append(std::string& out, std::uint32_t code) {
  auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace qomio
