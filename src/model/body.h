// Bodies of classes as data: what is before, in and after their layers.
#pragma once

#include <string_view>
#include <vector>

#include "model/architecture.h"

namespace pare::model {

/// Rows that share a prefix and a condition.
struct Section {
  std::string_view prefix;
  Rows rows;
  Condition occurs = nullptr;  ///< default: always
  bool cross_attention = false;
};

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
};

/// Appends the rows of a body whose conditions hold. Throws Error (kLimit) for more layers than kMostBlocks.
void append_body(Architecture& architecture, const Body& body, std::string_view class_prefix, const Config& config,
                 const Names& names);

}  // namespace pare::model
