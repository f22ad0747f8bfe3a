// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/bottom_half.h"

#include "qomio/iothread/internal/post_queue.h"

namespace qomio {

BottomHalf::~BottomHalf() {
  if (node_) node_->queue().release(*node_);
}

void BottomHalf::schedule() { node_->queue().schedule(*node_, false); }

void BottomHalf::schedule_idle() { node_->queue().schedule(*node_, true); }

void BottomHalf::cancel() { internal::PostQueue::cancel(*node_); }

}  // namespace qomio
