// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/error.h"

typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;

namespace qomio {

enum class ShutdownCause : int;

// The main thread's loop: GLib's default context with the main AioContext attached to it. It makes that
// AioContext the current one of its thread, offers the QMP commands quit and query-main-loop-stats and the
// event SHUTDOWN, and ends at SIGINT and SIGTERM.
//
// There is at most one. Thread: the main thread, except what says "Thread-safe".
class MainLoop {
 public:
  // Ends the program when the descriptors that it takes are not to be had; check() tells before.
  MainLoop();
  MainLoop(const MainLoop&) = delete;
  MainLoop& operator=(const MainLoop&) = delete;
  ~MainLoop();

  // Could a MainLoop be made now? Errors: the system's.
  static Result<void> check();

  // The one there is; null: none.
  static MainLoop* current();

  AioContext& context() { return *context_; }
  GMainContext* g_main_context() const;  // GLib's default one

  // Runs until quit(), the command quit, SIGINT or SIGTERM; returns the exit status given to quit(), else 0.
  // A quit() before run() counts.
  int run();
  // Thread-safe.
  void quit(int exit_status = 0);

  // Since it was made.
  std::uint64_t uptime_ns() const;

 private:
  class Signals;

  void shut_down(ShutdownCause cause);

  const std::int64_t started_ns_;
  Ref<AioContext> context_;
  std::unique_ptr<CurrentAioContext> current_;
  GMainLoop* loop_;
  std::unique_ptr<Signals> signals_;
  std::atomic<bool> quit_ = false;
  std::atomic<int> exit_status_ = 0;
};

}  // namespace qomio
