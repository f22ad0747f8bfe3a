// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"

namespace qomio {

// Makes the value of a string in JSON from what stands between its quotes, which may come in pieces cut
// anywhere. A long string is decoded as it comes, and grows in few, large steps, so that no piece takes long.
class JsonStringDecoder {
 public:
  // `verbatim`: neither escapes nor bytes above 0x7f are in it, nor were before.
  void add(std::string_view piece, bool verbatim);

  // The last piece, whose memory goes on with the closing quote. Errors: `JSON parse error, invalid escape
  // sequence in string` and the like; the first one counts.
  Result<std::string> finish(std::string_view piece, bool verbatim);

  // What has been decoded, when nobody wants the string any more.
  std::string take_rest() { return std::move(text_); }

 private:
  std::size_t decode(std::string_view piece, bool is_last);
  std::size_t decode_escape(std::string_view rest, bool is_last);
  void make_room(std::size_t bytes);
  void fail(Error error);

  std::string text_;
  std::string cut_;  // the beginning of a character or an escape, whose end comes with the next piece
  std::optional<Error> error_;
};

}  // namespace qomio
