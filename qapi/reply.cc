// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/reply.h"

#include <utility>

namespace qomio {

Reply::State::~State() {
  if (deliver) deliver(error("the command was given up"));
}

void Reply::State::send(Result<Json> answer) {
  Deliver taken;
  std::function<void()> unused;  // what it holds goes outside of the lock
  {
    const std::lock_guard lock(mutex);
    taken = std::exchange(deliver, nullptr);
    unused = std::exchange(hook, nullptr);
  }
  if (taken) taken(std::move(answer));
}

bool Reply::is_wanted() const {
  const std::lock_guard lock(state_->mutex);
  return state_->deliver != nullptr;
}

void Reply::on_cancel(std::function<void()> hook) const {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->cancelled) {
      if (state_->deliver) std::swap(state_->hook, hook);
      return;
    }
  }
  hook();
}

void Reply::State::cancel() {
  Deliver unwanted;
  std::function<void()> taken;
  {
    const std::lock_guard lock(mutex);
    unwanted = std::exchange(deliver, nullptr);
    if (!unwanted) return;
    cancelled = true;
    taken = std::exchange(hook, nullptr);
  }
  if (taken) taken();
}

std::function<void()> Reply::canceller() const {
  return [weak = std::weak_ptr(state_)] {
    if (const auto state = weak.lock()) state->cancel();
  };
}

}  // namespace qomio
