// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/socket_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace qomio {

namespace {

// Returns true if `path` names this file. While the file is open, no other file can have its inode number.
bool has_name(const struct stat& file, const std::string& path) {
  struct stat named = {};
  return lstat(path.c_str(), &named) == 0 && named.st_dev == file.st_dev && named.st_ino == file.st_ino;
}

}  // namespace

std::unexpected<Error> socket_in_use(const std::string& socket_path) {
  return error("socket '{}' is in use by another program", socket_path);
}

Result<SocketLock> SocketLock::take(const std::string& socket_path) {
  const std::string path = socket_path + ".lock";
  const auto failed = [&](const char* what) {
    return errno_error(errno,
                       fmt::format("cannot make socket '{}': cannot {} '{}'", socket_path, what, path));
  };
  while (true) {
    FileDescriptor file(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR));
    if (!file) return failed("open");
    struct stat status = {};
    if (fstat(file.get(), &status) != 0) return failed("look at");
    if (!S_ISREG(status.st_mode) || status.st_size != 0) {
      return error("'{}' exists and is not a lock file", path);
    }
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return socket_in_use(socket_path);
      return failed("lock");
    }
    // The previous holder may have removed the file in the meantime, and another program may have locked a
    // new one.
    if (has_name(status, path)) return SocketLock(path, std::move(file));
  }
}

// Removes the file while it is locked: a program that has opened it already then finds that it has lost its
// name.
SocketLock::~SocketLock() {
  if (file_) unlink(path_.c_str());
}

}  // namespace qomio
