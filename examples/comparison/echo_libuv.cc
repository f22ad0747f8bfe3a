// SPDX-License-Identifier: GPL-2.0-or-later
// The server of examples/loops/server.cc with libuv. usage: echo_libuv PORT
#include <unistd.h>
#include <uv.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

// A client: its handles and its buffer. Deletes itself when both handles are closed.
struct Client {
  uv_tcp_t socket;
  uv_timer_t limit;
  uv_write_t writing;
  std::array<char, 4096> buffer;
  int open_handles = 2;

  static Client& of(void* data) { return *static_cast<Client*>(data); }
  void close() {
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&limit))) return;
    const auto closed = [](uv_handle_t* handle) {
      Client& client = of(handle->data);
      if (--client.open_handles == 0) delete &client;
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&socket), closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&limit), closed);
  }
  void read() {
    uv_timer_start(&limit, [](uv_timer_t* timer) { of(timer->data).close(); }, 30'000, 0);
    uv_read_start(
        reinterpret_cast<uv_stream_t*>(&socket),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* out) {
          Client& client = of(handle->data);
          *out = uv_buf_init(client.buffer.data(), client.buffer.size());
        },
        [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) { of(stream->data).received(size); });
  }
  void received(ssize_t size) {
    if (size == 0) return;  // nothing yet
    if (size < 0) return close();
    uv_timer_stop(&limit);
    uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket));
    const uv_buf_t bytes = uv_buf_init(buffer.data(), static_cast<unsigned>(size));
    const auto sent = [](uv_write_t* request, int status) {
      Client& client = of(request->handle->data);
      status == 0 ? client.read() : client.close();
    };
    if (uv_write(&writing, reinterpret_cast<uv_stream_t*>(&socket), &bytes, 1, sent) != 0) close();
  }
};

// A loop in a thread, which other threads give descriptors of clients.
class Thread {
 public:
  Thread() {
    uv_loop_init(&loop_);
    uv_async_init(&loop_, &wake_, [](uv_async_t* wake) { static_cast<Thread*>(wake->data)->take(); });
    wake_.data = this;
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  ~Thread() {
    give(-1);
    thread_.join();
    uv_loop_close(&loop_);
  }
  void give(int fd) {
    {
      const std::lock_guard lock(mutex_);
      given_.push_back(fd);
    }
    uv_async_send(&wake_);
  }

 private:
  void take() {
    std::vector<int> given;
    {
      const std::lock_guard lock(mutex_);
      given.swap(given_);
    }
    for (const int fd : given) fd < 0 ? stop() : serve(fd);
  }
  void serve(int fd) {
    auto* const client = new Client;
    uv_tcp_init(&loop_, &client->socket);
    uv_timer_init(&loop_, &client->limit);
    client->socket.data = client->limit.data = client;
    if (uv_tcp_open(&client->socket, fd) != 0) {
      ::close(fd);
      return client->close();
    }
    client->read();
  }
  void stop() {
    const auto close = [](uv_handle_t* handle, void*) {
      if (handle->type == UV_TCP) Client::of(handle->data).close();
    };
    uv_walk(&loop_, close, nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  }

  uv_loop_t loop_;
  uv_async_t wake_;
  std::mutex mutex_;
  std::vector<int> given_;
  std::thread thread_;
};

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  uv_loop_t* const loop = uv_default_loop();
  std::array<Thread, 4> threads;
  uv_tcp_t listener;
  listener.data = &threads;
  sockaddr_in6 address{};
  uv_tcp_init(loop, &listener);
  uv_ip6_addr("::", argc > 1 ? std::atoi(argv[1]) : 0, &address);  // IPv4, too
  int problem = uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0);
  const auto accept = [](uv_stream_t* server, int) {
    static std::size_t next = 0;
    auto* const accepted = new uv_tcp_t;
    auto* const handle = reinterpret_cast<uv_handle_t*>(accepted);
    uv_tcp_init(server->loop, accepted);
    uv_os_fd_t fd = -1;
    // A handle cannot move to another loop, but its descriptor can.
    if (uv_accept(server, reinterpret_cast<uv_stream_t*>(accepted)) == 0 && uv_fileno(handle, &fd) == 0)
      (*static_cast<std::array<Thread, 4>*>(server->data))[next++ % 4].give(::dup(fd));
    uv_close(handle, [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
  };
  if (problem == 0) problem = uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, accept);
  if (problem != 0) return std::fprintf(stderr, "%s\n", uv_strerror(problem)), 1;
  int size = sizeof(address);
  uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::fprintf(stderr, "listening on port %d\n", ntohs(address.sin6_port));
  std::array<uv_signal_t, 3> signals;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    uv_signal_init(loop, &signals[i]);
    uv_signal_start(
        &signals[i], [](uv_signal_t* signal, int) { uv_stop(signal->loop); },
        std::array{SIGINT, SIGTERM, SIGHUP}[i]);
  }
  uv_run(loop, UV_RUN_DEFAULT);
}
