// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/file_descriptor.h"

namespace qomio::bench {

std::int64_t now_ns();

// A client's end of a stream socket. It waits by busy polling, so that its own wake-up is not part of the
// measurement.
class Client {
 public:
  explicit Client(FileDescriptor socket) : socket_(std::move(socket)) {}

  // Sends as much as the socket accepts now; returns the number of bytes.
  std::size_t send_some(std::string_view text) const;
  // Returns what has arrived, which may be empty; nullopt if it has disconnected. Valid until the next call.
  std::optional<std::string_view> receive_some();

  // Sends the whole text and waits for this many lines; returns the number of bytes received. Receives while
  // it sends. Exits the program if the server disconnects, does not answer within a minute, or replies with
  // an error.
  std::size_t exchange(std::string_view text, std::size_t lines = 1);

 private:
  FileDescriptor socket_;
  std::string buffer_ = std::string(256 << 10, '\0');
};

// A program to measure.
struct Contender {
  std::string name;
  std::vector<std::string> command_line;  // {socket} stands for the path of its socket
  bool knows_iothreads;                   // has query-iothreads
};

// A running program, and one client that has negotiated with it. With two or more processors, the client uses
// the first one and the program the others.
class Program {
 public:
  explicit Program(const Contender& contender);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Client& client() { return *client_; }
  std::int64_t start_to_greeting_ns() const { return start_to_greeting_ns_; }

  // Creates iothread objects named io0, io1, …
  void add_iothreads(int count);
  // Sends quit, waits until the process has ended, and returns how long that took.
  std::int64_t quit_ns();

  // The proportional set size: private memory, and the process's share of shared memory.
  double pss_kib() const;
  struct Activity {
    std::int64_t cpu_ns;
    std::int64_t sleeps;  // how often a thread has gone to sleep
  };
  // The sum over its threads since they started.
  Activity activity() const;

 private:
  pid_t pid_ = 0;
  std::optional<Client> client_;
  std::int64_t start_to_greeting_ns_ = 0;
};

}  // namespace qomio::bench
