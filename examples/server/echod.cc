// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon with TCP echo servers that users create, watch, tune and delete over QMP. Each serves its clients
// in the I/O threads that it is given.
//
//     echod echod.qmp &
//     qomctl -s echod.qmp add echo-server s0 address=tcp::7777 iothreads.0=io0 iothreads.1=io1
//     qomctl -s echod.qmp get s0
#include <qomio/iothread/concurrency.h>
#include <qomio/iothread/socket.h>
#include <qomio/qapi/standard_streams.h>
#include <qomio/qomio.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

using namespace qomio;

class EchoServer final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  ~EchoServer() override {
    tasks_.cancel();
    block_on(tasks_.join());
  }

  Result<void> complete() override {
    if (iothread_ids_.empty()) return error("Parameter 'iothreads' is missing");
    for (const std::string& id : iothread_ids_) {
      IOThread* const iothread = iothread_by_id(id);
      if (!iothread) return error("iothread '{}' not found", id);
      loops_.push_back(&iothread->context());
      holds_.push_back(iothread->hold(*this));  // it can't be deleted while this server lives
    }
    auto acceptor = Acceptor::listen(address_);
    if (!acceptor) return failure(acceptor);
    acceptor_ = std::move(*acceptor);
    address_ = acceptor_->address();  // with the port that the kernel chose
    tasks_.start(accept());
    return {};
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("address", &EchoServer::address_).until_complete().describe("such as tcp::7777"));
    klass.add(property("iothreads", &EchoServer::iothread_ids_)
                  .until_complete()
                  .describe("ids of the I/O threads that serve the clients in turn"));
    klass.add(property("idle-timeout", &EchoServer::idle_timeout_)
                  .range(1ms, 24h)
                  .default_value(30s)
                  .describe("a client that sends nothing for longer is disconnected"));
    klass.add(property("clients", &EchoServer::clients).describe("clients that are connected"));
    klass.add(property("accepted", &EchoServer::accepted).describe("clients since the server was created"));
    klass.add(
        property("timed-out", &EchoServer::timed_out).describe("clients that were disconnected as idle"));
    klass.add(property("bytes", &EchoServer::bytes).describe("number of bytes echoed"));
  }
  std::uint64_t clients() const { return accepted_ - ended_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t timed_out() const { return timed_out_; }
  std::uint64_t bytes() const { return bytes_; }

  // Runs in an I/O thread.
  Task<> echo(Socket client) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
      const auto size =
          co_await with_timeout(std::chrono::milliseconds(idle_timeout_), client.receive(buffer));
      if (!size && size.error().is_timed_out()) ++timed_out_;
      if (!size || *size == 0) break;
      bytes_ += *size;  // before the client can see them
      const auto sent = co_await client.send_all(std::span(buffer).first(*size));
      if (!sent) break;
    }
    ++ended_;
  }

  Task<> accept() {
    for (std::uint64_t next = 0;; ++next) {
      auto client = co_await acceptor_->accept();
      if (!client) co_return;  // it is being deleted
      ++accepted_;
      tasks_.start(*loops_[next % loops_.size()], echo(std::move(*client)));
    }
  }

  std::string address_;
  std::vector<std::string> iothread_ids_;
  Shared<std::chrono::milliseconds> idle_timeout_;  // set by the main thread, read by the I/O threads
  std::vector<AioContext*> loops_;
  std::vector<Hold> holds_;
  std::optional<Acceptor> acceptor_;
  std::uint64_t accepted_ = 0;
  std::atomic<std::uint64_t> ended_ = 0;  // counted by the I/O threads, as the others below
  std::atomic<std::uint64_t> timed_out_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  TaskGroup tasks_;
};

const TypeInfo EchoServer::type_info{
    .name = "echo-server",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<EchoServer>,
    .class_init = class_init,
};

Result<int> run(const char* socket_path) {
  auto main_loop = MainLoop::create();
  if (!main_loop) return failure(main_loop);
  register_iothread_types();
  register_type(EchoServer::type_info);
  CommandRegistry commands;
  add_object_commands(commands);
  add_iothread_commands(commands, *main_loop);
  const ObjectsCleanup cleanup;  // at the end, deletes the servers and then their I/O threads
  for (const char* const id : {"io0", "io1", "io2", "io3"}) {
    if (auto iothread = object_new_with_props<IOThread>(id); !iothread) return failure(iothread);
  }
  QmpServer qmp(commands, main_loop->g_main_context());
  if (auto listening = qmp.listen(socket_path); !listening) return failure(listening);
  return main_loop->run();
}

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  const Result<int> status = run(argc > 1 ? argv[1] : "echod.qmp");
  if (!status) std::fprintf(stderr, "%s\n", status.error().message().c_str());
  return status ? *status : 1;
}
