// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/fd_handlers.h"

#include <algorithm>
#include <utility>

#include "qomio/iothread/poll_window.h"
#include "qomio/qapi/invariant.h"

namespace qomio::detail {

// One line of the cache holds what serving a ready descriptor takes, its read function included.
struct alignas(64) FdHandler {
  FdHandler(int number, FdHandlers calls)
      : fd(number), pollable(calls.poll && calls.poll_ready), functions(std::move(calls)) {}

  const int fd;
  short revents = 0;  // not 0: queued
  const bool pollable;
  bool polled = false;         // in polled_
  bool in_poll_ready = false;  // poll_ready is running, so a nested iteration leaves it alone
  bool poll_hit = false;       // queued because of a hit
  bool was_ready = false;      // in the wait that is reported next
  bool active = false;         // ready since the last drop_idle()
  bool removed = false;
  FdHandlers functions;
  HandlerWindow window;
  std::int64_t idle_since_ns = 0;
  const void* reader = nullptr;  // the owner of functions.read, if it was added by itself
  const void* writer = nullptr;  // that of functions.write
};

FdHandlerSet::FdHandlerSet(FdMonitor monitor, int notifier_fd)
    : monitor_(std::move(monitor)), notifier_fd_(notifier_fd) {
  monitor_.watch(notifier_fd, POLLIN);
  publish_counts();
}

FdHandlerSet::~FdHandlerSet() = default;

void FdHandlerSet::publish_counts() {
  size_.store(count_, std::memory_order_relaxed);
  polled_size_.store(joined_, std::memory_order_relaxed);
  kind_.store(monitor_.kind(), std::memory_order_relaxed);
}

void FdHandlerSet::set(int fd, FdHandlers functions) {
  if (!functions.poll || !functions.poll_ready) {
    functions.poll = nullptr;
    functions.poll_ready = nullptr;
  }
  if (!functions.read && !functions.write && !functions.poll) {
    remove(fd);
    monitor_.unwatch(fd);
    publish_counts();
    return;
  }
  invariant(fd >= 0, "what is watched is an open descriptor");
  const FdHandler* const old = find(fd);
  const bool stays_polled = old && old->polled && functions.poll;
  const HandlerWindow window = stays_polled ? old->window : HandlerWindow{};
  remove(fd);

  auto handler = std::make_unique<FdHandler>(fd, std::move(functions));
  handler->window = window;
  const FdHandlers& calls = handler->functions;
  // One that is only polled is still watched, since the loop has to sleep sometimes.
  const bool reads = calls.read || calls.poll;
  const auto events = static_cast<short>((reads ? POLLIN : 0) | (calls.write ? POLLOUT : 0));
  if (!handler->pollable) ++unpollable_;
  FdHandler& added = *handler;
  const auto index = static_cast<std::size_t>(fd);
  if (index >= handlers_.size()) handlers_.resize(index + 1);
  handlers_[index] = std::move(handler);
  ++count_;
  monitor_.watch(fd, events);
  if (stays_polled) join_polled(added);
  publish_counts();
}

bool FdHandlerSet::add_direction(int fd, FdDirection direction, std::function<void()> function,
                                 const void* owner) {
  const FdHandler* const old = find(fd);
  const void* reader = old ? old->reader : nullptr;
  const void* writer = old ? old->writer : nullptr;
  FdHandlers functions = old ? old->functions : FdHandlers{};
  const bool reads = direction == FdDirection::read;
  if (reads ? functions.read || functions.poll : static_cast<bool>(functions.write)) return false;
  (reads ? functions.read : functions.write) = std::move(function);
  (reads ? reader : writer) = owner;
  set(fd, std::move(functions));
  FdHandler& added = *find(fd);
  added.reader = reader;
  added.writer = writer;
  return true;
}

void FdHandlerSet::remove_direction(int fd, FdDirection direction, const void* owner) {
  const FdHandler* const old = find(fd);
  const bool reads = direction == FdDirection::read;
  if (!old || (reads ? old->reader : old->writer) != owner) return;
  const void* const other_owner = reads ? old->writer : old->reader;
  FdHandlers functions = old->functions;
  (reads ? functions.read : functions.write) = nullptr;
  set(fd, std::move(functions));
  FdHandler* const left = find(fd);
  if (left) (reads ? left->writer : left->reader) = other_owner;
}

FdHandler* FdHandlerSet::find(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return index < handlers_.size() ? handlers_[index].get() : nullptr;
}

void FdHandlerSet::remove(int fd) {
  if (!find(fd)) return;
  std::unique_ptr<FdHandler>& place = handlers_[static_cast<std::size_t>(fd)];
  FdHandler& handler = *place;
  if (!handler.pollable) --unpollable_;
  handler.removed = true;
  std::ranges::replace(queued_, &handler, nullptr);
  removed_.push_back(std::move(place));
  --count_;
  leave_polled(handler);
}

void FdHandlerSet::join_polled(FdHandler& handler) {
  handler.polled = true;
  handler.active = true;
  ++joined_;
  polled_.push_back(&handler);
  if (poll_mode_ && handler.functions.poll_begin) handler.functions.poll_begin();
}

void FdHandlerSet::leave_polled(FdHandler& handler) {
  if (!handler.polled) return;
  handler.polled = false;
  --joined_;
  std::ranges::replace(polled_, &handler, nullptr);
  if (poll_mode_ && handler.functions.poll_end) handler.functions.poll_end();
}

void FdHandlerSet::enqueue(FdHandler& handler, short revents, bool poll_hit) {
  handler.poll_hit |= poll_hit;
  handler.active = true;
  if (std::exchange(handler.revents, static_cast<short>(handler.revents | revents)) == 0)
    queued_.push_back(&handler);
}

bool FdHandlerSet::wait(std::int64_t timeout_ns) {
  std::vector<FdEvent> events = std::exchange(events_, {});
  monitor_.wait(timeout_ns, events);
  bool notified = std::exchange(stale_notification_, false);
  bool joined = false;
  bool unknown = false;
  for (const FdEvent& event : events) {
    if (event.fd == notifier_fd_) {
      notified = true;
      continue;
    }
    FdHandler* const found = find(event.fd);
    if (!found) {
      unknown = true;
      continue;
    }
    FdHandler& handler = *found;
    (handler.pollable ? handler.was_ready : any_other_ready_) |= timeout_ns != 0;
    enqueue(handler, event.revents, false);
    if (!handler.polled && handler.pollable) {
      join_polled(handler);
      joined = true;
    }
  }
  if (joined || monitor_.kind() != monitor_kind()) publish_counts();
  if (unknown) monitor_.forget_unknown();
  events.clear();
  events_ = std::move(events);
  return notified;
}

bool FdHandlerSet::poll_all() {
  bool hit = false;
  // By index: a callback may change the list.
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    FdHandler* const handler = polled_[i];
    if (!handler || handler->in_poll_ready || !handler->functions.poll()) continue;
    hit = true;
    if (!handler->removed) enqueue(*handler, POLLIN, true);
  }
  return hit;
}

bool FdHandlerSet::poll_once() {
  if (!poll_mode_) {
    poll_mode_ = true;
    for (std::size_t i = 0; i < polled_.size(); ++i) {
      if (polled_[i] && polled_[i]->functions.poll_begin) polled_[i]->functions.poll_begin();
    }
  }
  const bool hit = poll_all();
  return peek() || hit;
}

// What poll callbacks don't find.
bool FdHandlerSet::peek() {
  const bool completed = monitor_.has_completions();
  if (!completed && (joined_ == count_ || monitor_.nothing_new())) return false;
  stale_notification_ = wait(0);
  return completed || any_queued();
}

void FdHandlerSet::drop_idle(std::int64_t now_ns) {
  if (joined_ == 0 || now_ns < idle_check_ns_) return;
  idle_check_ns_ = now_ns + kIdleNs / 7;
  // By index: a callback may change the list.
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    FdHandler* const handler = polled_[i];
    if (!handler) continue;
    if (std::exchange(handler->active, false)) handler->idle_since_ns = now_ns;
    if (now_ns - handler->idle_since_ns < kIdleNs) continue;
    handler->window = {};
    leave_polled(*handler);
    // Something may have come before its producer knew.
    if (!handler->removed && handler->functions.poll()) enqueue(*handler, POLLIN, true);
  }
  publish_counts();
}

bool FdHandlerSet::end_poll_mode() {
  if (!poll_mode_) return false;
  poll_mode_ = false;
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    if (polled_[i] && polled_[i]->functions.poll_end) polled_[i]->functions.poll_end();
  }
  return poll_all();
}

std::uint64_t FdHandlerSet::dispatch_one(FdHandler& handler) {
  const short revents = std::exchange(handler.revents, 0);
  std::uint64_t calls = 0;
  // The functions outlive this call even if they are replaced by it: the old ones wait in removed_.
  const FdHandlers& functions = handler.functions;
  if (std::exchange(handler.poll_hit, false)) {
    const bool outer = std::exchange(handler.in_poll_ready, true);
    functions.poll_ready();
    handler.in_poll_ready = outer;
    ++calls;
    // The descriptor is level-triggered: what is left, or errors, will be reported again.
    return calls;
  }
  constexpr short kBoth = POLLERR | POLLHUP | POLLNVAL;
  if (revents & (POLLIN | kBoth)) {
    if (functions.read) {
      functions.read();
      ++calls;
    } else if (functions.poll_ready) {
      functions.poll_ready();
      ++calls;
    }
  }
  if ((revents & (POLLOUT | kBoth)) && functions.write && !handler.removed) {
    functions.write();
    ++calls;
  }
  return calls;
}

std::uint64_t FdHandlerSet::dispatch(RunningCallMark& mark) {
  std::uint64_t calls = 0;
  // Taken from the front, so that a nested call goes on where this one is, and leaves it nothing to do.
  for (std::size_t i = 0; i < queued_.size();) {
    FdHandler* const handler = std::exchange(queued_[i], nullptr);
    ++i;
    if (!handler) continue;
    mark.enter(RunningCall::Kind::descriptor, nullptr, handler->fd);
    calls += dispatch_one(*handler);
  }
  queued_.clear();
  return calls;
}

void FdHandlerSet::free_removed() {
  if (joined_ != polled_.size()) std::erase(polled_, nullptr);
  if (removed_.empty()) return;
  std::erase(queued_, nullptr);
  // What a handler owned may set or remove others when it goes.
  const std::vector<std::unique_ptr<FdHandler>> gone = std::exchange(removed_, {});
}

void FdHandlerSet::clear() {
  for (std::size_t fd = 0; fd < handlers_.size(); ++fd) {
    remove(static_cast<int>(fd));
  }
  free_removed();
}

void FdHandlerSet::report(PollController& controller, std::int64_t delay_ns) {
  for (FdHandler* const handler : polled_) {
    if (!handler) continue;
    if (std::exchange(handler->was_ready, false)) {
      controller.ready(handler->window, delay_ns);
    } else {
      controller.not_ready(handler->window, delay_ns);
    }
  }
  if (joined_ == count_) common_window_ = {};
  if (std::exchange(any_other_ready_, false)) {
    controller.ready(common_window_, delay_ns);
  } else {
    controller.not_ready(common_window_, delay_ns);
  }
}

void FdHandlerSet::reset_windows() {
  for (const auto& handler : handlers_) {
    if (handler) handler->window = {};
  }
  common_window_ = {};
}

}  // namespace qomio::detail
