// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "qomio/iothread/aio_context.h"

namespace qomio {

inline Ref<AioContext> make_loop() { return AioContext::create("test").value(); }

// A test whose thread is the home of a loop of its own.
class InLoop : public ::testing::Test {
 protected:
  Ref<AioContext> loop = make_loop();
  CurrentAioContext current{*loop};

  // All that can be done without waiting.
  void drain() {
    while (loop->poll(false)) {
    }
  }
};

// Until the loop sleeps, as long as nobody gives it anything to do: its time asleep grows between two looks.
inline void await_sleep(const AioContext& loop) {
  for (std::uint64_t before = loop.stats()[LoopStat::blocked_ns];
       loop.stats()[LoopStat::blocked_ns] == before;) {
    std::this_thread::yield();
  }
}

// A loop run by a thread of its own, until this object goes.
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
  bool stop_ = false;  // the loop's own
  std::thread thread_;
};

}  // namespace qomio
