// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <ctime>
#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

struct Bound {
  Call function;
  void* data;
};

class SdTimer final : public LoopTimer {
 public:
  SdTimer(sd_event* loop, Call function, void* data) : bound_{function, data} {
    ::sd_event_add_time(
        loop, &source_, CLOCK_MONOTONIC, 0, 1,
        [](sd_event_source*, std::uint64_t, void* bound) {
          static_cast<Bound*>(bound)->function(static_cast<Bound*>(bound)->data);
          return 0;
        },
        &bound_);
    ::sd_event_source_set_enabled(source_, SD_EVENT_OFF);
  }
  ~SdTimer() override { ::sd_event_source_disable_unref(source_); }
  void arm(std::int64_t now_ns, std::int64_t delay_ns) override {
    ::sd_event_source_set_time(source_, static_cast<std::uint64_t>((now_ns + delay_ns) / 1000));
    ::sd_event_source_set_enabled(source_, SD_EVENT_ONESHOT);
  }
  void cancel() override { ::sd_event_source_set_enabled(source_, SD_EVENT_OFF); }

 private:
  Bound bound_;
  sd_event_source* source_ = nullptr;
};

class SdLoop final : public Loop {
 public:
  SdLoop() {
    thread_.start([this] {
      // An sd_event belongs to the thread that creates it.
      sd_event* loop = nullptr;
      ::sd_event_new(&loop);
      ::sd_event_add_io(
          loop, nullptr, event_fd_, EPOLLIN,
          [](sd_event_source*, int fd, std::uint32_t, void* data) {
            eventfd_t value = 0;
            (void)::eventfd_read(fd, &value);
            static_cast<SdLoop*>(data)->queue_.run();
            return 0;
          },
          this);
      loop_ = loop;
      ::sd_event_loop(loop);
      for (sd_event_source* const source : sources_) ::sd_event_source_disable_unref(source);
      ::sd_event_unref(loop);
    });
  }
  ~SdLoop() override {
    post([](void* data) { ::sd_event_exit(static_cast<SdLoop*>(data)->loop_, 0); }, this);
    thread_.join();
    ::close(event_fd_);
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    if (queue_.push(function, data)) (void)::eventfd_write(event_fd_, 1);
  }
  void watch(int fd, Call function, void* data) override {
    sd_event_source* source = nullptr;
    ::sd_event_add_io(
        loop_, &source, fd, EPOLLIN,
        [](sd_event_source*, int, std::uint32_t, void* bound) {
          static_cast<Bound*>(bound)->function(static_cast<Bound*>(bound)->data);
          return 0;
        },
        &watched_.emplace_back(function, data));
    sources_.push_back(source);
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<SdTimer>(loop_, function, data);
  }

 private:
  int event_fd_ = ::eventfd(0, EFD_NONBLOCK);
  sd_event* loop_ = nullptr;  // owned by the thread
  PostQueue queue_;
  std::vector<sd_event_source*> sources_;
  std::deque<Bound> watched_;
  StartedThread thread_;
};

}  // namespace

Contender sd_event_contender() {
  return {.name = "sd-event", .start = [] { return std::make_unique<SdLoop>(); }};
}

}  // namespace qomio::bench
