// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <iterator>

#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

namespace {

// Bytes that are written unchanged in a string.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int byte = 0x20; byte < 0x7f; ++byte)
    plain[static_cast<std::size_t>(byte)] = byte != '"' && byte != '\\';
  return plain;
}();

void append_escape(std::string& out, std::uint32_t code) {
  if (code > 0xffff) {
    code -= 0x10000;
    fmt::format_to(std::back_inserter(out), "\\u{:04X}\\u{:04X}", 0xd800 + (code >> 10),
                   0xdc00 + (code & 0x3ff));
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04X}", code);
  }
}

// Writes the character at the start of `rest`; returns its length in bytes.
std::size_t append_special(std::string& out, std::string_view rest) {
  switch (rest[0]) {
    case '"':
      out += "\\\"";
      return 1;
    case '\\':
      out += "\\\\";
      return 1;
    case '\b':
      out += "\\b";
      return 1;
    case '\f':
      out += "\\f";
      return 1;
    case '\n':
      out += "\\n";
      return 1;
    case '\r':
      out += "\\r";
      return 1;
    case '\t':
      out += "\\t";
      return 1;
    default:
      break;
  }
  const Utf8Character character = utf8_decode(rest);
  append_escape(out, character.code < 0 ? 0xfffd : static_cast<std::uint32_t>(character.code));
  return character.length;
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && kPlain[static_cast<unsigned char>(text[plain])]) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) text.remove_prefix(append_special(out, text));
  }
  out += '"';
}

// Writes a tree of values, on one line if `indent` is negative.
class Writer {
 public:
  Writer(std::string& out, int indent) : out_(out), indent_(indent) {}

  void write(const Json& value) {
    if (depth_ >= kMaxJsonDepth && value.is_structured()) return write_nothing();
    switch (value.type()) {
      case Json::value_t::object:
        write_object(*value.get_ptr<const Json::object_t*>());
        break;
      case Json::value_t::array:
        write_array(*value.get_ptr<const Json::array_t*>());
        break;
      case Json::value_t::string:
        append_string(out_, *value.get_ptr<const Json::string_t*>());
        break;
      case Json::value_t::boolean:
        out_ += *value.get_ptr<const bool*>() ? "true" : "false";
        break;
      case Json::value_t::number_integer:
        write_integer(*value.get_ptr<const std::int64_t*>());
        break;
      case Json::value_t::number_unsigned:
        write_integer(*value.get_ptr<const std::uint64_t*>());
        break;
      case Json::value_t::number_float:
        write_double(*value.get_ptr<const double*>());
        break;
      case Json::value_t::null:
        out_ += "null";
        break;
      default:
        write_nothing();
        break;
    }
  }
  // True if JSON could hold all of it.
  bool is_whole() const { return is_whole_; }

 private:
  void write_nothing() {
    out_ += "null";
    is_whole_ = false;
  }
  void write_integer(std::integral auto number) {
    std::array<char, 24> digits;
    out_.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
  }
  void write_double(double number) {
    if (std::isfinite(number)) {
      fmt::format_to(std::back_inserter(out_), "{}", number);
    } else {
      write_nothing();
    }
  }
  void write_object(const Json::object_t& members) {
    open('{');
    bool first = true;
    for (const auto& [name, value] : members) {
      separate(first);
      append_string(out_, name);
      out_ += ": ";
      write(value);
    }
    close('}', members.empty());
  }
  void write_array(const Json::array_t& elements) {
    open('[');
    bool first = true;
    for (const Json& element : elements) {
      separate(first);
      write(element);
    }
    close(']', elements.empty());
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }
  void separate(bool& first) {
    if (!first) out_ += indent_ < 0 ? ", " : ",";
    first = false;
    new_line();
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) new_line();
    out_ += bracket;
  }
  void new_line() {
    if (indent_ < 0) return;
    out_ += '\n';
    for (int i = 0; i < depth_ * indent_; ++i) out_ += ' ';
  }

  std::string& out_;
  const int indent_;
  int depth_ = 0;
  bool is_whole_ = true;
};

constexpr std::string_view kTooDeep = "nested too deep";

// Why the value itself cannot be written, without its elements; empty if it can.
std::string_view unwritable(const Json& value, int depth) {
  if (const double* number = value.get_ptr<const double*>()) {
    if (std::isnan(*number)) return "nan";
    if (std::isinf(*number)) return *number > 0 ? "inf" : "-inf";
  }
  if (value.is_binary()) return "binary";
  if (value.is_discarded()) return "no value";
  return value.is_structured() && depth >= kMaxJsonDepth ? kTooDeep : "";
}

// Finds the first value that cannot be written and returns the reason. `path` is built on the way back.
std::string_view find_unwritable(const Json& value, int depth, std::string& path) {
  if (const auto what = unwritable(value, depth); !what.empty()) return what;
  if (const auto* members = value.get_ptr<const Json::object_t*>()) {
    for (const auto& [name, member] : *members) {
      if (const auto what = find_unwritable(member, depth + 1, path); !what.empty()) {
        path.insert(0, "." + name);
        return what;
      }
    }
  } else if (const auto* elements = value.get_ptr<const Json::array_t*>()) {
    for (std::size_t i = 0; i < elements->size(); ++i) {
      if (const auto what = find_unwritable((*elements)[i], depth + 1, path); !what.empty()) {
        path.insert(0, fmt::format("[{}]", i));
        return what;
      }
    }
  }
  return {};
}

}  // namespace

Result<void> check_json(const Json& value, std::string_view name) {
  std::string path;
  const auto what = find_unwritable(value, 0, path);
  if (what.empty()) return {};
  if (what == kTooDeep) path.clear();  // too long for anyone to read
  if (name.empty() && path.starts_with('.')) path.erase(0, 1);
  return error("Value '{}{}' is {}, which JSON can't hold", name, path, what);
}

bool json_append(std::string& out, const Json& value) {
  Writer writer(out, -1);
  writer.write(value);
  return writer.is_whole();
}

std::string json_text(const Json& value) {
  std::string out;
  json_append(out, value);
  return out;
}

std::string json_pretty_text(const Json& value) {
  std::string out;
  Writer(out, 4).write(value);
  return out;
}

}  // namespace qomio
