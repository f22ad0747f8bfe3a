// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/request.h"

#include <fmt/format.h>
#include <glib.h>

#include <iterator>

#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"

namespace qomio {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Reads all members except `id`. If several are invalid, returns the error that is found first in the order
// below.
Result<void> read_members(QmpRequest& request, Json& value, bool oob_enabled) {
  const auto find = [&value](std::string_view name) {
    const auto member = value.find(name);
    return member == value.end() ? nullptr : &*member;
  };
  bool has_command = false;
  for (const std::string_view name : {"exec-oob", "execute"}) {
    Json* const command = find(name);
    if (!command) continue;
    const bool out_of_band = name == "exec-oob";
    if (out_of_band && !oob_enabled) return error("QMP input member 'exec-oob' is unexpected");
    if (!command->is_string()) return error("QMP input member '{}' must be a string", name);
    if (has_command) return error("QMP input member 'execute' clashes with 'exec-oob'");
    has_command = true;
    request.out_of_band = out_of_band;
    request.command = std::move(command->get_ref<Json::string_t&>());
  }
  if (Json* const arguments = find("arguments")) {
    if (!arguments->is_object()) return error("QMP input member 'arguments' must be an object");
    request.arguments = std::move(*arguments);
  }
  for (const auto& [name, member] : value.get_ref<Json::object_t&>()) {
    if (name != "execute" && name != "exec-oob" && name != "arguments" && name != "id") {
      return error("QMP input member '{}' is unexpected", name);
    }
  }
  if (!has_command) return error("QMP input lacks member 'execute'");
  return {};
}

void append_id(std::string& line, const Json& id) {
  line += "\"id\": ";
  json_append(line, id);
}

}  // namespace

QmpRequest::~QmpRequest() {
  json_clear(arguments);
  if (id) json_clear(*id);
}

QmpRequest qmp_request(Result<Json>&& value, bool oob_enabled) {
  QmpRequest request;
  if (!value) {
    request.error = std::move(value).error();
    return request;
  }
  if (!value->is_object()) {
    request.error = Error("QMP input must be a JSON object");
    return request;
  }
  if (const auto id = value->find("id"); id != value->end()) {
    if (!check_json(*id, "id")) {
      request.error = Error("QMP input member 'id' holds a number that is too large");
      return request;
    }
    request.id = std::move(*id);
  }
  if (auto r = read_members(request, *value, oob_enabled); !r) {
    request.error = std::move(r).error();
    request.out_of_band = false;  // so that it is answered in order
  }
  return request;
}

std::string qmp_return_line(const Json& value, const std::optional<Json>& id) {
  std::string line = "{\"return\": ";
  if (!json_append(line, value)) return qmp_error_line(check_json(value, "return").error(), id);
  if (id) {
    line += ", ";
    append_id(line, *id);
  }
  line += '}';
  return line += kLineEnd;
}

std::string qmp_error_line(const Error& error, const std::optional<Json>& id) {
  std::string line = "{";
  if (id) {
    append_id(line, *id);
    line += ", ";
  }
  line += "\"error\": {\"class\": \"";
  line += error.error_class().name();
  line += "\", \"desc\": ";
  json_append(line, error.message());
  if (!error.data().empty()) {
    // Data set by a command is sent only if it is JSON.
    if (const auto data = parse_json(error.data())) {
      line += ", \"data\": ";
      json_append(line, *data);
    }
  }
  line += "}}";
  return line += kLineEnd;
}

std::string qmp_event_line(std::string_view name, const Json& data) {
  const std::int64_t now_us = g_get_real_time();
  std::string line = fmt::format(R"({{"timestamp": {{"seconds": {}, "microseconds": {}}}, "event": )",
                                 now_us / 1'000'000, now_us % 1'000'000);
  json_append(line, std::string(name));
  if (!data.empty()) {
    line += ", \"data\": ";
    json_append(line, data);
  }
  line += '}';
  return line += kLineEnd;
}

std::string qmp_greeting_line(const VersionInfo& info) {
  std::string line = "{\"QMP\": {\"version\": ";
  Json version = to_json(info);
  const JsonClearer clearer(version);
  json_append(line, version);
  line += ", \"capabilities\": [\"oob\"]}}";
  return line += kLineEnd;
}

}  // namespace qomio
