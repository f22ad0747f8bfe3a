// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>

namespace qomio {

// What waits to be sent to one client, in order. Replies are never dropped: over the limit the session stops
// making them. Events are: the oldest that wait go, so that all that waits stays within the limit.
class QmpOutput {
 public:
  explicit QmpOutput(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void add_reply(std::string line);
  void add_event(std::string line);

  std::size_t unsent_bytes() const { return unsent_bytes_; }
  bool over_limit() const { return unsent_bytes_ > limit_bytes_; }

  // Events dropped since the last call.
  std::uint64_t take_dropped_events();

  // Sends what the descriptor takes without waiting. False: nobody reads it any more.
  bool send_to(int fd, bool is_socket);

 private:
  struct Message {
    std::string text;
    bool is_event;
  };

  void append(std::string line, bool is_event);
  bool drop_oldest_event();
  void sent(std::size_t bytes);

  const std::size_t limit_bytes_;
  std::list<Message> messages_;
  std::deque<std::list<Message>::iterator> events_;  // those among messages_ of which no byte was sent
  std::size_t sent_of_first_ = 0;
  std::size_t unsent_bytes_ = 0;
  std::uint64_t dropped_events_ = 0;
};

}  // namespace qomio
