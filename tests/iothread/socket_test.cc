// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "qomio/iothread/concurrency.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace socket_test {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What receive() returns, as text; the message of an error.
Task<std::string> receive_text(Socket& socket, std::size_t limit = 100,
                               Cancellation* cancellation = nullptr) {
  std::vector<std::byte> buffer(limit);
  const auto size = co_await socket.receive(buffer, cancellation);
  co_return size ? text_of(std::span(buffer).first(*size)) : size.error().message();
}

class SocketTest : public InLoop {
 protected:
  // A connection through an acceptor: the side that connects, and the side that accepted.
  static std::pair<Socket, Socket> connection(Acceptor& acceptor) {
    auto [client, server] = block_on(when_all(Socket::connect(acceptor.address()), acceptor.accept()));
    return {std::move(client).value(), std::move(server).value()};
  }

  const std::string path = "socket_test." + std::to_string(getpid());
};

TEST_F(SocketTest, exchanges_bytes_over_tcp_and_tells_the_end) {
  Acceptor acceptor = Acceptor::listen("tcp:127.0.0.1:0").value();
  EXPECT_THAT(acceptor.address(), StartsWith("tcp:127.0.0.1:"));
  auto [client, server] = connection(acceptor);
  EXPECT_EQ(client.peer_address(), acceptor.address());
  EXPECT_EQ(server.peer_address(), client.local_address());
  const auto talk = [](Socket& c, Socket& s) -> Task<> {
    EXPECT_EQ((co_await c.send_all("hello")).value(), 5U);
    EXPECT_EQ(co_await receive_text(s), "hello");
    EXPECT_EQ((co_await s.send_all("welcome")).value(), 7U);
    EXPECT_EQ(co_await receive_text(c, 3), "wel");
    EXPECT_EQ(co_await receive_text(c), "come");
    EXPECT_TRUE(c.shutdown_send());
    EXPECT_EQ(co_await receive_text(s), "");
    EXPECT_EQ((co_await s.send_all("still open")).value(), 10U);
    EXPECT_EQ(co_await receive_text(c), "still open");
  };
  block_on(talk(client, server));
}

TEST_F(SocketTest, of_all_addresses_is_reached_by_ipv4_and_ipv6) {
  const bool has_ipv6 = Acceptor::listen("tcp:[::1]:0").has_value();
  for (const char* const all : {"tcp::0", "tcp:[::]:0", "tcp:[0::0]:0"}) {
    auto acceptor = Acceptor::listen(all);
    if (!acceptor && !has_ipv6 && all != std::string_view("tcp::0")) continue;
    ASSERT_TRUE(acceptor) << all;
    const std::string port = acceptor->address().substr(acceptor->address().rfind(':'));
    const auto reach = [](Acceptor& a, std::string address) -> Task<std::string> {
      auto client = co_await Socket::connect(std::move(address));
      if (!client) co_return client.error().message();
      auto server = co_await a.accept();
      EXPECT_EQ(server->peer_address(), client->local_address());
      co_return client->peer_address();
    };
    EXPECT_EQ(block_on(reach(*acceptor, "tcp:127.0.0.1" + port)), "tcp:127.0.0.1" + port);
    EXPECT_THAT(block_on(reach(*acceptor, "tcp::" + port.substr(1))), EndsWith(port));
    if (has_ipv6) {
      EXPECT_EQ(block_on(reach(*acceptor, "tcp:[::1]" + port)), "tcp:[::1]" + port);
    }
  }
}

TEST_F(SocketTest, resolves_names) {
  Acceptor acceptor = Acceptor::listen("tcp:localhost:0").value();
  const std::string port = acceptor.address().substr(acceptor.address().rfind(':'));
  const auto client = block_on(Socket::connect("tcp:localhost" + port));
  EXPECT_TRUE(client) << client.error().message();
  // No name server is asked for a name with an empty part.
  const auto unknown = block_on(Socket::connect("tcp:a..b:1"));
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), StartsWith("Failed to resolve 'a..b': "));
  EXPECT_FALSE(Acceptor::listen("tcp:a..b:1"));
}

TEST_F(SocketTest, of_a_unix_path_is_private_and_removed_at_the_end) {
  {
    Acceptor acceptor = Acceptor::listen("unix:" + path).value();
    EXPECT_EQ(acceptor.address(), "unix:" + path);
    struct stat status = {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    auto [client, server] = connection(acceptor);
    EXPECT_EQ(client.peer_address(), "unix:" + path);
    EXPECT_EQ(server.peer_address(), "unix:");
    EXPECT_EQ(server.peer_credentials()->pid, ::getpid());
    EXPECT_EQ(server.peer_credentials()->uid, ::geteuid());
    const auto second = Acceptor::listen("unix:" + path);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message(), HasSubstr(path));
    Acceptor moved = std::move(acceptor);
    EXPECT_EQ(moved.address(), "unix:" + path);
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(SocketTest, says_what_is_wrong_with_an_address) {
  const auto problem = [](std::string_view address) {
    const auto acceptor = Acceptor::listen(address);
    const auto connected = block_on(Socket::connect(std::string(address)));
    if (acceptor || connected) return std::string("none");
    EXPECT_EQ(acceptor.error().message(), connected.error().message());
    return acceptor.error().message();
  };
  EXPECT_EQ(problem(""), "address '' is neither tcp:HOST:PORT nor unix:PATH");
  EXPECT_EQ(problem("localhost:80"), "address 'localhost:80' is neither tcp:HOST:PORT nor unix:PATH");
  EXPECT_EQ(problem("tcp:localhost"), "address 'tcp:localhost' has no port");
  EXPECT_EQ(problem("tcp:localhost:http"),
            "port 'http' in address 'tcp:localhost:http' is not a number from 0 to 65535");
  EXPECT_EQ(problem("tcp::65536"), "port '65536' in address 'tcp::65536' is not a number from 0 to 65535");
  EXPECT_EQ(problem("tcp::"), "port '' in address 'tcp::' is not a number from 0 to 65535");
  EXPECT_EQ(problem("tcp:::1:80"),
            "address 'tcp:::1:80' needs brackets around its IPv6 address: tcp:[ADDRESS]:PORT");
  EXPECT_EQ(problem("tcp:[nonsense]:80"), "'nonsense' in address 'tcp:[nonsense]:80' is not an IPv6 address");
  EXPECT_EQ(problem("unix:"), "a socket needs a path");
  EXPECT_EQ(problem("unix:" + std::string(108, 'x')),
            "socket path '" + std::string(108, 'x') + "' is too long: 107 bytes are allowed");
  EXPECT_EQ(problem(std::string("unix:a\0b", 8)), "an address contains a null byte");
}

TEST_F(SocketTest, that_cannot_connect_or_listen_names_the_address_and_the_reason) {
  Acceptor acceptor = Acceptor::listen("tcp:127.0.0.1:0").value();
  const auto second = Acceptor::listen(acceptor.address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            "Failed to listen on '" + acceptor.address() + "': Address already in use");
  // Nothing listens at the port of a client.
  auto [client, server] = connection(acceptor);
  const auto refused = block_on(Socket::connect(client.local_address()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "Failed to connect to '" + client.local_address() + "': Connection refused");
  const auto missing = block_on(Socket::connect("unix:no/such/socket"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(),
            "Failed to connect to 'unix:no/such/socket': No such file or directory");
}

TEST_F(SocketTest, sends_more_than_the_kernel_takes_at_once) {
  auto [a, b] = Socket::pair().value();
  const int small = 10'000;
  ASSERT_EQ(::setsockopt(a.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
  std::vector<std::byte> sent(4'000'000);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i * 31 >> 3);
  std::vector<std::byte> received;
  const auto send = [](Socket& to, const std::vector<std::byte>& bytes) -> Task<std::size_t> {
    const auto first = co_await to.send(bytes);
    EXPECT_LT(first.value(), bytes.size()) << "the kernel took everything";
    const auto rest = co_await to.send_all(std::span(bytes).subspan(*first));
    EXPECT_TRUE(to.shutdown_send());
    co_return *first + rest.value();
  };
  const auto receive = [](Socket& from, std::vector<std::byte>& bytes) -> Task<> {
    std::array<std::byte, 10'000> buffer;
    for (;;) {
      const auto size = co_await from.receive(buffer);
      if (!size || *size == 0) co_return;
      bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*size));
    }
  };
  const auto [total, nothing] = block_on(when_all(send(a, sent), receive(b, received)));
  EXPECT_EQ(total, sent.size());
  EXPECT_TRUE(received == sent);
}

TEST_F(SocketTest, scatters_and_gathers_any_number_of_buffers) {
  auto [a, b] = Socket::pair().value();
  std::vector<std::string> parts;
  std::string whole;
  for (int i = 0; i < 150; ++i)
    whole += parts.emplace_back(static_cast<std::size_t>(i * 50), static_cast<char>('a' + i % 26));
  std::vector<iovec> buffers;
  for (std::string& part : parts) buffers.push_back({.iov_base = part.data(), .iov_len = part.size()});
  const auto send = [](Socket& to, std::span<const iovec> list) -> Task<std::size_t> {
    co_return (co_await to.send_all(list)).value();
  };
  const auto receive = [](Socket& from, std::size_t size) -> Task<std::string> {
    std::string first(3, ' '), second(5000, ' '), received;
    while (received.size() < size) {
      const std::array<iovec, 3> list = {iovec{first.data(), first.size()}, iovec{nullptr, 0},
                                         iovec{second.data(), second.size()}};
      const std::size_t count = (co_await from.receive(list)).value();
      received += (first + second).substr(0, count);
    }
    co_return received;
  };
  const auto [sent, received] = block_on(when_all(send(a, buffers), receive(b, whole.size())));
  EXPECT_EQ(sent, whole.size());
  EXPECT_TRUE(received == whole);
  EXPECT_EQ(block_on(send(a, {})), 0U);
}

TEST_F(SocketTest, tells_a_timeout_a_cancellation_and_the_end_of_the_peer_apart) {
  auto [a, b] = Socket::pair().value();
  const auto try_it = [](Socket& socket, Socket& peer) -> Task<> {
    Cancellation stop;
    std::array<std::byte, 10> buffer;
    const auto late = co_await with_timeout(1ms, socket.receive(buffer));
    EXPECT_TRUE(late.error().is_timed_out());
    const auto [cancelled, nothing] =
        co_await when_all(receive_text(socket, 10, &stop), [](Cancellation& s) -> Task<> {
          s.cancel();
          co_return;
        }(stop));
    EXPECT_EQ(cancelled, "Cancelled");
    EXPECT_EQ(co_await receive_text(socket, 10, &stop), "Cancelled");
    (void)co_await peer.send_all("kept");
    EXPECT_EQ(co_await receive_text(socket), "kept");
    peer = std::move(Socket::pair()->first);
    EXPECT_EQ(co_await receive_text(socket), "");
    const auto broken = co_await socket.send_all("x");
    EXPECT_EQ(broken.error().message(), "Failed to send: Broken pipe");
  };
  block_on(try_it(a, b));
}

TEST_F(SocketTest, reports_a_reset_connection) {
  Acceptor acceptor = Acceptor::listen("tcp:127.0.0.1:0").value();
  auto [client, server] = connection(acceptor);
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
  (void)client.release();
  EXPECT_EQ(block_on(receive_text(server)), "Failed to receive: Connection reset by peer");
}

TEST_F(SocketTest, sends_and_receives_descriptors) {
  auto [a, b] = Socket::pair().value();
  const auto pass = [](Socket& from, Socket& to) -> Task<> {
    std::array<int, 2> pipe = {};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    FileDescriptor reader(pipe[0]);
    FileDescriptor writer(pipe[1]);
    const std::array<int, 2> sent = {reader.get(), writer.get()};
    const auto size = co_await from.send(std::as_bytes(std::span("xy", 2)), sent);
    EXPECT_EQ(size.value(), 2U);
    (void)co_await from.send_all("z");
    std::array<std::byte, 10> buffer;
    std::vector<FileDescriptor> received;
    EXPECT_EQ((co_await to.receive(buffer, received)).value(), 2U);
    EXPECT_EQ(received.size(), 2U);
    if (received.size() != 2) co_return;
    EXPECT_EQ(::fcntl(received[0].get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::write(received[1].get(), "!", 1), 1);
    std::array<char, 1> read = {};
    EXPECT_EQ(::read(reader.get(), read.data(), 1), 1);
    EXPECT_EQ((co_await to.receive(buffer, received)).value(), 1U);
    EXPECT_EQ(received.size(), 2U);
    const std::vector<int> too_many(254, reader.get());
    const auto refused = co_await from.send(std::as_bytes(std::span("x", 1)), too_many);
    EXPECT_EQ(refused.error().message(), "Failed to send descriptors: Invalid argument");
  };
  block_on(pass(a, b));
}

// Sets the number of descriptors that the process may open, until destroyed.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower = {.rlim_cur = limit, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST_F(SocketTest, waits_when_no_descriptors_are_left_and_accepts_later) {
  Acceptor acceptor = Acceptor::listen("tcp:127.0.0.1:0").value();
  auto client = block_on(Socket::connect(acceptor.address()));
  ASSERT_TRUE(client);
  std::optional<DescriptorLimit> limit(std::in_place, 3);
  const auto accept = [&acceptor]() -> Task<std::string> {
    const auto accepted = co_await acceptor.accept();
    co_return accepted ? accepted->peer_address() : accepted.error().message();
  };
  const auto end_the_shortage = [&]() -> Task<> {
    limit.reset();  // the first attempt has failed
    co_return;
  };
  const auto [accepted, nothing] = block_on(when_all(accept(), end_the_shortage()));
  EXPECT_EQ(accepted, client->local_address());
}

TEST_F(SocketTest, that_is_always_ready_does_not_keep_the_loop_from_other_work) {
  auto [a, b] = Socket::pair().value();
  bool stop = false;
  const auto play = [](Socket& left, Socket& right, const bool& ended) -> Task<> {
    while (!ended) {
      (void)co_await left.send_all("ball");
      (void)co_await receive_text(right);
    }
  };
  loop->schedule_oneshot([&] { loop->schedule_oneshot([&stop] { stop = true; }); });
  block_on(play(a, b, stop));
  EXPECT_TRUE(stop);
}

TEST_F(SocketTest, does_nothing_more_in_a_scope_that_is_cancelled) {
  auto [a, b] = Socket::pair().value();
  const auto send_later = [](Socket& socket) -> Task<std::string> {
    (void)co_await sleep_for(1h);  // until it is cancelled
    const auto sent = co_await socket.send_all("x");
    co_return sent ? "sent" : sent.error().message();
  };
  const auto sent = block_on(when_any(send_later(a), sleep_for(1ns)));
  EXPECT_EQ(sent.index(), 1U);
  a = std::move(Socket::pair()->first);
  EXPECT_EQ(block_on(receive_text(b)), "") << "nothing was sent";
}

Task<> note(Socket& from, std::string& text) { text = co_await receive_text(from); }

TEST_F(SocketTest, that_a_finished_operation_used_stays_free_for_another_coroutine) {
  auto [a, b] = Socket::pair().value();
  std::string second;
  const auto first = [](AioContext& home, Socket& socket, std::string& out) -> Task<> {
    std::array<std::byte, 10> buffer;
    auto operation = socket.receive(buffer);
    (void)co_await operation;
    co_enter(home, note(socket, out));
    co_await reschedule_self(home);  // meanwhile the other waits for the same direction
  };  // the first operation is destroyed
  co_schedule(*loop, first(*loop, a, second));
  drain();
  (void)block_on(b.send_all("one"));
  drain();
  (void)block_on(b.send_all("two"));
  drain();
  EXPECT_EQ(second, "two");
}

TEST_F(SocketTest, may_move_with_its_coroutine_to_another_loop) {
  RunningLoop other;
  auto [a, b] = Socket::pair().value();
  const auto talk = [](AioContext& home, AioContext& away, Socket& left, Socket& right) -> Task<> {
    for (AioContext* const place : {&away, &home, &away, &home}) {
      co_await reschedule_self(*place);
      const auto reply = [](Socket& socket) -> Task<> { (void)co_await socket.send_all("reply"); };
      co_schedule(home, reply(right));
      EXPECT_EQ(co_await receive_text(left), "reply");
    }
  };
  block_on(talk(*loop, *other, a, b));
}

TEST_F(SocketTest, takes_over_descriptors_of_the_right_kind_only) {
  std::array<int, 2> fds = {};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
  auto socket = Socket::adopt(FileDescriptor(fds[0]));
  ASSERT_TRUE(socket);
  EXPECT_NE(::fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(fds[0], F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(Acceptor::adopt(FileDescriptor(fds[1])));
  const FileDescriptor null(::open("/dev/null", O_RDWR));
  EXPECT_EQ(Socket::adopt(FileDescriptor(::dup(null.get()))).error().message().substr(0, 11), "descriptor ");
  FileDescriptor listening(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  auto acceptor = Acceptor::adopt(std::move(listening));
  ASSERT_TRUE(acceptor);
  EXPECT_FALSE(Socket::adopt(FileDescriptor(::dup(acceptor->fd()))));
}

TEST_F(SocketTest, received_with_an_empty_buffer_breaks_an_invariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto [a, b] = Socket::pair().value();
  const std::string receive = "Socket::receive\\(\\) is called with an empty buffer";
  EXPECT_DEATH((void)a.receive(std::span<std::byte>()), receive);
  std::vector<FileDescriptor> received;
  EXPECT_DEATH((void)a.receive(std::span<std::byte>(), received), receive);
  EXPECT_DEATH((void)a.send({}, std::array{0}), "Socket::send\\(\\) of descriptors is called without a byte");
}

TEST_F(SocketTest, that_was_moved_from_breaks_an_invariant_when_it_is_used) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto [a, b] = Socket::pair().value();
  (void)a.release();
  EXPECT_DEATH((void)a.send_all("x"), "on a Socket or Acceptor that was moved from or released");
}

TEST_F(SocketTest, of_a_coroutine_that_its_loop_destroys_is_closed) {
  auto [a, b] = Socket::pair().value();
  {
    RunningLoop other;
    co_schedule(*other, [socket = std::move(a)]() mutable -> Task<> { (void)co_await receive_text(socket); });
    ASSERT_TRUE(other->run_in([] {}));  // by then the coroutine waits
  }
  EXPECT_EQ(block_on(receive_text(b)), "");
}

}  // namespace socket_test
}  // namespace qomio
