// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"

typedef struct _GMainContext GMainContext;

namespace qomio {

struct TypeInfo;

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
    "ShutdownCause", value(ShutdownCause::none, "none"), value(ShutdownCause::host_error, "host-error"),
    value(ShutdownCause::host_qmp_quit, "host-qmp-quit"),
    value(ShutdownCause::host_qmp_system_reset, "host-qmp-system-reset"),
    value(ShutdownCause::host_signal, "host-signal"), value(ShutdownCause::host_ui, "host-ui"),
    value(ShutdownCause::guest_shutdown, "guest-shutdown"), value(ShutdownCause::guest_reset, "guest-reset"),
    value(ShutdownCause::guest_panic, "guest-panic"),
    value(ShutdownCause::subsystem_reset, "subsystem-reset"),
    value(ShutdownCause::snapshot_load, "snapshot-load"));

// The data of the event SHUTDOWN.
struct Shutdown {
  bool guest = false;
  ShutdownCause reason = ShutdownCause::none;
  static constexpr std::string_view type_name = "Shutdown";
  static constexpr auto members =
      member_list(member("guest", &Shutdown::guest), member("reason", &Shutdown::reason));
};

// The main thread's loop: GLib's default context with the main AioContext attached to it. Makes that
// AioContext the current one of its thread.
//
// There is at most one. The thread that creates it is the main thread from then on. Thread: the main thread,
// except functions marked "Thread-safe".
class MainLoop {
 public:
  // end_signals: the signals that shut it down. Their handlers are replaced while it exists, unless the
  // program sets others. In a forked child they have their default effect. A program with handlers of its own
  // passes only the signals that it does not handle, or `{}`, and ends the loop with quit() or shut_down().
  // Errors: no descriptor is available ("Failed to create main loop: Too many open files").
  static Result<MainLoop> create(std::initializer_list<int> end_signals = {SIGINT, SIGTERM, SIGHUP});
  MainLoop(MainLoop&& other) noexcept;
  MainLoop& operator=(MainLoop&&) = delete;
  ~MainLoop();

  // The type `main-loop`: an object that holds the settings of the main loop. There is at most one, and it
  // cannot be deleted.
  static const TypeInfo settings_type_info;

  // Null when there is no main loop.
  static MainLoop* current();

  AioContext& context();
  GMainContext* g_main_context() const;  // GLib's default one

  // Runs until quit(), the command quit or one of end_signals; returns the exit status passed to quit(),
  // otherwise 0. After a quit() before run(), run() returns at once. Once run() has returned,
  // AioContext::run_in() on this loop returns false, so that threads that call it can be stopped.
  int run();
  // Thread-safe. Needs no memory.
  void quit(int exit_status = 0);
  // Calls the listeners of on_shut_down() and quits with status 0. The end_signals do the same.
  void shut_down(ShutdownCause cause);
  // Adds a listener that is called when the loop is shut down, before it quits. Destroying the returned value
  // removes the listener.
  [[nodiscard]] std::shared_ptr<void> on_shut_down(std::function<void(ShutdownCause)> listener);

  // Time since the loop was created.
  std::uint64_t uptime_ns() const;

 private:
  class State;

  explicit MainLoop(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;  // null: moved from
};

}  // namespace qomio
