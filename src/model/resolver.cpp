#include "model/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "checkpoint/tensor_piece.h"
#include "model/family.h"
#include "model/wrappers.h"
#include "pare/error.h"

namespace pare::model {
namespace {

constexpr std::size_t kCompared = std::size_t{1} << 20;  // bytes of two tensors that are compared at once

/// Finds tensors under every spelling that transformers accepts for a parameter.
class Locator {
 public:
  Locator(const Names& names, const Architecture& architecture)
      : prefix_(architecture.prefix), architecture_(architecture), names_(names) {}

  /// The name itself, then as older files spell it.
  std::optional<std::size_t> locate(const std::string& name) const {
    if (const auto found = with_or_without_prefix(name)) return found;
    const std::string older = older_spelling(architecture_, name);
    return older == name ? std::nullopt : with_or_without_prefix(older);
  }

 private:
  /// The name with or without the family's prefix, each also with TensorFlow's gamma or beta.
  std::optional<std::size_t> with_or_without_prefix(const std::string& name) const {
    if (const auto found = modern_or_legacy(name)) return found;
    if (prefix_.empty()) return std::nullopt;
    return modern_or_legacy(name.starts_with(prefix_) ? name.substr(prefix_.size()) : prefix_ + name);
  }

  std::optional<std::size_t> modern_or_legacy(const std::string& name) const {
    if (const auto found = names_.find(name)) return found;
    for (const auto& [modern, legacy] :
         {std::pair{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}})
      if (name.ends_with(modern)) return names_.find(name.substr(0, name.size() - std::strlen(modern)) + legacy);
    return std::nullopt;
  }

  const std::string& prefix_;
  const Architecture& architecture_;
  const Names& names_;
};

/// The tensor of each expected parameter, with ties resolved.
struct Placement {
  std::vector<std::optional<std::size_t>> tensors;  ///< one for each expected parameter
  std::vector<bool> dropped;                        ///< whether the parameter is a second name of another one
  std::vector<Role> roles;
  std::vector<Slot> slots;
  std::unordered_map<std::size_t, std::size_t> copies;  ///< tensor -> expected parameter that it repeats
};

std::size_t position_of(const Architecture& architecture, const std::string& name) {
  const auto found = std::find_if(architecture.parameters.begin(), architecture.parameters.end(),
                                  [&](const Expected& expected) { return expected.name == name; });
  return static_cast<std::size_t>(found - architecture.parameters.begin());
}

/// Ties weights as transformers' tie_weights() does on loading: two names are one parameter, unless the files hold both
/// and they differ. The first name in order counts.
void settle_tie(Model& model, const Architecture& architecture, const std::pair<std::string, std::string>& tie,
                Placement& placement) {
  const std::size_t copy = position_of(architecture, tie.first), source = position_of(architecture, tie.second);
  const std::optional<std::size_t> copy_tensor = placement.tensors[copy], source_tensor = placement.tensors[source];
  const std::span<const TensorView> tensors = model.checkpoint.tensors();
  const std::size_t kept = std::min(copy, source), other = std::max(copy, source);
  if (copy_tensor && source_tensor) {
    if (!same_tensor(tensors[*copy_tensor], tensors[*source_tensor])) {
      model.notes.push_back(fmt::format("{} differs from {}, so both count, though {} ties them", tie.first, tie.second,
                                        architecture.class_name));
      return;
    }
    placement.copies.emplace(*placement.tensors[other], kept);
  } else if (!placement.tensors[kept]) {
    placement.tensors[kept] = placement.tensors[other];
  }
  // A tied embedding is an embedding under either name, so it is pruned only on request.
  placement.roles[kept] = placement.roles[source];
  placement.slots[kept] = placement.slots[placement.slots[source] == Slot::kNone ? copy : source];
  placement.dropped[other] = true;
}

Placement place(Model& model, const Architecture& architecture, const Names& names) {
  const Locator locator(names, architecture);
  Placement placement;
  for (const Expected& expected : architecture.parameters) {
    placement.tensors.push_back(locator.locate(expected.name));
    placement.roles.push_back(expected.role);
    placement.slots.push_back(expected.slot);
  }
  placement.dropped.assign(architecture.parameters.size(), false);
  for (const auto& tie : architecture.ties) settle_tie(model, architecture, tie, placement);
  return placement;
}

Parameter to_parameter(const Expected& expected, Role role, Slot slot, std::size_t tensor, const TensorView& view) {
  const bool matrix = view.shape.size() == (is_stack_of_experts(role) ? 3 : 2);
  Parameter parameter;
  parameter.name = expected.name;
  parameter.tensor = tensor;
  parameter.group = group_of(role);
  parameter.slot = slot;
  parameter.stack = expected.stack;
  parameter.layer = expected.layer;
  parameter.expert = expected.expert;
  parameter.cross_attention = expected.cross_attention;
  parameter.orientation = matrix ? orientation_of(role) : Orientation::kNone;
  parameter.prunable = matrix && is_prunable(role);
  return parameter;
}

std::string reason_for(const TensorView& tensor, std::string_view name, const Architecture& architecture) {
  for (const std::string& buffer : architecture.buffers)
    if (glob_match(buffer, name)) return "buffer";
  const std::string by_dtype = dtype_reason(tensor.dtype);
  return by_dtype.empty() ? "not part of " + architecture.class_name : by_dtype;
}

void note_missing(Model& model) {
  if (model.missing.empty()) return;
  constexpr std::size_t kNamed = 3;
  const std::span<const std::string> named = std::span(model.missing).first(std::min(kNamed, model.missing.size()));
  model.notes.push_back(fmt::format("{} of the {} parameters of {} are not in the checkpoint: {}{}",
                                    model.missing.size(), model.missing.size() + model.parameters.size(),
                                    model.architecture, fmt::join(named, ", "),
                                    model.missing.size() > kNamed ? ", ..." : ""));
}

/// The note for users where no table applies.
std::string why_generic(const std::string& class_name, const std::string& model_type) {
  if (!class_name.empty()) return fmt::format("{} is not a class that pare knows", class_name);
  if (!model_type.empty()) return fmt::format("'{}' is not a model type that pare knows", model_type);
  return "the architecture is unknown";
}

}  // namespace

bool same_tensor(const TensorView& a, const TensorView& b) {
  if (a.dtype != b.dtype || a.shape != b.shape || a.bytes.size() != b.bytes.size()) return false;
  if (a.bytes.encoded() == nullptr && b.bytes.encoded() == nullptr && a.bytes.data() == b.bytes.data()) return true;
  if (a.bytes.encoded() != nullptr && a.bytes.encoded() == b.bytes.encoded()) return true;
  for (std::size_t begin = 0; begin < a.bytes.size(); begin += kCompared) {
    const std::size_t size = std::min(kCompared, a.bytes.size() - begin);
    const checkpoint::TensorPiece one(a.bytes, begin, size), other(b.bytes, begin, size);
    if (std::memcmp(one.data(), other.data(), size) != 0) return false;
  }
  return true;
}

std::string dtype_reason(DType dtype) {
  if (is_analyzed(dtype)) return {};
  switch (dtype) {
    case DType::kBool:
    case DType::kI64:
    case DType::kI32:
    case DType::kI16:
    case DType::kI8:
    case DType::kU64:
    case DType::kU32:
    case DType::kU16:
    case DType::kU8:
      return "integer tensor";
    default:
      return fmt::format("dtype {} is not measured", dtype_name(dtype));
  }
}

void apply_architecture(Model& model, const Architecture& architecture, const Names& names) {
  const std::span<const TensorView> tensors = model.checkpoint.tensors();
  const Placement placement = place(model, architecture, names);
  std::vector<bool> used(tensors.size(), false);
  model.architecture = architecture.class_name;
  for (std::size_t i = 0; i < architecture.parameters.size(); ++i) {
    if (placement.dropped[i]) continue;
    const std::optional<std::size_t> tensor = placement.tensors[i];
    if (!tensor) {
      model.missing.push_back(architecture.parameters[i].name);
    } else if (is_analyzed(tensors[*tensor].dtype) && !used[*tensor]) {
      used[*tensor] = true;
      model.parameters.push_back(
          to_parameter(architecture.parameters[i], placement.roles[i], placement.slots[i], *tensor, tensors[*tensor]));
      for (const auto& [copy, kept] : placement.copies)
        if (kept == i && copy != *tensor) model.parameters.back().copies.push_back(copy);
    }
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (used[i]) continue;
    const auto copy = placement.copies.find(i);
    const bool tied = copy != placement.copies.end();
    model.left_out.push_back({tensors[i].name, tied ? "tied to " + architecture.parameters[copy->second].name
                                                    : reason_for(tensors[i], names.name(i), architecture)});
  }
  note_missing(model);
  settle_orientations(model, false);
}

namespace {

/// A class that the names may belong to, with the prefix under which they stand.
struct Reading {
  Names names;
  std::optional<Architecture> architecture;
  std::size_t found = 0;  ///< parameters of the class that the files hold
};

/// Parameters of the class that the files hold.
std::size_t count_found(const Architecture& architecture, const Names& names) {
  const Locator locator(names, architecture);
  return static_cast<std::size_t>(
      std::count_if(architecture.parameters.begin(), architecture.parameters.end(),
                    [&](const Expected& expected) { return locator.locate(expected.name).has_value(); }));
}

Reading read_as(const Model& model, const Config& config, const std::string& as_class, const std::string& prefix) {
  Reading reading{Names(model.checkpoint, prefix), {}};
  const Names& names = reading.names;
  const std::string configured = config.first_architecture();
  const Family* family =
      !as_class.empty() ? find_family(as_class, {}, names) : find_family({}, model.model_type, names);
  if (family == nullptr && as_class.empty() && model.model_type.empty() && !configured.empty())
    family = find_family(configured, {}, names);
  if (family == nullptr && !as_class.empty())
    throw Error(ErrorCode::kArgument, model.source,
                fmt::format("cannot be read as '{}', which is not a class that pare knows", as_class));
  if (family == nullptr) return reading;
  const std::string class_name = !as_class.empty() ? as_class : family->config_names_class ? configured : "";
  reading.architecture = lay_out(*family, class_name, config, names);
  if (!reading.architecture) return reading;
  reading.found = count_found(*reading.architecture, names);
  return reading;
}

/// Reads the names as they are, or behind the shared prefix that makes most of them names of the class.
Reading best_reading(const Model& model, const Config& config, const std::string& as_class) {
  Reading best = read_as(model, config, as_class, "");
  if (best.architecture && best.found == best.architecture->parameters.size()) return best;
  for (const std::string& prefix : shared_prefixes(model.checkpoint)) {
    if (prefix.empty()) continue;
    Reading reading = read_as(model, config, as_class, prefix);
    if (reading.found > best.found) best = std::move(reading);
  }
  return best;
}

/// Names a class of the family that has tensors which the configuration's class leaves out, such as a head.
void note_fuller_class(Model& model, const Config& config, const Reading& reading) {
  const Family* family = find_family(reading.architecture->class_name, {}, reading.names);
  if (family == nullptr || !family->config_names_class || config.first_architecture().empty()) return;
  const std::optional<Architecture> fuller = lay_out(*family, "", config, reading.names);
  if (!fuller || fuller->class_name == reading.architecture->class_name) return;
  const std::size_t found = count_found(*fuller, reading.names);
  if (found > reading.found)
    model.notes.push_back(fmt::format("{} of the tensors that are not part of {} are those of {}: --as {} reads them",
                                      found - reading.found, reading.architecture->class_name, fuller->class_name,
                                      fuller->class_name));
}

}  // namespace

void resolve(Model& model, const Config& config, const std::string& as_class) {
  model.model_type = config.text("model_type").value_or("");
  const Reading reading = best_reading(model, config, as_class);
  const std::optional<Architecture>& architecture = reading.architecture;
  if (!architecture) return resolve_generic(model, config, why_generic(config.first_architecture(), model.model_type));
  apply_architecture(model, *architecture, reading.names);
  if (as_class.empty()) note_fuller_class(model, config, reading);
  if (!model.parameters.empty() || !as_class.empty()) {
    if (std::string note = note_on_wrappers(model.checkpoint, reading.names.prefix()); !note.empty())
      model.notes.push_back(std::move(note));
    return;
  }
  // The configuration does not match these tensors, so they are taken as they are.
  model.left_out.clear();
  model.missing.clear();
  model.notes.clear();
  resolve_generic(model, config, fmt::format("none of {}'s parameters is in the checkpoint", architecture->class_name));
}

}  // namespace pare::model
