// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/disposal.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>
#include <utility>

#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/json.h"

namespace qomio {

namespace {

// Of a string so much is given back at a time.
constexpr std::size_t kSliceBytes = 4 << 20;

// So many elements are freed before memory is given back, and once more at the end. The allocator keeps what
// it is given in lists, which it then goes through: that takes as long as they are.
constexpr std::size_t kElementsBetweenTrims = 4 * JsonDisposal::kElementsInATurn;

// What it takes to free the block of memory that holds the characters or elements, counted in elements.
std::size_t work_of_block(const Json& value) {
  constexpr std::size_t kBytesPerElement = 1024;
  std::size_t bytes = 0;
  if (const auto* const text = value.get_ptr<const Json::string_t*>()) bytes = text->size();
  if (const auto* const elements = value.get_ptr<const Json::array_t*>()) {
    bytes = elements->size() * sizeof(Json);
  }
  if (const auto* const members = value.get_ptr<const Json::object_t*>()) {
    bytes = members->size() * sizeof(Json::object_t::value_type);
  }
  return bytes / kBytesPerElement;
}

// Gives the system the pages at the end of a long string, and cuts it there: freed as a whole they would take
// long. What lies behind the end of the string is not read any more.
void shorten(std::string& text) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto in_page = [page](const char* byte) { return reinterpret_cast<std::uintptr_t>(byte) % page; };
  const std::size_t size = text.size() - kSliceBytes;
  const char* const end = text.data() + text.size();
  char* begin = text.data() + size + 1;  // behind the new end's NUL
  text.resize(size);
  begin += (page - in_page(begin)) % page;
  // Where this isn't possible they stay until the string is freed.
  (void)madvise(begin, static_cast<std::size_t>(end - in_page(end) - begin), MADV_DONTNEED);
}

}  // namespace

JsonDisposal::JsonDisposal(GMainContext* context) : source_(context, [this] { turn(); }) {}

JsonDisposal::~JsonDisposal() {
  while (free_some()) {
  }
}

void JsonDisposal::take(Json value) noexcept {
  try {
    values_.push_back(std::move(value));
  } catch (const std::bad_alloc&) {
    return json_clear(value);
  }
  source_.set_ready_time(0);
}

void JsonDisposal::take(std::string text) noexcept {
  try {
    take(Json(std::move(text)));
  } catch (const std::bad_alloc&) {
    return;
  }
}

bool JsonDisposal::free_some() {
  for (std::size_t work = 0; work < kElementsInATurn && !values_.empty(); ++work) {
    Json& value = values_.back();
    Json last;
    auto* const text = value.get_ptr<Json::string_t*>();
    if (text && text->size() > kSliceBytes) {
      shorten(*text);
      break;
    }
    if (auto* const elements = value.get_ptr<Json::array_t*>(); elements && !elements->empty()) {
      last = std::move(elements->back());
      elements->pop_back();
    } else if (auto* const members = value.get_ptr<Json::object_t*>(); members && !members->empty()) {
      last = std::move(members->back().second);
      members->pop_back();
    } else {
      work += work_of_block(value);
      values_.pop_back();
    }
    const bool is_work =
        last.is_string() ? work_of_block(last) > kElementsInATurn : last.is_structured() && !last.empty();
    if (is_work) {
      take(std::move(last));
    } else {
      work += work_of_block(last);
    }
  }
  return !values_.empty();
}

void JsonDisposal::turn() {
  const bool more = free_some();
  freed_ += kElementsInATurn;
  if (!more) {
    source_.set_ready_time(-1);
    values_ = {};
  }
  if (more && freed_ < kElementsBetweenTrims) return;
  freed_ = 0;
#ifdef __GLIBC__
  // Freed memory stays in the heap below what is still used, and large blocks, once freed, make the heap keep
  // as much for the next; so it is told.
  malloc_trim(0);
#endif
}

}  // namespace qomio
