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

// One end of a stream socket to a server. It waits by asking again and again, so that its own waking up is no
// part of what is measured.
class Client {
 public:
  explicit Client(FileDescriptor socket) : socket_(std::move(socket)) {}

  // Sends what the socket takes now, and returns how much.
  std::size_t send_some(std::string_view text) const;
  // What is there: empty if nothing, nothing if the server has gone. Valid until the next call.
  std::optional<std::string_view> receive_some();

  // Sends it all and waits for so many lines; returns how many bytes these had. What comes in the meantime
  // is taken. Ends the program if the server goes or an error is among the replies.
  std::size_t exchange(std::string_view text, std::size_t lines = 1);

 private:
  FileDescriptor socket_;
  std::string buffer_ = std::string(256 << 10, '\0');
};

// What is run and measured.
struct Contender {
  std::string name;
  std::vector<std::string> command_line;  // {socket} stands for the path of its socket
  bool knows_iothreads;                   // has query-iothreads
};

// A program that runs, and one client of it that has negotiated. It has all processors but the first, which
// is the client's, if there are two or more.
class Program {
 public:
  explicit Program(const Contender& contender);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Client& client() { return *client_; }
  std::int64_t start_to_greeting_ns() const { return start_to_greeting_ns_; }

  // Makes so many iothread objects, io0 and so on.
  void add_iothreads(int count);
  // Sends quit, waits until the process has gone, and returns how long that took.
  std::int64_t quit_ns();

  // Its share of the memory that it has, all of what it alone has.
  double pss_kib() const;
  struct Activity {
    std::int64_t cpu_ns;
    std::int64_t sleeps;  // how often a thread has gone to sleep
  };
  // Of all its threads since it began.
  Activity activity() const;

 private:
  pid_t pid_ = 0;
  std::optional<Client> client_;
  std::int64_t start_to_greeting_ns_ = 0;
};

}  // namespace qomio::bench
