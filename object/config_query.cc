// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "qomio/object/config.h"
#include "qomio/object/module.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/parser.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {
namespace {

// Levels of nesting around a value in a configuration: {"objects": [{"p": value}]}; settings have one more.
constexpr int kLevelsAroundOption = 3;
constexpr int kLevelsAroundSetting = 4;

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto [code, length] = utf8_decode(text);
    if (code < 0 || (code == 0 && length > 1)) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Checks that the value can be written as JSON and read again. Errors: it is not UTF-8, or nested too deep.
Result<void> check_is_json(const Json& value, int levels_around) {
  struct Part {
    const Json* value;
    int level;
  };
  std::vector<Part> parts{{&value, levels_around}};
  while (!parts.empty()) {
    const auto [part, level] = parts.back();
    parts.pop_back();
    if (part->is_string() && !is_utf8(part->get_ref<const std::string&>())) return error("it is not UTF-8");
    if (!part->is_structured()) continue;
    if (level == JsonParser::kMaxDepth) return error("it is nested too deep");
    for (const auto& [name, below] : part->items()) {
      if (!is_utf8(name)) return error("it is not UTF-8");
      parts.push_back({&below, level + 1});
    }
  }
  return {};
}

// Returns the value of the property if setting it again is possible and has the same effect.
Result<Json> value_to_save(Object& object, const Property& property, int levels_around) {
  if (!property.is_readable()) return error("it can't be read");
  auto value = object.get_property(property.name());
  if (!value) return value;
  if (auto r = check_is_json(*value, levels_around); !r) return failure(r);
  if (const Object* target = property.target(object)) {
    const bool is_found =
        value->is_string() && object_resolve_path(value->get_ref<const std::string&>()).object == target;
    if (!is_found) return error("it refers to an object that has no path");
    return value;
  }
  InputVisitor visitor(*value);
  auto change = property.stage(object, visitor);
  if (!change) return failure(change);
  if (auto r = (*change)->check(); !r) return failure(r);
  return value;
}

// Whether the property is a link that has lost its target and must not be empty. It need not be saved,
// because a new object's link is empty as well.
bool is_lost_link(Object& object, const Property& property) {
  if (!property.type_name().starts_with("link<") || property.target(object)) return false;
  const Json empty = "";
  InputVisitor visitor(empty);
  const auto change = property.stage(object, visitor);
  return change && !(*change)->check();
}

class ConfigQuery {
 public:
  Config run() {
    object_child_foreach(objects_root(), [this](Object& object) {
      if (object.is_user_made()) {
        places_.emplace(&object, nodes_.size());
        Node& node = nodes_.emplace_back();
        node.object = &object;
        node.use = std::make_unique<PropertyUse>(object);
      }
      return 0;
    });
    for (Node& node : nodes_) find_values(node);
    const auto order = in_order();
    for (std::size_t place = 0; place < order.size(); ++place) nodes_[order[place]].place = place;
    for (const std::size_t index : order) write(nodes_[index]);
    // First the parts of these objects, in the order of the objects, then the program's own objects.
    for (const std::size_t index : order) {
      object_child_foreach_recursive(*nodes_[index].object, [this](Object& object) {
        write_settings_of_others(object);
        return 0;
      });
    }
    object_child_foreach_recursive(object_root(), [this](Object& object) {
      if (node_of(&object) == kNowhere) write_settings_of_others(object);
      return 0;
    });
    if (!loaded_modules().empty()) config_.load_modules = loaded_modules();
    if (!settings_.empty()) config_.settings = std::move(settings_);
    if (!losses_.empty()) config_.not_saved = std::move(losses_);
    return std::move(config_);
  }

 private:
  static constexpr std::size_t kNowhere = SIZE_MAX;
  struct Value {
    const Property* property;
    bool when_made;
    Json value;
    std::size_t target_node;  // node of the user-made object that the link's target is, or is a part of
  };
  struct Node {
    Object* object = nullptr;
    std::unique_ptr<PropertyUse> use;  // keeps the object alive while getters run
    std::vector<Value> values;
    std::size_t place = 0;  // in the order of creation
  };

  static std::string path_of(const Object& object) { return object_get_canonical_path(object).value_or(""); }

  void lose(const Object& object, const Property& property, std::string reason) {
    losses_.push_back({path_of(object), property.name(), std::move(reason)});
  }

  std::size_t node_of(const Object* object) const {
    for (; object; object = object->parent()) {
      if (const auto known = places_.find(object); known != places_.end()) return known->second;
    }
    return kNowhere;
  }

  // Properties whose value is not the declared default, then properties that were set, the most recently set
  // last, because setters may depend on values that were set before.
  static std::vector<PropertyThatWasSet> properties_to_save(Object& object) {
    const auto set = object.set_properties();
    std::vector<PropertyThatWasSet> properties;
    for (const Property* property : object.object_class().properties()) {
      if (property->default_value().is_null() || !property->is_writable() || !property->is_readable())
        continue;
      if (std::ranges::find(set, property, &PropertyThatWasSet::property) != set.end()) continue;
      const auto value = object.get_property(property->name());
      if (value && *value != property->default_value()) properties.push_back({property, false});
    }
    properties.insert(properties.end(), set.begin(), set.end());
    return properties;
  }

  void find_values(Node& node) {
    for (const auto& [property, when_made] : properties_to_save(*node.object)) {
      if (is_lost_link(*node.object, *property)) continue;
      const int around = is_option(node, *property) ? kLevelsAroundOption : kLevelsAroundSetting;
      auto value = value_to_save(*node.object, *property, around);
      if (value) {
        node.values.push_back(
            {property, when_made, std::move(*value), node_of(property->target(*node.object))});
      } else {
        lose(*node.object, *property, value.error().message());
      }
    }
  }

  // Whether object-add can set it. "id" and "qom-type" have another meaning there. A new object may lack the
  // object's own properties; they are passed only if they cannot be set later.
  static bool is_option(const Node& node, const Property& property) {
    if (property.name() == "id" || property.name() == "qom-type") return false;
    return !property.is_settable_after_complete() ||
           node.object->object_class().find_property(property.name()) == &property;
  }

  // Returns all nodes, targets of links before the objects that link to them; for cycles see ring_in_order().
  // This is Tarjan's algorithm for strongly connected components, with an explicit stack, because chains of
  // links may be long.
  std::vector<std::size_t> in_order() const {
    struct Step {
      std::size_t node;
      std::size_t next_value;
    };
    std::vector<std::size_t> order;
    std::vector<std::size_t> number(nodes_.size());  // in the order of visits, from 1; 0: not visited
    std::vector<std::size_t> lowest(nodes_.size());  // lowest number known in the same cycle
    std::vector<bool> is_open(nodes_.size());
    std::vector<std::size_t> open;  // visited, but not yet in `order`
    std::vector<Step> steps;
    std::size_t visited = 0;
    const auto visit = [&](std::size_t node) {
      number[node] = lowest[node] = ++visited;
      open.push_back(node);
      is_open[node] = true;
      steps.push_back({node, 0});
    };
    for (std::size_t start = 0; start < nodes_.size(); ++start) {
      if (number[start] == 0) visit(start);
      while (!steps.empty()) {
        const std::size_t node = steps.back().node;
        const auto& values = nodes_[node].values;
        if (steps.back().next_value < values.size()) {
          const std::size_t to = values[steps.back().next_value++].target_node;
          if (to == kNowhere) continue;
          if (number[to] == 0) {
            visit(to);
          } else if (is_open[to]) {
            lowest[node] = std::min(lowest[node], number[to]);
          }
          continue;
        }
        steps.pop_back();
        if (!steps.empty()) lowest[steps.back().node] = std::min(lowest[steps.back().node], lowest[node]);
        if (lowest[node] != number[node]) continue;
        const auto ring = std::ranges::find(open.rbegin(), open.rend(), node).base() - 1;
        for (auto at = ring; at != open.end(); ++at) is_open[*at] = false;
        std::ranges::copy(ring_in_order({ring, open.end()}), std::back_inserter(order));
        open.erase(ring, open.end());
      }
    }
    return order;
  }

  // Orders objects that link to each other in a cycle. A link that was set while its object was made may be
  // needed to make it again, so its target comes first where possible. Otherwise the older object comes
  // first.
  std::vector<std::size_t> ring_in_order(std::vector<std::size_t> ring) const {
    struct Waits {
      std::size_t targets = 0;        // that must come first and are not placed yet
      std::size_t fixed_targets = 0;  // of these, targets of links that can't be set later
      bool is_placed = false;
      // Nodes that wait for this one; true: as a fixed target.
      std::vector<std::pair<std::size_t, bool>> awaited_by;
    };
    std::ranges::sort(ring);
    std::unordered_map<std::size_t, Waits> all;
    for (const std::size_t node : ring) all[node];
    for (const std::size_t node : ring) {
      for (const Value& value : nodes_[node].values) {
        if (!value.when_made || value.target_node == node) continue;
        const auto target = all.find(value.target_node);
        if (target == all.end()) continue;
        const bool is_fixed = !value.property->is_settable_after_complete();
        target->second.awaited_by.emplace_back(node, is_fixed);
        Waits& own = all[node];
        ++own.targets;
        if (is_fixed) ++own.fixed_targets;
      }
    }
    std::set<std::size_t> ready;
    for (const std::size_t node : ring) {
      if (all[node].targets == 0) ready.insert(node);
    }
    std::vector<std::size_t> order;
    auto oldest = ring.begin();
    while (order.size() < ring.size()) {
      while (all[*oldest].is_placed) ++oldest;
      std::size_t node = ready.empty() ? kNowhere : *ready.begin();
      if (node == kNowhere) {  // all remaining nodes wait for each other
        const auto free = std::find_if(oldest, ring.end(), [&](std::size_t one) {
          return !all[one].is_placed && all[one].fixed_targets == 0;
        });
        node = free == ring.end() ? *oldest : *free;
      }
      ready.erase(node);
      order.push_back(node);
      all[node].is_placed = true;
      for (const auto& [waiting, is_fixed] : all[node].awaited_by) {
        Waits& waits = all[waiting];
        if (is_fixed) --waits.fixed_targets;
        if (--waits.targets == 0 && !waits.is_placed) ready.insert(waiting);
      }
    }
    return order;
  }

  void write(Node& node) {
    if (!node.object->is_user_made()) return;  // a getter deleted it
    Json options{{"qom-type", node.object->type_name()}, {"id", node.object->name()}};
    Json settings = Json::object();
    for (auto& [property, when_made, value, target_node] : node.values) {
      const bool is_there = target_node == kNowhere || nodes_[target_node].place < node.place;
      if (is_there && is_option(node, *property)) {
        options[property->name()] = std::move(value);
      } else if (property->is_settable_after_complete()) {
        settings[property->name()] = std::move(value);
      } else {
        lose(*node.object, *property,
             is_there ? "object-add has an argument of this name"
                      : "it is set when its object is made, and leads to one that is made later");
      }
    }
    config_.objects.push_back(std::move(options));
    if (!settings.empty()) settings_.push_back({path_of(*node.object), std::move(settings)});
  }

  // Writes the settings of a part of an object, or of an object that belongs to the program.
  void write_settings_of_others(Object& object) {
    const PropertyUse use(object);
    Json settings = Json::object();
    for (const auto& [property, when_made] : object.set_properties()) {
      if (is_lost_link(object, *property)) continue;
      auto value = value_to_save(object, *property, kLevelsAroundSetting);
      if (value && object.is_complete() && !property->is_settable_after_complete()) {
        value = error("it can't be set once its object is made");
      }
      if (value && object_resolve_path(path_of(object)).object != &object) {
        value = error("its object has no path");
      }
      if (value) {
        settings[property->name()] = std::move(*value);
      } else {
        lose(object, *property, value.error().message());
      }
    }
    if (!settings.empty()) settings_.push_back({path_of(object), std::move(settings)});
  }

  std::vector<Node> nodes_;  // oldest object first
  std::unordered_map<const Object*, std::size_t> places_;
  Config config_;
  std::vector<ConfigSettings> settings_;
  std::vector<ConfigLoss> losses_;
};

}  // namespace

Result<Config> query_config() {
  require_main_thread("query_config()");
  return ConfigQuery().run();
}

}  // namespace qomio
