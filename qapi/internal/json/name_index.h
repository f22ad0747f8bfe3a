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

// Which names an object has that is being read: a hash table of positions in its list of members. It is in
// parts, of which one at a time grows, and each is one block of memory, so that growing and freeing it takes
// little time however large it is.
class JsonNameIndex {
 public:
  // Adds the name that is, or will be, that of the member at this position. False: an earlier one has it.
  bool insert(const auto& members, std::size_t position, const std::string& name) {
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string>()(name));
    const std::size_t which = hash % kParts;
    Part& part = parts_[which];
    // Each part is full at another load, from a half to three quarters, so that they don't all grow at once.
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
    std::vector<Slot> slots;  // a power of two, at least a quarter of them empty
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
