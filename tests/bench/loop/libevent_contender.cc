// SPDX-License-Identifier: GPL-2.0-or-later
#include <event2/event.h>
#include <event2/thread.h>

#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

struct Bound {
  Call function;
  void* data;
};

void call_bound(evutil_socket_t, short, void* data) {
  const auto& bound = *static_cast<Bound*>(data);
  bound.function(bound.data);
}

class EventTimer final : public LoopTimer {
 public:
  EventTimer(event_base* loop, Call function, void* data)
      : bound_{function, data}, event_(::event_new(loop, -1, 0, call_bound, &bound_)) {}
  ~EventTimer() override { ::event_free(event_); }
  void arm(std::int64_t, std::int64_t delay_ns) override {
    const timeval after{.tv_sec = delay_ns / 1'000'000'000, .tv_usec = delay_ns % 1'000'000'000 / 1000};
    ::event_add(event_, &after);
  }
  void cancel() override { ::event_del(event_); }

 private:
  Bound bound_;
  event* event_;
};

class EventLoop final : public Loop {
 public:
  EventLoop() {
    // libevent's most precise clock; the default one ticks every 4 ms.
    event_config* const config = ::event_config_new();
    ::event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    loop_ = ::event_base_new_with_config(config);
    ::event_config_free(config);
    wake_ = ::event_new(
        loop_, -1, EV_PERSIST,
        [](evutil_socket_t, short, void* data) { static_cast<EventLoop*>(data)->queue_.run(); }, this);
    thread_.start([this] { ::event_base_loop(loop_, EVLOOP_NO_EXIT_ON_EMPTY); });
  }
  ~EventLoop() override {
    post([](void* data) { ::event_base_loopbreak(static_cast<EventLoop*>(data)->loop_); }, this);
    thread_.join();
    for (event* const watched : events_) ::event_free(watched);
    ::event_free(wake_);
    ::event_base_free(loop_);
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    if (queue_.push(function, data)) ::event_active(wake_, 0, 0);
  }
  void watch(int fd, Call function, void* data) override {
    events_.push_back(
        ::event_new(loop_, fd, EV_READ | EV_PERSIST, call_bound, &watched_.emplace_back(function, data)));
    ::event_add(events_.back(), nullptr);
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<EventTimer>(loop_, function, data);
  }

 private:
  event_base* loop_;
  event* wake_;
  PostQueue queue_;
  std::vector<event*> events_;
  std::deque<Bound> watched_;
  StartedThread thread_;
};

}  // namespace

Contender libevent_contender() {
  ::evthread_use_pthreads();
  return {.name = "libevent", .start = [] { return std::make_unique<EventLoop>(); }};
}

}  // namespace qomio::bench
