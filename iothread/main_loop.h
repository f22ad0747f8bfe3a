// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/error.h"

typedef struct _GMainContext GMainContext;

namespace qomio {

// The main thread's loop: GLib's default context with the main AioContext attached to it. It makes that
// AioContext the current one of its thread, offers the QMP commands quit and query-main-loop-stats and the
// event SHUTDOWN, and ends at SIGINT, SIGTERM and SIGHUP. A child that the program forks is not part of it:
// there these signals do what they do by default.
//
// There is at most one. The thread that makes it is the main thread from then on. Thread: the main thread,
// except what says "Thread-safe".
class MainLoop {
 public:
  // Errors: no descriptor is available ("Failed to create main loop: Too many open files").
  static Result<MainLoop> create();
  MainLoop(MainLoop&& other) noexcept;
  MainLoop& operator=(MainLoop&&) = delete;
  ~MainLoop();

  // The one there is; null: none.
  static MainLoop* current();

  AioContext& context();
  GMainContext* g_main_context() const;  // GLib's default one

  // Runs until quit(), the command quit, SIGINT, SIGTERM or SIGHUP; returns the exit status given to quit(),
  // else 0. A quit() before run() counts. From its return on, AioContext::run_in() is refused by this loop,
  // so that threads that call it can be stopped.
  int run();
  // Thread-safe. Needs no memory.
  void quit(int exit_status = 0);

  // Since it was made.
  std::uint64_t uptime_ns() const;

 private:
  class State;

  explicit MainLoop(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;  // null: moved from
};

}  // namespace qomio
