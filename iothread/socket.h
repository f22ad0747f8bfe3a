// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/internal/socket_operation.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"

// TCP and UNIX connections for coroutines:
//
//     Task<> echo(Socket client) {
//       std::array<std::byte, 4096> buffer;
//       for (;;) {
//         const auto size = co_await with_timeout(30s, client.receive(buffer));
//         if (!size || *size == 0) co_return;
//         const auto sent = co_await client.send_all(std::span(buffer).first(*size));
//         if (!sent) co_return;
//       }
//     }
//
// Addresses are texts: "tcp:HOST:PORT" and "unix:PATH". HOST is a name, an IPv4 address, or an IPv6 address
// in brackets, "tcp:[::1]:80"; PORT is a number from 0 to 65535; PATH has at most 107 bytes.
namespace qomio {

namespace internal {
class UnixListeningSocket;
}

// The process at the other end of a UNIX socket, as it was when it connected, began to listen, or created the
// pair.
struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

// A connection. Owns its descriptor, which is non-blocking and close-on-exec. TCP connections send at once
// (TCP_NODELAY).
//
// Functions that return an awaitable run in the loop of the coroutine that awaits them, and the socket may be
// used in one loop after the other. One coroutine may receive while another sends. The loop sees the socket
// while it busy-polls. If a coroutine always finds the socket ready, it nevertheless gives way to the rest of
// its loop after 16 operations.
//
// Buffers must exist until `co_await` returns. Errors are Error::cancelled(), in which case receive() has
// received nothing, and the system's, such as "Failed to receive: Connection reset by peer".
//
// Thread: one at a time. Do not destroy a socket or move from it during an operation; cancel the operation
// and wait for its end first. An operation on a socket that was moved from or released is a broken invariant.
class Socket {
 public:
  // Takes over a connected stream socket. Errors: it is not one; it is closed then.
  static Result<Socket> adopt(FileDescriptor connection);
  // Two UNIX sockets that are connected to each other. Errors: no descriptors are left.
  static Result<std::pair<Socket, Socket>> pair();

  // `co_await Socket::connect("tcp:localhost:7777")`: tries the addresses of a name one after the other;
  // without a host, those of this machine. A thread of the loop's pool looks up names; once it has begun, a
  // cancellation takes effect afterwards. Errors: "Failed to connect to 'ADDRESS': <reason>", where the
  // reason is that of the first address; the address is malformed; "Failed to resolve 'HOST': <reason>".
  static Task<Result<Socket>> connect(std::string address, Cancellation* cancellation = nullptr);

  Socket(Socket&&) noexcept = default;
  Socket& operator=(Socket&&) noexcept = default;

  // `co_await socket.receive(buffer)`: waits until there is something to receive and returns its size in
  // bytes; 0 if the peer sends no more. An empty buffer is a broken invariant.
  internal::SocketTransfer receive(std::span<std::byte> buffer, Cancellation* cancellation = nullptr);
  internal::SocketTransfer receive(std::span<const iovec> buffers, Cancellation* cancellation = nullptr);

  // `co_await socket.send(bytes)`: sends what the kernel takes at once, at least one byte unless there is
  // none to send, and returns its size.
  internal::SocketTransfer send(std::span<const std::byte> bytes, Cancellation* cancellation = nullptr);
  internal::SocketTransfer send(std::span<const iovec> buffers, Cancellation* cancellation = nullptr);
  // Sends everything. After an error, or if cancelled, a part may have been sent.
  internal::SocketTransfer send_all(std::span<const std::byte> bytes, Cancellation* cancellation = nullptr);
  internal::SocketTransfer send_all(std::span<const iovec> buffers, Cancellation* cancellation = nullptr);
  internal::SocketTransfer send_all(std::string_view text, Cancellation* cancellation = nullptr);

  // UNIX sockets. Receives bytes and the descriptors that were sent with them, which are appended to
  // `received`. Errors also: "Failed to receive descriptors: Too many open files"; the bytes and descriptors
  // are lost then.
  internal::DescriptorTransfer receive(std::span<std::byte> buffer, std::vector<FileDescriptor>& received,
                                       Cancellation* cancellation = nullptr);
  // Sends at most 253 descriptors, which stay open here, with at least one byte. Returns the number of bytes
  // sent, as send() does; the descriptors were sent with the first.
  internal::DescriptorTransfer send(std::span<const std::byte> bytes, std::span<const int> descriptors,
                                    Cancellation* cancellation = nullptr);

  // Sends no more: the peer's receive() returns 0 when it has received everything.
  Result<void> shutdown_send();

  // Errors: it is not a UNIX socket.
  Result<PeerCredentials> peer_credentials() const;
  // Addresses as text. "unix:" if a UNIX socket has no path; "" if the connection has ended.
  std::string local_address() const;
  std::string peer_address() const;

  int fd() const { return fd_.get(); }
  // Gives up the descriptor.
  FileDescriptor release() { return std::move(fd_); }

 private:
  friend class Acceptor;
  explicit Socket(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

// Accepts connections at an address. Owns its descriptor, and the file of a UNIX address. Do not destroy it
// or move from it during accept(). Thread: one at a time.
class Acceptor {
 public:
  // Listens at an address. "tcp::7777" and "tcp:[::]:7777" are all addresses of this machine, IPv6 and IPv4.
  // Port 0 lets the kernel choose; see address(). A name is looked up now, which may block, and only its
  // first address that this machine has is used: "tcp:localhost:7777" usually listens on ::1 and not on
  // 127.0.0.1. A UNIX address creates the file with mode 0600, replaces a socket that a dead process left,
  // and refuses to replace anything else. The destructor removes the file. Errors: "Failed to listen on
  // 'ADDRESS': <reason>"; the address is malformed or cannot be resolved; for a UNIX address, the path is in
  // use or cannot be created.
  static Result<Acceptor> listen(std::string_view address);
  // Takes over a listening socket, for example from systemd. Errors: it is not one; it is closed then.
  static Result<Acceptor> adopt(FileDescriptor listening);

  Acceptor(Acceptor&&) noexcept;
  Acceptor& operator=(Acceptor&&) noexcept;
  ~Acceptor();

  // `co_await acceptor.accept()`: waits for a connection. When no descriptors are left, logs it now and then
  // and tries again every 100 ms. Errors: Error::cancelled(); "Failed to accept: <reason>". One coroutine at
  // a time.
  Task<Result<Socket>> accept(Cancellation* cancellation = nullptr);

  // As text, with the port that the kernel chose.
  std::string address() const;
  int fd() const;

 private:
  Acceptor(FileDescriptor fd, std::unique_ptr<internal::UnixListeningSocket> file);

  std::unique_ptr<internal::UnixListeningSocket> file_;  // of a UNIX address; owns the descriptor
  FileDescriptor owned_;                                 // otherwise
  std::int64_t next_warning_ns_ = 0;
};

}  // namespace qomio
