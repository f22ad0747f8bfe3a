// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <glib.h>

#include <cstddef>
#include <string>
#include <vector>

#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/json.h"

namespace qomio {

// Frees large JSON values a piece at a time, in turns of the loop, so that nobody waits while a million of
// elements is freed; in the end the memory goes back to the system. Small values are freed by their owners.
//
// Thread: the one that runs the context. What is left at the end, or cannot be kept for later since memory is
// short, is freed at once.
class JsonDisposal {
 public:
  static constexpr std::size_t kElementsInATurn = 4096;

  explicit JsonDisposal(GMainContext* context);
  ~JsonDisposal();
  JsonDisposal(const JsonDisposal&) = delete;
  JsonDisposal& operator=(const JsonDisposal&) = delete;

  void take(Json value) noexcept;
  void take(std::string text) noexcept;

  // Frees as much as a turn does. False: nothing is left.
  bool free_some();

 private:
  void turn();

  FdSource source_;
  std::size_t freed_ = 0;     // elements, since memory was given back
  std::vector<Json> values_;  // the last is being freed; those before it contain it, or are next
};

}  // namespace qomio
