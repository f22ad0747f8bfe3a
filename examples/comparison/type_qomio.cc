// SPDX-License-Identifier: GPL-2.0-or-later
// A type with two properties: `rate`, from 1 to 1000000, 100 by default; and `tokens`, which is read-only.
#include <cstdio>

#include "qomio/object/object_new.h"
#include "qomio/object/property.h"

using namespace qomio;

class TokenBucket final : public Object {
 public:
  static const TypeInfo type_info;
  static void class_init(ObjectClass& klass) {
    klass.add(property("rate", &TokenBucket::rate_)
                  .range(1, 1'000'000)
                  .default_value(100)
                  .describe("tokens added per second"));
    klass.add(property("tokens", &TokenBucket::tokens).describe("tokens left"));
  }
  std::int64_t tokens() const { return tokens_; }

 private:
  std::int64_t rate_ = 0;
  std::int64_t tokens_ = 0;
};

const TypeInfo TokenBucket::type_info{
    .name = "token-bucket",
    .parent = "object",
    .create = create<TokenBucket>,
    .class_init = class_init,
};

int main() {
  register_type(TokenBucket::type_info).value();
  const Ref<Object> bucket = object_new("token-bucket").value();
  const Result<void> set = object_property_set_int(*bucket, "rate", 0);
  std::printf("%s\n", set.error().message().c_str());
  std::printf("rate %lld\n", static_cast<long long>(*object_property_get_int(*bucket, "rate")));
}
