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

// The messages that wait to be sent to one client, in order. Replies are never dropped; over the limit, the
// session stops creating them. Events are dropped, the oldest ones first, so that all waiting messages stay
// within the limit. One event EVENTS_DROPPED with their number takes their place. It is sent before the next
// event, or after everything else if there is none, is never dropped, and does not count against the limit.
class QmpOutput {
 public:
  static constexpr std::size_t kMostSentInATurn = 256 << 10;

  // The disposal frees long lines; it must outlive this object.
  QmpOutput(std::size_t limit_bytes, JsonDisposal& disposal)
      : limit_bytes_(limit_bytes), disposal_(disposal) {}
  ~QmpOutput();
  QmpOutput(const QmpOutput&) = delete;
  QmpOutput& operator=(const QmpOutput&) = delete;

  void add_reply(std::string line);
  // Adds a reply with a large value, which is written while it is sent: the text before the value, the value,
  // and the text after it. Until the value is written, over_limit() returns true.
  void add_reply(std::string before, std::unique_ptr<JsonPieces> value, std::string after);
  void add_event(std::string line);

  std::size_t unsent_bytes() const { return unsent_bytes_; }
  bool over_limit() const { return unwritten_ > 0 || exceeds_limit(); }

  // Returns the number of events dropped since the last call, for the program's log.
  std::uint64_t take_dropped_events();

  // Sends what the descriptor accepts without blocking, but not much more than kMostSentInATurn. Returns
  // false if the client can no longer be written to.
  bool send_to(int fd, bool is_socket);
  // Returns true if the descriptor accepted nothing more in the last send_to(). Try again when it is
  // writable.
  bool is_blocked() const { return blocked_; }

 private:
  struct Message {
    std::string text;
    std::unique_ptr<JsonPieces> value = {};  // follows the text, if not null
    std::string after = {};                  // follows the value
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
  std::deque<Position> events_;  // the events in messages_ of which no byte was sent
  std::size_t sent_of_first_ = 0;
  std::size_t unsent_bytes_ = 0;
  std::size_t unwritten_ = 0;  // messages whose value is not written yet
  std::uint64_t dropped_events_ = 0;
  std::optional<Position> notice_;  // an EVENTS_DROPPED of which no byte was sent
  std::uint64_t notice_count_ = 0;  // the count in notice_
  bool blocked_ = false;
  std::uint64_t unreported_ = 0;  // dropped events that no EVENTS_DROPPED counts yet
};

}  // namespace qomio
