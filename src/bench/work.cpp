#include "bench/work.h"

namespace pare::bench {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool in_layers(std::string_view name) {
  return contains(name, "h.") || contains(name, ".block.") || contains(name, ".layer.");
}

bool is_cross_key_or_value(std::string_view name) {
  return contains(name, "EncDecAttention.k.") || contains(name, "EncDecAttention.v.") ||
         contains(name, "crossattention.self.key.") || contains(name, "crossattention.self.value.");
}

void add(PassLayers& pass, const LayerUse& layer, std::size_t tokens) {
  pass.layers.push_back(layer);
  pass.work.flops += 2.0 * static_cast<double>(layer.nonzeros) * static_cast<double>(tokens);
  pass.work.bytes += static_cast<double>(layer.bytes);
}

}  // namespace

ModelKind kind_of(const Runner& runner) {
  if (dynamic_cast<const CausalRunner*>(&runner) != nullptr) return ModelKind::kCausal;
  if (dynamic_cast<const EncoderDecoderRunner*>(&runner) != nullptr) return ModelKind::kEncoderDecoder;
  return ModelKind::kEncoder;
}

LayerPart part_of(ModelKind kind, std::string_view layer) {
  switch (kind) {
    case ModelKind::kCausal:
      return in_layers(layer) ? LayerPart::kBody : LayerPart::kHead;
    case ModelKind::kEncoder:
      return in_layers(layer) ? LayerPart::kBody : LayerPart::kOther;
    case ModelKind::kEncoderDecoder:
      break;
  }
  if (layer.starts_with("encoder.")) return in_layers(layer) ? LayerPart::kBody : LayerPart::kOther;
  if (is_cross_key_or_value(layer)) return LayerPart::kSources;
  return in_layers(layer) ? LayerPart::kDecoder : LayerPart::kHead;
}

PassLayers many_layers(const Runner& runner, std::size_t sequences, std::size_t length) {
  const ModelKind kind = kind_of(runner);
  const std::vector<LayerUse> all = runner.layers(sequences * length), last = runner.layers(sequences);
  PassLayers pass;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const LayerPart part = part_of(kind, all[i].name);
    if (part == LayerPart::kBody || part == LayerPart::kSources) add(pass, all[i], sequences * length);
    if (part == LayerPart::kHead && kind == ModelKind::kCausal) add(pass, last[i], sequences);
  }
  return pass;
}

PassLayers step_layers(const Runner& runner) {
  const ModelKind kind = kind_of(runner);
  PassLayers pass;
  if (kind == ModelKind::kEncoder) return pass;
  const LayerPart body = kind == ModelKind::kCausal ? LayerPart::kBody : LayerPart::kDecoder;
  for (const LayerUse& layer : runner.layers(1)) {
    const LayerPart part = part_of(kind, layer.name);
    if (part == body || part == LayerPart::kHead) add(pass, layer, 1);
  }
  return pass;
}

}  // namespace pare::bench
