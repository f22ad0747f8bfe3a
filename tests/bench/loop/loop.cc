// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/loop/loop.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <ctime>
#include <semaphore>

namespace qomio::bench {

std::int64_t now_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void run_in(Loop& loop, const std::function<void()>& function) {
  struct State {
    const std::function<void()>& function;
    std::binary_semaphore done{0};
  } state{function};
  loop.post(
      [](void* data) {
        auto& call = *static_cast<State*>(data);
        call.function();
        call.done.release();
      },
      &state);
  state.done.acquire();
}

void Loop::watch_busy(int fd, bool (*read)(void* data), void* data) {
  watch(
      fd,
      [](void* reader) {
        const auto& bound = *static_cast<Reader*>(reader);
        (void)bound.read(bound.data);
      },
      &readers_.emplace_back(read, data));
}

void StartedThread::start(std::function<void()> function) {
  std::binary_semaphore ready(0);
  thread_ = std::thread([this, &ready, run = std::move(function)] {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    id_ = ::gettid();
    ready.release();
    run();
  });
  ready.acquire();
}

bool PostQueue::push(Call function, void* data) {
  const std::lock_guard lock(mutex_);
  calls_.emplace_back([function, data] { function(data); });
  return calls_.size() == 1;
}

void PostQueue::run() {
  {
    const std::lock_guard lock(mutex_);
    std::swap(calls_, running_);
  }
  for (const auto& call : running_) call();
  running_.clear();
}

}  // namespace qomio::bench
