// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/lexer.h"

#include <algorithm>
#include <array>
#include <bit>

namespace qomio {

namespace {

constexpr std::size_t npos = std::string_view::npos;

// Bytes that need attention in a string: quotes, the backslash, control characters, and bytes above 0x7f.
constexpr std::array<bool, 256> kSpecialInString = [] {
  std::array<bool, 256> special{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) special[byte] = true;
  for (std::size_t byte = 0x80; byte < 0x100; ++byte) special[byte] = true;
  special['"'] = special['\''] = special['\\'] = true;
  return special;
}();

bool is_digit(unsigned char byte) { return byte >= '0' && byte <= '9'; }
bool is_word(unsigned char byte) { return byte >= 'a' && byte <= 'z'; }
bool is_blank(unsigned char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }
bool restarts(int byte) { return byte >= 0xfe; }

// The number of bytes that follow this one in the character that it begins.
int bytes_after(unsigned char byte) { return byte >= 0xc2 && byte <= 0xf4 ? std::countl_one(byte) - 1 : 0; }
bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

JsonTokenKind punctuation(unsigned char byte) {
  switch (byte) {
    case '{':
      return JsonTokenKind::BeginObject;
    case '}':
      return JsonTokenKind::EndObject;
    case '[':
      return JsonTokenKind::BeginArray;
    case ']':
      return JsonTokenKind::EndArray;
    case ',':
      return JsonTokenKind::Comma;
    case ':':
      return JsonTokenKind::Colon;
    default:
      return JsonTokenKind::None;
  }
}

}  // namespace

JsonToken JsonLexer::next(std::string_view& input, std::size_t max_bytes) {
  if (held_.capacity() > kMostKeptBytes) held_ = {};
  held_.clear();
  if (state_ == State::Recover && !recover(input)) return {};
  if (state_ >= State::Discard && !discard(input)) return {};
  std::size_t at = 0;
  if (state_ == State::Start) {
    JsonToken token = start(input);
    if (state_ == State::Start) return token;
    at = 1;
  }

  if (state_ > State::Escape) max_bytes = std::min(max_bytes, kMostKeptBytes);
  // A token becomes too long at the first byte over the limit, however the input is split.
  const std::size_t room = max_bytes < partial_.size() ? 1 : max_bytes - partial_.size() + 1;
  const std::string_view piece = input.substr(0, room);
  JsonTokenKind kind = JsonTokenKind::None;
  std::size_t end = at;
  if (state_ <= State::Escape) {
    end = scan_string(piece, at, kind);
  } else if (state_ == State::Word) {
    while (end < piece.size() && is_word(static_cast<unsigned char>(piece[end]))) ++end;
    kind = JsonTokenKind::Word;
    if (end == piece.size()) end = npos;
  } else if (state_ == State::Character) {
    end = scan_character(piece, at, kind);
  } else {
    end = scan_number(piece, at, kind);
  }

  if (std::min(end, piece.size()) == room) {
    in_string_ = state_ <= State::Escape && end == npos;
    std::string().swap(partial_);
    in_parts_ = false;
    input.remove_prefix(room);
    state_ = State::Start;
    wrong_byte_ = -1;
    return {JsonTokenKind::TooLong, {}, false};
  }
  if (end != npos) return emit(kind, input, end);
  if (input.empty()) return {};
  const bool is_string = state_ <= State::Escape;
  if (is_string && (in_parts_ || partial_.size() + input.size() > kMostKeptBytes)) return emit_part(input);
  partial_.append(input);
  input = {};
  return {};
}

JsonToken JsonLexer::emit_part(std::string_view& input) {
  JsonToken token{JsonTokenKind::StringPart, input, verbatim_};
  if (!partial_.empty()) {
    partial_.append(input);
    held_.swap(partial_);
    partial_.clear();
    token.text = held_;
  }
  if (!in_parts_) head_ = token.text.substr(0, kMostShownBytes);
  in_parts_ = true;
  input = {};
  return token;
}

// Skips blanks; returns a token of one byte, or sets the state for reading the bytes that follow.
JsonToken JsonLexer::start(std::string_view& input) {
  std::size_t blanks = 0;
  while (blanks < input.size() && is_blank(static_cast<unsigned char>(input[blanks]))) ++blanks;
  input.remove_prefix(blanks);
  if (input.empty()) return {};

  const auto byte = static_cast<unsigned char>(input[0]);
  in_string_ = false;
  if (const JsonTokenKind kind = punctuation(byte); kind != JsonTokenKind::None) return emit(kind, input, 1);
  if (byte == '"' || byte == '\'') {
    quote_ = input[0];
    verbatim_ = true;
    state_ = State::String;
  } else if (byte == '-') {
    state_ = State::Minus;
  } else if (byte == '0') {
    state_ = State::Zero;
  } else if (is_digit(byte)) {
    state_ = State::Digits;
  } else if (is_word(byte)) {
    state_ = State::Word;
  } else if (bytes_to_come_ = bytes_after(byte); bytes_to_come_ > 0) {
    state_ = State::Character;
  } else {
    return emit(JsonTokenKind::Stray, input, 1);
  }
  return {};
}

JsonToken JsonLexer::emit(JsonTokenKind kind, std::string_view& input, std::size_t end) {
  JsonToken token{kind, input.substr(0, end), verbatim_};
  wrong_byte_ = -1;
  if (kind == JsonTokenKind::Stray) {
    in_string_ = state_ == State::String || state_ == State::Escape;
    wrong_byte_ = static_cast<unsigned char>(end > 0 ? input[end - 1] : partial_.back());
  }
  if (!partial_.empty()) {
    partial_.append(token.text);
    held_.swap(partial_);
    partial_.clear();
    token.text = held_;
  }
  if (in_parts_ && kind == JsonTokenKind::Stray) {
    held_.swap(head_);
    token.text = held_;
  }
  in_parts_ = false;
  input.remove_prefix(end);
  state_ = State::Start;
  return token;
}

JsonToken JsonLexer::finish() {
  held_.swap(in_parts_ ? head_ : partial_);
  partial_.clear();
  in_parts_ = false;
  JsonToken token{JsonTokenKind::None, held_, false};
  if (state_ == State::Word) {
    token.kind = JsonTokenKind::Word;
  } else if (state_ < State::Recover && state_ != State::Start) {
    token.kind = number_kind();
  }
  state_ = State::Start;
  return token;
}

std::size_t JsonLexer::scan_string(std::string_view input, std::size_t at, JsonTokenKind& kind) {
  while (at < input.size()) {
    if (state_ == State::Escape) {
      const auto byte = static_cast<unsigned char>(input[at++]);
      if (byte < 0x20 || restarts(byte)) {
        kind = JsonTokenKind::Stray;
        return at;
      }
      state_ = State::String;
      continue;
    }
    while (at < input.size() && !kSpecialInString[static_cast<unsigned char>(input[at])]) ++at;
    if (at == input.size()) break;
    const auto byte = static_cast<unsigned char>(input[at++]);
    if (byte == static_cast<unsigned char>(quote_)) {
      kind = JsonTokenKind::String;
      return at;
    }
    if (byte == '\\') {
      verbatim_ = false;
      state_ = State::Escape;
    } else if (byte < 0x20 || restarts(byte)) {
      kind = JsonTokenKind::Stray;
      return at;
    } else if (byte >= 0x80) {
      verbatim_ = false;
    }
  }
  return npos;
}

std::size_t JsonLexer::scan_number(std::string_view input, std::size_t at, JsonTokenKind& kind) {
  for (; at < input.size(); ++at) {
    const auto byte = static_cast<unsigned char>(input[at]);
    if (step_number(byte, kind)) continue;
    if (kind != JsonTokenKind::Stray) return at;
    bytes_to_come_ = bytes_after(byte);
    if (bytes_to_come_ == 0) return at + 1;
    state_ = State::Character;
    return scan_character(input, at + 1, kind);
  }
  return npos;
}

std::size_t JsonLexer::scan_character(std::string_view input, std::size_t at, JsonTokenKind& kind) {
  for (; bytes_to_come_ > 0; ++at, --bytes_to_come_) {
    if (at == input.size()) return npos;
    if (!continues_character(input[at])) break;
  }
  kind = JsonTokenKind::Stray;
  return at;
}

// The kind of token if the number ended here.
JsonTokenKind JsonLexer::number_kind() const {
  switch (state_) {
    case State::Zero:
    case State::Digits:
      return JsonTokenKind::Integer;
    case State::Fraction:
    case State::ExponentDigits:
      return JsonTokenKind::Double;
    default:
      return JsonTokenKind::Stray;
  }
}

// Returns false if the byte does not continue a valid number. `kind` is then the kind of the token before it,
// or Stray for an invalid token, which includes the byte.
bool JsonLexer::step_number(unsigned char byte, JsonTokenKind& kind) {
  const bool digit = is_digit(byte);
  const bool exponent = byte == 'e' || byte == 'E';
  switch (state_) {
    case State::Minus:
      if (digit) return become(byte == '0' ? State::Zero : State::Digits);
      break;
    case State::Zero:
      if (digit) {
        kind = JsonTokenKind::Stray;
        return false;
      }
      if (byte == '.') return become(State::Point);
      break;  // an exponent must not follow a lone 0
    case State::Digits:
      if (digit) return true;
      if (byte == '.') return become(State::Point);
      if (exponent) return become(State::Exponent);
      break;
    case State::Point:
      if (digit) return become(State::Fraction);
      break;
    case State::Fraction:
      if (digit) return true;
      if (exponent) return become(State::Exponent);
      break;
    case State::Exponent:
      if (digit) return become(State::ExponentDigits);
      if (byte == '+' || byte == '-') return become(State::ExponentSign);
      break;
    case State::ExponentSign:
      if (digit) return become(State::ExponentDigits);
      break;
    default:
      if (digit) return true;
      break;
  }
  kind = number_kind();
  return false;
}

void JsonLexer::skip_broken_value(int open_braces, int open_brackets) {
  braces_ = open_braces + (wrong_byte_ == '{') - (wrong_byte_ == '}');
  brackets_ = open_brackets + (wrong_byte_ == '[') - (wrong_byte_ == ']');
  const bool inside = braces_ >= 0 && brackets_ >= 0 && (braces_ > 0 || brackets_ > 0);
  // A byte fe or ff or the end of the line has ended the broken value already.
  const bool restart = restarts(wrong_byte_) || wrong_byte_ == '\n';
  const bool in_long_string = in_string_ && wrong_byte_ < 0;
  if (restart || (!inside && !in_long_string)) {
    state_ = State::Recover;
  } else {
    state_ = in_string_ ? State::DiscardString : State::Discard;
  }
  wrong_byte_ = -1;
}

// recover() and discard() return true if the next byte of the input begins a token.
bool JsonLexer::recover(std::string_view& input) {
  std::size_t at = 0;
  for (; at < input.size(); ++at) {
    const auto byte = static_cast<unsigned char>(input[at]);
    if ((byte < 0x20 && byte != '\t') || restarts(byte) || punctuation(byte) != JsonTokenKind::None) break;
  }
  input.remove_prefix(at);
  if (input.empty()) return false;
  state_ = State::Start;
  return true;
}

bool JsonLexer::discard(std::string_view& input) {
  std::size_t at = 0;
  bool over = false;
  for (; at < input.size() && !over; ++at) {
    const auto byte = static_cast<unsigned char>(input[at]);
    if (restarts(byte) || byte == '\n') break;
    if (state_ == State::DiscardEscape) {
      state_ = State::DiscardString;
    } else if (state_ == State::DiscardString) {
      if (byte == '\\') state_ = State::DiscardEscape;
      if (byte != static_cast<unsigned char>(quote_)) continue;
      state_ = State::Discard;
      over = braces_ <= 0 && brackets_ <= 0;
    } else if (byte == '"' || byte == '\'') {
      quote_ = input[at];
      state_ = State::DiscardString;
    } else {
      braces_ += (byte == '{') - (byte == '}');
      brackets_ += (byte == '[') - (byte == ']');
      over = (braces_ == 0 && brackets_ == 0) || braces_ < 0 || brackets_ < 0;
    }
  }
  const bool at_restart = at < input.size() && !over;
  input.remove_prefix(at);
  if (!over && !at_restart) return false;
  state_ = State::Start;
  return true;
}

}  // namespace qomio
