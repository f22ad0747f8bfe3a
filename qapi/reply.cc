// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/reply.h"

#include <new>
#include <utility>

#include "qomio/qapi/internal/json/clear.h"

namespace qomio {
namespace {

Error given_up() {
  try {
    return Error("the command ended without an answer");
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory();
  }
}

}  // namespace

Reply::State::~State() {
  if (!deliver) return;
  try {
    deliver(std::unexpected(given_up()));
  } catch (const std::bad_alloc&) {
    return;  // who waits has no memory to hear it
  }
}

void Reply::State::send(Result<Json> answer) {
  Deliver taken;
  std::function<void()> unused;  // what it holds goes outside of the lock
  {
    const std::lock_guard lock(mutex);
    taken = std::exchange(deliver, nullptr);
    unused = std::exchange(hook, nullptr);
  }
  const JsonClearer clearer(answer);  // also of one that nobody waits for
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
