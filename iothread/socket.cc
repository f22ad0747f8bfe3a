// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/socket.h"

#include <fmt/format.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <expected>

#include "qomio/iothread/coroutine_io.h"
#include "qomio/iothread/internal/socket_address.h"
#include "qomio/qapi/internal/socket_options.h"
#include "qomio/qapi/internal/unix_listening_socket.h"

namespace qomio {

using internal::socket_option;
using internal::SocketAddress;
using internal::SocketTransfer;
using internal::SystemAddress;

namespace {

using namespace std::chrono_literals;

// Time between attempts when the kernel does not signal that the next one may succeed.
constexpr auto kPause = 100ms;
constexpr std::int64_t kNextWarningNs = 5'000'000'000;

// A descriptor, or the errno of the failure.
using SystemResult = std::expected<FileDescriptor, int>;

SystemResult new_socket(int family) {
  FileDescriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(errno);
  return fd;
}

void set_option(int fd, int level, int name, int value) {
  (void)::setsockopt(fd, level, name, &value, sizeof(value));
}

// Does nothing if it is a UNIX socket.
void send_without_delay(int fd) { set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

std::string address_text(int fd, int (*get)(int, sockaddr*, socklen_t*)) {
  SystemAddress address;
  address.length = sizeof(address.storage);
  return get(fd, address.get(), &address.length) == 0 ? address.text() : "";
}

// Prepares a descriptor of another program.
Result<void> take_over(int fd, int listening) {
  if (socket_option(fd, SO_TYPE) != SOCK_STREAM || socket_option(fd, SO_ACCEPTCONN) != listening)
    return error("descriptor {} is not a {} stream socket", fd, listening ? "listening" : "connected");
  return internal::make_nonblocking(fd);
}

iovec buffer_of(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

// Connects to one address. ECANCELED: cancelled.
Task<SystemResult> connect_to(const SystemAddress& address, Cancellation* cancellation) {
  SystemResult fd = new_socket(address.family());
  if (!fd) co_return fd;
  for (;;) {
    if (::connect(fd->get(), address.get(), address.length) == 0) co_return fd;
    if (errno == EINPROGRESS) break;
    // The queue of the UNIX socket is full.
    if (errno != EAGAIN) co_return std::unexpected(errno);
    const bool slept = co_await sleep_for(kPause, cancellation);
    if (!slept) co_return std::unexpected(ECANCELED);
  }
  const bool answered = co_await writable(fd->get(), cancellation);
  if (!answered) co_return std::unexpected(ECANCELED);
  const int problem = socket_option(fd->get(), SO_ERROR);
  if (problem != 0) co_return std::unexpected(problem);
  co_return fd;
}

// The addresses of a name, looked up in the loop's thread pool unless it is an address already.
Task<Result<std::vector<SystemAddress>>> look_up(const SocketAddress& address, Cancellation* cancellation) {
  auto known = internal::resolve(address, false, true);
  if (known) co_return known;
  auto found =
      co_await in_thread_pool([&address] { return internal::resolve(address, false, false); }, cancellation);
  if (!found) co_return failure(found);
  co_return std::move(*found);
}

SystemResult listen_at(const SystemAddress& address) {
  SystemResult fd = new_socket(address.family());
  if (!fd) return fd;
  set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6)
    set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, address.is_any() ? 0 : 1);
  if (::bind(fd->get(), address.get(), address.length) != 0 || ::listen(fd->get(), SOMAXCONN) != 0)
    return std::unexpected(errno);
  return fd;
}

// Whether accept() failed because of the connection, not of the listening socket: see accept(2).
bool concerns_one_connection(int number) {
  constexpr std::array kNumbers = {ECONNABORTED, EPROTO,       ENETDOWN,   ENOPROTOOPT, EHOSTDOWN,
                                   ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM};
  return std::ranges::find(kNumbers, number) != kNumbers.end();
}

bool is_out_of_resources(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

}  // namespace

Result<Socket> Socket::adopt(FileDescriptor connection) {
  if (auto r = take_over(connection.get(), 0); !r) return failure(r);
  if (address_text(connection.get(), ::getpeername).empty())
    return error("descriptor {} is not a connected stream socket", connection.get());
  send_without_delay(connection.get());
  return Socket(std::move(connection));
}

Result<std::pair<Socket, Socket>> Socket::pair() {
  std::array<int, 2> fds = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return errno_error(errno, "Failed to create a pair of sockets");
  return std::pair(Socket(FileDescriptor(fds[0])), Socket(FileDescriptor(fds[1])));
}

Task<Result<Socket>> Socket::connect(std::string address, Cancellation* cancellation) {
  const auto parsed = SocketAddress::parse(address);
  if (!parsed) co_return std::unexpected(parsed.error());
  auto candidates = co_await look_up(*parsed, cancellation);
  if (!candidates) co_return failure(candidates);
  int problem = 0;
  for (const SystemAddress& candidate : *candidates) {
    SystemResult fd = co_await connect_to(candidate, cancellation);
    if (fd) {
      send_without_delay(fd->get());
      co_return Socket(std::move(*fd));
    }
    if (fd.error() == ECANCELED) co_return std::unexpected(Error::cancelled());
    if (problem == 0) problem = fd.error();  // of the best address
  }
  co_return errno_error(problem, fmt::format("Failed to connect to '{}'", address));
}

SocketTransfer Socket::receive(std::span<std::byte> buffer, Cancellation* cancellation) {
  return {SocketTransfer::Kind::receive, fd(), buffer_of(buffer), {}, cancellation};
}
SocketTransfer Socket::receive(std::span<const iovec> buffers, Cancellation* cancellation) {
  return {SocketTransfer::Kind::receive, fd(), {}, buffers, cancellation};
}
SocketTransfer Socket::send(std::span<const std::byte> bytes, Cancellation* cancellation) {
  return {SocketTransfer::Kind::send, fd(), buffer_of(bytes), {}, cancellation};
}
SocketTransfer Socket::send(std::span<const iovec> buffers, Cancellation* cancellation) {
  return {SocketTransfer::Kind::send, fd(), {}, buffers, cancellation};
}
SocketTransfer Socket::send_all(std::span<const std::byte> bytes, Cancellation* cancellation) {
  return {SocketTransfer::Kind::send_all, fd(), buffer_of(bytes), {}, cancellation};
}
SocketTransfer Socket::send_all(std::span<const iovec> buffers, Cancellation* cancellation) {
  return {SocketTransfer::Kind::send_all, fd(), {}, buffers, cancellation};
}
SocketTransfer Socket::send_all(std::string_view text, Cancellation* cancellation) {
  return send_all(std::as_bytes(std::span(text)), cancellation);
}
internal::DescriptorTransfer Socket::receive(std::span<std::byte> buffer,
                                             std::vector<FileDescriptor>& received,
                                             Cancellation* cancellation) {
  return {fd(), buffer_of(buffer), received, cancellation};
}
internal::DescriptorTransfer Socket::send(std::span<const std::byte> bytes, std::span<const int> descriptors,
                                          Cancellation* cancellation) {
  return {fd(), buffer_of(bytes), descriptors, cancellation};
}

Result<void> Socket::shutdown_send() {
  if (::shutdown(fd(), SHUT_WR) != 0) return errno_error(errno, "Failed to shut down a connection");
  return {};
}

Result<PeerCredentials> Socket::peer_credentials() const {
  if (socket_option(fd(), SO_DOMAIN) != AF_UNIX) return error("a TCP connection has no peer credentials");
  const auto peer = internal::socket_peer(fd());
  if (!peer) return errno_error(errno, "Failed to get peer credentials");
  return PeerCredentials{.pid = peer->pid, .uid = peer->uid, .gid = peer->gid};
}

std::string Socket::local_address() const { return address_text(fd(), ::getsockname); }
std::string Socket::peer_address() const { return address_text(fd(), ::getpeername); }

Acceptor::Acceptor(FileDescriptor fd, std::unique_ptr<internal::UnixListeningSocket> file)
    : file_(std::move(file)), owned_(std::move(fd)) {}
Acceptor::Acceptor(Acceptor&&) noexcept = default;
Acceptor& Acceptor::operator=(Acceptor&&) noexcept = default;
Acceptor::~Acceptor() = default;

Result<Acceptor> Acceptor::listen(std::string_view address) {
  const auto parsed = SocketAddress::parse(address);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->is_unix) {
    auto socket = internal::UnixListeningSocket::open(parsed->path);
    if (!socket) return failure(socket);
    return Acceptor({}, std::make_unique<internal::UnixListeningSocket>(std::move(*socket)));
  }
  auto candidates = internal::resolve(*parsed, true, false);
  if (!candidates) return failure(candidates);
  int problem = 0;
  for (const SystemAddress& candidate : *candidates) {
    SystemResult fd = listen_at(candidate);
    if (fd) return Acceptor(std::move(*fd), nullptr);
    // The kernel may lack IPv6, or the machine the address. Any other problem concerns all candidates.
    problem = fd.error();
    if (problem != EAFNOSUPPORT && problem != EADDRNOTAVAIL) break;
  }
  return errno_error(problem, fmt::format("Failed to listen on '{}'", address));
}

Result<Acceptor> Acceptor::adopt(FileDescriptor listening) {
  if (auto r = take_over(listening.get(), 1); !r) return failure(r);
  return Acceptor(std::move(listening), nullptr);
}

Task<Result<Socket>> Acceptor::accept(Cancellation* cancellation) {
  for (;;) {
    internal::SocketAccept accepting(fd(), cancellation);
    const bool ended = co_await accepting;
    if (!ended) co_return std::unexpected(Error::cancelled());
    const int problem = accepting.error();
    if (problem == 0) {
      Socket connection(accepting.take());
      send_without_delay(connection.fd());
      co_return connection;
    }
    if (concerns_one_connection(problem)) continue;
    if (!is_out_of_resources(problem)) co_return errno_error(problem, "Failed to accept");
    // The connection stays in the queue, so the socket stays ready.
    if (const std::int64_t now = clock_now_ns(); now >= next_warning_ns_) {
      g_warning("no connection can be accepted at %s: %s", address().c_str(), g_strerror(problem));
      next_warning_ns_ = now + kNextWarningNs;
    }
    const bool slept = co_await sleep_for(kPause, cancellation);
    if (!slept) co_return std::unexpected(Error::cancelled());
  }
}

std::string Acceptor::address() const { return address_text(fd(), ::getsockname); }
int Acceptor::fd() const { return file_ ? file_->fd() : owned_.get(); }

}  // namespace qomio
