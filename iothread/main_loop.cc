// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/main_loop.h"

#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/loop.h"
#include "qomio/iothread/iothread.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/listener_list.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/internal/qmp/g_source.h"

namespace qomio {

namespace {

MainLoop* the_main_loop = nullptr;

class MainLoopSettings final : public EventLoopBase {
 public:
  // GLib runs the main loop, so the loop does not busy-poll.
  MainLoopSettings() : EventLoopBase({.poll_max_ns = 0}) {}
  ~MainLoopSettings() override {
    if (the_only_one == this) the_only_one = nullptr;
  }

  Result<void> complete() override {
    if (the_only_one) return error("only one main-loop instance allowed");
    the_only_one = this;
    return apply_params();
  }
  bool can_be_deleted() const override { return false; }

 protected:
  AioContext* loop() const override {
    return the_only_one == this && the_main_loop ? &the_main_loop->context() : nullptr;
  }

 private:
  static inline MainLoopSettings* the_only_one = nullptr;
};

// Calls a function in the loop when a signal that ends the program arrives. The handler writes to a
// descriptor, which is async-signal-safe; GLib's own mechanism would need an extra thread.
class EndSignals {
 public:
  EndSignals(std::initializer_list<int> signals, EventNotifier notifier, GMainContext* context,
             std::function<void()> on_signal)
      : notifier_(std::move(notifier)), source_(context, [this, call = std::move(on_signal)] {
          if (notifier_.test_and_clear()) call();
        }) {
    source_.watch(notifier_.fd(), G_IO_IN);
    written_by_handler = notifier_.fd();
    process = ::getpid();
    struct sigaction action{};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    replaced_.reserve(signals.size());
    for (const int signal : signals) {
      struct sigaction old{};
      if (::sigaction(signal, &action, &old) == 0) replaced_.emplace_back(signal, old);
    }
  }
  ~EndSignals() {
    for (const auto& [signal, old] : replaced_) {
      // The program may have set a handler of its own since then.
      struct sigaction present{};
      ::sigaction(signal, nullptr, &present);
      if (present.sa_handler == handle) ::sigaction(signal, &old, nullptr);
    }
  }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

 private:
  static inline volatile std::sig_atomic_t written_by_handler = -1;
  static inline volatile std::sig_atomic_t process = 0;

  static void handle(int signal) {
    const int kept = errno;
    if (::getpid() == process) {
      const std::uint64_t one = 1;
      (void)!::write(written_by_handler, &one, sizeof one);
    } else {
      // In a forked child, which shares the descriptor, the signal is meant for the child alone. The signal
      // is blocked while its handler runs, and takes effect when the handler returns.
      (void)::signal(signal, SIG_DFL);
      (void)::raise(signal);
    }
    errno = kept;
  }

  EventNotifier notifier_;
  FdSource source_;
  std::vector<std::pair<int, struct sigaction>> replaced_;  // signals and their earlier actions
};

// GLib aborts the program if it gets no descriptors for the context created here, so check first that two are
// available.
Result<GMainContext*> default_g_main_context() {
  for (std::array<FileDescriptor, 2> probes; auto& probe : probes) {
    probe.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!probe) return errno_error(errno, "Failed to create main loop");
  }
  return g_main_context_default();
}

}  // namespace

constinit const TypeInfo MainLoop::settings_type_info{
    .name = "main-loop",
    .parent = "event-loop-base",
    .create = qomio::create<MainLoopSettings>,
};

class MainLoop::State {
 public:
  using ShutdownListener = std::function<void(ShutdownCause)>;

  State(GMainContext* context, Ref<AioContext> loop, std::initializer_list<int> end_signals,
        EventNotifier signalled)
      : loop_(std::move(loop)),
        current_(*loop_),
        g_main_loop_(g_main_loop_new(context, FALSE), g_main_loop_unref),
        signals_(end_signals, std::move(signalled), context,
                 [this] { shut_down(ShutdownCause::host_signal); }) {
    g_source_attach(loop_->g_source(), context);
  }
  ~State() {
    quit_bh_ = {};
    loop_->close();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  AioContext& loop() { return *loop_; }

  int run() {
    internal::Loop::of(*loop_).refuse_calls(false);
    if (!quit_.load()) g_main_loop_run(g_main_loop_.get());
    internal::Loop::of(*loop_).refuse_calls(true);
    return exit_status_.load();
  }

  void quit(int exit_status) {
    exit_status_.store(exit_status);
    quit_.store(true);
    g_main_loop_quit(g_main_loop_.get());
    // The loop may be about to call g_main_loop_run(), which would ignore a quit that came before it.
    quit_bh_.schedule();
  }

  void shut_down(ShutdownCause cause) {
    listeners_.any_of([&](const ShutdownListener& listener) {
      unless_out_of_memory(
          [&] { callback([] { return "listener of MainLoop::shut_down()"; }, [&] { listener(cause); }); });
      return false;
    });
    quit(0);
  }

  std::shared_ptr<void> on_shut_down(ShutdownListener listener) {
    auto owner = std::make_shared<ShutdownListener>(std::move(listener));
    // Indices must not change, since shut_down() may be iterating.
    listeners_.add(owner);
    return owner;
  }

  std::uint64_t uptime_ns() const { return static_cast<std::uint64_t>(clock_now_ns() - started_ns_); }

 private:
  const std::int64_t started_ns_ = clock_now_ns();
  Ref<AioContext> loop_;
  // Created in advance: quitting must not need memory.
  BottomHalf quit_bh_ = loop_->bh_new("main-loop-quit", [this] { g_main_loop_quit(g_main_loop_.get()); });
  CurrentAioContext current_;
  std::unique_ptr<GMainLoop, void (*)(GMainLoop*)> g_main_loop_;
  EndSignals signals_;
  internal::ListenerList<ShutdownListener> listeners_;
  std::atomic<bool> quit_ = false;
  std::atomic<int> exit_status_ = 0;
};

Result<MainLoop> MainLoop::create(std::initializer_list<int> end_signals) {
  invariant(!the_main_loop, "MainLoop::create() is called while a MainLoop exists");
  become_main_thread();
  auto context = default_g_main_context();
  if (!context) return failure(context);
  auto loop = AioContext::create("main-loop");
  auto signalled = EventNotifier::create();
  if (!loop || !signalled) {
    Error error = loop ? signalled.error() : loop.error();
    error.prepend("Failed to create main loop: ");
    return std::unexpected(std::move(error));
  }
  return MainLoop(std::make_unique<State>(*context, std::move(*loop), end_signals, std::move(*signalled)));
}

MainLoop::MainLoop(std::unique_ptr<State> state) : state_(std::move(state)) { the_main_loop = this; }

MainLoop::MainLoop(MainLoop&& other) noexcept : state_(std::move(other.state_)) {
  if (state_) the_main_loop = this;
}

MainLoop::~MainLoop() {
  if (state_) the_main_loop = nullptr;
}

MainLoop* MainLoop::current() { return the_main_loop; }

AioContext& MainLoop::context() { return state_->loop(); }

std::uint64_t MainLoop::uptime_ns() const { return state_->uptime_ns(); }

GMainContext* MainLoop::g_main_context() const { return g_main_context_default(); }

int MainLoop::run() { return state_->run(); }

void MainLoop::shut_down(ShutdownCause cause) {
  require_main_thread("MainLoop::shut_down()", "MainLoop::quit()");
  state_->shut_down(cause);
}

std::shared_ptr<void> MainLoop::on_shut_down(std::function<void(ShutdownCause)> listener) {
  require_main_thread("MainLoop::on_shut_down()");
  return state_->on_shut_down(std::move(listener));
}

void MainLoop::quit(int exit_status) { state_->quit(exit_status); }

}  // namespace qomio
