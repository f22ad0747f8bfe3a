// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/loop_params.h"
#include "qomio/object/object.h"
#include "qomio/object/user_creatable.h"

typedef struct _GMainContext GMainContext;

namespace qomio {

// The abstract type `event-loop-base`: the settings that every event loop has, as properties that may be set
// at any time. Thread: the main thread.
class EventLoopBase : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

  // The settings as they were set, zeros included.
  const LoopParams& params() const { return params_; }

 protected:
  explicit EventLoopBase(const LoopParams& params = {}) : params_(params) {}

  // The loop to which the settings apply; null before it exists.
  virtual AioContext* loop() const = 0;
  // Passes all settings to the loop. Does nothing before the loop exists: settings that are set one by one
  // may be inconsistent until then. Errors: LoopParams::check().
  Result<void> apply_params();
  // Adds a property for each setting of this kind.
  static void add_settings(ObjectClass& klass, SettingKind kind);

 private:
  static void class_init(ObjectClass& klass);

  LoopParams params_;
};

// The type `iothread`: an object that runs an event loop in a thread of its own.
//
//     auto io0 = object_new_with_props<IOThread>("io0", {{"poll-max-ns", "16384"}});
//     (*io0)->context().schedule_oneshot([] { ... });  // runs in the thread
//
// complete() creates the loop and starts the thread. The thread is named "IO <id>" (the kernel keeps the
// first 15 characters), blocks all signals, and inherits its creator's CPU affinity unless cpu-affinity is
// set. Removing the object from the tree, or stop(), ends the thread, which closes its loop
// (AioContext::close()) and so destroys everything left in it. Remaining references stay valid, but the loop
// accepts nothing more.
//
// Thread: the main thread, except functions marked "Thread-safe". The last reference must not be dropped in
// the IOThread's own thread.
class IOThread final : public EventLoopBase {
 public:
  static const TypeInfo type_info;

  // The IOThread to which the calling thread belongs; null in any other thread. Thread-safe.
  static IOThread* current();

  // Errors: `bad thread-pool-min/thread-pool-max values`; system errors, which name the step that failed,
  // such as `Failed to initialize event notifier: Too many open files` or `Failed to create thread: ...`. A
  // failure leaves nothing behind.
  Result<void> complete() override;

  // The name of the object, kept when it leaves the tree. Thread-safe once complete.
  const std::string& id() const { return id_; }
  // Valid from complete() on. Thread-safe.
  AioContext& context() const;
  // The kernel's thread ID; 0 when no thread runs. Thread-safe.
  pid_t thread_id() const;

  // Returns a GMainContext that the thread runs from now on, with the loop attached to it, but without busy
  // polling. Created by the first call. Each call must be matched by a call of release_g_main_context();
  // after the last one the thread runs its own loop again. Thread-safe while the thread runs. Errors: no
  // descriptors are left, or the thread is not running.
  Result<GMainContext*> g_main_context();
  void release_g_main_context();

  // Ends the loop after everything scheduled before, and waits for the thread. Does nothing if the thread has
  // ended or was never started. Errors: called in the thread itself.
  Result<void> stop();

  // The kernel's counters for the thread. All are zero while no thread runs; the switches are zero while no
  // descriptor is available to read them from /proc. After the first call this costs two system calls.
  struct Usage {
    std::uint64_t cpu_ns = 0;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
  };
  Usage usage();
  // Time since the thread started; 0 before that.
  std::uint64_t uptime_ns() const;

 protected:
  AioContext* loop() const override;
  void unparent() override { (void)stop(); }

 private:
  friend Object* create<IOThread>();
  struct State;  // the loop and its thread

  IOThread();
  ~IOThread() override;

  static void class_init(ObjectClass& klass);
  Result<void> start();
  void run();
  Result<void> apply_affinity();
  Result<void> check_fd_monitor();
  Result<void> make_g_main_context();
  void choose_loop();

  std::vector<std::uint16_t> cpu_affinity_;
  FdMonitorKind fd_monitor_ = FdMonitorKind::poll;
  std::string id_;
  const std::unique_ptr<State> state_;
};

// Creates an I/O thread for the program itself, outside /objects, so no command shows it. The internal root
// keeps it alive, so it runs until iothread_destroy(), which stops the thread and drops the root's reference,
// or iothread_stop_all(). Errors: as object_new_with_props().
Result<Ref<IOThread>> iothread_create(std::string_view id);
void iothread_destroy(IOThread& iothread);
// The I/O thread that a user created under this name; null if it does not exist.
IOThread* iothread_by_id(std::string_view id);
// Stops all I/O threads, for programs that end without destroying their objects.
void iothread_stop_all();

// QEMU's names.
inline const std::string& iothread_get_id(const IOThread& iothread) { return iothread.id(); }
inline AioContext& iothread_get_aio_context(const IOThread& iothread) { return iothread.context(); }
inline Result<GMainContext*> iothread_get_g_main_context(IOThread& iothread) {
  return iothread.g_main_context();
}
inline Result<void> iothread_stop(IOThread& iothread) { return iothread.stop(); }

}  // namespace qomio
