// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <glib.h>

#include <cstddef>
#include <string>
#include <vector>

#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/json.h"

namespace qomio {

// Frees large JSON values piece by piece in turns of the loop, so that freeing a million elements does not
// delay other work, and then returns the memory to the system. Small values are freed by their owners.
//
// Thread: the one that runs the context. Values that are left when this is destroyed, or that cannot be
// queued for lack of memory, are freed at once.
class JsonDisposal {
 public:
  static constexpr std::size_t kElementsInATurn = 4096;

  explicit JsonDisposal(GMainContext* context);
  ~JsonDisposal();
  JsonDisposal(const JsonDisposal&) = delete;
  JsonDisposal& operator=(const JsonDisposal&) = delete;

  void take(Json value) noexcept;
  void take(std::string text) noexcept;

  // Frees as much as one turn does. Returns false if nothing is left.
  bool free_some();

 private:
  void turn();

  FdSource source_;
  std::size_t freed_ = 0;     // elements, since memory was last returned to the system
  std::vector<Json> values_;  // the last is being freed; earlier ones contained it, or are next
};

}  // namespace qomio
