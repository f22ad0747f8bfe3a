// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace qomio::bench {

using Call = void (*)(void* data);

std::int64_t now_ns();

// A timer of a loop, used and destroyed in the loop's thread.
class LoopTimer {
 public:
  virtual ~LoopTimer() = default;
  // now_ns: the time of the caller's clock. Loops that measure the delay by their own clock ignore it.
  virtual void arm(std::int64_t now_ns, std::int64_t delay_ns) = 0;
  virtual void cancel() = 0;
};

// An event loop with its own thread. When the constructor returns, the thread runs and thread_id() is known;
// when the destructor returns, the thread has been joined.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual pid_t thread_id() const = 0;

  // Any thread: calls function(data) in the loop.
  virtual void post(Call function, void* data) = 0;
  // In the loop's thread: calls function(data) whenever fd is readable, until the loop ends.
  virtual void watch(int fd, Call function, void* data) = 0;
  // The same for one of a few busy descriptors, for loops that can busy-poll: read tries to read, without
  // blocking, and returns whether there was something to read.
  virtual void watch_busy(int fd, bool (*read)(void* data), void* data);
  // In the loop's thread. Null if the contender has no timers.
  virtual std::unique_ptr<LoopTimer> timer(Call function, void* data) = 0;

 private:
  struct Reader {
    bool (*read)(void* data);
    void* data;
  };
  std::deque<Reader> readers_;  // passed to watch_busy()
};

// A kind of loop. It takes part only in the benchmarks that it supports.
struct Contender {
  std::string name;
  std::function<std::unique_ptr<Loop>()> start;
  bool has_descriptors = true;
  bool has_timers = true;
  bool many_producers = true;
  int most_timers = 1'000'000;  // more would take too long
  bool burns_while_idle = false;
};

// Returns raw epoll, the mailbox, qomio, and the libraries that were found at build time, in this order.
std::vector<Contender> contenders();

// Calls function in the loop's thread, and waits for it.
void run_in(Loop& loop, const std::function<void()>& function);

// --- building blocks of contenders ---

// The thread of a contender. Has a timer slack of 1 ns, as qomio's I/O threads have.
class StartedThread {
 public:
  void start(std::function<void()> function);
  void join() { thread_.join(); }
  pid_t id() const { return id_; }

 private:
  std::thread thread_;
  pid_t id_ = 0;
};

// Calls from other threads, for loops that offer only a wake-up: what their users write themselves. Holds any
// callable, as posts to Asio, GLib and qomio do.
class PostQueue {
 public:
  // Returns true if the queue was empty, so that the loop must be woken.
  bool push(Call function, void* data);
  void run();

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> calls_;
  std::vector<std::function<void()>> running_;  // kept to reuse its memory
};

}  // namespace qomio::bench
