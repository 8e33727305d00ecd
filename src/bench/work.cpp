#include "bench/work.h"

namespace pare::bench {
namespace {

void add(PassLayers& pass, const LayerUse& layer, std::size_t tokens) {
  pass.layers.push_back(layer);
  pass.work.flops += 2.0 * static_cast<double>(layer.nonzeros) * static_cast<double>(tokens);
  pass.work.bytes += static_cast<double>(layer.bytes);
}

}  // namespace

LayerPart part_of(ModelKind kind, const LayerUse& linear) {
  const bool in_layer = linear.layer >= 0;
  if (kind == ModelKind::kEncoder || linear.stack == "encoder") return in_layer ? LayerPart::kBody : LayerPart::kOther;
  if (!in_layer) return linear.group == Group::kHead ? LayerPart::kHead : LayerPart::kOther;
  if (kind == ModelKind::kCausal) return LayerPart::kBody;
  const bool key_or_value = linear.group == Group::kAttentionK || linear.group == Group::kAttentionV;
  return linear.cross_attention && key_or_value ? LayerPart::kSources : LayerPart::kDecoder;
}

PassLayers prefill_layers(const Runner& runner, std::size_t sequences, std::size_t length) {
  const ModelKind kind = kind_of(runner);
  const std::vector<LayerUse> all = runner.layers(sequences * length), last = runner.layers(sequences);
  PassLayers pass;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const LayerPart part = part_of(kind, all[i]);
    if (part == LayerPart::kBody || part == LayerPart::kSources) add(pass, all[i], sequences * length);
    if (part == LayerPart::kHead && kind == ModelKind::kCausal) add(pass, last[i], sequences);
  }
  return pass;
}

PassLayers decode_layers(const Runner& runner) {
  const ModelKind kind = kind_of(runner);
  PassLayers pass;
  if (kind == ModelKind::kEncoder) return pass;
  const LayerPart body = kind == ModelKind::kCausal ? LayerPart::kBody : LayerPart::kDecoder;
  for (const LayerUse& layer : runner.layers(1)) {
    const LayerPart part = part_of(kind, layer);
    if (part == body || part == LayerPart::kHead) add(pass, layer, 1);
  }
  return pass;
}

}  // namespace pare::bench
