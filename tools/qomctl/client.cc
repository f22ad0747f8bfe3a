// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/client.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "qomio/tools/qomctl/render.h"

namespace qomio::qomctl {

void Output::value(const Json& value) const {
  text(json ? json_line(value) + "\n" : people_text(value, colour));
}

void Output::text(std::string_view text) { fmt::print("{}", text); }

void Output::note(std::string_view sentence) { fmt::print(stderr, "qomctl: {}\n", sentence); }

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
