// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/tools/qomctl/connection.h"
#include "qomio/tools/qomctl/failure.h"

namespace qomio::qomctl {

// Writes results to standard output, as JSON or as text for people. Writes nothing more after a write has
// failed.
class Output {
 public:
  bool json = false;
  bool colour = false;

  void value(const Json& value);                // JSON on one line, or tables and lines for people
  void text(std::string_view text);             // unchanged
  static void note(std::string_view sentence);  // a remark for people, on standard error

  // True if nothing more is written, because the reader has closed the pipe or a write has failed.
  bool has_ended() const { return has_ended_; }
  // The reason for a failed write; empty if there was none, or if the reader has closed the pipe.
  const std::string& error() const { return error_; }

 private:
  bool has_ended_ = false;
  std::string error_;
};

// The connection and the output of a command. Connects when the first request is sent, so that usage errors
// are reported without a server.
class Client {
 public:
  Client(std::string socket_path, ConnectionOptions options, Output output)
      : socket_path_(std::move(socket_path)), options_(options), output_(std::move(output)) {}

  // Returns the session with the server. Errors: usage if no socket was named; as Connection::open().
  Outcome<Connection*> connection();

  // Calls Connection::execute() on that session.
  Outcome<Json> execute(std::string_view command, const Json& arguments);
  Outcome<Json> execute(std::string_view command);

  bool has_socket() const { return !socket_path_.empty(); }
  Output& output() { return output_; }

 private:
  std::string socket_path_;
  ConnectionOptions options_;
  Output output_;
  std::optional<Connection> connection_;
};

}  // namespace qomio::qomctl
