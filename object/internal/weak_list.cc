// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/weak_list.h"

#include <string_view>

#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio::internal {
namespace {

void check_thread() {
  debug_invariant([] { return in_main_thread(); },
                  "a link is set or cleared in another thread than the main one; call "
                  "AioContext::schedule_oneshot() of the main loop instead");
}

}  // namespace

void WeakList::clear() {
  while (first_) first_->clear();
}

void WeakNode::clear() {
  if (!target_) return;
  check_thread();
  *previous_ = next_;
  if (next_) next_->previous_ = previous_;
  target_ = nullptr;
}

void WeakNode::join(WeakList& list, Object& owner) {
  check_thread();
  clear();
  target_ = &owner;
  next_ = list.first_;
  previous_ = &list.first_;
  if (next_) next_->previous_ = &next_;
  list.first_ = this;
}

}  // namespace qomio::internal
