// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "qomio/qapi/internal/json/disposal.h"
#include "qomio/qapi/json.h"

namespace qomio {

// Writes a large value as json_append() does, a piece at a time, so that a client that wants it back holds
// nobody up. Owns the value; in the end it is freed by the disposal, which must outlive this.
class JsonPieces {
 public:
  static constexpr std::size_t kPieceBytes =
      8 << 10;  // of the value, roughly; escapes take up to six times that

  JsonPieces(Json value, JsonDisposal& disposal);
  ~JsonPieces();
  JsonPieces(const JsonPieces&) = delete;
  JsonPieces& operator=(const JsonPieces&) = delete;

  // Appends the next piece. False: it was the last.
  bool next(std::string& out);

 private:
  // A container of which so many elements, or a string of which so many bytes, were written.
  struct Level {
    const Json* value;
    std::size_t done;
  };

  void begin(std::string& out, const Json& value);
  void go_on(std::string& out);

  const std::unique_ptr<Json> value_;
  JsonDisposal& disposal_;
  std::vector<Level> levels_;
  bool begun_ = false;
};

}  // namespace qomio
