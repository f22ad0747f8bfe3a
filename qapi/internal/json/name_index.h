// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace qomio {

// The names of an object that is being read: a hash table of positions in its list of members. It consists of
// parts, each one block of memory, of which one at a time grows, so that growing and freeing take little time
// however large it is.
class JsonNameIndex {
 public:
  // Adds the name of the member that is, or will be, at this position. Returns false if an earlier member has
  // it.
  bool insert(const auto& members, std::size_t position, const std::string& name) {
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string>()(name));
    const std::size_t which = hash % kParts;
    Part& part = parts_[which];
    // Each part grows at a different load, from a half to three quarters, so that they do not all grow at
    // once.
    if (4 * kParts * (part.used + 1) > (2 * kParts + which) * part.slots.size()) part.grow();
    std::size_t at = part.first_place(hash);
    for (; part.slots[at].position != kNone; at = part.next_place(at)) {
      const Slot& slot = part.slots[at];
      if (slot.hash == hash && members.data()[slot.position].first == name) return false;
    }
    part.slots[at] = {hash, static_cast<std::uint32_t>(position)};
    ++part.used;
    return true;
  }

 private:
  static constexpr std::size_t kParts = 16;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t position = kNone;
  };
  struct Part {
    std::vector<Slot> slots;  // the size is a power of two; at least a quarter are empty
    std::size_t used = 0;

    std::size_t first_place(std::uint32_t hash) const { return (hash / kParts) & (slots.size() - 1); }
    std::size_t next_place(std::size_t place) const { return (place + 1) & (slots.size() - 1); }
    void grow() {
      const auto old = std::exchange(slots, std::vector<Slot>(slots.empty() ? 16 : 2 * slots.size()));
      for (const Slot& slot : old) {
        if (slot.position == kNone) continue;
        std::size_t at = first_place(slot.hash);
        while (slots[at].position != kNone) at = next_place(at);
        slots[at] = slot;
      }
    }
  };

  std::array<Part, kParts> parts_;
};

}  // namespace qomio
