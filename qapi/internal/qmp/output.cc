// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/output.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "qomio/qapi/internal/qmp/commands.h"
#include "qomio/qapi/internal/qmp/request.h"
#include "qomio/qapi/json.h"

namespace qomio {

namespace {

// A pipe has no MSG_NOSIGNAL, so SIGPIPE is blocked during the write and consumed if the write raised it.
ssize_t write_without_signal(int fd, const iovec* parts, int count) {
  sigset_t pipe_signal;
  sigset_t old;
  sigset_t pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &old);
  const ssize_t written = writev(fd, parts, count);
  const int problem = errno;
  if (written < 0 && problem == EPIPE && !was_pending) {
    const timespec at_once = {};
    sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  errno = problem;
  return written;
}

}  // namespace

QmpOutput::~QmpOutput() {
  for (Message& message : messages_) free_text(message);
}

void QmpOutput::free_text(Message& message) {
  constexpr std::size_t kLongBytes = 1 << 20;
  if (message.text.size() > kLongBytes) disposal_.take(std::move(message.text));
}

void QmpOutput::append(std::string line) {
  const std::size_t size = line.size();
  messages_.push_back({std::move(line)});
  unsent_bytes_ += size;
}

void QmpOutput::add_reply(std::string line) {
  append(std::move(line));
  while (exceeds_limit() && drop_oldest_event()) {
  }
}

void QmpOutput::add_reply(std::string before, std::unique_ptr<JsonPieces> value, std::string after) {
  ++unwritten_;
  append(std::move(before));
  messages_.back().value = std::move(value);
  messages_.back().after = std::move(after);
}

// Writes the next piece of a message whose text has been sent. Returns false if there is none.
bool QmpOutput::write_more(Message& message) {
  if (!message.value) return false;
  message.text.clear();
  if (!message.value->next(message.text)) {
    message.text += message.after;
    message.value.reset();
    --unwritten_;
  }
  unsent_bytes_ += message.text.size();
  return true;
}

void QmpOutput::add_event(std::string line) {
  append(std::move(line));
  events_.push_back(std::prev(messages_.end()));
  // The newest event is kept if nothing else waits.
  while (exceeds_limit() && messages_.size() > (notice_ ? 2 : 1) && drop_oldest_event()) {
  }
}

bool QmpOutput::drop_oldest_event() {
  if (events_.empty()) return false;
  unsent_bytes_ -= events_.front()->text.size();
  messages_.erase(events_.front());
  events_.pop_front();
  ++dropped_events_;
  ++unreported_;
  return true;
}

// Called before sending, not for each dropped event.
void QmpOutput::place_notice() {
  if (unreported_ == 0) return;
  notice_count_ += std::exchange(unreported_, 0);
  if (!notice_) {
    notice_ = messages_.insert(events_.empty() ? messages_.end() : events_.front(), Message{});
  }
  Message& notice = **notice_;
  unsent_bytes_ -= notice.text.size();
  notice.text = qmp_event_line(kEventsDropped, to_json(EventsDropped{notice_count_}));
  unsent_bytes_ += notice.text.size();
}

std::uint64_t QmpOutput::take_dropped_events() { return std::exchange(dropped_events_, 0); }

bool QmpOutput::send_to(int fd, bool is_socket) {
  place_notice();
  for (std::size_t left = kMostSentInATurn; !messages_.empty() && left > 0;) {
    std::array<iovec, 64> parts;
    std::size_t count = 0;
    for (auto& message : messages_) {
      const std::size_t skip = count == 0 ? sent_of_first_ : 0;
      parts[count++] = {message.text.data() + skip, std::min(message.text.size() - skip, kMostSentInATurn)};
      // Nothing may be sent after a message that is not complete yet.
      if (count == parts.size() || message.value || message.text.size() - skip > kMostSentInATurn) break;
    }
    ssize_t n = 0;
    if (is_socket) {
      msghdr message = {};
      message.msg_iov = parts.data();
      message.msg_iovlen = count;
      n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      n = write_without_signal(fd, parts.data(), static_cast<int>(count));
    }
    if (n < 0 && errno == EINTR) continue;
    blocked_ = n < 0;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM;
    left -= std::min(left, static_cast<std::size_t>(n));
    sent(static_cast<std::size_t>(n));
  }
  return true;
}

void QmpOutput::sent(std::size_t bytes) {
  unsent_bytes_ -= bytes;
  bytes += sent_of_first_;
  // A message that has been sent in part must not be dropped any more.
  while (!messages_.empty() && bytes > 0) {
    const auto first = messages_.begin();
    if (!events_.empty() && events_.front() == first) events_.pop_front();
    if (notice_ == first) {
      notice_.reset();
      notice_count_ = 0;
    }
    if (bytes < first->text.size()) break;
    bytes -= first->text.size();
    if (write_more(*first)) break;
    free_text(*first);
    messages_.erase(first);
  }
  sent_of_first_ = bytes;
}

}  // namespace qomio
