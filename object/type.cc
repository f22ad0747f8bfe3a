// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/type.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "qomio/object/internal/class_data.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_type_name(std::string_view name) {
  if (name.size() < 2) return false;
  if (!is_letter(name[0]) && !(name[0] >= '1' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// Maximum number of ancestors of a type. Limits the recursion of make_class().
constexpr unsigned kMaxAncestors = 500;

// All registered types, and the classes that have been made for them. There is one registry per process;
// types live as long as the program.
class TypeRegistry {
 public:
  static TypeRegistry& process() {
    // Never destroyed, because objects may be destroyed after static destructors have started.
    static auto* registry = new TypeRegistry;
    return *registry;
  }

  Result<void> add(const TypeInfo& info) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = types_.find(info.name); it != types_.end()) {
      if (it->second->registered_from == &info) return {};
      return error("Registering '{}' which already exists", info.name);
    }
    if (!is_type_name(info.name)) return error("Registering '{}' with illegal type name", info.name);
    if (info.interfaces.too_many()) return error("Registering '{}' with more than 8 interfaces", info.name);
    const auto retired = std::ranges::find_if(retired_, [&](const auto& type) {
      return type->registered_from == &info && type->name == info.name;
    });
    if (retired != retired_.end()) {
      set_registered(**retired, true);
      types_.emplace((*retired)->name, std::move(*retired));
      retired_.erase(retired);
      return {};
    }
    auto type = std::make_unique<Type>(info);
    const std::string_view key = type->name;
    types_.emplace(key, std::move(type));
    return {};
  }

  Result<void> remove(const TypeInfo& info) {
    const std::scoped_lock lock(mutex_);
    const auto it = types_.find(info.name);
    if (it == types_.end() || it->second->registered_from != &info)
      return error("Type '{}' is not registered", info.name);
    for (const auto& [name, other] : types_) {
      if (other->parent == info.name || std::ranges::count(other->interfaces, info.name) > 0)
        return error("Type '{}' is used by type '{}'", info.name, name);
    }
    set_registered(*it->second, false);
    retired_.push_back(std::move(it->second));
    types_.erase(it);
    return {};
  }

  Result<const ObjectClass*> class_by_name(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    Type* type = find(name);
    if (!type) return error("unknown type '{}'", name);
    if (auto r = make_class(*type); !r) return failure(r);
    if (type->state == State::ready) latest_ = type->klass.get();
    return type->klass.get();
  }

  // The class that this thread looked up last, if it has that name; programs make many objects of one type in
  // a row. Needs no lock, because classes do not change once they are ready.
  static const ObjectClass* latest(std::string_view name) {
    return latest_ && latest_->name() == name && latest_->data().is_registered ? latest_ : nullptr;
  }

  std::vector<const ObjectClass*> classes() {
    const std::scoped_lock lock(mutex_);
    // Copies the list first, because a class_init hook may register types during the loop below.
    std::vector<Type*> types;
    types.reserve(types_.size());
    for (const auto& [name, type] : types_) types.push_back(type.get());
    std::vector<const ObjectClass*> classes;
    classes.reserve(types.size());
    for (Type* type : types) {
      if (type->state != State::in_progress && make_class(*type)) classes.push_back(type->klass.get());
    }
    return classes;
  }

  Result<void> check() {
    const std::scoped_lock lock(mutex_);
    // A class_init hook may register types during the loop. Types whose names sort before the current one are
    // not checked then, but at first use.
    for (const auto& [name, type] : types_) {
      if (type->state == State::in_progress) continue;
      if (auto r = make_class(*type); !r) return r;
    }
    return {};
  }

 private:
  enum class State { registered, in_progress, ready };

  TypeRegistry() {
    for (const TypeInfo* basic : internal::basic_types)
      invariant(add(*basic).has_value(), "a basic type could not be registered");
  }

  struct Type {
    explicit Type(const TypeInfo& i) : name(i.name), parent(i.parent), info(i), registered_from(&i) {
      for (const auto interface : i.interfaces) interfaces.emplace_back(interface);
      info.name = name;
      info.parent = parent;
      info.interfaces = {};  // its strings may be destroyed before the type
    }
    std::string name;
    std::string parent;
    std::vector<std::string> interfaces;
    TypeInfo info;
    const TypeInfo* registered_from;
    State state = State::registered;
    std::unique_ptr<ObjectClass> klass;
  };

  static void set_registered(const Type& type, bool registered) {
    if (type.klass) type.klass->data().is_registered = registered;
  }

  Type* find(std::string_view name) {
    const auto it = types_.find(name);
    return it == types_.end() ? nullptr : it->second.get();
  }

  Result<void> make_class(Type& type) {
    if (type.state == State::ready) return {};
    if (type.state == State::in_progress) {
      if (type.klass) return {};  // looked up from its own class_init: incomplete
      return error("Type '{}' is its own ancestor", type.name);
    }
    if (in_progress_ > kMaxAncestors) return too_many_ancestors(type);
    struct Making {
      TypeRegistry& registry;
      Type& type;
      bool done = false;
      Making(TypeRegistry& r, Type& t) : registry(r), type(t) {
        type.state = State::in_progress;
        ++registry.in_progress_;
      }
      Making(const Making&) = delete;
      Making& operator=(const Making&) = delete;
      ~Making() {
        --registry.in_progress_;
        type.state = done ? State::ready : State::registered;
        if (!done) type.klass.reset();
      }
    } making(*this, type);
    auto made = make_class_unguarded(type);
    making.done = made.has_value();
    return made;
  }

  static std::unexpected<Error> too_many_ancestors(const Type& type) {
    return error(
        "Type '{}' has more than {} ancestors, or class_init functions use each other's types that deep",
        type.name, kMaxAncestors);
  }

  // Makes the class of a parent or an interface, which must be complete, because a derived class copies its
  // properties.
  Result<void> make_base(Type& base) {
    if (auto r = make_class(base); !r) return r;
    if (base.state == State::ready) return {};
    return error("Type '{}' is used by a type that derives from it, before it is ready", base.name);
  }

  Result<void> make_class_unguarded(Type& type) {
    const ObjectClass* parent = nullptr;
    if (type.name != "object" && type.name != "interface") {
      Type* parent_type = find(type.parent);
      if (!parent_type) return error("Type '{}' is missing its parent '{}'", type.name, type.parent);
      if (auto r = make_base(*parent_type); !r) return r;
      parent = parent_type->klass.get();
      if (parent->ancestors().size() > kMaxAncestors) return too_many_ancestors(type);
    }
    std::vector<const ObjectClass*> interfaces;
    for (const auto& name : type.interfaces) {
      Type* interface = find(name);
      if (!interface) return error("missing interface '{}' for object '{}'", name, type.name);
      if (auto r = make_base(*interface); !r) return r;
      if (!interface->klass->is_interface())
        return error("'{}' for object '{}' is not an interface", name, type.name);
      interfaces.push_back(interface->klass.get());
    }

    auto klass = std::make_unique<ObjectClass>(type.info, parent);
    if (klass->is_interface()) {
      const TypeInfo& info = type.info;
      if (!type.interfaces.empty()) {
        return error("interface '{}' can have no interfaces but its parents", type.name);
      }
      if (info.create || info.instance_init || info.instance_post_init || info.instance_finalize) {
        return error("interface '{}' can have no instances, nor hooks for them", type.name);
      }
    }
    for (const ObjectClass* interface : interfaces) {
      if (!klass->is_a(*interface)) klass->data().interfaces.push_back(interface);
    }
    type.klass = std::move(klass);
    for (const ObjectClass* ancestor : type.klass->ancestors()) {
      const auto class_base_init = ancestor->data().info.class_base_init;
      if (ancestor != type.klass.get() && class_base_init)
        callback("class_base_init of type", ancestor->name(), [&] { class_base_init(*type.klass); });
    }
    if (type.info.class_init) {
      callback("class_init of type", type.name, [&] { type.info.class_init(*type.klass); });
    }
    if (const Error* mistake = type.klass->data().mistake.get()) return std::unexpected(*mistake);
    return {};
  }

  // Recursive, because class_init hooks may look up types.
  std::recursive_mutex mutex_;
  unsigned in_progress_ = 0;  // classes that are being made
  std::map<std::string_view, std::unique_ptr<Type>> types_;
  // Not registered any more. They stay, since objects have their classes.
  std::vector<std::unique_ptr<Type>> retired_;
  static constinit inline thread_local const ObjectClass* latest_ = nullptr;
};

}  // namespace

Result<void> register_type(const TypeInfo& info) { return TypeRegistry::process().add(info); }
Result<void> unregister_type(const TypeInfo& info) { return TypeRegistry::process().remove(info); }

Result<const ObjectClass*> object_class_by_name(std::string_view name) {
  if (const ObjectClass* latest = TypeRegistry::latest(name)) return latest;
  return TypeRegistry::process().class_by_name(name);
}

Result<void> check_types() { return TypeRegistry::process().check(); }

std::vector<const ObjectClass*> object_classes() { return TypeRegistry::process().classes(); }

}  // namespace qomio
