// SPDX-License-Identifier: GPL-2.0-or-later
#include <uv.h>

#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

struct Bound {
  Call function;
  void* data;
};

class UvTimer final : public LoopTimer {
 public:
  UvTimer(uv_loop_t* loop, Call function, void* data) : bound_{function, data}, timer_(new uv_timer_t) {
    ::uv_timer_init(loop, timer_);
    timer_->data = &bound_;
  }
  ~UvTimer() override {
    ::uv_close(reinterpret_cast<uv_handle_t*>(timer_),
               [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
  }
  void arm(std::int64_t, std::int64_t delay_ns) override {
    ::uv_timer_start(
        timer_,
        [](uv_timer_t* timer) {
          const auto& bound = *static_cast<Bound*>(timer->data);
          bound.function(bound.data);
        },
        static_cast<std::uint64_t>(delay_ns / 1'000'000), 0);
  }
  void cancel() override { ::uv_timer_stop(timer_); }

 private:
  Bound bound_;
  uv_timer_t* timer_;  // outlives this object until its loop has closed it
};

class UvLoop final : public Loop {
 public:
  UvLoop() {
    ::uv_loop_init(&loop_);
    ::uv_async_init(&loop_, &async_,
                    [](uv_async_t* async) { static_cast<UvLoop*>(async->data)->queue_.run(); });
    async_.data = this;
    thread_.start([this] { ::uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  ~UvLoop() override {
    post([](void* data) { ::uv_stop(&static_cast<UvLoop*>(data)->loop_); }, this);
    thread_.join();
    for (uv_poll_t& poll : polls_) ::uv_close(reinterpret_cast<uv_handle_t*>(&poll), nullptr);
    ::uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
    ::uv_run(&loop_, UV_RUN_DEFAULT);
    ::uv_loop_close(&loop_);
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    if (queue_.push(function, data)) ::uv_async_send(&async_);
  }
  void watch(int fd, Call function, void* data) override {
    uv_poll_t& poll = polls_.emplace_back();
    poll.data = &watched_.emplace_back(function, data);
    ::uv_poll_init(&loop_, &poll, fd);
    ::uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
      const auto& bound = *static_cast<Bound*>(handle->data);
      bound.function(bound.data);
    });
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<UvTimer>(&loop_, function, data);
  }

 private:
  uv_loop_t loop_;
  uv_async_t async_;
  PostQueue queue_;
  std::deque<uv_poll_t> polls_;
  std::deque<Bound> watched_;
  StartedThread thread_;
};

}  // namespace

Contender libuv_contender() {
  return {.name = "libuv", .start = [] { return std::make_unique<UvLoop>(); }};
}

}  // namespace qomio::bench
