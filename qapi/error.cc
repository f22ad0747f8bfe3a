// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/error.h"

#include <array>
#include <charconv>
#include <system_error>

namespace qomio {

struct Error::Body {
  enum class Kind { other, cancelled, timed_out };

  ErrorClass error_class = ErrorClass::GenericError;
  Kind kind = Kind::other;
  bool is_shared = false;  // static, never deleted
  std::string message;
  std::string hint;
  std::string data;
};

Error::Error(std::string_view message) : Error(ErrorClass::GenericError, message) {}

Error::Error(ErrorClass error_class, std::string_view message, std::string_view hint)
    : body_(new Body{error_class, Body::Kind::other, false, std::string(message), std::string(hint), {}}) {}

Error::Error(const Error& other) : body_(other.body_) {
  if (!body_ || body_->is_shared) return;
  body_ = new Body(*other.body_);
}

Error Error::out_of_memory() noexcept {
  static Body kBody{
      .is_shared = true, .message = "out of memory", .hint = {}, .data = {}};  // too short to be allocated
  return Error(&kBody);
}

Error Error::cancelled() noexcept {
  static Body kBody{
      .kind = Body::Kind::cancelled, .is_shared = true, .message = "Cancelled", .hint = {}, .data = {}};
  return Error(&kBody);
}

Error Error::timed_out() noexcept {
  static Body kBody{
      .kind = Body::Kind::timed_out, .is_shared = true, .message = "Timed out", .hint = {}, .data = {}};
  return Error(&kBody);
}

bool Error::is_cancelled() const { return body().kind == Body::Kind::cancelled; }
bool Error::is_timed_out() const { return body().kind == Body::Kind::timed_out; }

void Error::free_body() {
  if (!body_->is_shared) delete body_;
}

const Error::Body& Error::body() const {
  static const Body kNone;
  return body_ ? *body_ : kNone;
}

// Returns a body that may be changed: replaces a missing or shared one by a copy.
Error::Body& Error::own_body() {
  if (!body_ || body_->is_shared) {
    Body* own = new Body(body());
    own->is_shared = false;
    body_ = own;
  }
  return *body_;
}

ErrorClass Error::error_class() const { return body().error_class; }
const std::string& Error::message() const { return body().message; }
const std::string& Error::hint() const { return body().hint; }
const std::string& Error::data() const { return body().data; }
void Error::set_data(std::string json) { own_body().data = std::move(json); }
void Error::prepend(std::string_view context) { own_body().message.insert(0, context); }

void internal::ErrorArgument::append_to(std::string& out) const {
  std::array<char, 20> digits;
  const auto append = [&](auto number) {
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
  };
  switch (kind_) {
    case Kind::text:
      out += text_;
      break;
    case Kind::integer:
      append(integer_);
      break;
    case Kind::natural:
      append(natural_);
      break;
  }
}

Error internal::formatted_error(ErrorClass error_class, std::string_view format,
                                const ErrorArgument* arguments) {
  std::string message;
  for (auto place = format.find("{}"); place != std::string_view::npos; place = format.find("{}")) {
    message += format.substr(0, place);
    arguments++->append_to(message);
    format.remove_prefix(place + 2);
  }
  message += format;
  return {error_class, message};
}

std::unexpected<Error> errno_error(int number, std::string_view what) {
  return error("{}: {}", what, std::generic_category().message(number));
}

}  // namespace qomio
