// Bodies of classes as data: what is before, in and after their layers.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/architecture.h"

namespace pare::model {

/// How the experts of a layer are stored. transformers' classes have one tensor of all experts with three axes, which
/// most files on the Hub hold as one matrix for each expert.
enum class Experts : std::uint8_t { kNone, kTogether, kApart };

/// Rows that share a prefix and a condition.
struct Section {
  std::string_view prefix;
  Rows rows;
  Condition occurs = nullptr;  ///< default: always
  bool cross_attention = false;
  /// If not kNone, the section occurs only for this way of storing. With kApart it is repeated for each expert, whose
  /// index replaces "{e}" in the prefix.
  Experts experts = Experts::kNone;
};

inline constexpr std::size_t kMostExperts = 200'000;

/// One stack of layers. Names are `prefix` + `layers` + a section's prefix + a row's name, after the prefix of the
/// class; "{i}" stands for the index of the layer.
struct Body {
  std::string_view prefix = {};
  std::vector<Section> before = {};
  std::vector<Section> each = {};  ///< of a layer
  std::vector<Section> after = {};
  std::string_view layers = "layers.{i}.";
  std::vector<std::string_view> depth = {"num_hidden_layers"};  ///< keys of the configuration, the first that is there
  std::string_view stack = {};                                  ///< Parameter::stack
  std::vector<std::string_view> experts = {};                   ///< keys for the number of experts
  std::string_view config = {};                                 ///< key of the body's part of the configuration
};

/// Appends the rows of a body whose conditions hold. Throws Error (kLimit) for more layers or experts than kMostBlocks,
/// or more experts in all layers than kMostExperts.
void append_body(Architecture& architecture, const Body& body, std::string_view class_prefix, const Config& config,
                 const Names& names);

}  // namespace pare::model
