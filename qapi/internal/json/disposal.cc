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

// A long string is freed in slices of this size.
constexpr std::size_t kSliceBytes = 4 << 20;

// Number of elements to free before memory is returned to the system, which also happens at the end. The
// allocator keeps freed blocks in lists that it walks when it returns memory; this limit keeps them short.
constexpr std::size_t kElementsBetweenTrims = 4 * JsonDisposal::kElementsInATurn;

// The cost of freeing the block that holds the characters or elements, counted in elements.
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

// Cuts a slice off the end of a long string and returns its pages to the system, since freeing them all at
// once would take long. The bytes after the new end are not read any more.
void shorten(std::string& text) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto in_page = [page](const char* byte) { return reinterpret_cast<std::uintptr_t>(byte) % page; };
  const std::size_t size = text.size() - kSliceBytes;
  const char* const end = text.data() + text.size();
  char* begin = text.data() + size + 1;  // after the NUL at the new end
  text.resize(size);
  begin += (page - in_page(begin)) % page;
  // If this fails, the pages are kept until the string is freed.
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
  // glibc keeps freed memory that lies below memory still in use, and after large blocks were freed it keeps
  // as much for the next ones, so it must be asked to return the memory.
  malloc_trim(0);
#endif
}

}  // namespace qomio
