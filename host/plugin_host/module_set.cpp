#include "plugin_host/module_set.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

namespace crolang::plugin_host {

namespace fs = std::filesystem;

struct ModuleSet::Loaded {
  enum class Phase { opened, created, stopped };
  struct Use {
    kinds::Kind kind;
    const void* table;
    std::string variable;
  };

  Plugin plugin;
  ModuleSet* set;
  std::vector<Use> uses{};
  std::unique_ptr<PluginServices> services{};
  void* self = nullptr;
  Phase phase = Phase::opened;
  std::atomic<bool> has_stopped = false;
};

namespace {

/// Two names of one file are one plugin.
fs::path identity(const fs::path& file) {
  std::error_code error;
  fs::path canonical = fs::canonical(file, error);
  return error ? file : canonical;
}

std::string choosing_variables(const crolang_plugin& plugin) {
  std::string names;
  for (std::size_t i = 0; i < plugin.module_count; ++i) {
    const kinds::Description* const kind = kinds::find(plugin.modules[i].kind);
    if (kind != nullptr) names.append(names.empty() ? "" : ", ").append(kind->plugin_variable);
  }
  return names;
}

const crolang_module* find_module(const crolang_plugin& plugin, std::string_view kind) {
  const auto* const end = plugin.modules + plugin.module_count;
  const auto* const found = std::find_if(
      plugin.modules, end, [&](const crolang_module& module) { return module.kind == kind; });
  return found == end ? nullptr : found;
}

bool can_reload(const crolang_plugin& plugin) {
  return CROLANG_HAS(&plugin, reload) && plugin.reload != nullptr;
}

}  // namespace

bool takes_over(const crolang_plugin& plugin, const crolang_env& variable) {
  return can_reload(plugin) && (variable.flags & CROLANG_RELOADABLE) != 0;
}

ModuleSet::ModuleSet(const std::vector<Choice>& choices, const Open& open) {
  struct File {
    fs::path identity;
    Loaded* loaded;  // null: refused
  };
  std::vector<File> files;
  const auto load = [&](const fs::path& file) {
    const fs::path wanted = identity(file);
    for (const File& known : files) {
      if (known.identity == wanted) return known.loaded;
    }
    const Opened opened = open(file);
    if (opened.has_error()) {
      refusals_.push_back(opened.error().sentence);
      files.push_back({wanted, nullptr});
    } else {
      loaded_.push_back(std::unique_ptr<Loaded>(new Loaded{*opened, this}));
      files.push_back({wanted, loaded_.back().get()});
    }
    return files.back().loaded;
  };

  for (const Choice& choice : choices) {
    Loaded* const loaded = load(choice.file);
    if (loaded == nullptr) continue;
    const std::string path = loaded->plugin.path.string();
    const kinds::Description& described = kinds::describe(choice.kind);
    const std::string kind(described.name);
    const crolang_module* const module = find_module(*loaded->plugin.entry, described.name);
    if (module == nullptr) {
      refusals_.push_back(path + ": does not provide " + kind + ", which " + choice.variable +
                          " asks of it; what it provides is chosen by " +
                          choosing_variables(*loaded->plugin.entry));
      continue;
    }
    const auto serves = [&](const std::unique_ptr<Loaded>& other) {
      return std::any_of(other->uses.begin(), other->uses.end(),
                         [&](const Loaded::Use& use) { return use.kind == choice.kind; });
    };
    const auto other = std::find_if(loaded_.begin(), loaded_.end(), serves);
    if (other != loaded_.end() && other->get() == loaded) continue;
    if (other != loaded_.end() && described.plugins == kinds::Description::Plugins::one) {
      const Plugin& taken_by = (*other)->plugin;
      refusals_.push_back(path + ": " + kind + " is already provided by " + taken_by.path.string() +
                          " (" + taken_by.entry->id + " " + taken_by.entry->version +
                          "); enable one of the two");
      continue;
    }
    loaded->uses.push_back({choice.kind, module->table, choice.variable});
  }
  std::sort(loaded_.begin(), loaded_.end(), [](const auto& a, const auto& b) {
    return a->plugin.path.filename() < b->plugin.path.filename();
  });
}

ModuleSet::~ModuleSet() = default;

std::vector<const crolang_plugin*> ModuleSet::plugins() const {
  std::vector<const crolang_plugin*> entries;
  for (const auto& loaded : loaded_) entries.push_back(loaded->plugin.entry);
  return entries;
}

CheckResult ModuleSet::check(const Lookup& values, std::span<const std::string> refused) const {
  CheckResult all;
  // Plugins that share a variable report the same sentence about it.
  const auto add = [](std::vector<std::string>& to, std::vector<std::string> sentences) {
    for (std::string& sentence : sentences) {
      if (std::find(to.begin(), to.end(), sentence) == to.end()) to.push_back(std::move(sentence));
    }
  };
  for (const auto& loaded : loaded_) {
    CheckResult one = check_variables(*loaded->plugin.entry, values, refused);
    add(all.faults, std::move(one.faults));
    add(all.warnings, std::move(one.warnings));
  }
  return all;
}

std::vector<std::string> ModuleSet::create(const Services& services) {
  control_ = &services.control;
  std::vector<std::string> refusals;
  for (const auto& loaded : loaded_) {
    const crolang_plugin& entry = *loaded->plugin.entry;
    loaded->services = std::make_unique<PluginServices>(entry, services);
    std::array<char, 512> error{};
    const crolang_status status =
        entry.create(loaded->services->table(), &loaded->self, error.data(), error.size());
    if (status == CROLANG_OK) {
      loaded->phase = Loaded::Phase::created;
      continue;
    }
    loaded->services->close();
    error.back() = '\0';
    refusals.push_back(loaded->plugin.path.string() + ": create: " +
                       (error[0] != '\0' ? error.data() : "failed without a reason"));
  }
  return refusals;
}

std::vector<ModuleSet::Module> ModuleSet::modules() const {
  std::vector<Module> modules;
  for (const auto& loaded : loaded_) {
    for (const Loaded::Use& use : loaded->uses) {
      modules.push_back({use.kind, use.table, loaded->self, loaded->plugin.entry, use.variable});
    }
  }
  return modules;
}

void ModuleSet::reload(const Lookup& values) {
  for (const auto& loaded : loaded_) {
    const crolang_plugin& entry = *loaded->plugin.entry;
    if (loaded->phase != Loaded::Phase::created || !can_reload(entry)) continue;
    loaded->services->reload(entry, values);
    entry.reload(loaded->self);
  }
}

void ModuleSet::stop(std::function<void(std::vector<Straggler>)> finished,
                     std::chrono::milliseconds limit) {
  finished_ = std::move(finished);
  if (control_ == nullptr) {
    finish_if_stopped();
    return;
  }
  limit_timer_ = control_->post_after(limit, [this] {
    if (!finished_) return;
    std::vector<Straggler> stragglers;
    for (const auto& loaded : loaded_) {
      if (loaded->phase != Loaded::Phase::created) continue;
      stragglers.push_back({loaded->plugin.entry->id, loaded->services->blocking()});
    }
    std::exchange(finished_, nullptr)(std::move(stragglers));
  });
  // A plugin may report from any thread that it has stopped, perhaps twice.
  const auto stopped = [](void* call) {
    auto& loaded = *static_cast<Loaded*>(call);
    if (loaded.has_stopped.exchange(true)) return;
    loaded.set->control_->post([&loaded] { loaded.set->on_stopped(loaded); });
  };
  for (const auto& loaded : loaded_) {
    if (loaded->phase == Loaded::Phase::created) {
      loaded->plugin.entry->stop(loaded->self, stopped, loaded.get());
    }
  }
  finish_if_stopped();
}

void ModuleSet::on_stopped(Loaded& loaded) {
  loaded.services->when_idle([this, &loaded] {
    loaded.phase = Loaded::Phase::stopped;
    finish_if_stopped();
  });
}

void ModuleSet::finish_if_stopped() {
  const bool running = std::any_of(loaded_.begin(), loaded_.end(), [](const auto& loaded) {
    return loaded->phase == Loaded::Phase::created;
  });
  if (running || !finished_) return;
  if (limit_timer_ != 0) control_->cancel(limit_timer_);
  std::exchange(finished_, nullptr)({});
}

void ModuleSet::destroy() {
  for (const auto& loaded : loaded_) {
    if (loaded->phase != Loaded::Phase::stopped) continue;
    loaded->services->close();
    loaded->plugin.entry->destroy(loaded->self);
    loaded->phase = Loaded::Phase::opened;
    loaded->self = nullptr;
  }
}

}  // namespace crolang::plugin_host
