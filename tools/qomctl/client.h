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

// Where results go: standard output, as JSON or for people. Once a text could not be written, nothing more
// is.
class Output {
 public:
  bool json = false;
  bool colour = false;

  void value(const Json& value);                // JSON on one line, or as tables and lines
  void text(std::string_view text);             // as it is
  static void note(std::string_view sentence);  // a remark for people, on standard error

  // Nothing more is written: the reader has gone, or there is an error.
  bool has_ended() const { return has_ended_; }
  // Why a text could not be written; empty while none failed, and when the reader has gone.
  const std::string& error() const { return error_; }

 private:
  bool has_ended_ = false;
  std::string error_;
};

// What a command works with: a connection that is made when the first request needs it, so that a usage error
// is told without a server, and the output.
class Client {
 public:
  Client(std::string socket_path, ConnectionOptions options, Output output)
      : socket_path_(std::move(socket_path)), options_(options), output_(std::move(output)) {}

  // The session with the server. Errors: usage when no socket was named, and those of Connection::open().
  Outcome<Connection*> connection();

  // Connection::execute() on it.
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
