// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/main_loop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <utility>

#include "qomio/iothread/event_loop_base.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_metrics.h"
#include "qomio/iothread/iothread_stats.h"
#include "qomio/iothread/stall_watch.h"
#include "qomio/object/types.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/fd_source.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/invariant.h"

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

// SIGINT and SIGTERM, as calls from the loop. The handler writes to a descriptor, since that is what a
// handler may do; GLib's own way would be a thread besides.
class MainLoop::Signals {
 public:
  Signals(GMainContext* context, std::function<void()> on_signal)
      : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        source_(context, [this, call = std::move(on_signal)] {
          std::uint64_t count = 0;
          if (::read(event_fd_.get(), &count, sizeof count) == sizeof count) call();
        }) {
    invariant(static_cast<bool>(event_fd_), "no descriptor for signals");
    source_.watch(event_fd_.get(), G_IO_IN);
    written_by_handler = event_fd_.get();
    struct sigaction action{};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &old_[i]);
  }
  ~Signals() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &old_[i], nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM};
  static inline volatile std::sig_atomic_t written_by_handler = -1;

  static void handle(int /*signal*/) {
    const int kept = errno;
    const std::uint64_t one = 1;
    (void)!::write(written_by_handler, &one, sizeof one);
    errno = kept;
  }

  FileDescriptor event_fd_;
  FdSource source_;
  std::array<struct sigaction, kSignals.size()> old_{};
};

Result<void> MainLoop::check() {
  // GLib's default context, the signals' descriptor and the AioContext take no more than this many.
  std::array<int, 8> probes{};
  int failed = 0;
  for (int& fd : probes) {
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) failed = errno;
  }
  for (const int fd : probes) {
    if (fd >= 0) close(fd);
  }
  if (failed != 0) return errno_error(failed, "Failed to create main loop");
  return {};
}

MainLoop::MainLoop() : started_ns_(clock_now_ns()) {
  invariant(!the_main_loop, "a second main loop");
  auto context = AioContext::create("main-loop");
  if (!context) broken_invariant(fmt::format("the main loop can't be made: {}", context.error().message()));
  context_ = std::move(*context);
  current_ = std::make_unique<CurrentAioContext>(*context_);
  g_source_attach(context_->g_source(), g_main_context());
  loop_ = g_main_loop_new(g_main_context(), FALSE);
  signals_ = std::make_unique<Signals>(g_main_context(), [this] { shut_down(ShutdownCause::host_signal); });
  the_main_loop = this;

  Interface::process().add(event<Shutdown>("SHUTDOWN", "the program is about to end"));
  Interface::process().add(command(
                               "quit", "ends the program",
                               +[]() -> Result<void> {
                                 the_main_loop->shut_down(ShutdownCause::host_qmp_quit);
                                 return {};
                               })
                               .last());
  Interface::process().add(
      command("query-main-loop-stats", "what the main loop has done", query_main_loop_stats).query());
}

MainLoop::~MainLoop() {
  (void)iothread_report_stalls({});  // it looks at this loop, and from it
  Interface::process().remove_command("query-main-loop-stats");
  Interface::process().remove_command("quit");
  the_main_loop = nullptr;
  signals_ = nullptr;
  g_main_loop_unref(loop_);
  current_ = nullptr;
}

MainLoop* MainLoop::current() { return the_main_loop; }

std::uint64_t MainLoop::uptime_ns() const { return static_cast<std::uint64_t>(clock_now_ns() - started_ns_); }

GMainContext* MainLoop::g_main_context() const { return g_main_context_default(); }

int MainLoop::run() {
  if (!quit_.load()) g_main_loop_run(loop_);
  return exit_status_.load();
}

void MainLoop::quit(int exit_status) {
  exit_status_.store(exit_status);
  quit_.store(true);
  g_main_loop_quit(loop_);
  // The loop may be on its way into g_main_loop_run(), which would forget a quit that came before it.
  context_->schedule_oneshot([this] { g_main_loop_quit(loop_); });
}

void MainLoop::shut_down(ShutdownCause cause) {
  Interface::process().emit("SHUTDOWN", Shutdown{.guest = false, .reason = cause});
  quit(0);
}

void register_iothread_types() {
  register_object_types();
  [[maybe_unused]] static const bool once = [] {
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
