// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <glib.h>

#include <cstdint>
#include <functional>

namespace qomio {

// Something that a GMainContext waits for: descriptors, a moment, or both. Owns its GSource.
//
// Thread: the one that runs the context; any may make it. The source may be destroyed by the function that it
// calls.
class FdSource {
 public:
  FdSource(GMainContext* context, std::function<void()> on_ready);
  ~FdSource();
  FdSource(const FdSource&) = delete;
  FdSource& operator=(const FdSource&) = delete;

  // Waits for the conditions, and for hang-ups and errors always. What is watched may be changed, and taken
  // away before the descriptor is closed.
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
  // What made on_ready be called: a set of GIOCondition.
  int ready(const Watch& watch) const;

  // Calls on_ready again and again from that moment on; 0: at once, -1: never.
  void set_ready_time(std::int64_t monotonic_us);

 private:
  GSource* source_;
};

}  // namespace qomio
