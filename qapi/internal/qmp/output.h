// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "qomio/qapi/internal/json/pieces.h"

namespace qomio {

// What waits to be sent to one client, in order. Replies are never dropped: over the limit the session stops
// making them. Events are: the oldest that wait go, so that all that waits stays within the limit. In their
// place stands one event EVENTS_DROPPED that counts them. It comes before the next event, or after all else
// if there is none, is never dropped, and does not count against the limit.
class QmpOutput {
 public:
  static constexpr std::size_t kMostSentInATurn = 256 << 10;

  // Long lines are freed by the disposal, which must outlive this.
  QmpOutput(std::size_t limit_bytes, JsonDisposal& disposal)
      : limit_bytes_(limit_bytes), disposal_(disposal) {}
  ~QmpOutput();
  QmpOutput(const QmpOutput&) = delete;
  QmpOutput& operator=(const QmpOutput&) = delete;

  void add_reply(std::string line);
  // A reply that is written as it is sent: what stands before a large value, the value, and what stands
  // behind it. Until it is written, it counts as being over the limit.
  void add_reply(std::string before, std::unique_ptr<JsonPieces> value, std::string after);
  void add_event(std::string line);

  std::size_t unsent_bytes() const { return unsent_bytes_; }
  bool over_limit() const { return unwritten_ > 0 || exceeds_limit(); }

  // Events dropped since the last call: for the log of the program.
  std::uint64_t take_dropped_events();

  // Sends what the descriptor takes without waiting, and not much more than kMostSentInATurn. False: nobody
  // reads it any more.
  bool send_to(int fd, bool is_socket);
  // The last time it took nothing more: it's worth trying again when it is writable.
  bool is_blocked() const { return blocked_; }

 private:
  struct Message {
    std::string text;
    std::unique_ptr<JsonPieces> value = {};  // what follows the text, if anything does
    std::string after = {};                  // what follows the value
  };

  using Position = std::list<Message>::iterator;

  std::size_t notice_bytes() const { return notice_ ? (*notice_)->text.size() : 0; }
  bool exceeds_limit() const { return unsent_bytes_ - notice_bytes() > limit_bytes_; }
  void place_notice();
  void append(std::string line);
  bool write_more(Message& message);
  void free_text(Message& message);
  bool drop_oldest_event();
  void sent(std::size_t bytes);

  const std::size_t limit_bytes_;
  JsonDisposal& disposal_;
  std::list<Message> messages_;
  std::deque<Position> events_;  // those among messages_ of which no byte was sent
  std::size_t sent_of_first_ = 0;
  std::size_t unsent_bytes_ = 0;
  std::size_t unwritten_ = 0;  // messages with a value
  std::uint64_t dropped_events_ = 0;
  std::optional<Position> notice_;  // an EVENTS_DROPPED of which no byte was sent
  std::uint64_t notice_count_ = 0;  // what it says
  bool blocked_ = false;
  std::uint64_t untold_ = 0;  // what it is yet to say
};

}  // namespace qomio
