// Writes a GGUF file: the header first, then pieces of all tensors in parallel.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "base/output.h"
#include "base/parallel.h"
#include "base/pieces.h"
#include "checkpoint/gguf/gguf_writer.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/float_convert.h"
#include "model/config.h"
#include "model/gguf/gguf_changes.h"
#include "model/gguf/gguf_settings.h"
#include "pack/gguf_encode.h"
#include "pare/convert.h"
#include "pare/error.h"
#include "pare/publish.h"
#include "pare/stats.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using checkpoint::GgufOutput;
using model::GgufChange;

struct WeightsRow {
  std::string_view name;
  std::uint32_t id;         ///< of the type in the file
  std::uint32_t file_type;  ///< general.file_type, llama.cpp's LLAMA_FTYPE
};
constexpr std::array<WeightsRow, 4> kWeightsRows{{{"F32", 0, 0}, {"F16", 1, 1}, {"BF16", 30, 32}, {"Q8_0", 8, 7}}};

const WeightsRow& row_of(GgufWeights weights) { return kWeightsRows[static_cast<std::size_t>(weights)]; }

GgufWeights usual_weights(const Model& model) {
  std::optional<DType> dtype;
  for (const Parameter& parameter : model.parameters) {
    const TensorView& tensor = model.tensor(parameter);
    if (tensor.shape.size() < 2) continue;
    if (dtype && *dtype != tensor.dtype) return GgufWeights::kF32;
    dtype = tensor.dtype;
  }
  return dtype == DType::kF16 ? GgufWeights::kF16 : dtype == DType::kBF16 ? GgufWeights::kBF16 : GgufWeights::kF32;
}

struct Planned {
  TensorView source;  ///< with llama.cpp's values
  GgufWeights weights;
};

class GgufPlan {
 public:
  GgufPlan(const Model& model, const model::GgufArchitecture& architecture, GgufWeights weights)
      : model_(model), architecture_(architecture), weights_(weights) {
    for (const Parameter& parameter : model.parameters) add(parameter);
    if (!model.missing.empty())
      throw Error(ErrorCode::kMismatch, model.source,
                  fmt::format("lacks {} parameters, {} among them", model.missing.size(), model.missing.front()));
  }

  std::vector<Planned> tensors;
  std::vector<GgufOutput> outputs;
  std::uint64_t rows = 0;  ///< of the embedding

 private:
  std::uint64_t heads(bool of_keys) const {
    const model::Config config(model_.config, model_.checkpoint.directory() / "config.json");
    const auto queries = config.number("num_attention_heads"), keys = config.number("num_key_value_heads");
    return (of_keys && keys ? keys : queries).value_or(0);
  }

  TensorView changed(const TensorView& tensor, GgufChange change) const {
    switch (change) {
      case GgufChange::kQueryRows:
      case GgufChange::kKeyRows: {
        const std::uint64_t count = heads(change == GgufChange::kKeyRows);
        if (count == 0 || tensor.shape.empty() || tensor.shape[0] % (2 * count) != 0)
          throw Error(ErrorCode::kMismatch, model_.source, tensor.name,
                      fmt::format("has {} rows (expected a multiple of twice the {} heads)",
                                  tensor.shape.empty() ? 0 : tensor.shape[0], count));
        return model::with_head_rows(tensor, count, true);
      }
      case GgufChange::kOffset:
        return model::with_offset(tensor, 1);
      case GgufChange::kTransposed:
        return tensor.shape.size() == 2 ? model::transposed(tensor) : tensor;
      case GgufChange::kNone:
        break;
    }
    return tensor;
  }

  void add(const Parameter& parameter) {
    const std::optional<model::GgufTarget> target = model::gguf_name(architecture_, parameter.name);
    const TensorView& tensor = model_.tensor(parameter);
    if (!target)
      throw Error(ErrorCode::kUnsupported, model_.source, parameter.name,
                  fmt::format("has no place in a GGUF file of the architecture {}", architecture_.name));
    if (!is_analyzed(tensor.dtype))
      throw Error(ErrorCode::kUnsupported, model_.source, parameter.name,
                  fmt::format("dtype {} cannot be converted", dtype_name(tensor.dtype)));
    Planned planned{changed(tensor, target->change), weights_};
    const std::vector<std::uint64_t>& shape = planned.source.shape;
    // As llama.cpp has it: what is small and sensitive is not rounded.
    if (shape.size() < 2 || parameter.slot == Slot::kPositionEmbedding)
      planned.weights = GgufWeights::kF32;
    else if (weights_ == GgufWeights::kQ8_0 && shape.back() % 32 != 0)
      planned.weights = GgufWeights::kF16;
    if (parameter.slot == Slot::kWordEmbedding && shape.size() == 2) rows = shape[0];
    outputs.push_back({target->name, checkpoint::find_gguf_type(row_of(planned.weights).id), shape, 0});
    tensors.push_back(std::move(planned));
  }

  const Model& model_;
  const model::GgufArchitecture& architecture_;
  GgufWeights weights_;
};

struct GgufPiece {
  std::size_t tensor;
  std::uint64_t begin, count;  ///< elements
};

/// Elements of a tensor as F32.
void read_floats(const TensorView& tensor, std::uint64_t begin, std::size_t n, float* out) {
  using kernels::FloatType;
  const std::size_t size = dtype_bits(tensor.dtype) / 8;
  const checkpoint::TensorPiece piece(tensor.bytes, begin * size, n * size);
  if (size == 1) {
    const TensorView values{"", tensor.dtype, {n}, TensorBytes(piece.data(), n), 0};
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(element_value(values, i));
    return;
  }
  kernels::to_f32(tensor.dtype == DType::kF64    ? FloatType::kF64
                  : tensor.dtype == DType::kF16  ? FloatType::kF16
                  : tensor.dtype == DType::kBF16 ? FloatType::kBF16
                                                 : FloatType::kF32,
                  piece.data(), n, out);
}

void write_tensors(const GgufPlan& plan, base::OutputFile& output, const Context& context) {
  std::vector<GgufPiece> pieces;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const std::uint64_t elements = plan.outputs[i].elements();
    // A tensor whose values are computed in large parts is read in such parts.
    const EncodedTensor* encoded = plan.tensors[i].source.bytes.encoded();
    const std::uint64_t unit = encoded == nullptr ? 1 : encoded->granularity();
    const std::uint64_t step = (base::kPieceElements + unit - 1) / unit * unit;
    for (std::uint64_t begin = 0; begin < elements; begin += step)
      pieces.push_back({i, begin, std::min(step, elements - begin)});
    total += plan.outputs[i].bytes();
  }
  std::atomic<std::uint64_t> done{0};
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned) {
    const GgufPiece& piece = pieces[item];
    const GgufOutput& target = plan.outputs[piece.tensor];
    std::vector<float> values(piece.count);
    read_floats(plan.tensors[piece.tensor].source, piece.begin, piece.count, values.data());
    const std::uint64_t unit = target.type->block_elements(), size = target.type->block_bytes();
    std::vector<std::byte> bytes(piece.count / unit * size);
    pack::encode_gguf(plan.tensors[piece.tensor].weights, values.data(), piece.count, bytes.data());
    output.write_at(target.offset + piece.begin / unit * size, bytes);
    context.report_bytes(done.fetch_add(bytes.size(), std::memory_order_relaxed) + bytes.size(), total);
  });
}

}  // namespace

std::string_view gguf_weights_name(GgufWeights weights) noexcept { return row_of(weights).name; }

void write_gguf(const Model& model, const fs::path& file, const GgufOptions& options, const Context& context) {
  check_output_file(file, options.force);
  check_output_apart(file, model);
  const model::GgufArchitecture& architecture = model::gguf_architecture_of(model);
  const GgufWeights weights = options.weights.value_or(usual_weights(model));
  GgufPlan plan(model, architecture, weights);
  checkpoint::GgufText text;
  model::add_gguf_settings(model, architecture, text);
  text.add("general.file_type", row_of(weights).file_type);
  text.add("general.quantization_version", std::uint32_t{2});
  model::add_gguf_tokenizer(model, plan.rows, text);
  const std::string header = checkpoint::gguf_header(text, plan.outputs);
  base::OutputFile output(file, options.force ? base::Publish::kReplace : base::Publish::kNew);
  std::uint64_t size = header.size();
  for (const GgufOutput& tensor : plan.outputs) size = std::max(size, tensor.offset + tensor.bytes());
  // llama.cpp also wants the last tensor to be padded.
  output.reserve((size + 31) / 32 * 32);
  output.write_at(0, header);
  write_tensors(plan, output, context);
  model.checkpoint.require_unchanged();
  output.commit();
}

}  // namespace pare
