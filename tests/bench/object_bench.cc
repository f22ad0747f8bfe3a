// SPDX-License-Identifier: GPL-2.0-or-later
// What objects cost, beside GObject and (where it was found at build time) QObject, in one run.
#include <fmt/core.h>
#include <glib-object.h>
#include <malloc.h>

#include <chrono>
#include <string>
#include <vector>

#include "qomio/object/property.h"
#include "qomio/object/property_access.h"
#include "qomio/object/tree.h"
#include "qomio/object/types.h"
#include "qomio/object/user_creatable.h"
#include "qomio/tests/bench/compare.h"
#include "qomio/tests/bench/qobject_contender.h"

namespace {

using namespace qomio;
using bench::compare;
using bench::Contender;
using bench::keep;

// --- qomio ---

class Base : public Object {
 public:
  static const TypeInfo type_info;

 private:
  static void class_init(ObjectClass& klass) { klass.add(property("number", &Base::number_)); }
  std::int64_t number_ = 0;
};

class Thing final : public Base {
 public:
  static const TypeInfo type_info;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("flag", &Thing::flag_));
    klass.add(property("text", &Thing::text_));
  }
  bool flag_ = false;
  std::string text_;
};

constinit const TypeInfo Base::type_info{
    .name = "bench-base", .parent = "object", .create = create<Base>, .class_init = Base::class_init};
constinit const TypeInfo Thing::type_info{
    .name = "bench-thing", .parent = "bench-base", .create = create<Thing>, .class_init = Thing::class_init};

// --- the same as a GObject ---

struct GThing {
  GObject parent;
  gint64 number;
  gboolean flag;
  gchar* text;
};
struct GThingClass {
  GObjectClass parent;
};
G_DEFINE_TYPE(GThing, g_thing, G_TYPE_OBJECT)

void g_thing_set(GObject* object, guint id, const GValue* value, GParamSpec*) {
  auto* self = reinterpret_cast<GThing*>(object);
  if (id == 1) self->number = g_value_get_int64(value);
  if (id == 2) self->flag = g_value_get_boolean(value);
  if (id == 3) {
    g_free(self->text);
    self->text = g_value_dup_string(value);
  }
}

void g_thing_get(GObject* object, guint id, GValue* value, GParamSpec*) {
  const auto* self = reinterpret_cast<GThing*>(object);
  if (id == 1) g_value_set_int64(value, self->number);
  if (id == 2) g_value_set_boolean(value, self->flag);
  if (id == 3) g_value_set_string(value, self->text);
}

void g_thing_finalize(GObject* object) {
  g_free(reinterpret_cast<GThing*>(object)->text);
  G_OBJECT_CLASS(g_thing_parent_class)->finalize(object);
}

void g_thing_class_init(GThingClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = g_thing_set;
  object_class->get_property = g_thing_get;
  object_class->finalize = g_thing_finalize;
  g_object_class_install_property(
      object_class, 1, g_param_spec_int64("number", "", "", G_MININT64, G_MAXINT64, 0, G_PARAM_READWRITE));
  g_object_class_install_property(object_class, 2,
                                  g_param_spec_boolean("flag", "", "", FALSE, G_PARAM_READWRITE));
  g_object_class_install_property(object_class, 3,
                                  g_param_spec_string("text", "", "", nullptr, G_PARAM_READWRITE));
}

void g_thing_init(GThing*) {}

// --- the work ---

Contender repeat(std::string name, auto work) {
  return {std::move(name), [work](std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) work(i);
          }};
}

void with_qobject(std::vector<Contender>& contenders, void (*run)(std::int64_t)) {
  if (run) contenders.push_back({"QObject", run});
}

void compare_objects() {
  const auto& qt = bench::qobject_contender();

  const ObjectClass& thing_class = **object_class_by_name("bench-thing");
  std::vector<Contender> make{
      repeat("qomio", [&](std::int64_t) { keep((*object_new(thing_class)).get()); }),
      repeat("GObject", [](std::int64_t) { g_object_unref(g_object_new(g_thing_get_type(), nullptr)); })};
  with_qobject(make, qt.create);
  compare("create and destroy", make);

  std::vector<Contender> make_with_properties{
      repeat("qomio",
             [](std::int64_t) {
               keep(object_new_with_props("bench-thing", internal_root(), "",
                                          {{"number", "7"}, {"flag", "on"}, {"text", "hello"}})
                        ->get());
             }),
      repeat("GObject", [](std::int64_t) {
        g_object_unref(
            g_object_new(g_thing_get_type(), "number", gint64{7}, "flag", TRUE, "text", "hello", nullptr));
      })};
  with_qobject(make_with_properties, qt.create_with_properties);
  compare("create with three properties", make_with_properties);

  const Ref<Object> thing = *object_new("bench-thing");
  auto* g_thing = static_cast<GObject*>(g_object_new(g_thing_get_type(), nullptr));

  std::vector<Contender> set{
      repeat("qomio", [&](std::int64_t i) { keep(object_property_set_int(*thing, "number", i)); }),
      repeat("GObject", [&](std::int64_t i) { g_object_set(g_thing, "number", gint64{i}, nullptr); })};
  with_qobject(set, qt.set);
  compare("set an integer by name", set);

  std::vector<Contender> get{
      repeat("qomio", [&](std::int64_t) { keep(*object_property_get_int(*thing, "number")); }),
      repeat("GObject", [&](std::int64_t) {
        gint64 value;
        g_object_get(g_thing, "number", &value, nullptr);
        keep(value);
      })};
  with_qobject(get, qt.get);
  compare("get an integer by name", get);

  Object* object = thing.get();
  std::vector<Contender> cast{repeat("qomio",
                                     [&](std::int64_t) {
                                       keep(object);
                                       keep(object_cast<Base>(object));
                                     }),
                              repeat("GObject", [&](std::int64_t) {
                                keep(g_thing);
                                keep(G_TYPE_CHECK_INSTANCE_TYPE(g_thing, g_thing_get_type()));
                              })};
  with_qobject(cast, qt.cast);
  compare("cast check", cast);

  compare("ref and unref", {repeat("qomio",
                                   [&](std::int64_t) {
                                     object->ref();
                                     object->unref();
                                   }),
                            repeat("GObject", [&](std::int64_t) { g_object_unref(g_object_ref(g_thing)); })});
  g_object_unref(g_thing);
}

double ns_per(int count, auto work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) work(i);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / count;
}

// Costs per object as the tree grows: they should stay flat, except for partial paths, which look at every
// object.
void measure_tree() {
  fmt::print(
      "\n| objects in the tree | add, ns | absolute path, ns | partial path, ns | remove, ns | bytes each |\n"
      "|---|---|---|---|---|---|\n");
  for (const int count : {1000, 10'000, 100'000}) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(fmt::format("thing{}", i));
    std::vector<std::string> paths;
    for (const auto& name : names) paths.push_back("/objects/" + name);
    (void)objects_root();
    const auto before = mallinfo2().uordblks;
    const double add =
        ns_per(count, [&](int i) { (void)objects_root().add_child(names[i], **object_new("bench-thing")); });
    const auto bytes = static_cast<double>(mallinfo2().uordblks - before) / count;
    const double absolute = ns_per(count, [&](int i) { keep(object_resolve_path(paths[i]).object); });
    const double partial = ns_per(20, [&](int i) { keep(object_resolve_path(names[i]).object); });
    const double remove = ns_per(count, [&](int i) { object_unparent(*objects_root().child(names[i])); });
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n", count, add, absolute, partial, remove,
               bytes);
  }
}

}  // namespace

int main() {
  register_object_types();
  (void)register_type(Base::type_info);
  (void)register_type(Thing::type_info);
  fmt::print("| {:<34} | {:<9} | {:>9} | {:>19} | {:>6} |\n|---|---|---|---|---|\n", "work", "with", "ns",
             "10th .. 90th", "ratio");
  compare_objects();
  measure_tree();
}
