// SPDX-License-Identifier: GPL-2.0-or-later
// Parses a stream of bytes. Its values and errors must not depend on how it is split into reads, and a byte
// ff must reset the parser. The first byte of the input selects how it is split.
#include <algorithm>
#include <string>
#include <vector>

#include "qomio/qapi/internal/json/lexer.h"
#include "qomio/qapi/internal/json/parser.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/fuzz/fuzz.h"

namespace qomio::fuzz {
namespace {

// Splits a text into pieces whose sizes follow a repeating pattern; with seed 0, into one piece.
class Cutter {
 public:
  Cutter(std::string_view text, std::size_t seed) : rest_(text), seed_(seed) {}
  bool next(std::string_view& piece) {
    if (rest_.empty()) return false;
    piece = rest_.substr(0, seed_ == 0 ? rest_.size() : 1 + seed_ * ++count_ % 7);
    rest_.remove_prefix(piece.size());
    return true;
  }

 private:
  std::string_view rest_;
  std::size_t seed_;
  std::size_t count_ = 0;
};

void note(std::vector<std::string>& outcomes, const Result<Json>& result) {
  if (!result) require_text(result.error());
  outcomes.push_back(result ? json_text(*result) : "error: " + result.error().message());
}

std::vector<std::string> parse(std::string_view text, std::size_t seed, bool ends) {
  std::vector<std::string> outcomes;
  JsonParser parser;
  Cutter cutter(text, seed);
  for (std::string_view piece; cutter.next(piece);) {
    while (const auto result = parser.next(piece)) note(outcomes, *result);
    require(piece.empty(), "the parser takes all");
  }
  if (ends) {
    if (const auto result = parser.finish()) note(outcomes, *result);
    require(!parser.finish(), "there is one end");
  }
  return outcomes;
}

// The same for tokens, which may have at most kMaxBytes bytes each.
std::vector<std::string> cut_into_tokens(std::string_view text, std::size_t seed) {
  constexpr std::size_t kMaxBytes = 5;
  std::vector<std::string> tokens;
  JsonLexer lexer;
  int braces = 0;
  int brackets = 0;
  Cutter cutter(text, seed);
  for (std::string_view piece; cutter.next(piece);) {
    for (;;) {
      const JsonToken token = lexer.next(piece, kMaxBytes);
      if (token.kind == JsonTokenKind::None) break;
      tokens.push_back(static_cast<char>('A' + static_cast<int>(token.kind)) + std::string(token.text));
      braces += (token.kind == JsonTokenKind::BeginObject) - (token.kind == JsonTokenKind::EndObject);
      brackets += (token.kind == JsonTokenKind::BeginArray) - (token.kind == JsonTokenKind::EndArray);
      const bool broken = token.kind == JsonTokenKind::Stray || token.kind == JsonTokenKind::TooLong;
      if (broken) lexer.skip_broken_value(braces, brackets);
      if (broken || braces < 0 || brackets < 0) braces = brackets = 0;
    }
  }
  return tokens;
}

}  // namespace
}  // namespace qomio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio::fuzz;
  if (size == 0) return 0;
  const std::size_t seed = 1 + data[0];
  const std::string text(as_text(data + 1, size - 1));
  require(parse(text, 0, true) == parse(text, seed, true), "reads may be cut anywhere");
  require(cut_into_tokens(text, 0) == cut_into_tokens(text, seed), "tokens may be cut anywhere");

  const auto recovered = parse(text + "\xff{'good': 1}", 0, false);
  require(recovered.back() == R"({"good": 1})", "after a byte ff a value is read, whatever was before");
  return 0;
}
