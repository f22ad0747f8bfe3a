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
// The calling thread's current loop. Declared here so that AioContext::current() is inline; constinit saves
// the check whether it was initialised.
extern constinit thread_local AioContext* current_loop;
}  // namespace internal

// Base of the objects that a loop owns until take_back(), such as a waiting coroutine. A loop that ends calls
// destroy() on each object that it still owns.
// Thread: the home thread of the loop.
class LoopOwned {
 public:
  LoopOwned(const LoopOwned&) = delete;
  LoopOwned& operator=(const LoopOwned&) = delete;

  // Ends the loop's ownership. Does nothing if no loop owns this object.
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
  // Called by a loop that ends, after take_back(). May delete this object and others that the loop owns.
  virtual void destroy() = 0;

  LoopOwned* next_ = nullptr;
  LoopOwned** place_ = nullptr;  // the pointer to this object in the loop's list; null: not in a list
};

// An event loop for descriptors, timers and bottom halves (calls that any thread may schedule). One thread
// runs it: its home thread, which has made the loop its current one (CurrentAioContext).
//
// Before it sleeps, an iteration busy-polls for at most the polling window; waking the loop then needs no
// system call.
//
// Thread: the home thread, except functions marked "Thread-safe".
// Owns everything registered with it until it is removed or the loop ends. close() ends the loop, as does
// dropping its last Ref; no other thread may be calling the loop then. An IOThread closes its loop when it
// stops, a MainLoop when it is destroyed. A loop that ends destroys everything posted or registered without
// calling it: one-shots, handlers, timers, coroutines, and jobs that have not started. Anything posted later
// is destroyed at once, in the thread that posts it.
//
// A callable that owns a Ref to its own loop keeps the loop alive until close(). If you run a loop yourself
// and post such callables, call close() at the end; otherwise the loop is never freed.
//
// Callbacks must not throw: an exception that leaves a handler, a poll callback, a timer, a bottom half, a
// one-shot, a coroutine or a job aborts the program with a message that names the callback and contains
// what().
//
// Out of memory: running, waking, waiting, scheduling a BottomHalf, arming a Timer, removing a handler and
// ending the loop still work. bh_new(), timer(), schedule_oneshot() and adding a handler throw std::bad_alloc
// and change nothing.
class AioContext {
 public:
  // Returns a loop that no thread runs yet. The name appears in messages. monitor: how the loop waits at
  // first; see FdMonitor. io_uring is not the default, even where the kernel supports it. Measured on Linux
  // 6.18, it is as fast as poll and epoll for single wake-ups, but takes a third more time per event when
  // many descriptors are ready at once, and a busy-polling loop sees an event four times as late, since the
  // kernel must interrupt the loop's processor to fill the ring. Errors: no descriptor is available ("Failed
  // to initialize event notifier: Too many open files").
  static Result<Ref<AioContext>> create(std::string name = "aio-context",
                                        FdMonitorKind monitor = FdMonitorKind::poll);

  AioContext(const AioContext&) = delete;
  AioContext& operator=(const AioContext&) = delete;

  // Thread-safe. Called by Ref. More than 2^31 references, or one unref() too many, are a broken invariant.
  void ref();
  void unref();

  // Ends the loop, see above; it cannot be run again. Waits for the jobs of its thread pool that have
  // started. A second call does nothing. Thread: the home thread, but not from a callback of the loop; any
  // thread, if the loop has no home thread and no other thread is calling it.
  void close();
  // Thread-safe.
  bool is_closed() const;

  // Thread-safe.
  const std::string& name() const;
  // Thread-safe. Returns the calling thread's current loop; null if it has none.
  static AioContext* current() { return internal::current_loop; }
  // Thread-safe. Returns true if the caller is this loop's home thread.
  bool in_home_thread() const { return current() == this; }

  // Runs one iteration. If blocking, sleeps until there is something to do. Returns true if something was
  // done. May be called from any callback of the loop: it then first finishes the outer iteration.
  bool poll(bool blocking);
  // The number of iterations that are nested now; 0 outside poll().
  int nesting() const;

  // Thread-safe. Ends the current sleep or prevents the next one. The iteration that follows sees everything
  // that the caller published before. Rarely needed: all functions below wake the loop themselves.
  void notify();

  // Thread-safe. Watches fd with these handlers, which replace the earlier ones; empty handlers stop the
  // watching. A call from another thread is carried out by the loop, in order with bottom halves; use
  // run_in() to wait for it, for example before closing the descriptor. If the loop has no memory for a
  // descriptor that another thread adds, it tries again in each iteration.
  void set_fd_handler(int fd, FdHandlers handlers);
  // The same for an event notifier: clears it, then calls handlers.read.
  void set_event_notifier(EventNotifier& notifier, FdHandlers handlers);
  // Adds a handler for one direction; the other direction keeps its own. owner: any pointer that identifies
  // the caller. Returns false and changes nothing if that direction has a handler already.
  bool add_fd_handler(int fd, FdDirection direction, std::function<void()> function, const void* owner);
  // Removes owner's handler for that direction. Does nothing if it has been replaced or removed.
  void remove_fd_handler(int fd, FdDirection direction, const void* owner);

  // Thread-safe. Creates a call that can be scheduled any number of times. It is not scheduled yet. The name
  // appears in messages and is not freed before the loop, so use few different names.
  template <class Function>
  BottomHalf bh_new(std::string_view name, Function&& function) {
    using Call = internal::PostCall<internal::NamedPostNode, std::decay_t<Function>>;
    return adopt(*new Call(std::forward<Function>(function), post_queue(), interned_name(name)));
  }

  // Thread-safe. Calls function once, after all calls scheduled before, and destroys it. A loop that ends
  // destroys functions that it has not called. Allocates memory now and then for functions of up to five
  // words, always for larger ones. For a call that must not fail, create a BottomHalf in advance.
  template <class Function>
  void schedule_oneshot(Function&& function) {
    using Call = internal::PostCall<internal::PostNode, std::decay_t<Function>>;
    schedule(*new Call(std::forward<Function>(function)));
  }

  // Thread-safe. Calls function in the loop and waits until it has returned; in the home thread, calls it
  // directly. If no thread has run the loop yet, waits until one does.
  // Returns false, without calling function, if no thread can run it: the loop has ended or lost its home
  // thread, before the call or during the wait; MainLoop::run() has returned; or the loop's thread is itself
  // waiting for the calling IOThread or thread pool to end. Two loops that call each other deadlock, as does
  // a call from a thread that the home thread is joining by other means.
  bool run_in(FunctionRef<void()> function);

  // Waits until condition() is false. The calling thread evaluates it before the first iteration and after
  // each one. The home thread iterates this loop meanwhile. The main thread may also wait for another loop;
  // it must have a loop of its own, which it iterates meanwhile. No other thread may, since two loops could
  // wait for each other. Sources of GLib are not dispatched meanwhile. Returns false if condition() is still
  // true but the other loop has ended or lost its home thread.
  bool wait_while(FunctionRef<bool()> condition);
  // Thread-safe. Call it after every change that may end a wait_while() on this loop. Costs one atomic
  // operation if no thread waits.
  void wait_kick();

  // Thread-safe. Creates a timer, which is not armed yet.
  Timer timer(std::function<void()> callback, ClockType clock = ClockType::monotonic);

  // Thread-safe. Takes effect in the running loop at once: polling windows start again from 0, and surplus
  // worker threads end when they are idle. LoopParams::check() must succeed. A new loop does not busy-poll
  // (poll_max_ns 0) and otherwise has the defaults.
  void set_params(const LoopParams& params);
  LoopParams params() const;

  // Threads for work that would block this loop. The first call creates the pool, without a thread.
  ThreadPool& thread_pool();
  // Reads and writes files without blocking this loop. Created by the first call.
  FileIo& file_io();

  // Returns a source that runs this loop in a GMainContext, without busy polling. The home thread must run
  // that context. Created by the first call; owned by the loop.
  GSource* g_source();

  // Makes the loop own `owned` until take_back(). If the loop has ended, calls destroy() at once.
  void free_at_end(LoopOwned& owned);

  // Thread-safe; takes no lock that the loop takes. Members are read one by one, except poll_ns, blocked_ns
  // and busy_ns, which are read together.
  LoopStats stats() const;
  // Thread-safe; takes no lock. Returns the call that the loop is making now.
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

// Makes a loop the calling thread's current one until this object is destroyed. The thread is then the loop's
// home thread and registered with liburcu. A second current loop in one thread, or a second home thread of
// one loop, is a broken invariant.
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
