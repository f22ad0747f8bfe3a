// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/unix_listening_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "qomio/qapi/internal/socket_lock.h"
#include "qomio/qapi/internal/socket_options.h"

namespace qomio::internal {

namespace {

Result<FileDescriptor> new_socket() {
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(errno, "cannot make a socket");
  return fd;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// Returns true if a program listens on the socket.
Result<bool> is_live(const std::string& path) {
  const auto address = unix_socket_address(path);
  auto probe = new_socket();
  if (!probe) return failure(probe);
  if (connect(probe->get(), generic(*address), sizeof(*address)) == 0 || errno == EAGAIN) return true;
  if (errno == ENOENT || errno == ECONNREFUSED) return false;
  return errno_error(errno, fmt::format("cannot tell whether socket '{}' is in use", path));
}

}  // namespace

Result<sockaddr_un> unix_socket_address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty()) return error("a socket needs a path");
  if (path.size() >= sizeof(address.sun_path)) {
    return error("socket path '{}' is too long: {} bytes are allowed", path, sizeof(address.sun_path) - 1);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<UnixListeningSocket::FileIdentity> UnixListeningSocket::identify(const std::string& path) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) return errno_error(errno, path);
  return FileIdentity{status.st_dev, status.st_ino};
}

// Removes the file if it is still this one. The caller keeps it open, so no other file can have its inode
// number. Renames it first, since a program that does not use the lock could replace it between a check and
// its removal. Returns false if the path names another file, which gets its name back, or none.
Result<bool> UnixListeningSocket::remove_file(const std::string& path, const FileIdentity& identity) {
  const std::string aside = fmt::format("{}.dead-{}", path, getpid());
  if (rename(path.c_str(), aside.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return errno_error(errno, fmt::format("cannot replace '{}'", path));
  }
  const auto moved = identify(aside);
  const bool is_it = !moved || *moved == identity;
  if (!is_it) (void)link(aside.c_str(), path.c_str());
  unlink(aside.c_str());
  return is_it;
}

// Removes the file if it is a socket that no program listens on, so that a new one can be created.
Result<void> UnixListeningSocket::remove_dead_socket(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status = {};
  if (!file || fstat(file.get(), &status) != 0) {
    if (errno == ENOENT) return {};
    return errno_error(errno, fmt::format("cannot access '{}'", path));
  }
  if (!S_ISSOCK(status.st_mode)) return error("'{}' exists and is not a socket", path);
  const auto live = is_live(path);
  if (!live) return std::unexpected(live.error());
  if (*live) return socket_in_use(path);
  const auto removed = remove_file(path, {status.st_dev, status.st_ino});
  if (!removed) return std::unexpected(removed.error());
  // A program that does not use the lock interfered: either it has its own socket there now, or it has
  // removed the dead one.
  if (!*removed && identify(path)) return socket_in_use(path);
  return {};
}

Result<UnixListeningSocket> UnixListeningSocket::open(const std::string& path) {
  const auto address = unix_socket_address(path);
  if (!address) return std::unexpected(address.error());
  const auto lock = SocketLock::take(path);
  if (!lock) {
    if (is_live(path).value_or(false)) return socket_in_use(path);
    return std::unexpected(lock.error());
  }
  if (auto r = remove_dead_socket(path); !r) return failure(r);
  auto fd = new_socket();
  if (!fd) return failure(fd);
  // Linux creates the file with the mode of the socket minus the umask, so it never has more permissions.
  if (fchmod(fd->get(), S_IRUSR | S_IWUSR) != 0) return errno_error(errno, "cannot restrict a socket");
  if (bind(fd->get(), generic(*address), sizeof(*address)) != 0) {
    if (errno == EADDRINUSE) return socket_in_use(path);
    return errno_error(errno, fmt::format("cannot make socket '{}'", path));
  }
  auto made = identify(path);
  // The umask may have removed even the owner's permissions.
  const bool ready = made && chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0 && listen(fd->get(), SOMAXCONN) == 0;
  const int problem = errno;
  // Before listen(), a program that does not use the lock may have taken the socket for dead and replaced it.
  const auto now = identify(path);
  const bool ours = made && now && *now == *made;
  if (ready && ours) return UnixListeningSocket(path, *made, std::move(*fd));
  if (ours) (void)remove_file(path, *made);
  if (ready) return socket_in_use(path);
  return errno_error(problem, fmt::format("cannot listen on socket '{}'", path));
}

Result<UnixListeningSocket> UnixListeningSocket::adopt(FileDescriptor socket) {
  const int fd = socket.get();
  if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM) {
    return error("descriptor {} is not a Unix stream socket", fd);
  }
  // accept() must never block: a client may have left before it is accepted.
  if (auto r = make_nonblocking(fd); !r) return failure(r);
  return UnixListeningSocket({}, {}, std::move(socket));
}

UnixListeningSocket::UnixListeningSocket(std::string path, FileIdentity identity, FileDescriptor socket)
    : path_(std::move(path)), identity_(identity), process_(getpid()), socket_(std::move(socket)) {}

// The socket is still open here, so no other program takes it for dead and no other file has its inode
// number.
UnixListeningSocket::~UnixListeningSocket() {
  if (!socket_ || path_.empty() || getpid() != process_) return;
  if (const auto now = identify(path_); now && *now == identity_) (void)remove_file(path_, identity_);
}

}  // namespace qomio::internal
