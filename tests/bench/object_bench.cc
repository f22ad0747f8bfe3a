// SPDX-License-Identifier: GPL-2.0-or-later
// The costs of objects, compared with GObject and, if it was found at build time, QObject, in one run.
#include <fmt/core.h>
#include <glib-object.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "qomio/object/internal/object_events.h"
#include "qomio/object/object_new.h"
#include "qomio/object/observe.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/tests/bench/compare.h"
#include "qomio/tests/bench/qobject_contender.h"
#include "qomio/tests/bench/results.h"

namespace {

using namespace qomio;
using bench::compare;
using bench::Contender;
using bench::Goals;
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

struct GBase {
  GObject parent;
  gint64 number;
};
struct GBaseClass {
  GObjectClass parent;
};
G_DEFINE_TYPE(GBase, g_base, G_TYPE_OBJECT)
void g_base_class_init(GBaseClass*) {}
void g_base_init(GBase*) {}

struct GThing {
  GBase parent;
  gboolean flag;
  gchar* text;
};
struct GThingClass {
  GBaseClass parent;
};
G_DEFINE_TYPE(GThing, g_thing, g_base_get_type())

void g_thing_set(GObject* object, guint id, const GValue* value, GParamSpec*) {
  auto* self = reinterpret_cast<GThing*>(object);
  if (id == 1) self->parent.number = g_value_get_int64(value);
  if (id == 2) self->flag = g_value_get_boolean(value);
  if (id == 3) {
    g_free(self->text);
    self->text = g_value_dup_string(value);
  }
}

void g_thing_get(GObject* object, guint id, GValue* value, GParamSpec*) {
  const auto* self = reinterpret_cast<GThing*>(object);
  if (id == 1) g_value_set_int64(value, self->parent.number);
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

// Returns the ratio of qomio's time to the time of the fastest other contender.
double to_best_of_others(const std::map<std::string, double>& ratios) {
  double best = 0;
  for (const auto& [name, ratio] : ratios) {
    if (name != "qomio") best = std::max(best, 1 / ratio);
  }
  return best;
}

void compare_objects(Goals& goals) {
  fmt::print("| {:<30} | {:<9} | {:>9} | {:>19} | {:>6} |\n|---|---|--:|---|--:|\n", "work", "with", "ns",
             "10th .. 90th", "ratio");
  const auto& qt = bench::qobject_contender();

  const ObjectClass& thing_class = **object_class_by_name("bench-thing");
  std::vector<Contender> make{
      repeat("qomio", [&](std::int64_t) { keep((*object_new(thing_class)).get()); }),
      repeat("GObject", [](std::int64_t) { g_object_unref(g_object_new(g_thing_get_type(), nullptr)); })};
  with_qobject(make, qt.create);
  const auto create = compare("create and destroy", make);
  goals.at_most("create and destroy, to GObject", 1 / create.at("GObject"), 0.3);

  std::vector<Contender> make_with_properties{
      repeat("qomio",
             [&](std::int64_t) {
               keep(object_new_with_props(thing_class, internal_root(), "",
                                          {{"number", 7}, {"flag", true}, {"text", "hello"}})
                        ->get());
             }),
      repeat("GObject", [](std::int64_t) {
        g_object_unref(
            g_object_new(g_thing_get_type(), "number", gint64{7}, "flag", TRUE, "text", "hello", nullptr));
      })};
  with_qobject(make_with_properties, qt.create_with_properties);
  // The others cannot create objects from text, as a command line does.
  make_with_properties.push_back(repeat("from text", [](std::int64_t) {
    keep(object_new_with_props("bench-thing", internal_root(), "",
                               {{"number", "7"}, {"flag", "on"}, {"text", "hello"}})
             ->get());
  }));
  auto with_properties = compare("create with three properties", make_with_properties);
  with_properties.erase("from text");
  goals.at_most("create with three properties, to the better of GObject and QObject",
                to_best_of_others(with_properties), 0.5);

  const Ref<Object> thing = *object_new("bench-thing");
  auto* g_thing = static_cast<GObject*>(g_object_new(g_thing_get_type(), nullptr));

  std::vector<Contender> set{
      repeat("qomio", [&](std::int64_t i) { keep(object_property_set_int(*thing, "number", i)); }),
      repeat("GObject", [&](std::int64_t i) { g_object_set(g_thing, "number", gint64{i}, nullptr); })};
  with_qobject(set, qt.set);
  goals.at_most("set an integer by name, to the better",
                to_best_of_others(compare("set an integer by name", set)), 0.5);

  std::vector<Contender> get{
      repeat("qomio", [&](std::int64_t) { keep(*object_property_get_int(*thing, "number")); }),
      repeat("GObject", [&](std::int64_t) {
        gint64 value;
        g_object_get(g_thing, "number", &value, nullptr);
        keep(value);
      })};
  with_qobject(get, qt.get);
  goals.at_most("get an integer by name, to the better",
                to_best_of_others(compare("get an integer by name", get)), 0.5);

  Object* object = thing.get();
  std::vector<Contender> cast{repeat("qomio",
                                     [&](std::int64_t) {
                                       keep(object);
                                       keep(object_cast<Thing>(object));
                                     }),
                              repeat("GObject", [&](std::int64_t) {
                                keep(g_thing);
                                keep(G_TYPE_CHECK_INSTANCE_TYPE(g_thing, g_thing_get_type()));
                              })};
  with_qobject(cast, qt.cast);
  goals.at_most("cast check to the own type, to GObject",
                1 / compare("cast check, own type", cast).at("GObject"), 0.6);
  const auto cast_to_base =
      compare("cast check, base type", {repeat("qomio",
                                               [&](std::int64_t) {
                                                 keep(object);
                                                 keep(object_cast<Base>(object));
                                               }),
                                        repeat("GObject", [&](std::int64_t) {
                                          keep(g_thing);
                                          keep(G_TYPE_CHECK_INSTANCE_TYPE(g_thing, g_base_get_type()));
                                        })});
  goals.at_most("cast check to a base type, to GObject", 1 / cast_to_base.at("GObject"), 0.6);

  const auto count = compare(
      "ref and unref", {repeat("qomio",
                               [&](std::int64_t) {
                                 object->ref();
                                 object->unref();
                               }),
                        repeat("GObject", [&](std::int64_t) { g_object_unref(g_object_ref(g_thing)); })});
  goals.at_most("ref and unref, to GObject", 1 / count.at("GObject"), 1.0);
  g_object_unref(g_thing);
}

// Sets a property of an object that observers could hear of.
void compare_observed() {
  const Ref<Object> thing = *object_new_with_props("bench-thing", objects_root(), "thing");
  const auto set = [&](std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) keep(object_property_set_int(*thing, "number", i));
  };
  compare("set an integer below /objects",
          {{"nobody observes", set},
           {"a QMP server, no subscriber",
            [&](std::int64_t count) {
              CommandRegistry commands;
              add_object_events(commands);
              const auto server = commands.listen([](std::string_view, const Json&) {},
                                                  [](std::string_view) { return false; });
              set(count);
            }},
           {"an observer of the property",
            [&](std::int64_t count) {
              const auto hears =
                  observe<std::int64_t>(*thing, "number", [](std::int64_t, std::int64_t now) { keep(now); });
              set(count);
            }},
           {"an observer of /objects", [&](std::int64_t count) {
              const auto hears =
                  observe_tree(objects_root(), [](const ObjectChange& change) { keep(change); });
              set(count);
            }}});
  object_unparent(*thing);
}

// --- the tree ---

double ns_per(int count, auto work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) work(i);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / count;
}

std::size_t allocated_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The costs of one object among `count` objects in one container.
struct TreeCosts {
  double add_ns, absolute_ns, partial_ns, remove_ns, bytes;
};

TreeCosts measure_tree(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(fmt::format("thing{}", i));
  std::vector<std::string> paths;
  for (const auto& name : names) paths.push_back("/objects/" + name);
  const ObjectClass& thing_class = **object_class_by_name("bench-thing");
  TreeCosts costs;
  const auto before = allocated_bytes();
  costs.add_ns =
      ns_per(count, [&](int i) { (void)objects_root().add_child(names[i], **object_new(thing_class)); });
  costs.bytes = static_cast<double>(allocated_bytes() - before) / count;
  costs.absolute_ns = ns_per(count, [&](int i) { keep(object_resolve_path(paths[i]).object); });
  costs.partial_ns = ns_per(20, [&](int i) { keep(object_resolve_path(names[i]).object); });
  costs.remove_ns = ns_per(count, [&](int i) { object_unparent(*objects_root().child(names[i])); });
  return costs;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Measures the costs per object as the tree grows. They should stay constant, except for partial paths, which
// search all objects.
void compare_trees(Goals& goals) {
  constexpr int kRounds = 9;
  constexpr std::array kCounts{1000, 10'000, 100'000};
  // Keeps freed memory in the process. So the kernel provides the pages once, in a round that is not counted;
  // otherwise only the large trees would pay for them.
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  (void)measure_tree(kCounts.back());
  std::array<std::vector<TreeCosts>, kCounts.size()> rounds;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kCounts.size(); ++i) rounds[i].push_back(measure_tree(kCounts[i]));
  }
  fmt::print(
      "\n| objects in the tree | add, ns | absolute path, ns | partial path, ns | remove, ns | bytes each |\n"
      "|--:|--:|--:|--:|--:|--:|\n");
  for (std::size_t i = 0; i < kCounts.size(); ++i) {
    const auto of = [&](double TreeCosts::* cost) {
      std::vector<double> values;
      for (const TreeCosts& costs : rounds[i]) values.push_back(costs.*cost);
      return median(values);
    };
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n", kCounts[i], of(&TreeCosts::add_ns),
               of(&TreeCosts::absolute_ns), of(&TreeCosts::partial_ns), of(&TreeCosts::remove_ns),
               of(&TreeCosts::bytes));
  }
  const auto growth = [&](double TreeCosts::* cost) {
    std::vector<double> ratios;
    for (int round = 0; round < kRounds; ++round) {
      ratios.push_back(rounds.back()[round].*cost / rounds.front()[round].*cost);
    }
    return median(ratios);
  };
  // callgrind counts 436 instructions to find an object, both among 1,000 and among 20,000.
  const std::string limit =
      "memory: as many instructions, but one cache line each of the index (4 MB) and of the objects (16 MB) "
      "misses the core's cache";
  goals.at_most("add an object: among 100,000 to among 1,000", growth(&TreeCosts::add_ns), 1.5, limit);
  goals.at_most("find by absolute path: likewise", growth(&TreeCosts::absolute_ns), 1.5, limit);
  goals.at_most("remove: likewise", growth(&TreeCosts::remove_ns), 1.5, limit);
}

}  // namespace

int main() {
  (void)register_type(Base::type_info);
  (void)register_type(Thing::type_info);
  Goals goals;
  compare_objects(goals);
  compare_observed();
  compare_trees(goals);
  goals.print();
}
