// SPDX-License-Identifier: GPL-2.0-or-later
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

class AsioTimer final : public LoopTimer {
 public:
  AsioTimer(asio::io_context& loop, Call function, void* data)
      : timer_(loop), function_(function), data_(data) {}
  void arm(std::int64_t now_ns, std::int64_t delay_ns) override {
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(now_ns + delay_ns)));
    timer_.async_wait([function = function_, data = data_](const asio::error_code& error) {
      if (!error) function(data);
    });
  }
  void cancel() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
  Call function_;
  void* data_;
};

class AsioLoop final : public Loop {
 public:
  AsioLoop() {
    thread_.start([this] { loop_.run(); });
  }
  ~AsioLoop() override {
    asio::post(loop_, [this] { loop_.stop(); });
    thread_.join();
    for (Watched& watched : watched_) watched.descriptor.release();
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    asio::post(loop_, [function, data] { function(data); });
  }
  void watch(int fd, Call function, void* data) override {
    watched_.emplace_back(asio::posix::stream_descriptor(loop_, fd), function, data).wait();
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<AsioTimer>(loop_, function, data);
  }

 private:
  struct Watched {
    Watched(asio::posix::stream_descriptor fd, Call call, void* argument)
        : descriptor(std::move(fd)), function(call), data(argument) {}
    void wait() {
      descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
        if (error) return;
        function(data);
        wait();
      });
    }

    asio::posix::stream_descriptor descriptor;
    Call function;
    void* data;
  };

  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{loop_.get_executor()};
  std::deque<Watched> watched_;
  StartedThread thread_;
};

}  // namespace

Contender asio_contender() {
  return {.name = "Asio", .start = [] { return std::make_unique<AsioLoop>(); }};
}

}  // namespace qomio::bench
