// SPDX-License-Identifier: GPL-2.0-or-later
// A TCP echo server over four I/O threads, with a time limit per read and an orderly stop.
// usage: server ADDRESS, for example: server tcp::7777
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include "qomio/iothread/concurrency.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/iothread/socket.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;
using namespace std::chrono_literals;

Task<> echo(Socket client) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const auto size = co_await with_timeout(30s, client.receive(buffer));
    if (!size || *size == 0) co_return;  // idle, an error, or the client has finished
    const auto sent = co_await client.send_all(std::span(buffer).first(*size));
    if (!sent) co_return;
  }
}

Task<> accept(Acceptor& acceptor, TaskGroup& clients, const std::vector<Ref<IOThread>>& threads) {
  for (std::size_t next = 0;; ++next) {
    auto client = co_await acceptor.accept();
    if (!client && !client.error().is_cancelled())
      std::fprintf(stderr, "%s\n", client.error().message().c_str());
    if (!client) co_return MainLoop::current()->quit(client.error().is_cancelled() ? 0 : 1);
    clients.start(threads[next % threads.size()]->context(), echo(std::move(*client)));
  }
}

Result<int> run(std::string_view address) {
  auto main_loop = MainLoop::create();
  if (!main_loop) return failure(main_loop);
  auto acceptor = Acceptor::listen(address);
  if (!acceptor) return failure(acceptor);
  register_iothread_types();
  const ObjectsCleanup cleanup;
  std::vector<Ref<IOThread>> threads;
  for (const char* const id : {"io0", "io1", "io2", "io3"}) {
    auto thread = object_new_with_props<IOThread>(id);
    if (!thread) return failure(thread);
    threads.push_back(std::move(*thread));
  }
  TaskGroup clients;
  clients.start(accept(*acceptor, clients, threads));
  std::fprintf(stderr, "listening on %s\n", acceptor->address().c_str());
  const int status = main_loop->run();  // until SIGINT, SIGTERM or SIGHUP
  clients.cancel();
  block_on(clients.join());
  return status;
}

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  const Result<int> status = run(argc > 1 ? argv[1] : "");
  if (!status) std::fprintf(stderr, "%s\n", status.error().message().c_str());
  return status ? *status : 1;
}
