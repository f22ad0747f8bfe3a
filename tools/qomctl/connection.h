// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/tools/qomctl/failure.h"

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;  // keeps the server's order of members, which is the order of columns

struct ConnectionOptions {
  std::chrono::milliseconds timeout{5000};  // for connecting and for each reply; 0 waits without limit
  bool wait_for_server = false;             // try to connect until the server is up, within the time-out
  bool trace = false;                       // copy what crosses the socket to standard error, "-> " and "<- "
};

// One negotiated QMP session on a UNIX socket, with qomiod or QEMU at the other end. Blocking, for one
// thread. Owns the descriptor. Events that arrive while a reply is awaited are kept for next_event().
class Connection {
 public:
  // Connects, reads the greeting and negotiates.
  // Errors: no_connection (also when what answers is no QMP server), time_out.
  static Outcome<Connection> open(const std::string& path, const ConnectionOptions& options);

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) = delete;
  ~Connection();

  // Runs a command; `arguments` is an object, and left out when empty. The value is the reply's "return".
  // Errors: server_error with the server's words and class, no_connection, time_out.
  Outcome<Json> execute(std::string_view command, const Json& arguments);
  Outcome<Json> execute(std::string_view command);

  // Sends a text as it is; the value is the whole reply, an error reply too. Null when the text told the
  // server to quit, and the connection ended without a reply.
  Outcome<Json> exchange(std::string_view text);

  // The next event, however long it takes to come.
  Outcome<Json> next_event();

  // The greeting's members below "QMP".
  const std::string& greeting() const { return greeting_; }

 private:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // none: never

  Connection(int descriptor, std::string path, const ConnectionOptions& options);
  Outcome<> connect_to_server();
  Outcome<> negotiate();
  Deadline deadline() const;
  Outcome<> wait_for(short poll_events, const Deadline& deadline) const;
  Outcome<> send_line(std::string_view text);
  Outcome<std::string> receive_line(const Deadline& deadline);
  Outcome<Json> receive_message(const Deadline& deadline, bool want_event);

  int descriptor_;
  std::string path_;
  ConnectionOptions options_;
  std::string greeting_;
  bool has_ended_ = false;                // the server closed the connection
  std::string received_;                  // bytes behind the last complete line
  std::vector<std::string> kept_events_;  // oldest first
};

}  // namespace qomio::qomctl
