// SPDX-License-Identifier: GPL-2.0-or-later
// The type of type_qomio.cc with GObject.
#include <glib-object.h>

#include <cstdio>

struct TokenBucket {
  GObject parent;
  gint64 rate;
  gint64 tokens;
};
struct TokenBucketClass {
  GObjectClass parent;
};
G_DEFINE_TYPE(TokenBucket, token_bucket, G_TYPE_OBJECT)

enum Property : guint { kRate = 1, kTokens, kPropertyCount };

static void token_bucket_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto* const self = reinterpret_cast<TokenBucket*>(object);
  switch (id) {
    case kRate:
      return g_value_set_int64(value, self->rate);
    case kTokens:
      return g_value_set_int64(value, self->tokens);
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void token_bucket_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  auto* const self = reinterpret_cast<TokenBucket*>(object);
  if (id != kRate) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  self->rate = g_value_get_int64(value);
}

static void token_bucket_class_init(TokenBucketClass* klass) {
  auto* const object_class = reinterpret_cast<GObjectClass*>(klass);
  object_class->get_property = token_bucket_get_property;
  object_class->set_property = token_bucket_set_property;
  GParamSpec* const rate =
      g_param_spec_int64("rate", nullptr, "tokens added per second", 1, 1'000'000, 100,
                         static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_CONSTRUCT));
  g_object_class_install_property(object_class, kRate, rate);
  GParamSpec* const tokens =
      g_param_spec_int64("tokens", nullptr, "tokens left", 0, G_MAXINT64, 0, G_PARAM_READABLE);
  g_object_class_install_property(object_class, kTokens, tokens);
}

static void token_bucket_init(TokenBucket*) {}

int main() {
  auto* const bucket = reinterpret_cast<GObject*>(g_object_new(token_bucket_get_type(), nullptr));
  g_object_set(bucket, "rate", gint64{0}, nullptr);  // a warning on stderr; the value stays
  gint64 rate = 0;
  g_object_get(bucket, "rate", &rate, nullptr);
  std::printf("rate %" G_GINT64_FORMAT "\n", rate);
  g_object_unref(bucket);
}
