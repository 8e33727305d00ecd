#include "run/stack_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pare/error.h"

namespace pare::run {
namespace {

constexpr std::array kSlotNames{"none",
                                "word embedding",
                                "position embedding",
                                "type embedding",
                                "embedding norm",
                                "projection of the embeddings",
                                "attention norm",
                                "post-attention norm",
                                "feed-forward norm",
                                "post-feed-forward norm",
                                "q",
                                "k",
                                "v",
                                "qkv",
                                "o",
                                "q norm",
                                "k norm",
                                "position bias",
                                "up projection",
                                "gate projection",
                                "gate and up projection",
                                "down projection",
                                "router",
                                "experts' up projections",
                                "experts' gate projections",
                                "experts' gate and up projections",
                                "experts' down projections",
                                "final norm",
                                "projection of the output",
                                "head transform",
                                "head norm",
                                "head",
                                "pooler",
                                "classifier"};
static_assert(kSlotNames.size() == static_cast<std::size_t>(Slot::kClassifier) + 1);

/// The name without ".weight" or ".bias".
std::string module_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? std::string() : name.substr(0, dot);
}

/// Whether a part of the name is a number, as that of a layer.
bool has_number(const std::string& name) {
  for (std::size_t at = name.find('.'); at != std::string::npos; at = name.find('.', at + 1)) {
    const std::size_t end = name.find_first_not_of("0123456789", at + 1);
    if (end != std::string::npos && end > at + 1 && name[end] == '.') return true;
  }
  return false;
}

/// Of a class's missing parameters the first that belongs to the layer, and to the expert if there is one; empty if
/// there is none.
std::string missing_in(const Model& model, Place place) {
  const std::string layer = fmt::format(".{}.", place.layer), expert = fmt::format(".{}.", place.expert);
  for (const std::string& name : model.missing) {
    const std::size_t at = name.find(layer);
    if (place.layer < 0 && !has_number(name)) return name;
    if (place.layer >= 0 && at != std::string::npos &&
        (place.expert < 0 || name.find(expert, at + layer.size() - 1) != std::string::npos))
      return name;
  }
  return {};
}

}  // namespace

StackWeights::StackWeights(Weights& weights, const Model& model, std::string stack)
    : weights_(weights), model_(model), stack_(std::move(stack)) {
  for (const Parameter& parameter : model.parameters) {
    if (parameter.stack == stack_) layers_.emplace(parameter.layer, &parameter);
    if (parameter.slot != Slot::kNone)
      parameters_.emplace(Key{parameter.stack, parameter.slot, parameter.layer, parameter.cross_attention,
                              parameter.expert, parameter.group == Group::kBias},
                          &parameter);
  }
}

const Parameter* StackWeights::find(Place place, bool bias) const {
  for (const std::string& stack : {stack_, std::string()}) {
    for (const int expert : {place.expert, -1}) {
      const auto found = parameters_.find({stack, place.slot, place.layer, place.cross_attention, expert, bias});
      if (found != parameters_.end()) return found->second;
    }
  }
  return nullptr;
}

const Parameter& StackWeights::get(Place place) const {
  if (const Parameter* found = find(place, false)) return *found;
  std::string where = stack_;
  if (place.layer >= 0) where += fmt::format("{}layer {}", where.empty() ? "" : " ", place.layer);
  if (place.expert >= 0) where += fmt::format(", expert {}", place.expert);
  throw Error(ErrorCode::kMismatch, model_.source, missing_in(model_, place),
              fmt::format("the model cannot be run without a weight for '{}{}'{}",
                          place.cross_attention ? "cross-attention " : "",
                          kSlotNames[static_cast<std::size_t>(place.slot)], where.empty() ? "" : " of " + where));
}

std::vector<std::uint64_t> StackWeights::shape(Place place) const {
  const Parameter* found = find(place, false);
  return found ? model_.tensor(*found).shape : std::vector<std::uint64_t>();
}

std::string StackWeights::module(Place place) const {
  const Parameter* found = find(place, false);
  return found ? module_of(found->name) : std::string();
}

std::string StackWeights::layer_name(std::size_t layer) const {
  const std::string part = fmt::format(".{}.", layer);
  if (const auto first = layers_.find(static_cast<int>(layer)); first != layers_.end())
    if (const std::size_t at = first->second->name.find(part); at != std::string::npos)
      return first->second->name.substr(0, at + part.size() - 1);
  return fmt::format("layer {}", layer);
}

linear::Linear StackWeights::linear(Place place, std::size_t in, std::size_t out) {
  const Parameter& parameter = get(place);
  if (place.expert >= 0 && parameter.expert < 0)
    return weights_.expert(parameter.name, static_cast<std::size_t>(place.expert), in, out);
  const bool in_out = parameter.orientation == Orientation::kInOut;
  linear::Linear linear =
      weights_.linear(module_of(parameter.name), in, out, in_out ? Orientation::kInOut : Orientation::kOutIn);
  if (linear.bias == nullptr) linear.bias = bias(place, out);
  return linear;
}

std::optional<linear::Linear> StackWeights::optional_linear(Place place, std::size_t in, std::size_t out) {
  return has(place) ? std::optional(linear(place, in, out)) : std::nullopt;
}

Norm StackWeights::norm(Place place, std::size_t width) {
  const Parameter* found = find(place, false);
  if (found == nullptr) return {};
  return {weights_.vector(found->name, width), bias(place, width), width};
}

Table StackWeights::table(Place place, std::size_t columns) {
  const std::string& name = get(place).name;
  return weights_.table(name, weights_.rows_of(name, columns), columns);
}

const float* StackWeights::matrix(Place place, std::size_t rows, std::size_t columns) {
  return weights_.matrix(get(place).name, rows, columns);
}

const float* StackWeights::bias(Place place, std::size_t size) {
  const Parameter* found = find(place, true);
  return found ? weights_.vector(found->name, size) : nullptr;
}

linear::Linear StackWeights::tied_head(Place place, const Table& table) {
  const Parameter& own = get(place);
  // A head is tied to what both stacks share, even if its stack has an embedding of its own.
  const auto shared = parameters_.find({std::string(), place.slot, place.layer, place.cross_attention, -1, false});
  if (shared == parameters_.end() || shared->second == &own) return weights_.tied_head(module_of(own.name), table);
  const std::string& name = shared->second->name;
  return weights_.tied_head(module_of(name),
                            weights_.table(name, weights_.rows_of(name, table.columns()), table.columns()));
}

}  // namespace pare::run
