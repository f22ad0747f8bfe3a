// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/log_stream.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace qomiod {
namespace {

mode_t kind_of(int fd) {
  struct stat status = {};
  return fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

// O_NONBLOCK is a flag of the open file, which other processes may share. So pipes and terminals are opened
// again. A regular file is not: it has no reader to wait for, and writing would start at its beginning.
qomio::FileDescriptor open_without_waiting(int fd) {
  const mode_t kind = kind_of(fd);
  if (kind != S_IFIFO && kind != S_IFCHR) return {};
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return qomio::FileDescriptor(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

LogStream::LogStream(int fd)
    : shared_fd_(fd), is_socket_(kind_of(fd) == S_IFSOCK), own_fd_(open_without_waiting(fd)) {}

LogStream::~LogStream() {
  if (watch_ != 0) g_source_remove(watch_);
}

// Removes the written part from text. Returns 0, or the errno if not everything can be written now.
int LogStream::write_some(std::string_view& text) const {
  while (!text.empty()) {
    ssize_t written = 0;
    if (is_socket_) {
      written = send(shared_fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (own_fd_) {
      written = ::write(own_fd_.get(), text.data(), text.size());
    } else {
      // A regular file, or /proc is missing. A pipe that has room accepts PIPE_BUF bytes without blocking.
      pollfd room{.fd = shared_fd_, .events = POLLOUT, .revents = 0};
      if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return EAGAIN;
      written = ::write(shared_fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    }
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// Writes the rest of a partly written line, then how many lines were dropped after it. Returns as
// write_some().
int LogStream::write_pending() {
  while (!pending_.empty() || dropped_ != 0) {
    if (pending_.empty()) {
      pending_ = "qomiod: warning: " + std::to_string(dropped_) + " messages could not be written\n";
      dropped_ = 0;
    }
    std::string_view rest = pending_;
    const int problem = write_some(rest);
    pending_.erase(0, pending_.size() - rest.size());
    if (problem != 0) return problem;
  }
  return 0;
}

void LogStream::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  std::string_view rest = line;
  if (write_pending() == 0 && write_some(rest) == 0) return;
  if (rest.size() < line.size()) {
    pending_ = rest;
  } else {
    ++dropped_;
  }
  watch_for_room();
}

void LogStream::watch_for_room() {
  if (watch_ != 0) return;
  const int fd = own_fd_ ? own_fd_.get() : shared_fd_;
  const auto has_room = [](gint, GIOCondition condition, gpointer data) -> gboolean {
    auto& self = *static_cast<LogStream*>(data);
    const std::lock_guard lock(self.mutex_);
    // Without a reader, or on a full disk, the source would fire all the time; the next line adds it again.
    const bool stays = condition == G_IO_OUT && self.write_pending() == EAGAIN;
    if (!stays) self.watch_ = 0;
    return stays ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  };
  watch_ = g_unix_fd_add(fd, G_IO_OUT, has_room, this);
}

}  // namespace qomiod
