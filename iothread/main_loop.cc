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

#include "qomio/iothread/event_loop_base.h"
#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/loop.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_metrics.h"
#include "qomio/iothread/iothread_stats.h"
#include "qomio/iothread/stall_watch.h"
#include "qomio/object/types.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/internal/qmp/g_source.h"

namespace qomio {

enum class ShutdownCause : int {
  none,
  host_error,
  host_qmp_quit,
  host_qmp_system_reset,
  host_signal,
  host_ui,
  guest_shutdown,
  guest_reset,
  guest_panic,
  subsystem_reset,
  snapshot_load
};

template <>
inline constexpr auto enum_description<ShutdownCause> = EnumDescription(
    "ShutdownCause", "none", "host-error", "host-qmp-quit", "host-qmp-system-reset", "host-signal", "host-ui",
    "guest-shutdown", "guest-reset", "guest-panic", "subsystem-reset", "snapshot-load");

namespace {

struct Shutdown {
  bool guest = false;
  ShutdownCause reason = ShutdownCause::none;
  static constexpr std::string_view type_name = "Shutdown";
  static constexpr auto members =
      std::tuple(member("guest", &Shutdown::guest), member("reason", &Shutdown::reason));
};

MainLoop* the_main_loop = nullptr;

// The type `main-loop`: the settings of the main thread's loop, as an object. There is one at most, and it
// stays.
class MainLoopSettings final : public EventLoopBase {
 public:
  static const TypeInfo type_info;

  ~MainLoopSettings() override {
    if (the_only_one == this) the_only_one = nullptr;
  }

  Result<void> complete() override {
    if (the_only_one) return error("only one main-loop instance allowed");
    the_only_one = this;
    return apply_loop_params();
  }
  bool can_be_deleted() const override { return false; }

 protected:
  AioContext* loop() const override {
    return the_only_one == this && the_main_loop ? &the_main_loop->context() : nullptr;
  }

 private:
  static inline MainLoopSettings* the_only_one = nullptr;
};

constinit const TypeInfo MainLoopSettings::type_info{
    .name = "main-loop",
    .parent = "event-loop-base",
    .create = create<MainLoopSettings>,
};

}  // namespace

namespace {

// The signals that end the program, as calls from the loop. The handler writes to a descriptor, since that is
// what a handler may do; GLib's own way would be a thread besides.
class EndSignals {
 public:
  EndSignals(EventNotifier notifier, GMainContext* context, std::function<void()> on_signal)
      : notifier_(std::move(notifier)), source_(context, [this, call = std::move(on_signal)] {
          if (notifier_.test_and_clear()) call();
        }) {
    source_.watch(notifier_.fd(), G_IO_IN);
    written_by_handler = notifier_.fd();
    process = ::getpid();
    struct sigaction action{};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &old_[i]);
  }
  ~EndSignals() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &old_[i], nullptr);
  }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
  static inline volatile std::sig_atomic_t written_by_handler = -1;
  static inline volatile std::sig_atomic_t process = 0;

  static void handle(int signal) {
    const int kept = errno;
    if (::getpid() == process) {
      const std::uint64_t one = 1;
      (void)!::write(written_by_handler, &one, sizeof one);
    } else {
      // A forked child, which shares the descriptor: the signal is for the child alone. It is held back while
      // its handler runs, and takes effect on the return.
      (void)::signal(signal, SIG_DFL);
      (void)::raise(signal);
    }
    errno = kept;
  }

  EventNotifier notifier_;
  FdSource source_;
  std::array<struct sigaction, kSignals.size()> old_{};
};

// GLib ends the program when it finds no descriptor for the context that it makes here.
Result<GMainContext*> default_g_main_context() {
  for (std::array<FileDescriptor, 2> probes; auto& probe : probes) {
    probe.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!probe) return errno_error(errno, "Failed to create main loop");
  }
  return g_main_context_default();
}

}  // namespace

class MainLoop::State {
 public:
  State(GMainContext* context, Ref<AioContext> loop, EventNotifier signalled)
      : loop_(std::move(loop)),
        current_(*loop_),
        g_main_loop_(g_main_loop_new(context, FALSE), g_main_loop_unref),
        signals_(std::move(signalled), context, [this] { shut_down(ShutdownCause::host_signal); }) {
    g_source_attach(loop_->g_source(), context);
    Interface::process().add(event<Shutdown>("SHUTDOWN", "the program is about to end"));
    Interface::process().add(command(
                                 "quit", "ends the program",
                                 +[]() -> Result<void> {
                                   the_main_loop->state_->shut_down(ShutdownCause::host_qmp_quit);
                                   return {};
                                 })
                                 .last());
    Interface::process().add(
        command("query-main-loop-stats", "what the main loop has done", query_main_loop_stats).query());
  }
  ~State() {
    (void)iothread_report_stalls({});  // it looks at this loop, and from it
    quit_bh_ = {};
    loop_->close();
    Interface::process().remove_command("query-main-loop-stats");
    Interface::process().remove_command("quit");
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  AioContext& loop() { return *loop_; }

  int run() {
    detail::Loop::of(*loop_).refuse_calls(false);
    if (!quit_.load()) g_main_loop_run(g_main_loop_.get());
    detail::Loop::of(*loop_).refuse_calls(true);
    return exit_status_.load();
  }

  void quit(int exit_status) {
    exit_status_.store(exit_status);
    quit_.store(true);
    g_main_loop_quit(g_main_loop_.get());
    // The loop may be on its way into g_main_loop_run(), which would forget a quit that came before it.
    quit_bh_.schedule();
  }

  std::uint64_t uptime_ns() const { return static_cast<std::uint64_t>(clock_now_ns() - started_ns_); }

 private:
  void shut_down(ShutdownCause cause) {
    Interface::process().emit("SHUTDOWN", Shutdown{.guest = false, .reason = cause});
    quit(0);
  }

  const std::int64_t started_ns_ = clock_now_ns();
  Ref<AioContext> loop_;
  // Made in advance: ending must not need memory.
  BottomHalf quit_bh_ = loop_->bh_new("main-loop-quit", [this] { g_main_loop_quit(g_main_loop_.get()); });
  CurrentAioContext current_;
  std::unique_ptr<GMainLoop, void (*)(GMainLoop*)> g_main_loop_;
  EndSignals signals_;
  std::atomic<bool> quit_ = false;
  std::atomic<int> exit_status_ = 0;
};

Result<MainLoop> MainLoop::create() {
  invariant(!the_main_loop, "a second main loop");
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
  return MainLoop(std::make_unique<State>(*context, std::move(*loop), std::move(*signalled)));
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

void MainLoop::quit(int exit_status) { state_->quit(exit_status); }

void register_iothread_types() {
  register_object_types();
  [[maybe_unused]] static const bool kRegistered = [] {
    for (const TypeInfo* info :
         {&EventLoopBase::type_info, &IOThread::type_info, &MainLoopSettings::type_info}) {
      const auto registered = register_type(*info);
      invariant(registered.has_value(), "a type of an event loop could not be registered");
    }
    Interface::process().add(
        command("query-iothreads", "the I/O threads that users made", query_iothreads).query());
    Interface::process().add(command("query-iothread-stats", "what the I/O threads that users made have done",
                                     query_iothread_stats)
                                 .query());
    Interface::process().add(command("query-iothread-metrics",
                                     "query-iothread-stats and query-main-loop-stats, as text for Prometheus",
                                     query_iothread_metrics)
                                 .query());
    register_stall_watch();
    return true;
  }();
}

}  // namespace qomio
