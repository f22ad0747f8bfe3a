// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/qmp_output.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

namespace qomio {

namespace {

// A pipe has no MSG_NOSIGNAL: the signal is held back, and taken away if the write made one.
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

void QmpOutput::append(std::string line, bool is_event) {
  const std::size_t size = line.size();
  messages_.push_back({std::move(line), is_event});
  unsent_bytes_ += size;
}

void QmpOutput::add_reply(std::string line) {
  append(std::move(line), false);
  while (over_limit() && drop_oldest_event()) {
  }
}

void QmpOutput::add_event(std::string line) {
  append(std::move(line), true);
  events_.push_back(std::prev(messages_.end()));
  // The newest stays if it is all that waits.
  while (over_limit() && messages_.size() > 1 && drop_oldest_event()) {
  }
}

bool QmpOutput::drop_oldest_event() {
  if (events_.empty()) return false;
  unsent_bytes_ -= events_.front()->text.size();
  messages_.erase(events_.front());
  events_.pop_front();
  ++dropped_events_;
  return true;
}

std::uint64_t QmpOutput::take_dropped_events() { return std::exchange(dropped_events_, 0); }

bool QmpOutput::send_to(int fd, bool is_socket) {
  while (!messages_.empty()) {
    std::array<iovec, 64> parts;
    std::size_t count = 0;
    for (auto& message : messages_) {
      const std::size_t skip = count == 0 ? sent_of_first_ : 0;
      parts[count++] = {message.text.data() + skip, message.text.size() - skip};
      if (count == parts.size()) break;
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
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM;
    sent(static_cast<std::size_t>(n));
  }
  return true;
}

void QmpOutput::sent(std::size_t bytes) {
  unsent_bytes_ -= bytes;
  bytes += sent_of_first_;
  // A message of which something was sent is no longer to be dropped.
  while (!messages_.empty() && bytes > 0) {
    const auto first = messages_.begin();
    if (!events_.empty() && events_.front() == first) events_.pop_front();
    if (bytes < first->text.size()) break;
    bytes -= first->text.size();
    messages_.erase(first);
  }
  sent_of_first_ = bytes;
}

}  // namespace qomio
