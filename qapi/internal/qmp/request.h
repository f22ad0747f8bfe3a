// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"
#include "qomio/qapi/json.h"

namespace qomio {

struct VersionInfo;

// The request that a QMP client sends in one JSON value: a command to run, or the error in it.
struct QmpRequest {
  QmpRequest() = default;
  QmpRequest(const QmpRequest&) = default;
  QmpRequest(QmpRequest&&) = default;
  QmpRequest& operator=(const QmpRequest&) = default;
  QmpRequest& operator=(QmpRequest&&) = default;
  ~QmpRequest();  // needs no memory

  std::string command;
  Json arguments = Json::object();  // always an object
  bool out_of_band = false;         // exec-oob: overtakes waiting requests
  std::optional<Json> id;           // returned with the reply; any JSON value
  std::optional<Error> error;       // the request is malformed; there is nothing to run
};

// Reads the request from a value, or takes over the parser's error. Parts that are not used stay in the
// value.
QmpRequest qmp_request(Result<Json>&& value, bool oob_enabled);

// The lines that a server sends, including the line end. If JSON cannot hold a result, returns the line of
// the error that says so.
std::string qmp_return_line(const Json& value, const std::optional<Json>& id);
std::string qmp_error_line(const Error& error, const std::optional<Json>& id);
// The event's timestamp is the current time; `data` is omitted if it is empty.
std::string qmp_event_line(std::string_view name, const Json& data);
std::string qmp_greeting_line(const VersionInfo& version);

}  // namespace qomio
