// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"
#include "qomio/qapi/json.h"

namespace qomio {

struct VersionInfo;

// What a QMP client sends in one JSON value: a command to run, or why it is none.
struct QmpRequest {
  QmpRequest() = default;
  QmpRequest(const QmpRequest&) = default;
  QmpRequest(QmpRequest&&) = default;
  QmpRequest& operator=(const QmpRequest&) = default;
  QmpRequest& operator=(QmpRequest&&) = default;
  ~QmpRequest();  // without needing memory

  std::string command;
  Json arguments = Json::object();  // an object, always
  bool out_of_band = false;         // exec-oob: overtakes what waits
  std::optional<Json> id;           // goes back with the reply, whatever it is
  std::optional<Error> error;       // the request is malformed: nothing to run
};

// Reads the request from a value, or takes over the error that there was none. What it has no use for stays
// in the value.
QmpRequest qmp_request(Result<Json>&& value, bool oob_enabled);

// The lines that a server sends, with the line's end. A result that JSON can't hold makes the line of the
// error that says so.
std::string qmp_return_line(const Json& value, const std::optional<Json>& id);
std::string qmp_error_line(const Error& error, const std::optional<Json>& id);
// The event's time is now; `data` is left out when it is empty.
std::string qmp_event_line(std::string_view name, const Json& data);
std::string qmp_greeting_line(const VersionInfo& version);

}  // namespace qomio
