// SPDX-License-Identifier: GPL-2.0-or-later
// The physical limit: a thread that does nothing but read one word of memory.
#include <atomic>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

class SpinLoop final : public Loop {
 public:
  SpinLoop() {
    thread_.start([this] {
      while (running_) {
        const Call function = function_.load(std::memory_order_acquire);
        if (!function) continue;
        void* const data = data_;
        function_.store(nullptr, std::memory_order_release);
        function(data);
      }
    });
  }
  ~SpinLoop() override {
    post([](void* data) { static_cast<SpinLoop*>(data)->running_ = false; }, this);
    thread_.join();
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    while (function_.load(std::memory_order_acquire)) {
    }
    data_ = data;
    function_.store(function, std::memory_order_release);
  }
  void watch(int, Call, void*) override {}
  std::unique_ptr<LoopTimer> timer(Call, void*) override { return nullptr; }

 private:
  alignas(64) std::atomic<Call> function_ = nullptr;
  void* data_ = nullptr;
  alignas(64) bool running_ = true;
  StartedThread thread_;
};

}  // namespace

Contender spin_contender() {
  return {.name = "mailbox",
          .start = [] { return std::make_unique<SpinLoop>(); },
          .has_descriptors = false,
          .has_timers = false,
          .many_producers = false,
          .burns_while_idle = true};
}

}  // namespace qomio::bench
