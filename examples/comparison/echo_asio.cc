// SPDX-License-Identifier: GPL-2.0-or-later
// The server of examples/loops/server.cc with Asio. usage: echo_asio PORT
#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;
using asio::ip::tcp;
constexpr auto kResult = asio::experimental::as_tuple(asio::use_awaitable);

asio::awaitable<void> echo(tcp::socket client) {
  std::array<char, 4096> buffer;
  asio::steady_timer limit(client.get_executor());
  for (;;) {
    limit.expires_after(30s);
    auto first =
        co_await (client.async_read_some(asio::buffer(buffer), kResult) || limit.async_wait(kResult));
    if (first.index() == 1) co_return;  // idle
    auto [failure, size] = std::get<0>(first);
    if (failure) co_return;  // an error, or the client has finished
    auto [broken, sent] = co_await asio::async_write(client, asio::buffer(buffer, size), kResult);
    if (broken) co_return;
  }
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, std::vector<asio::io_context>& threads) {
  for (std::size_t next = 0;; ++next) {
    asio::io_context& context = threads[next % threads.size()];
    auto [failure, client] = co_await acceptor.async_accept(context, kResult);
    if (failure) co_return;
    asio::co_spawn(context, echo(std::move(client)), asio::detached);
  }
}

int main(int argc, char** argv) try {
  asio::io_context main_context;
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  tcp::acceptor acceptor(main_context, tcp::endpoint(tcp::v6(), port));  // IPv4, too
  std::fprintf(stderr, "listening on port %d\n", acceptor.local_endpoint().port());
  std::vector<asio::io_context> contexts(4);
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  std::vector<std::jthread> threads;
  for (asio::io_context& context : contexts) {
    guards.push_back(asio::make_work_guard(context));
    threads.emplace_back([&context] { context.run(); });
  }
  asio::co_spawn(main_context, accept(acceptor, contexts), asio::detached);
  asio::signal_set signals(main_context, SIGINT, SIGTERM, SIGHUP);
  signals.async_wait([&](auto...) { main_context.stop(); });
  main_context.run();
  for (asio::io_context& context : contexts) context.stop();  // the coroutines are destroyed where they wait
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
