// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "qomio/iothread/timer.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace timer_property_test {

// The expected order: armed timers fire by deadline, equal ones in the order in which they were armed.
class Model {
 public:
  void arm(std::size_t timer, std::int64_t deadline_ns) {
    cancel(timer);
    set_[{deadline_ns, next_order_++}] = timer;
  }
  void arm_no_later(std::size_t timer, std::int64_t deadline_ns) {
    const auto found = std::ranges::find(set_, timer, &Set::value_type::second);
    if (found == set_.end() || deadline_ns < found->first.first) arm(timer, deadline_ns);
  }
  void cancel(std::size_t timer) {
    std::erase_if(set_, [&](const auto& entry) { return entry.second == timer; });
  }
  bool armed(std::size_t timer) const {
    return std::ranges::find(set_, timer, &Set::value_type::second) != set_.end();
  }
  std::vector<std::size_t> run(std::int64_t now_ns) {
    std::vector<std::size_t> ran;
    while (!set_.empty() && set_.begin()->first.first <= now_ns) {
      ran.push_back(set_.begin()->second);
      set_.erase(set_.begin());
    }
    return ran;
  }

 private:
  using Set = std::map<std::pair<std::int64_t, std::uint64_t>, std::size_t>;
  Set set_;
  std::uint64_t next_order_ = 0;
};

enum class Step { arm, arm_many, arm_no_later, cancel, turn };

RC_GTEST_PROP(TimersProperty, fire_in_the_order_of_their_times_whatever_is_done_to_them, ()) {
  constexpr std::size_t kTimers = 100;
  const Ref<AioContext> loop = make_loop();
  const CurrentAioContext current(*loop);
  Model model;
  std::vector<std::size_t> ran;
  std::vector<Timer> timers;
  for (std::size_t i = 0; i < kTimers; ++i) timers.push_back(loop->timer([&, i] { ran.push_back(i); }));

  const std::int64_t start = clock_now_ns();
  constexpr std::int64_t kHour = 3'600'000'000'000;
  // Some deadlines have passed, some are hours away, and many are equal.
  const auto at = [&](std::int64_t place) { return start + (place < 0 ? place : place * kHour); };
  const auto any_timer = [&] { return *rc::gen::inRange<std::size_t>(0, kTimers); };

  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::element(Step::arm, Step::arm_many, Step::arm_no_later, Step::cancel, Step::turn));
  for (const Step step : steps) {
    const std::size_t timer = any_timer();
    const int place = *rc::gen::inRange(-8, 8);
    const std::int64_t time = at(place);
    switch (step) {
      case Step::arm:
        timers[timer].arm_at(time);
        model.arm(timer, time);
        break;
      case Step::arm_many:
        for (std::size_t i = 0; i < timer; ++i) {
          const std::int64_t each = at(place + static_cast<std::int64_t>(i * 7 % 5));
          timers[i].arm_at(each);
          model.arm(i, each);
        }
        break;
      case Step::arm_no_later:
        timers[timer].arm_no_later_than(time);
        model.arm_no_later(timer, time);
        break;
      case Step::cancel:
        timers[timer].cancel();
        model.cancel(timer);
        break;
      case Step::turn:
        loop->poll(false);
        RC_ASSERT(ran == model.run(start));
        ran.clear();
        break;
    }
    RC_ASSERT(timers[timer].armed() == model.armed(timer));
  }
}

}  // namespace timer_property_test
}  // namespace qomio
