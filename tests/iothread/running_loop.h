// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "qomio/iothread/aio_context.h"

namespace qomio {

inline Ref<AioContext> make_loop() { return AioContext::create("test").value(); }

// A test with a loop; the test's thread is the loop's home thread.
class InLoop : public ::testing::Test {
 protected:
  Ref<AioContext> loop = make_loop();
  CurrentAioContext current{*loop};

  // Runs everything that is ready, without blocking.
  void drain() {
    while (loop->poll(false)) {
    }
  }
};

// Waits until the loop's time asleep grows, so that it sleeps. No other thread may give it work meanwhile.
inline void await_sleep(const AioContext& loop) {
  for (std::uint64_t before = loop.stats()[LoopStat::blocked_ns];
       loop.stats()[LoopStat::blocked_ns] == before;) {
    std::this_thread::yield();
  }
}

// Runs a loop in its own thread until destroyed.
class RunningLoop {
 public:
  explicit RunningLoop(const LoopParams& params = {.poll_max_ns = 0}) {
    loop_->set_params(params);
    thread_ = std::thread([this] {
      const CurrentAioContext current(*loop_);
      while (!stop_) loop_->poll(true);
    });
  }
  RunningLoop(const RunningLoop&) = delete;
  RunningLoop& operator=(const RunningLoop&) = delete;
  ~RunningLoop() {
    loop_->schedule_oneshot([this] { stop_ = true; });
    thread_.join();
  }

  AioContext& operator*() { return *loop_; }
  AioContext* operator->() { return loop_.get(); }

 private:
  Ref<AioContext> loop_ = make_loop();
  bool stop_ = false;  // used only in the loop's thread
  std::thread thread_;
};

}  // namespace qomio
