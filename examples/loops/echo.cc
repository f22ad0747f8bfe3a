// SPDX-License-Identifier: GPL-2.0-or-later
// A TCP echo server in one loop, written twice: with callbacks and with coroutines.
// usage: echo callbacks|coroutines [PORT]
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;

// With callbacks: one object per connection, which removes itself when the peer closes the connection.
struct Connection;
using Connections = std::map<int, std::unique_ptr<Connection>>;

struct Connection {
  Connection(AioContext& l, int f, Connections& c) : loop(l), fd(f), all(c) {}
  ~Connection() {
    loop.set_fd_handler(fd, {});  // before the descriptor is closed
    ::close(fd);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void read() {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return remove();
    begin = 0;
    end = static_cast<std::size_t>(count);
    write();
  }
  void write() {
    while (begin < end) {
      const ssize_t count = ::send(fd, buffer.data() + begin, end - begin, MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) return loop.set_fd_handler(fd, {.write = [this] { write(); }});
      if (count < 0) return remove();
      begin += static_cast<std::size_t>(count);
    }
    loop.set_fd_handler(fd, {.read = [this] { read(); }});
  }
  void remove() { all.erase(fd); }  // destroys this

  AioContext& loop;
  const int fd;
  Connections& all;
  std::array<char, 4096> buffer{};
  std::size_t begin = 0, end = 0;  // what has not been sent yet
};

void serve_by_callbacks(AioContext& loop, int listener, Connections& connections) {
  loop.set_fd_handler(listener, {.read = [&loop, listener, &connections] {
                        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                        if (fd < 0) return;
                        auto& made = connections[fd] = std::make_unique<Connection>(loop, fd, connections);
                        made->write();  // nothing yet: waits for something to read
                      }});
}

// With coroutines: one per connection. Its local variables are the state, and are destroyed when it ends.
Task<> echo(FileDescriptor client) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t received = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EAGAIN) {
      co_await readable(client.get());
      continue;
    }
    if (received <= 0) co_return;
    for (ssize_t sent = 0; sent < received;) {
      const ssize_t count =
          ::send(client.get(), buffer.data() + sent, static_cast<std::size_t>(received - sent), MSG_NOSIGNAL);
      if (count > 0) sent += count;
      if (count < 0 && errno != EAGAIN) co_return;
      if (sent < received) co_await writable(client.get());
    }
  }
}

Task<> serve_by_coroutines(AioContext& loop, int listener) {
  while (co_await readable(listener)) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) co_enter(loop, echo(FileDescriptor(fd)));
  }
}

int main(int argc, char** argv) {
  if (argc < 2 || !prepare_standard_streams()) return 2;
  auto main_loop = MainLoop::create();
  if (!main_loop) return std::fprintf(stderr, "%s\n", main_loop.error().message().c_str()), 1;
  AioContext& loop = main_loop->context();

  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0));
  socklen_t size = sizeof(address);
  auto* const any_address = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), any_address, size) != 0 || ::listen(listener.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener.get(), any_address, &size) != 0)
    return std::perror("cannot listen"), 1;
  std::printf("port %d\n", ntohs(address.sin_port));
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;

  Connections connections;
  if (argv[1] == std::string_view("callbacks")) {
    serve_by_callbacks(loop, listener.get(), connections);
  } else {
    co_enter(loop, serve_by_coroutines(loop, listener.get()));
  }
  const int status = main_loop->run();      // until SIGINT, SIGTERM or SIGHUP
  loop.set_fd_handler(listener.get(), {});  // before the descriptor is closed
  return status;
}
