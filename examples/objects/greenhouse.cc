// SPDX-License-Identifier: GPL-2.0-or-later
// The program that docs/OBJECTS.md explains: types, properties, links and the tree.
#include <qomio/object/object_commands.h>
#include <qomio/qapi/json.h>
#include <qomio/qapi/standard_streams.h>
#include <qomio/qomio.h>

#include <cstdio>
#include <utility>

using namespace qomio;

// A type is a C++ class and a constant TypeInfo, which names it and says how to create an object.
class Sensor : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  virtual std::int64_t celsius() const { return 20 + offset_; }

 private:
  // Declares its properties; called once, when the type is first used.
  static void class_init(ObjectClass& klass) {
    klass.add(property("offset", &Sensor::offset_).range(-5, 5).describe("added to what is measured, in °C"));
    klass.add(property("celsius", &Sensor::celsius).describe("what is measured"));  // read-only
  }
  std::int64_t offset_ = 0;
};

const TypeInfo Sensor::type_info{
    .name = "sensor",
    .parent = "object",
    .interfaces = {"user-creatable"},  // users may create one, with object-add and --object
    .create = create<Sensor>,
    .class_init = class_init,
};

// A derived type has the properties and interfaces of its parent.
class FrostSensor final : public Sensor {
 public:
  static const TypeInfo type_info;
  std::int64_t celsius() const override { return -3; }
};

const TypeInfo FrostSensor::type_info{
    .name = "frost-sensor",
    .parent = "sensor",
    .create = create<FrostSensor>,
};

class Heater final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

  // Called once, when all properties are set and the object is in the tree.
  Result<void> complete() override {
    if (!sensor_) return error("Parameter 'sensor' is missing");
    return apply();
  }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("target", &Heater::target_)
                  .range(-5, 40)
                  .default_value(18)
                  .on_change(&Heater::apply)
                  .describe("temperature to reach, in °C"));
    klass.add(property("on", &Heater::is_on).describe("heats now"));
    // A link refers to another object. This kind keeps it: the sensor can't be deleted meanwhile.
    klass.add(link("sensor", &Heater::sensor_).until_complete().describe("where it is measured"));
  }

  // Called after a change. An error restores the old value.
  Result<void> apply() {
    if (!sensor_) return {};
    if (target_ > 30 && sensor_->celsius() < 0) return error("too much to ask for in this weather");
    const bool was_on = std::exchange(on_, sensor_->celsius() < target_);
    if (on_ != was_on) notify("on", was_on);
    return {};
  }
  bool is_on() const { return on_; }

  std::int64_t target_ = 0;
  bool on_ = false;
  StrongLink<Sensor> sensor_;
};

const TypeInfo Heater::type_info{
    .name = "heater",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Heater>,
    .class_init = class_init,
};

// Arguments and results of commands, and the data of events, are structs that describe their members.
struct MeasureArguments {
  std::string sensor;
  std::int64_t rounds = 1;
  static constexpr std::string_view type_name = "MeasureArguments";
  static constexpr auto members =
      member_list(member("sensor", &MeasureArguments::sensor, "id of the sensor"),
                  member_with_default("rounds", &MeasureArguments::rounds, "number of measurements"));
};

struct Measurement {
  std::int64_t celsius = 0;
  std::int64_t total_rounds = 0;
  static constexpr std::string_view type_name = "Measurement";
  static constexpr auto members =
      member_list(member("celsius", &Measurement::celsius, "mean of the rounds, in °C"),
                  member("total-rounds", &Measurement::total_rounds, "measurements since the start"));
};

namespace {

void show(const char* what, const Result<void>& result) {
  std::printf("%s: %s\n", what, result ? "done" : result.error().message().c_str());
}

// Prints each change that is made while it runs.
Result<void> hear_changes(Heater& heater) {
  auto target = observe<int>(heater, "target",
                             [](int before, int now) { std::printf("from %d to %d\n", before, now); });
  if (!target) return failure(target);
  const Observation all = observe_tree(objects_root(), [](const ObjectChange& change) {
    if (!change.old_value) return;
    std::printf("%s of %s was %s\n", change.property->name().c_str(), change.object.name().c_str(),
                json_text(*change.old_value).c_str());
  });
  return heater.set_property("target", -5);
}

Result<void> run() {
  // The program registers its types, in any order.
  for (const TypeInfo* info : {&Heater::type_info, &FrostSensor::type_info, &Sensor::type_info}) {
    if (auto r = register_type(*info); !r) return r;
  }

  // Objects are created with properties, from values or from text as users write it.
  auto outside = object_new_with_props<FrostSensor>("outside", {{"offset", 1}});
  if (!outside) return failure(outside);
  auto heater = object_new_with_props<Heater>("heater0", {{"sensor", "outside"}});
  if (!heater) return failure(heater);
  std::printf("target %s, on %s\n", json_text(*(*heater)->get_property("target")).c_str(),
              json_text(*(*heater)->get_property("on")).c_str());

  // A refused change changes nothing.
  show("set target to 41", (*heater)->parse_property("target", "41"));
  show("set target to 35", (*heater)->set_property("target", 35));
  show("set two at once", object_set_props(**heater, {{"target", 20}, {"sensor", "outside"}}));
  std::printf("target %s\n", json_text(*(*heater)->get_property("target")).c_str());

  show("hear changes", hear_changes(**heater));

  // The tree finds objects by path and by type. An alias shows a property in a second place.
  show("alias", object_property_add_alias(object_root(), "target", **heater, "target"));
  std::printf("/ has target %s; outside is %s\n", json_text(*object_root().get_property("target")).c_str(),
              object_get_canonical_path(*object_resolve_path_type("outside", "sensor").object)->c_str());

  // An object that is in use can't be deleted.
  show("delete outside", user_creatable_del("outside"));
  *heater = {};  // the reference of this program
  show("delete heater0", user_creatable_del("heater0"));
  show("delete outside", user_creatable_del("outside"));

  // A command is a named function, which may have state. An event reaches all listeners.
  CommandRegistry commands;
  add_object_commands(commands);
  commands.add(event<Measurement>("FROST", "a sensor has measured less than 0 °C"));
  commands.add(command(
      "measure", "measures with a sensor",
      [&commands, total = std::int64_t{0}](const MeasureArguments& arguments) mutable -> Result<Measurement> {
        auto* sensor = object_cast<Sensor>(objects_root().child(arguments.sensor));
        if (!sensor) return error("sensor '{}' not found", arguments.sensor);
        total += arguments.rounds;
        const Measurement measured{sensor->celsius(), total};
        if (measured.celsius < 0) commands.emit("FROST", measured);
        return measured;
      }));
  const auto listening = commands.listen([](std::string_view name, const Json& data) {
    std::printf("%.*s %s\n", static_cast<int>(name.size()), name.data(), json_text(data).c_str());
  });
  if (auto made = object_new_with_props<FrostSensor>("outside"); !made) return failure(made);
  for (const Json& arguments : {Json{{"sensor", "outside"}, {"rounds", 3}}, Json{{"sensor", "outside"}},
                                Json{{"sensor", "nope"}}, Json{{"sensor", "outside"}, {"rounds", "many"}}}) {
    const auto answer = commands.run("measure", arguments);
    std::printf("measure: %s\n", (answer ? json_text(*answer) : answer.error().message()).c_str());
  }
  return {};
}

}  // namespace

int main() {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  if (auto r = run(); !r) return std::fprintf(stderr, "%s\n", r.error().message().c_str()), 1;
  objects_cleanup();
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;
}
