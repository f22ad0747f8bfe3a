// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon with its own object type, an I/O thread, and control over QMP while it runs.
#include <qomio/qapi/standard_streams.h>
#include <qomio/qomio.h>

#include <cstdio>

using namespace qomio;

// Hands out tokens at a fixed rate. Users create, tune and delete buckets while the daemon runs.
class TokenBucket final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

  Result<void> complete() override {
    if (!iothread_) return error("Parameter 'iothread' is missing");
    refill_ = iothread_->context().timer([this] { refill(); });
    refill_.arm_after(0s);
    return {};
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("rate", &TokenBucket::rate_).range(1, 1'000'000).describe("tokens a second"));
    klass.add(
        property("tokens", &TokenBucket::tokens_left).describe("tokens left"));  // a getter alone: read-only
    klass.add(link("iothread", &TokenBucket::iothread_)
                  .until_complete()
                  .describe("the loop that refills the bucket"));
  }

  std::int64_t tokens_left() const { return tokens_; }
  void refill() {
    tokens_ = std::int64_t{rate_};
    refill_.arm_after(1s);
  }

  Shared<std::int64_t> rate_ = 100;  // set on the main thread, read on the loop's
  Shared<std::int64_t> tokens_ = 0;
  StrongLink<IOThread> iothread_;  // the IOThread can't be deleted while this bucket lives
  Timer refill_;                   // its destructor waits for a refill that is running
};

const TypeInfo TokenBucket::type_info{
    .name = "token-bucket",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<TokenBucket>,
    .class_init = class_init,
};

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  auto main_loop = MainLoop::create();        // GLib's default context with the main AioContext attached
  if (!main_loop) return std::fprintf(stderr, "%s\n", main_loop.error().message().c_str()), 1;
  register_iothread_types();
  register_type(TokenBucket::type_info);
  CommandRegistry commands;  // what clients can call
  add_object_commands(commands);
  add_iothread_commands(commands, *main_loop);
  const ObjectsCleanup cleanup;  // at the end, deletes the objects before everything that they use

  auto io0 = object_new_with_props<IOThread>("io0", {{"poll-max-ns", "16384"}});
  if (!io0) return std::fprintf(stderr, "%s\n", io0.error().message().c_str()), 1;
  // No reference is kept: the bucket is destroyed when it is deleted.
  if (auto bucket = object_new_with_props<TokenBucket>("bucket0", {{"rate", "500"}, {"iothread", "io0"}});
      !bucket)
    return std::fprintf(stderr, "%s\n", bucket.error().message().c_str()), 1;
  (*io0)->context().run_in([] { std::puts("hello from io0"); });

  QmpServer qmp(commands, main_loop->g_main_context());
  if (auto listening = qmp.listen(argc > 1 ? argv[1] : "app.qmp"); !listening)
    return std::fprintf(stderr, "%s\n", listening.error().message().c_str()), 1;

  return main_loop->run();  // until `quit`, SIGINT, SIGTERM or SIGHUP
}
