// SPDX-License-Identifier: GPL-2.0-or-later
#include <ev.h>

#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

struct Bound {
  Call function;
  void* data;
};

class EvTimer final : public LoopTimer {
 public:
  EvTimer(struct ev_loop* loop, Call function, void* data) : loop_(loop), bound_{function, data} {
    ev_timer_init(
        &timer_,
        [](struct ev_loop*, ev_timer* timer, int) {
          const auto& bound = *static_cast<Bound*>(timer->data);
          bound.function(bound.data);
        },
        0, 0);
    timer_.data = &bound_;
  }
  ~EvTimer() override { cancel(); }
  void arm(std::int64_t, std::int64_t delay_ns) override {
    cancel();
    ev_timer_set(&timer_, static_cast<double>(delay_ns) * 1e-9, 0);
    ::ev_timer_start(loop_, &timer_);
  }
  void cancel() override { ::ev_timer_stop(loop_, &timer_); }

 private:
  struct ev_loop* loop_;
  ev_timer timer_;
  Bound bound_;
};

class EvLoop final : public Loop {
 public:
  EvLoop() {
    ev_async_init(&async_, [](struct ev_loop*, ev_async* async, int) {
      static_cast<EvLoop*>(async->data)->queue_.run();
    });
    async_.data = this;
    ::ev_async_start(loop_, &async_);
    thread_.start([this] { ::ev_run(loop_, 0); });
  }
  ~EvLoop() override {
    post([](void* data) { ::ev_break(static_cast<EvLoop*>(data)->loop_, EVBREAK_ALL); }, this);
    thread_.join();
    ::ev_loop_destroy(loop_);
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    if (queue_.push(function, data)) ::ev_async_send(loop_, &async_);
  }
  void watch(int fd, Call function, void* data) override {
    ev_io& io = ios_.emplace_back();
    ev_io_init(
        &io,
        [](struct ev_loop*, ev_io* watcher, int) {
          const auto& bound = *static_cast<Bound*>(watcher->data);
          bound.function(bound.data);
        },
        fd, EV_READ);
    io.data = &watched_.emplace_back(function, data);
    ::ev_io_start(loop_, &io);
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<EvTimer>(loop_, function, data);
  }

 private:
  struct ev_loop* loop_ = ::ev_loop_new(EVFLAG_AUTO);
  ev_async async_;
  PostQueue queue_;
  std::deque<ev_io> ios_;
  std::deque<Bound> watched_;
  StartedThread thread_;
};

}  // namespace

Contender libev_contender() {
  return {.name = "libev", .start = [] { return std::make_unique<EvLoop>(); }};
}

}  // namespace qomio::bench
