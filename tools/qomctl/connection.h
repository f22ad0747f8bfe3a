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

using Json = nlohmann::ordered_json;  // keeps the server's order of members, for the order of columns

struct ConnectionOptions {
  std::chrono::milliseconds timeout{5000};  // for connecting and for each reply; 0 waits without limit
  bool wait_for_server = false;             // retry until the server is up, at most for the time-out
  bool trace = false;                       // print all messages on standard error, after "-> " or "<- "
};

// A negotiated QMP session with qomiod or QEMU on a UNIX socket. Its functions block. Thread: one at a time.
// Owns the descriptor. Keeps events that arrive before a reply for next_event().
class Connection {
 public:
  // Connects, reads the greeting and negotiates.
  // Errors: no_connection (also if the peer is not a QMP server), time_out, server_error.
  static Outcome<Connection> open(const std::string& path, const ConnectionOptions& options);

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) = delete;
  ~Connection();

  // Runs a command and returns the reply's "return". `arguments` is an object; it is not sent if it is empty.
  // Errors: server_error with the server's message and class, no_connection, time_out.
  Outcome<Json> execute(std::string_view command, const Json& arguments);
  Outcome<Json> execute(std::string_view command);

  // Sends a text unchanged and returns the whole reply, which may be an error reply. Returns null if the text
  // was a quit command and the server closed the connection without a reply.
  Outcome<Json> exchange(std::string_view text);

  // Returns the next event; waits for it without a time limit.
  Outcome<Json> next_event();

  // The greeting's members below "QMP".
  const std::string& greeting() const { return greeting_; }

 private:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nullopt: never

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
  std::string received_;                  // bytes that receive_line() has not returned yet
  std::vector<std::string> kept_events_;  // oldest first
};

}  // namespace qomio::qomctl
