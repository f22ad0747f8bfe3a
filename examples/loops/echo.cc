// SPDX-License-Identifier: GPL-2.0-or-later
// A TCP echo server in one loop, written twice: with callbacks and with coroutines.
// usage: echo callbacks|coroutines [ADDRESS]
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/iothread/socket.h"
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
Task<> echo(Socket client) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const auto size = co_await client.receive(buffer);
    if (!size || *size == 0) co_return;  // an error, or the client has finished
    const auto sent = co_await client.send_all(std::span(buffer).first(*size));
    if (!sent) co_return;
  }
}

Task<> serve_by_coroutines(AioContext& loop, Acceptor& acceptor) {
  for (;;) {
    auto client = co_await acceptor.accept();
    if (!client) {
      std::fprintf(stderr, "%s\n", client.error().message().c_str());
      co_return MainLoop::current()->quit(1);
    }
    co_enter(loop, echo(std::move(*client)));
  }
}

int main(int argc, char** argv) {
  if (argc < 2 || !prepare_standard_streams()) return 2;
  auto main_loop = MainLoop::create();
  if (!main_loop) return std::fprintf(stderr, "%s\n", main_loop.error().message().c_str()), 1;
  AioContext& loop = main_loop->context();
  auto acceptor = Acceptor::listen(argc > 2 ? argv[2] : "tcp:127.0.0.1:0");
  if (!acceptor) return std::fprintf(stderr, "%s\n", acceptor.error().message().c_str()), 1;
  std::printf("listening on %s\n", acceptor->address().c_str());
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;

  Connections connections;
  if (argv[1] == std::string_view("callbacks")) {
    serve_by_callbacks(loop, acceptor->fd(), connections);
  } else {
    co_enter(loop, serve_by_coroutines(loop, *acceptor));
  }
  const int status = main_loop->run();      // until SIGINT, SIGTERM or SIGHUP
  loop.set_fd_handler(acceptor->fd(), {});  // before the descriptor is closed
  return status;
}
