// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/concurrency.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "qomio/iothread/internal/owned_list.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace internal {

std::coroutine_handle<> Child::promise_type::FinalAwaiter::await_suspend(
    std::coroutine_handle<promise_type> ended) const noexcept {
  return ended.promise().children->ended(ended.promise().index);
}

// Returns true if the parent has to wait.
bool Children::start(const CoroutineContext& parent) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  running_ = 1;  // this function
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (first_only_ && first_ != kNone) break;
    Child::promise_type& child = children_[i].frame_.promise();
    child.root = parent.root;
    child.scope = &scope_->state();
    child.home = &home_;
    child.children = this;
    child.index = i;
    ++running_;
    children_[i].frame_.resume();
    if (destroyed) return true;
  }
  destroyed_ = nullptr;
  return --running_ > 0;
}

std::coroutine_handle<> Children::ended(std::size_t index) {
  if (first_ == kNone) {
    first_ = index;
    if (first_only_) scope_->cancel();
  }
  return --running_ > 0 ? std::noop_coroutine() : parent_;
}

namespace {

// The place of a task in its group. Owned by the outermost coroutine of the task, which it outlives.
class GroupPlace final : public LoopWait {
 public:
  // at_home: starts in the loop of the group, which then destroys it if the loop ends.
  GroupPlace(std::shared_ptr<GroupState> state, bool at_home);
  ~GroupPlace() override;

  // What the group gives to the coroutine, and the coroutine itself.
  void enter(std::coroutine_handle<ScheduledTask::promise_type> frame);
  using LoopWait::run_in_next_iteration;

 private:
  friend class internal::GroupState;

  const std::shared_ptr<GroupState> state_;
  const bool at_home_;
  Cancellation scope_;  // of this task alone, so that waits in different loops do not share a mutex
  HomeLoop home_{.may_leave = true};
  GroupPlace* next_ = nullptr;
  GroupPlace** place_ = nullptr;  // the pointer to this place in the group's list; null: not in it
};

}  // namespace

// The shared part of a TaskGroup and its tasks.
class GroupState {
 public:
  explicit GroupState(Cancellation* parent) : scope(parent ? &parent->state() : nullptr) {}

  std::size_t running() const { return running_.load(std::memory_order_acquire); }

  void add(GroupPlace& place) {
    const std::lock_guard lock(mutex_);
    running_.fetch_add(1, std::memory_order_relaxed);
    if (!place.at_home_) return;
    place.next_ = std::exchange(first_, &place);
    if (place.next_) place.next_->place_ = &place.next_;
    place.place_ = &first_;
  }
  void remove(GroupPlace& place) {
    {
      const std::lock_guard lock(mutex_);
      take_out(place);
      if (running_.fetch_sub(1, std::memory_order_release) > 1) return;
    }
    co_wake(all_ended);
  }

  // For a loop that ends: destroys the tasks that have always been in it.
  void destroy_tasks_at_home() {
    while (GroupPlace* const place = take_one_at_home()) OwnedList::destroy(*place);
  }

  Cancellation scope;
  Wakeup all_ended;

 private:
  static void take_out(GroupPlace& place) {
    if (!place.place_) return;
    *place.place_ = place.next_;
    if (place.next_) place.next_->place_ = place.place_;
    place.place_ = nullptr;
  }
  GroupPlace* take_one_at_home() {
    const std::lock_guard lock(mutex_);
    GroupPlace* place = first_;
    while (place && place->home_.left) place = place->next_;
    if (place) take_out(*place);
    return place;
  }

  std::mutex mutex_;             // guards the list; held for a few instructions when a task starts and ends
  GroupPlace* first_ = nullptr;  // of the tasks that started in the group's loop
  std::atomic<std::size_t> running_ = 0;
};

GroupPlace::GroupPlace(std::shared_ptr<GroupState> state, bool at_home)
    : state_(std::move(state)), at_home_(at_home), scope_(state_->scope) {
  state_->add(*this);
}

GroupPlace::~GroupPlace() { state_->remove(*this); }

void GroupPlace::enter(std::coroutine_handle<ScheduledTask::promise_type> frame) {
  set_coroutine(frame);
  frame.promise().scope = &scope_.state();
  if (at_home_) frame.promise().home = &home_;
}

namespace {

// Passes a cancellation of join() on to the group.
class GroupCancel final : public CancellableWait {
 public:
  explicit GroupCancel(Cancellation& scope) : scope_(scope) {}
  void cancel() override { scope_.cancel(); }

 private:
  Cancellation& scope_;
};

// The task is destroyed before its place.
struct PlacedTask {
  std::unique_ptr<GroupPlace> place;
  Task<void> task;
};

ScheduledTask run_placed(PlacedTask placed) { co_await placed.task; }

}  // namespace

}  // namespace internal

TaskGroup::TaskGroup(Cancellation* parent)
    : loop_(AioContext::current()), state_(std::make_shared<internal::GroupState>(parent)) {
  invariant(loop_, "a TaskGroup is created in a thread that has no loop");
  loop_->free_at_end(*this);
}

TaskGroup::~TaskGroup() {
  if (running() == 0) return;
  invariant(loop_ended_ || loop_->is_closed(),
            "a TaskGroup is destroyed while its tasks run; co_await join() first");
  state_->destroy_tasks_at_home();
}

void TaskGroup::destroy() {
  loop_ended_ = true;
  state_->destroy_tasks_at_home();
}

void TaskGroup::start(Task<void> task) { start(*loop_, std::move(task)); }

void TaskGroup::start(AioContext& loop, Task<void> task) {
  invariant(!loop_ended_ && loop_->in_home_thread(),
            "TaskGroup::start() is called outside the loop of the group; call it there");
  invariant(static_cast<bool>(task), "a Task is started that has been started or moved from");
  const bool at_home = &loop == loop_;
  internal::PlacedTask placed{std::make_unique<internal::GroupPlace>(state_, at_home), std::move(task)};
  internal::GroupPlace& place = *placed.place;
  const auto frame = internal::run_placed(std::move(placed)).frame;
  place.enter(frame);
  if (!at_home) return loop.schedule_oneshot(internal::Resumption(frame, frame));
  place.run_in_next_iteration(loop);
}

void TaskGroup::cancel() { state_->scope.cancel(); }

Task<void> TaskGroup::join() {
  const std::shared_ptr<internal::GroupState> state = state_;
  internal::TaskPromise& self = co_await internal::this_promise();
  internal::GroupCancel cancel(state->scope);
  internal::CancelLink scope;
  // The wait itself is not cancelled: it ends when the tasks have.
  internal::CancelState* const outer = std::exchange(self.scope, nullptr);
  if (outer && !scope.link(*outer, cancel, *loop_)) state->scope.cancel();
  while (state->running() > 0) co_await woken(state->all_ended);
}

std::size_t TaskGroup::running() const { return state_->running(); }

Semaphore::~Semaphore() {
  while (first_) {
    invariant(first_->loop().is_closed(), "a Semaphore is destroyed while a coroutine waits for it");
    first_->withdraw();
  }
}

}  // namespace qomio
