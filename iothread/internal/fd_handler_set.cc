// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/fd_handler_set.h"

#include <glib.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "qomio/qapi/internal/invariant.h"

namespace qomio::internal {

// One cache line holds everything needed to serve a ready descriptor, including its read function.
struct alignas(64) FdHandler {
  FdHandler(int number, FdHandlers calls) : fd(number), functions(std::move(calls)) {}

  bool reads() const { return functions.read && !read_removed && !read_paused; }
  bool writes() const { return functions.write && !write_removed && !write_paused; }
  // A handler that is only polled is still watched, since the loop must sleep sometimes.
  short interest() const {
    return static_cast<short>((reads() || functions.poll ? POLLIN : 0) | (writes() ? POLLOUT : 0));
  }
  // Calls a busy-polling callback; dispatch() calls all other functions.
  template <class Function>
  auto call(const Function& function) const {
    try {
      return function();
    } catch (...) {
      exception_left("poll callback of fd " + std::to_string(fd));
    }
  }
  // poll_begin and poll_end are called in pairs, whatever changes in between.
  void begin_poll_mode() {
    if (!std::exchange(in_poll_mode, true) && functions.poll_begin) call(functions.poll_begin);
  }
  void end_poll_mode() {
    if (std::exchange(in_poll_mode, false) && functions.poll_end) call(functions.poll_end);
  }

  const int fd;
  short revents = 0;  // not 0: queued
  bool pollable = false;
  bool polled = false;         // in polled_
  bool in_poll_mode = false;   // between poll_begin and poll_end
  bool in_poll_ready = false;  // poll_ready is running, so a nested iteration leaves it alone
  bool poll_hit = false;       // queued because of a hit
  bool was_ready = false;      // in the wait that is reported next
  bool active = false;         // ready since the last drop_idle()
  bool removed = false;
  bool read_removed = false;   // functions.read may be running, and is freed by free_removed();
  bool write_removed = false;  // likewise
  bool read_paused = false;    // see pause_direction()
  bool write_paused = false;
  FdHandlers functions;
  HandlerWindow window;
  std::int64_t idle_since_ns = 0;
  const void* reader = nullptr;  // the owner of functions.read, if add_direction() added it
  const void* writer = nullptr;  // likewise for functions.write
  FdHandler* next_unused = nullptr;
  bool unused = false;  // in the list unused_
};

void FdHandlerDeleter::operator()(FdHandler* handler) const { delete handler; }

FdHandlerSet::FdHandlerSet(FdMonitor monitor, int notifier_fd)
    : monitor_(std::move(monitor)), notifier_fd_(notifier_fd) {
  monitor_.watch(notifier_fd, POLLIN);
  make_room(notifier_fd);
  publish_counts();
}

FdHandlerSet::~FdHandlerSet() { clear(); }

void FdHandlerSet::publish_counts() {
  size_.store(count_, std::memory_order_relaxed);
  polled_size_.store(joined_, std::memory_order_relaxed);
  kind_.store(monitor_.kind(), std::memory_order_relaxed);
}

// Makes room for one more handler, which is for fd.
void FdHandlerSet::make_room(int fd) {
  const auto reserve = [](auto& vector, std::size_t size) {
    if (size > vector.capacity()) vector.reserve(std::max(size, 2 * vector.capacity()));
  };
  monitor_.make_room(fd);
  const auto index = static_cast<std::size_t>(fd);
  if (index >= handlers_.size()) handlers_.resize(index + 1);
  reserve(polled_, count_ + 1);
  reserve(queued_, count_ + 1);
  // The notifier, and the descriptor of the ring for files, are watched without a handler.
  reserve(events_, count_ + 3);
}

bool FdHandlerSet::try_make_room(int fd) {
  try {
    make_room(fd);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void FdHandlerSet::forget_postponed(int fd) {
  FdHandler** place = &postponed_;
  while (*place && (*place)->fd != fd) place = &(*place)->next_unused;
  if (!*place) return;
  FdHandler& handler = **place;
  *place = handler.next_unused;
  handler.removed = true;
  keep_until_free(handler);
}

void FdHandlerSet::place_postponed() {
  while (postponed_ && try_make_room(postponed_->fd)) {
    replace(NewFdHandler(std::exchange(postponed_, postponed_->next_unused)));
  }
}

NewFdHandler FdHandlerSet::prepare(int fd, FdHandlers functions) {
  if (!functions.poll || !functions.poll_ready) {
    functions.poll = nullptr;
    functions.poll_ready = nullptr;
  }
  if (!functions.read && !functions.write && !functions.poll) return nullptr;
  invariant(fd >= 0, "AioContext::set_fd_handler() is called with a negative descriptor");
  return NewFdHandler(new FdHandler(fd, std::move(functions)));
}

void FdHandlerSet::set(int fd, FdHandlers functions) {
  NewFdHandler handler = prepare(fd, std::move(functions));
  if (handler && !find(fd)) make_room(fd);
  set_prepared(fd, std::move(handler));
}

void FdHandlerSet::set_prepared(int fd, NewFdHandler handler) {
  if (postponed_) [[unlikely]]
    forget_postponed(fd);
  if (!handler) {
    remove(fd);
    monitor_.unwatch(fd);
    publish_counts();
  } else if (find(fd) || try_make_room(fd)) {
    replace(std::move(handler));
  } else {
    handler->next_unused = postponed_;
    postponed_ = handler.release();
  }
}

// There must be room for the handler.
void FdHandlerSet::replace(NewFdHandler handler) {
  FdHandler& added = *handler;
  added.pollable = static_cast<bool>(added.functions.poll);
  FdHandler* const old = find(added.fd);
  const bool stays_polled = old && old->polled && added.pollable;
  if (stays_polled) added.window = old->window;
  detach(added.fd);
  if (!added.pollable) ++unpollable_;
  handlers_[static_cast<std::size_t>(added.fd)] = std::move(handler);
  ++count_;
  monitor_.watch(added.fd, added.interest());
  if (old) old->end_poll_mode();
  if (stays_polled && !added.removed) join_polled(added);
  publish_counts();
}

bool FdHandlerSet::add_direction(int fd, FdDirection direction, std::function<void()> function,
                                 const void* owner) {
  FdHandler* const old = find(fd);
  const bool reads = direction == FdDirection::read;
  if (old && (reads ? old->reads() || old->functions.poll : old->writes())) return false;

  FdHandler* handler = old;
  if (!old || (reads ? old->read_removed || old->read_paused : old->write_removed || old->write_paused)) {
    invariant(fd >= 0, "AioContext::set_fd_handler() is called with a negative descriptor");
    if (!old) make_room(fd);
    NewFdHandler added(new FdHandler(fd, FdHandlers{}));
    handler = added.get();
    (reads ? handler->functions.read : handler->functions.write) = std::move(function);
    if (old) {
      // The function of this direction may be running, so it stays where it is. The others are moved.
      FdHandlers& moved = handler->functions;
      if (!reads && old->reads()) moved.read = std::move(old->functions.read);
      if (reads && old->writes()) moved.write = std::move(old->functions.write);
      moved.poll = std::move(old->functions.poll);
      moved.poll_ready = std::move(old->functions.poll_ready);
      moved.poll_begin = std::move(old->functions.poll_begin);
      moved.poll_end = std::move(old->functions.poll_end);
      handler->in_poll_mode = std::exchange(old->in_poll_mode, false);
      handler->reader = old->reader;
      handler->writer = old->writer;
    }
    replace(std::move(added));
  } else {
    (reads ? handler->functions.read : handler->functions.write) = std::move(function);
    unqueue(*handler);  // an event seen before was for the old function
    monitor_.watch(fd, handler->interest());
  }
  (reads ? handler->reader : handler->writer) = owner;
  return true;
}

void FdHandlerSet::remove_direction(int fd, FdDirection direction, const void* owner) {
  FdHandler* const handler = find(fd);
  const bool reads = direction == FdDirection::read;
  if (!handler || (reads ? handler->reader : handler->writer) != owner) return;
  if (reads ? !handler->writes() && !handler->functions.poll
            : !handler->reads() && !handler->functions.poll) {
    return set_prepared(fd, nullptr);
  }
  (reads ? handler->reader : handler->writer) = nullptr;
  (reads ? handler->read_removed : handler->write_removed) = true;
  (reads ? handler->read_paused : handler->write_paused) = false;
  // Otherwise end_pause() could remove the handler of a later owner at the same address.
  if (paused_.fd == fd && paused_.direction == direction) paused_ = {};
  keep_until_free(*handler);
  monitor_.watch(fd, handler->interest());
}

void FdHandlerSet::pause_direction(int fd, FdDirection direction, const void* owner) {
  end_pause();
  FdHandler* const handler = find(fd);
  const bool reads = direction == FdDirection::read;
  if (!handler || (reads ? handler->reader : handler->writer) != owner) return;
  (reads ? handler->read_paused : handler->write_paused) = true;
  paused_ = {.fd = fd, .direction = direction, .owner = owner};
}

bool FdHandlerSet::resume_direction(int fd, FdDirection direction, const void* owner) {
  if (paused_.owner != owner || paused_.fd != fd || paused_.direction != direction) return false;
  paused_ = {};
  FdHandler* const handler = find(fd);
  const bool reads = direction == FdDirection::read;
  // Setting the other direction may have replaced the handler object.
  if (!handler || !(reads ? handler->read_paused : handler->write_paused)) return false;
  (reads ? handler->read_paused : handler->write_paused) = false;
  monitor_.watch(fd, handler->interest());
  return true;
}

void FdHandlerSet::end_pause() {
  if (!paused_.owner) return;
  const auto [fd, direction, owner] = std::exchange(paused_, {});
  remove_direction(fd, direction, owner);
}

FdHandler* FdHandlerSet::find(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return index < handlers_.size() ? handlers_[index].get() : nullptr;
}

void FdHandlerSet::remove(int fd) {
  FdHandler* const handler = find(fd);
  detach(fd);
  if (handler) handler->end_poll_mode();
}

// Calls no callback.
void FdHandlerSet::detach(int fd) {
  if (!find(fd)) return;
  if (paused_.fd == fd) paused_ = {};
  FdHandler& handler = *handlers_[static_cast<std::size_t>(fd)].release();  // free_removed() frees it
  if (!handler.pollable) --unpollable_;
  handler.removed = true;
  unqueue(handler);
  keep_until_free(handler);
  --count_;
  leave_polled(handler);
}

void FdHandlerSet::keep_until_free(FdHandler& handler) {
  if (std::exchange(handler.unused, true)) return;
  handler.next_unused = std::exchange(unused_, &handler);
}

void FdHandlerSet::join_polled(FdHandler& handler) {
  handler.polled = true;
  handler.active = true;
  ++joined_;
  if (polled_.size() < polled_.capacity()) {
    polled_.push_back(&handler);
  } else {
    // polled_ has room for all handlers, so there is a gap.
    *std::ranges::find(polled_, nullptr) = &handler;
  }
  if (poll_mode_) handler.begin_poll_mode();
}

void FdHandlerSet::leave_polled(FdHandler& handler) {
  if (!handler.polled) return;
  handler.polled = false;
  --joined_;
  std::ranges::replace(polled_, &handler, nullptr);
}

void FdHandlerSet::enqueue(FdHandler& handler, short revents, bool poll_hit) {
  handler.poll_hit |= poll_hit;
  handler.active = true;
  if (std::exchange(handler.revents, static_cast<short>(handler.revents | revents)) != 0) return;
  if (queued_.size() == queued_.capacity()) {
    // queued_ has room for all handlers, so some entries have been taken out.
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(next_queued_));
    next_queued_ = 0;
  }
  queued_.push_back(&handler);
}

void FdHandlerSet::unqueue(FdHandler& handler) {
  if (std::exchange(handler.revents, 0) == 0) return;
  handler.poll_hit = false;
  const auto left = queued_.begin() + static_cast<std::ptrdiff_t>(next_queued_);
  queued_.erase(std::find(left, queued_.end(), &handler));
}

bool FdHandlerSet::wait(std::int64_t timeout_ns) {
  end_pause();
  if (postponed_) [[unlikely]]
    place_postponed();
  const bool slept = timeout_ns != 0;
  bool notified = std::exchange(stale_notification_, false);
  // A busy-polling callback may iterate the loop: events that the outer wait has found come first.
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
    monitor_.wait(timeout_ns, events_);
  }
  const std::size_t joined = joined_;
  bool unknown = false;
  while (next_event_ < events_.size()) {
    const FdEvent event = events_[next_event_++];
    if (event.fd == notifier_fd_) {
      notified = true;
    } else if (!take_event(event, slept)) {
      unknown = true;
    }
  }
  events_.clear();
  next_event_ = 0;
  if (joined != joined_ || monitor_.kind() != monitor_kind()) publish_counts();
  if (unknown) {
    g_warning(
        "A descriptor was closed while a loop watched it; the loop no longer watches it, although a "
        "duplicate of it is open");
    monitor_.forget_unknown();
  }
  return notified;
}

// Returns false if the descriptor has no handler.
bool FdHandlerSet::take_event(const FdEvent& event, bool slept) {
  FdHandler* const handler = event.fd == FdMonitor::kUnknown ? nullptr : find(event.fd);
  if (!handler) return false;
  if (event.revents & POLLNVAL) [[unlikely]] {
    // Its handlers are called once, so that they notice the error.
    g_warning("Descriptor %d was closed while a loop watched it; the loop no longer watches it", event.fd);
    monitor_.unwatch(event.fd);
  }
  (handler->pollable ? handler->was_ready : any_other_ready_) |= slept;
  enqueue(*handler, event.revents, false);
  if (!handler->polled && handler->pollable) join_polled(*handler);
  return true;
}

bool FdHandlerSet::poll_all() {
  bool hit = false;
  // By index: a callback may change the list.
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    FdHandler* const handler = polled_[i];
    if (!handler || handler->in_poll_ready || !handler->call(handler->functions.poll)) continue;
    hit = true;
    if (!handler->removed) enqueue(*handler, POLLIN, true);
  }
  return hit;
}

bool FdHandlerSet::poll_once() {
  if (!poll_mode_) {
    poll_mode_ = true;
    for (std::size_t i = 0; i < polled_.size(); ++i) {
      if (polled_[i]) polled_[i]->begin_poll_mode();
    }
  }
  const bool hit = poll_all();
  return peek() || hit;
}

// Finds events that no poll callback finds.
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
    handler->end_poll_mode();
    // An event may have come before its producer knew that it must signal again.
    if (!handler->removed && handler->call(handler->functions.poll)) enqueue(*handler, POLLIN, true);
  }
  publish_counts();
}

bool FdHandlerSet::end_poll_mode() {
  if (!poll_mode_) return false;
  poll_mode_ = false;
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    if (polled_[i]) polled_[i]->end_poll_mode();
  }
  return poll_all();
}

std::uint64_t FdHandlerSet::dispatch_one(FdHandler& handler) {
  const short revents = std::exchange(handler.revents, 0);
  std::uint64_t calls = 0;
  // The functions outlive this call even if it replaces them: the old handler stays in unused_.
  const FdHandlers& functions = handler.functions;
  if (std::exchange(handler.poll_hit, false)) {
    const bool outer = std::exchange(handler.in_poll_ready, true);
    functions.poll_ready();
    handler.in_poll_ready = outer;
    ++calls;
    // Descriptors are level-triggered: remaining data and errors will be reported again.
    return calls;
  }
  constexpr short kBoth = POLLERR | POLLHUP | POLLNVAL;
  if (revents & (POLLIN | kBoth)) {
    if (handler.reads()) {
      functions.read();
      ++calls;
    } else if (functions.poll_ready) {
      functions.poll_ready();
      ++calls;
    }
  }
  if ((revents & (POLLOUT | kBoth)) && handler.writes() && !handler.removed) {
    functions.write();
    ++calls;
  }
  return calls;
}

std::uint64_t FdHandlerSet::dispatch(RunningCallMark& mark) {
  std::uint64_t calls = 0;
  // Taken from the front, so that a nested call continues where this one is and leaves it nothing to do.
  while (any_queued()) {
    FdHandler& handler = *queued_[next_queued_++];
    mark.enter(RunningCall::Kind::descriptor, nullptr, handler.fd);
    calls += dispatch_one(handler);
  }
  queued_.clear();
  next_queued_ = 0;
  return calls;
}

void FdHandlerSet::free_removed() {
  if (joined_ != polled_.size()) std::erase(polled_, nullptr);
  while (unused_) {
    FdHandler& handler = *std::exchange(unused_, unused_->next_unused);
    handler.unused = false;
    // Destroying its functions may set or remove other handlers.
    if (handler.removed) {
      delete &handler;
      continue;
    }
    std::function<void()> read, write;
    if (std::exchange(handler.read_removed, false)) read = std::move(handler.functions.read);
    if (std::exchange(handler.write_removed, false)) write = std::move(handler.functions.write);
  }
}

void FdHandlerSet::clear() {
  for (std::size_t fd = 0; fd < handlers_.size(); ++fd) {
    remove(static_cast<int>(fd));
  }
  while (postponed_) forget_postponed(postponed_->fd);
  free_removed();
}

bool FdHandlerSet::report(PollController& controller, std::int64_t delay_ns) {
  bool any_ready = false;
  const auto tell = [&](HandlerWindow& window, bool was_ready) {
    any_ready |= was_ready;
    was_ready ? controller.ready(window, delay_ns) : controller.not_ready(window, delay_ns);
  };
  for (FdHandler* const handler : polled_) {
    if (handler) tell(handler->window, std::exchange(handler->was_ready, false));
  }
  if (joined_ == count_) common_window_ = {};
  tell(common_window_, std::exchange(any_other_ready_, false));
  return any_ready;
}

void FdHandlerSet::reset_windows() {
  for (const auto& handler : handlers_) {
    if (handler) handler->window = {};
  }
  common_window_ = {};
}

}  // namespace qomio::internal
