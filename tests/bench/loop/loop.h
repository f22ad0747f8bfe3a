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
  // now_ns is what the caller's clock says; those that count from a time of their own ignore it.
  virtual void arm(std::int64_t now_ns, std::int64_t delay_ns) = 0;
  virtual void cancel() = 0;
};

// An event loop with a thread of its own, which runs (and has told its number) when the constructor is done,
// and has been joined when the destructor is.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual pid_t thread_id() const = 0;

  // Any thread: calls function(data) in the loop.
  virtual void post(Call function, void* data) = 0;
  // In the loop's thread: calls function(data) whenever fd is readable, until the loop ends.
  virtual void watch(int fd, Call function, void* data) = 0;
  // The same for one of a few that have something to read all the time, for those that can busy-poll: read
  // tries it, without blocking, and says whether there was something.
  virtual void watch_busy(int fd, bool (*read)(void* data), void* data);
  // In the loop's thread. Null where the contender has none.
  virtual std::unique_ptr<LoopTimer> timer(Call function, void* data) = 0;

 private:
  struct Reader {
    bool (*read)(void* data);
    void* data;
  };
  std::deque<Reader> readers_;  // those of watch_busy()
};

// One way to make a loop. What it can't do, it doesn't take part in.
struct Contender {
  std::string name;
  std::function<std::unique_ptr<Loop>()> start;
  bool has_descriptors = true;
  bool has_timers = true;
  bool many_producers = true;
  int most_timers = 1'000'000;  // more of them take too long
  bool burns_while_idle = false;
};

// Those that were found at build time: raw epoll first, then the mailbox, then ours, then the libraries.
std::vector<Contender> contenders();

// Calls function in the loop's thread, and waits for it.
void run_in(Loop& loop, const std::function<void()>& function);

// --- what contenders are made of ---

// The thread of a contender: runs function, in a thread that has a timer slack of 1 ns, as ours has.
class StartedThread {
 public:
  void start(std::function<void()> function);
  void join() { thread_.join(); }
  pid_t id() const { return id_; }

 private:
  std::thread thread_;
  pid_t id_ = 0;
};

// Calls from other threads, for those that know a wake-up only: what their users write. It holds any
// callable, as the posts of Asio, GLib and ours do.
class PostQueue {
 public:
  // True if the loop has to be woken: it was empty.
  bool push(Call function, void* data);
  void run();

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> calls_;
  std::vector<std::function<void()>> running_;  // kept for its memory
};

}  // namespace qomio::bench
