// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/client.h"

#include <fmt/format.h>

#include "qomio/qapi/json.h"
#include "qomio/qapi/standard_streams.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/render.h"

namespace qomio::qomctl {

void Output::value(const Json& value) { text(json ? json_line(value) + "\n" : people_text(value, colour)); }

void Output::text(std::string_view text) {
  if (has_ended_) return;
  const auto printed = print_output(text);
  has_ended_ = !printed || *printed == Printed::reader_gone;
  if (!printed) error_ = printed.error().message();
}

void Output::note(std::string_view sentence) {
  print_error(fmt::format("qomctl: {}\n", printable(sentence)));
}

Outcome<Connection*> Client::connection() {
  if (!connection_) {
    if (socket_path_.empty()) {
      return fail(ExitStatus::usage, "no server named: use --socket SOCKET or set QOMIO_SOCKET");
    }
    auto opened = Connection::open(socket_path_, options_);
    if (!opened) return failure(opened);
    connection_.emplace(std::move(*opened));
  }
  return &*connection_;
}

Outcome<Json> Client::execute(std::string_view command, const Json& arguments) {
  auto connected = connection();
  if (!connected) return failure(connected);
  return (*connected)->execute(command, arguments);
}

Outcome<Json> Client::execute(std::string_view command) { return execute(command, Json::object()); }

}  // namespace qomio::qomctl
