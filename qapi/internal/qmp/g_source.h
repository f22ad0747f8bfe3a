// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <glib.h>

#include <cstdint>
#include <functional>

namespace qomio {

// A source that waits for descriptors, a time, or both in a GMainContext. Owns its GSource.
//
// Thread: the one that runs the context; any thread may create the source. The function that the source calls
// may destroy it.
class FdSource {
 public:
  FdSource(GMainContext* context, std::function<void()> on_ready);
  ~FdSource();
  FdSource(const FdSource&) = delete;
  FdSource& operator=(const FdSource&) = delete;

  // A watched descriptor. Waits for the given conditions, which may be changed, and always for hang-ups and
  // errors. Remove it before closing the descriptor.
  class Watch {
   public:
    explicit operator bool() const { return tag_ != nullptr; }

   private:
    friend class FdSource;
    gpointer tag_ = nullptr;
    int condition_ = 0;
  };
  Watch watch(int fd, int condition);
  void change(Watch& watch, int condition);
  void remove(Watch& watch);
  // The conditions that caused the call of on_ready: a set of GIOCondition.
  int ready(const Watch& watch) const;

  // Calls on_ready repeatedly from this time on; 0: at once, -1: never.
  void set_ready_time(std::int64_t monotonic_us);

 private:
  GSource* source_;
};

}  // namespace qomio
