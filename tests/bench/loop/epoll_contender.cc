// SPDX-License-Identifier: GPL-2.0-or-later
// The lower limit for loops that block: epoll, an eventfd, and a plain 4-ary heap of timers.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

struct HeapTimer {
  std::int64_t deadline_ns = 0;
  std::size_t position = kUnarmed;
  Call function;
  void* data;

  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);
};

class Heap {
 public:
  bool empty() const { return timers_.empty(); }
  HeapTimer& first() { return *timers_.front(); }

  void add(HeapTimer& timer) {
    timers_.push_back(&timer);
    up(timer, timers_.size() - 1);
  }

  void remove(HeapTimer& timer) {
    const std::size_t position = std::exchange(timer.position, HeapTimer::kUnarmed);
    HeapTimer& last = *timers_.back();
    timers_.pop_back();
    if (&last == &timer) return;
    up(last, position);
    down(last, last.position);
  }

 private:
  void place(HeapTimer& timer, std::size_t position) {
    timers_[position] = &timer;
    timer.position = position;
  }

  void up(HeapTimer& timer, std::size_t position) {
    while (position > 0 && timer.deadline_ns < timers_[(position - 1) / 4]->deadline_ns) {
      place(*timers_[(position - 1) / 4], position);
      position = (position - 1) / 4;
    }
    place(timer, position);
  }

  void down(HeapTimer& timer, std::size_t position) {
    for (std::size_t first = 0; (first = position * 4 + 1) < timers_.size();) {
      std::size_t least = first;
      for (std::size_t i = first + 1; i < std::min(first + 4, timers_.size()); ++i) {
        if (timers_[i]->deadline_ns < timers_[least]->deadline_ns) least = i;
      }
      if (timers_[least]->deadline_ns >= timer.deadline_ns) break;
      place(*timers_[least], position);
      position = least;
    }
    place(timer, position);
  }

  std::vector<HeapTimer*> timers_;
};

class EpollTimer final : public LoopTimer {
 public:
  EpollTimer(Heap& heap, Call function, void* data) : heap_(heap) {
    timer_.function = function;
    timer_.data = data;
  }
  ~EpollTimer() override { cancel(); }

  void arm(std::int64_t now_ns, std::int64_t delay_ns) override {
    cancel();
    timer_.deadline_ns = now_ns + delay_ns;
    heap_.add(timer_);
  }
  void cancel() override {
    if (timer_.position != HeapTimer::kUnarmed) heap_.remove(timer_);
  }

 private:
  Heap& heap_;
  HeapTimer timer_;
};

class EpollLoop final : public Loop {
 public:
  explicit EpollLoop(bool spins) : spins_(spins) {
    watch_with(event_fd_, nullptr);
    thread_.start([this] { run(); });
  }
  ~EpollLoop() override {
    post([](void* data) { static_cast<EpollLoop*>(data)->running_ = false; }, this);
    thread_.join();
    ::close(epoll_fd_);
    ::close(event_fd_);
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    if (queue_.push(function, data)) (void)::eventfd_write(event_fd_, 1);
  }
  void watch(int fd, Call function, void* data) override {
    watch_with(fd, &watched_.emplace_back(function, data));
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<EpollTimer>(heap_, function, data);
  }

 private:
  void watch_with(int fd, void* pointer) const {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = pointer}};
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  }

  static constexpr int kEvents = 128;

  int wait(std::array<epoll_event, kEvents>& events) {
    if (heap_.empty()) return ::epoll_wait(epoll_fd_, events.data(), kEvents, spins_ ? 0 : -1);
    const std::int64_t left = std::max<std::int64_t>(0, heap_.first().deadline_ns - now_ns());
    const timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    return ::epoll_pwait2(epoll_fd_, events.data(), kEvents, &timeout, nullptr);
  }

  void run() {
    std::array<epoll_event, kEvents> events{};
    while (running_) {
      const int count = wait(events);
      for (int i = 0; i < count; ++i) {
        if (const auto* watched = static_cast<std::pair<Call, void*>*>(events[i].data.ptr)) {
          watched->first(watched->second);
          continue;
        }
        eventfd_t value = 0;
        (void)::eventfd_read(event_fd_, &value);
        queue_.run();
      }
      if (heap_.empty()) continue;
      for (const std::int64_t now = now_ns(); !heap_.empty() && heap_.first().deadline_ns <= now;) {
        HeapTimer& timer = heap_.first();
        heap_.remove(timer);
        timer.function(timer.data);
      }
    }
  }

  const bool spins_;
  int epoll_fd_ = ::epoll_create1(0);
  int event_fd_ = ::eventfd(0, EFD_NONBLOCK);
  PostQueue queue_;
  std::deque<std::pair<Call, void*>> watched_;
  Heap heap_;
  bool running_ = true;
  StartedThread thread_;
};

}  // namespace

Contender epoll_contender() {
  return {.name = "epoll", .start = [] { return std::make_unique<EpollLoop>(false); }};
}

Contender spinning_epoll_contender() {
  return {.name = "spinning epoll", .start = [] { return std::make_unique<EpollLoop>(true); }};
}

}  // namespace qomio::bench
