// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "qomio/qapi/internal/json/disposal.h"
#include "qomio/qapi/json.h"

namespace qomio {

// Writes a large value like json_append(), but piece by piece, so that returning it to one client does not
// delay the others. Owns the value, which the disposal frees in the end. The disposal must outlive this
// object.
class JsonPieces {
 public:
  // Approximate bytes of the value per piece; escapes take up to six times that.
  static constexpr std::size_t kPieceBytes = 8 << 10;

  JsonPieces(Json value, JsonDisposal& disposal);
  ~JsonPieces();
  JsonPieces(const JsonPieces&) = delete;
  JsonPieces& operator=(const JsonPieces&) = delete;

  // Appends the next piece. Returns false if it was the last.
  bool next(std::string& out);

 private:
  // A container or string, and how many of its elements or bytes have been written.
  struct Level {
    const Json* value;
    std::size_t done;
  };

  void begin(std::string& out, const Json& value);
  void resume(std::string& out);

  const std::unique_ptr<Json> value_;
  JsonDisposal& disposal_;
  std::vector<Level> levels_;
  bool begun_ = false;
};

}  // namespace qomio
