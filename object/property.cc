// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/property.h"

#include <mutex>
#include <string>
#include <utility>

#include "qomio/object/object.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/json/text_visitor.h"
#include "qomio/qapi/json.h"

namespace qomio {

Json Property::limit(Limit limit) const {
  OutputVisitor visitor;
  visit_limit(limit, visitor);
  return visitor.take();
}

Json Property::default_value() const { return limit(Limit::default_value); }
Json Property::minimum() const { return limit(Limit::minimum); }
Json Property::maximum() const { return limit(Limit::maximum); }

Result<void> Property::set(Object& object, Visitor& visitor) const {
  if (!on_change()) return assign(object, visitor);
  const PropertyUse use(object);
  auto change = stage(object, visitor);
  if (!change) return failure(change);
  if (auto r = (*change)->check(); !r) return r;
  if (auto r = (*change)->apply(); !r) return r;
  auto changed = run_hook(object);
  if (!changed) {
    (*change)->revert();
    (void)run_hook(object);
  }
  return changed;
}

Result<void> Property::run_hook(Object& object) const {
  return callback("on_change hook of property", name(), [&] { return (object.*on_change())(); });
}

namespace internal {

void PropertyDeclaration::set_features(Features added) {
  if (added.too_many()) add_mistake("has more features than there is room for");
  features.assign(added.begin(), added.end());
}

std::unexpected<Error> range_error(std::string_view name, std::int64_t low, std::int64_t high) {
  return error("{} value must be in range [{}, {}]", name, low, high);
}
std::unexpected<Error> range_error(std::string_view name, std::uint64_t low, std::uint64_t high) {
  return error("{} value must be in range [{}, {}]", name, low, high);
}
std::unexpected<Error> range_error(std::string_view name, std::string_view low, std::string_view high) {
  return error("{} value must be in range [{}, {}]", name, low, high);
}
// Either end may be infinite, which to_text() can write.
std::unexpected<Error> range_error(std::string_view name, double low, double high) {
  return error("{} value must be in range [{}, {}]", name, to_text(low), to_text(high));
}

}  // namespace internal

struct Shared<std::string>::Guarded {
  std::mutex mutex;
  std::string value;
};

Shared<std::string>::Shared(std::string value) : guarded_(std::make_unique<Guarded>()) {
  guarded_->value = std::move(value);
}
Shared<std::string>::~Shared() = default;

Shared<std::string>::operator std::string() const {
  const std::scoped_lock lock(guarded_->mutex);
  return guarded_->value;
}

Shared<std::string>& Shared<std::string>::operator=(std::string value) {
  const std::scoped_lock lock(guarded_->mutex);
  guarded_->value.swap(value);
  return *this;
}

// The instantiations that object/internal/value_property.h declares.
namespace internal {
template class ValueProperty<bool>;
template class ValueProperty<std::string>;
template class ValueProperty<std::int64_t>;
template class MemberProperty<bool>;
template class MemberProperty<std::string>;
template class MemberProperty<std::int64_t>;
template class AccessorProperty<bool>;
template class AccessorProperty<std::string>;
template class AccessorProperty<std::int64_t>;
}  // namespace internal

}  // namespace qomio
