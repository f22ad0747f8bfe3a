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

  // As they were set, zeros included.
  const LoopParams& params() const { return params_; }

 protected:
  explicit EventLoopBase(const LoopParams& params = {}) : params_(params) {}

  // The loop to which the settings apply; null as long as there is none.
  virtual AioContext* loop() const = 0;
  // Hands all settings to the loop, if there is one: until then they are only kept, since they may still
  // change to values that fit together. Errors: LoopParams::check().
  Result<void> apply_params();
  // Adds a property for each setting of that kind.
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
// complete() makes the loop and starts the thread. Its name is "IO <id>" (the kernel keeps the first 15
// characters), all signals are blocked in it, and it inherits its creator's CPU affinity unless told
// otherwise. Taking the object out of the tree, or stop(), ends the thread, which closes its loop
// (AioContext::close()) and so frees everything left in it. Whoever still holds a reference has a loop that
// accepts nothing more.
//
// Thread: the main thread, except what says "Thread-safe". The last reference must not be dropped in its own
// thread.
class IOThread final : public EventLoopBase {
 public:
  static const TypeInfo type_info;

  // The IOThread that runs the calling thread; null in any other thread. Thread-safe.
  static IOThread* current();

  // Errors: `bad thread-pool-min/thread-pool-max values`; the system's, which name the step that failed, as
  // `Failed to initialize event notifier: Too many open files`, `Failed to create thread: ...`. A failure
  // leaves nothing behind.
  Result<void> complete() override;

  // The name of the object, kept when it leaves the tree. Thread-safe once complete.
  const std::string& id() const { return id_; }
  // Valid from complete() on. Thread-safe.
  AioContext& context() const;
  // The kernel's thread ID; 0 when no thread runs. Thread-safe.
  pid_t thread_id() const;

  // A GMainContext that the thread runs from now on, with the loop inside it, but without busy polling. Made
  // by the first call; each call must be matched by one of release_g_main_context(), and after the last the
  // thread runs its own loop again. Thread-safe while the thread runs. Errors: no descriptors are left, or
  // the thread has ended.
  Result<GMainContext*> g_main_context();
  void release_g_main_context();

  // Ends the loop from inside, after everything scheduled before, and waits for the thread. Does nothing when
  // the thread has ended or was never started. Errors: called in the thread itself.
  Result<void> stop();

  // What the kernel counts for the thread. All are zero when no thread runs; the switches are zero as long as
  // no descriptor is available to read them from /proc. Costs two system calls, after the first time.
  struct Usage {
    std::uint64_t cpu_ns = 0;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
  };
  Usage usage();
  // Time since the thread started; 0 before.
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

// Makes an I/O thread for the program itself, outside /objects: no command shows it. The internal root keeps
// it alive, so it runs until iothread_destroy(), which stops the thread and drops the root's reference, or
// iothread_stop_all(). Errors: as object_new_with_props().
Result<Ref<IOThread>> iothread_create(std::string_view id);
void iothread_destroy(IOThread& iothread);
// The I/O thread that a user made under this name; null if there is none.
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
