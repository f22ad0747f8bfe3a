// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/command.h"

#include <mutex>
#include <new>
#include <utility>

#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/json.h"

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

struct Reply::State {
  explicit State(Deliver d) : deliver(std::move(d)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();
  void send(Result<Json> answer);
  void cancel();

  std::mutex mutex;  // guards the members below
  Deliver deliver;   // empty once answered or cancelled
  bool cancelled = false;
  std::function<void()> hook;
};

Reply::State::~State() {
  if (!deliver) return;
  try {
    deliver(std::unexpected(given_up()));
  } catch (const std::bad_alloc&) {
    return;  // no memory to deliver the error
  }
}

void Reply::State::send(Result<Json> answer) {
  Deliver taken;
  std::function<void()> unused;  // destroyed after the lock is released
  {
    const std::lock_guard lock(mutex);
    taken = std::exchange(deliver, nullptr);
    unused = std::exchange(hook, nullptr);
  }
  const JsonClearer clearer(answer);  // also if the answer is dropped
  if (taken) taken(std::move(answer));
}

Reply::Reply(Deliver deliver) : state_(std::make_shared<State>(std::move(deliver))) {}

void Reply::send(Result<Json> answer) const { state_->send(std::move(answer)); }

void Reply::send(Error error) const { state_->send(std::unexpected(std::move(error))); }

void Reply::send_written(const std::function<Result<void>(Visitor& result)>& write) const {
  OutputVisitor visitor;
  if (auto r = write(visitor); !r) return send(std::move(r.error()));
  send(visitor.take());
}

void Reply::cancel() const { state_->cancel(); }

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

Result<void> internal::read_no_arguments(Visitor& arguments) {
  if (auto r = arguments.start_struct({}); !r) return r;
  return arguments.end_struct();
}

void internal::write_no_result(Visitor& result) {
  (void)result.start_struct({});  // output visitors do not fail
  (void)result.end_struct();
}

}  // namespace qomio
