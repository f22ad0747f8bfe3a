// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"

namespace qomio {

// Decodes a JSON string from the bytes between its quotes, which may come in pieces split anywhere. A long
// string is decoded as it comes and grows in a few large steps, so that no piece takes long.
class JsonStringDecoder {
 public:
  // `verbatim`: this piece and those before it have no escapes and no bytes above 0x7f.
  void add(std::string_view piece, bool verbatim);

  // Adds the last piece, which must be followed by the closing quote in memory, and returns the string.
  // Errors: `JSON parse error, invalid escape sequence in string` and the like; the first one is returned.
  Result<std::string> finish(std::string_view piece, bool verbatim);

  // Returns what has been decoded of a string that is not needed any more.
  std::string finish() { return std::move(text_); }

 private:
  std::size_t decode(std::string_view piece, bool is_last);
  std::size_t decode_escape(std::string_view rest, bool is_last);
  void make_room(std::size_t bytes);
  void fail(Error error);

  std::string text_;
  std::string cut_;  // the beginning of a character or escape, which ends in a later piece
  std::optional<Error> error_;
};

}  // namespace qomio
