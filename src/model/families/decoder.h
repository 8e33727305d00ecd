// What the decoders since Llama share: rows, tasks and conditions.
#pragma once

#include <initializer_list>
#include <string_view>

#include "model/family.h"

namespace pare::model {

/// self_attn's four projections; biases by attention_bias.
const Rows& split_projections();
/// The same without biases.
const Rows& plain_projections();
/// RMS norms of queries and keys, in self_attn.
const Rows& query_key_norms();
/// mlp's gate, up and down; biases by mlp_bias.
const Rows& gated_feed_forward();
/// The same without biases.
const Rows& plain_feed_forward();
/// The norms before attention and before the feed-forward block.
const Rows& two_norms();
/// The norms before and after attention and the feed-forward block.
const Rows& four_norms();

/// Llama's body with the given sections as its layers, keys of the configuration for the number of experts, if any, and
/// another norm after the last layer, if given.
Body decoder_body(std::vector<Section> each, std::vector<std::string_view> experts = {}, const Rows& final_norm = {});
/// Of Llama's tasks, those with the given endings. The first has the body alone.
std::vector<Task> decoder_tasks(std::initializer_list<std::string_view> endings);

/// Whether the configuration's flag is true; if absent, false.
bool has_attention_bias(const Site& site);
bool has_mlp_bias(const Site& site);

}  // namespace pare::model
