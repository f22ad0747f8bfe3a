// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/main_thread.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>

#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace {

// Its address identifies the thread.
constinit thread_local char mark_of_thread = 0;
constinit std::atomic<const void*> main_thread = nullptr;  // address of its mark; null: not known yet

}  // namespace

bool in_main_thread() {
  const void* const known = main_thread.load(std::memory_order_relaxed);
  if (known) return known == &mark_of_thread;
  if (::gettid() != ::getpid()) return false;
  become_main_thread();
  return true;
}

void become_main_thread() { main_thread.store(&mark_of_thread, std::memory_order_relaxed); }

void require_main_thread(std::string_view function, std::string_view instead) {
  if (in_main_thread()) [[likely]]
    return;
  broken_invariant(
      fmt::format("{} is called in another thread than the main one; call {} instead", function, instead));
}

}  // namespace qomio
