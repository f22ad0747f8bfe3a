// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace qomio {

namespace {

bool is_closed(int descriptor) { return fcntl(descriptor, F_GETFD) < 0 && errno == EBADF; }

// Does not use stdio, whose buffers would report a failed write late or not at all, and without the reason.
// Returns 0 or the reason, an errno value.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(descriptor, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {  // another process that shares the pipe made it non-blocking
      pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
      (void)poll(&entry, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Result<ClosedStreams> prepare_standard_streams() {
  (void)std::signal(SIGPIPE, SIG_IGN);
  struct Stream {
    int descriptor;
    int flags;
    bool ClosedStreams::* closed;
  };
  // Output is opened for reading only, so that each write to it fails with EBADF, as if it were closed.
  constexpr Stream kStreams[] = {{STDIN_FILENO, O_RDONLY, &ClosedStreams::input},
                                 {STDOUT_FILENO, O_RDONLY, &ClosedStreams::output},
                                 {STDERR_FILENO, O_WRONLY, &ClosedStreams::error}};
  ClosedStreams closed;
  for (const Stream& stream : kStreams) {
    if (!is_closed(stream.descriptor)) continue;
    closed.*stream.closed = true;
    // open() returns the lowest free number, which is this one: the lower ones are open by now.
    if (open("/dev/null", stream.flags) < 0) return errno_error(errno, "cannot open '/dev/null'");
  }
  return closed;
}

Result<Printed> print_output(std::string_view text) {
  const int reason = write_all(STDOUT_FILENO, text);
  if (reason == 0) return Printed::all;
  if (reason == EPIPE) return Printed::reader_gone;
  return errno_error(reason, "cannot write to standard output");
}

void print_error(std::string_view text) { (void)write_all(STDERR_FILENO, text); }

}  // namespace qomio
