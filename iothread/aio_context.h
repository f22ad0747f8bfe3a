// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "qomio/iothread/bottom_half.h"
#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/function_ref.h"
#include "qomio/iothread/internal/post_node.h"
#include "qomio/iothread/loop_params.h"
#include "qomio/iothread/loop_stats.h"
#include "qomio/iothread/timer.h"
#include "qomio/object/ref.h"
#include "qomio/qapi/error.h"

typedef struct _GSource GSource;

namespace qomio {

class AioContext;
class FileIo;
class ThreadPool;

namespace internal {
class Loop;
class OwnedList;
class PostQueue;
// The calling thread's own loop. Here because many calls compare it; it needs no construction.
extern constinit thread_local AioContext* current_loop;
}  // namespace internal

// Something that belongs to a loop until it is taken back: a coroutine that waits there, for example. If the
// loop ends first, it calls destroy().
// Thread: the home thread of the loop.
class LoopOwned {
 public:
  LoopOwned(const LoopOwned&) = delete;
  LoopOwned& operator=(const LoopOwned&) = delete;

  // The loop does not own it any more. Does nothing if none does.
  void take_back() {
    if (!place_) return;
    *place_ = next_;
    if (next_) next_->place_ = place_;
    place_ = nullptr;
  }

 protected:
  LoopOwned() = default;
  virtual ~LoopOwned() { take_back(); }

 private:
  friend class internal::OwnedList;
  // Called by the loop that ends, after take_back(). May delete this, and others that the loop owns.
  virtual void destroy() = 0;

  LoopOwned* next_ = nullptr;
  LoopOwned** place_ = nullptr;  // what points to this one in the loop's list; null: not in a list
};

// An event loop: descriptors, timers and bottom halves (calls that any thread may ask for), run by one
// thread. This is its home thread, the one that made the loop its current one (CurrentAioContext).
//
// An iteration busy-polls for up to its window before it sleeps; while it does, waking it needs no system
// call.
//
// Thread: functions are for the home thread unless they say "Thread-safe".
// Owns what is registered with it until that is removed or the loop ends. A loop ends by close() or with its
// last Ref; no other thread may be calling it then. An IOThread closes its loop when it stops, a MainLoop
// when it is destroyed. Everything posted or registered is then destroyed without being called: one-shots,
// handlers, timers, coroutines, jobs that have not started. What is posted later is destroyed at once, in the
// thread that posts it.
//
// A callable that holds a Ref of its own loop keeps the loop until close(). If you run a loop yourself and
// post such callables, call close() at the end; otherwise the loop is never freed.
//
// What the loop calls must not throw: an exception that leaves a handler, a poll callback, a timer, a bottom
// half, a one-shot, a coroutine or a job ends the program with an abort that names it and what().
//
// Without memory: running, waking, waiting, scheduling a BottomHalf, arming a Timer, removing a handler and
// ending need none. What creates something throws std::bad_alloc then, and has changed nothing: bh_new(),
// timer(), schedule_oneshot(), and adding a handler.
class AioContext {
 public:
  // A loop that no thread runs yet. The name appears in messages. monitor: what it first waits with, see
  // FdMonitor. io_uring is not the default, even where the kernel has it: measured on Linux 6.18, it is as
  // fast as poll and epoll for single wake-ups, but takes a third more time per event when many descriptors
  // are ready at once, and a loop that busy-polls sees an event four times as late, since the kernel must
  // interrupt the loop's processor to fill the ring. Errors: no descriptor is available ("Failed to
  // initialize event notifier: Too many open files").
  static Result<Ref<AioContext>> create(std::string name = "aio-context",
                                        FdMonitorKind monitor = FdMonitorKind::poll);

  AioContext(const AioContext&) = delete;
  AioContext& operator=(const AioContext&) = delete;

  // Thread-safe. For Ref. More than 2^31 references, or an unref() too many, are a broken invariant.
  void ref();
  void unref();

  // Ends the loop, see above; it can not be run again. Waits for the jobs of its thread pool that have
  // started. A second call does nothing. Thread: the home thread, but not from a callback of the loop; any
  // thread, if the loop has no home thread and no other thread is calling it.
  void close();
  // Thread-safe.
  bool is_closed() const;

  // Thread-safe.
  const std::string& name() const;
  // Thread-safe. The calling thread's own loop; null if it has none.
  static AioContext* current() { return internal::current_loop; }
  // Thread-safe. The caller is this loop's home thread.
  bool in_home_thread() const { return current() == this; }

  // One iteration; blocking: sleeps until there is something to do. Returns true if something was done. May
  // be called from inside anything that the loop calls: it first finishes the outer iteration.
  bool poll(bool blocking);
  // How many iterations are nested at the moment; 0 outside poll().
  int nesting() const;

  // Thread-safe. Ends the present sleep or prevents the next one. The iteration that follows sees what the
  // caller published before. Rarely needed: all functions below wake the loop themselves.
  void notify();

  // Thread-safe. Watches fd, replacing the handlers set before; empty handlers: stops watching. From another
  // thread the loop makes the change, in order with the bottom halves; use run_in() to wait for it, before
  // closing the descriptor for example. If the loop has no memory for a descriptor that another thread adds,
  // it tries again in each iteration.
  void set_fd_handler(int fd, FdHandlers handlers);
  // The same for an event notifier: clears it, then calls handlers.read.
  void set_event_notifier(EventNotifier& notifier, FdHandlers handlers);
  // A handler for one direction; the other direction keeps its own. owner: any pointer that identifies the
  // caller. False, and nothing is changed: that direction has a handler.
  bool add_fd_handler(int fd, FdDirection direction, std::function<void()> function, const void* owner);
  // Removes it. Does nothing if somebody else has replaced or removed it.
  void remove_fd_handler(int fd, FdDirection direction, const void* owner);

  // Thread-safe. A call that can be scheduled again and again; unscheduled at first. The name appears in
  // messages and is never freed while the loop exists, so use few different names.
  template <class Function>
  BottomHalf bh_new(std::string_view name, Function&& function) {
    using Call = internal::PostCall<internal::NamedPostNode, std::decay_t<Function>>;
    return adopt(*new Call(std::forward<Function>(function), post_queue(), interned_name(name)));
  }

  // Thread-safe. Calls function once, after all calls scheduled before, and frees it. A loop that ends frees
  // what it has not run. Allocates memory: now and then for a function of up to five words, always for a
  // larger one. A call that must not fail needs a BottomHalf made before.
  template <class Function>
  void schedule_oneshot(Function&& function) {
    using Call = internal::PostCall<internal::PostNode, std::decay_t<Function>>;
    schedule(*new Call(std::forward<Function>(function)));
  }

  // Thread-safe. Calls function in the loop and waits until it has returned; in the home thread, calls it
  // directly. Waits for a loop that no thread has run yet.
  // Returns false, without calling function, if no thread can run it: the loop has ended or lost its home
  // thread, before the call or during the wait; MainLoop::run() has returned; or the loop's thread is itself
  // waiting for the calling IOThread or thread pool to end. Two loops that call each other wait for ever, as
  // do a thread and one that joins it by other means.
  bool run_in(FunctionRef<void()> function);

  // Waits until condition() is false. The calling thread evaluates it before the first iteration and after
  // each. In the home thread this loop is iterated meanwhile. The main thread may also wait for another loop;
  // it iterates its own meanwhile, which it must have. No other thread may, since two loops could wait for
  // each other. Sources of GLib are not served meanwhile. False: condition() is still true, but the other
  // loop has ended or lost its home thread.
  bool wait_while(FunctionRef<bool()> condition);
  // Thread-safe. Call it after whatever may end a wait_while() on this loop. Costs one atomic operation if
  // nobody waits.
  void wait_kick();

  // Thread-safe. A timer that is not armed yet.
  Timer timer(std::function<void()> callback, ClockType clock = ClockType::monotonic);

  // Thread-safe. Takes effect in the running loop at once: polling windows start again from 0, and surplus
  // worker threads end when they are idle. LoopParams::check() must pass. A new loop does not poll
  // (poll_max_ns 0) and has the defaults otherwise.
  void set_params(const LoopParams& params);
  LoopParams params() const;

  // The threads of this loop for work that blocks. Made by the first call, without a thread.
  ThreadPool& thread_pool();
  // Reads and writes files without blocking this loop. Made by the first call.
  FileIo& file_io();

  // The loop as a source of a GMainContext, which must be run by the home thread; without busy polling. Made
  // by the first call; owned by the loop.
  GSource* g_source();

  // Gives owned to the loop until take_back(). If the loop has ended, it calls destroy() at once.
  void free_at_end(LoopOwned& owned);

  // Thread-safe, without a lock that the loop takes. Members are read one by one, except the three times.
  LoopStats stats() const;
  // Thread-safe, without a lock. What the loop is calling at this moment.
  RunningCall running_call() const;

 protected:
  AioContext() = default;
  ~AioContext() = default;

 private:
  internal::PostQueue& post_queue();
  const char* interned_name(std::string_view name);
  BottomHalf adopt(internal::NamedPostNode& node);
  void schedule(internal::PostNode& node);
};

// Makes a loop the calling thread's current one for as long as it lives. This thread is then the loop's home,
// and registered with liburcu. A second one in the same thread, or a second home, is a broken invariant.
class CurrentAioContext {
 public:
  explicit CurrentAioContext(AioContext& loop);
  CurrentAioContext(const CurrentAioContext&) = delete;
  CurrentAioContext& operator=(const CurrentAioContext&) = delete;
  ~CurrentAioContext();

 private:
  Ref<AioContext> loop_;
};

}  // namespace qomio
