// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a stream of object commands. Each must get a reply in JSON with its id, and a command that fails or
// only queries must change nothing.
#include <string>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/json/parser.h"
#include "qomio/qapi/internal/qmp/request.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/fuzz/fuzz.h"
#include "qomio/tests/fuzz/gadget.h"

namespace qomio::fuzz {
namespace {

struct Outcome {
  Result<Json> result;
  bool is_query;
};

Outcome run(const QmpRequest& request) {
  if (request.error) return {std::unexpected(*request.error), false};
  const auto command = object_registry().allowed_command(request.command, Access::full);
  if (!command) return {std::unexpected(command.error()), false};
  if ((*command)->start) return {error("answers later"), false};
  static const OpenSession session = object_registry().open_session();
  return {object_registry().run(**command, request.arguments, *session), (*command)->is_query};
}

void check(const QmpRequest& request) {
  const std::string before = state();
  const auto [result, is_query] = run(request);
  if (!result) require_text(result.error());
  if (!result || is_query) require(state() == before, "a command that fails or only asks changes nothing");

  const std::string line =
      result ? qmp_return_line(*result, request.id) : qmp_error_line(result.error(), request.id);
  require(line.ends_with("\r\n"), "a reply is a line");
  const auto reply = parse_json(line);
  require(reply && reply->is_object(), "a reply is an object");
  require(reply->contains("return") == result.has_value(), "of success or");
  require(reply->contains("error") == !result.has_value(), "of failure");
  require(reply->contains("id") == request.id.has_value(), "with the request's id");
}

}  // namespace
}  // namespace qomio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio;
  fuzz::register_gadget();
  std::string_view text = fuzz::as_text(data, size);
  JsonParser parser(LargeNumbers::infinite);
  while (auto value = parser.next(text)) fuzz::check(qmp_request(std::move(*value), true));
  fuzz::remove_all();
  return 0;
}
