#include "calibrate/working_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/float_convert.h"
#include "pare/error.h"
#include "stats/float_format.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kAlignment = 64;

bool is_used_in_place(DType dtype) { return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16; }

kernels::FloatType type_of(DType dtype) {
  return dtype == DType::kF32   ? kernels::FloatType::kF32
         : dtype == DType::kF16 ? kernels::FloatType::kF16
                                : kernels::FloatType::kBF16;
}

/// Rounds to nearest, ties to even; what is beyond the range becomes the largest finite number.
void store(const stats::FloatFormat& format, float value, std::byte* to) {
  if (format.size() == sizeof(float)) {
    std::memcpy(to, &value, sizeof(float));
    return;
  }
  const std::uint64_t key = stats::rounded_key(format, std::fabs(static_cast<double>(value)));
  const auto pattern = static_cast<std::uint16_t>(std::min(key, format.finite_max) |
                                                  (std::signbit(value) ? format.sign_bit() : std::uint64_t{0}));
  std::memcpy(to, &pattern, sizeof pattern);
}

/// Keeps a temporary file while its bytes are used as the new values of a mask.
struct HeldValues {
  std::shared_ptr<const base::ScratchFile> file;
  std::span<const std::byte> bytes;
};

}  // namespace

WorkingWeights::WorkingWeights(const Model& model, const std::vector<std::size_t>& parameters)
    : original_(model), working_(model), parameters_(parameters) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const TensorView& tensor = source(i);
    if (!is_used_in_place(tensor.dtype))
      throw Error(
          ErrorCode::kUnsupported, model.source, tensor.name,
          "calibrated criteria need weights of dtype F32, F16 or BF16, found " + std::string(dtype_name(tensor.dtype)));
    offsets_.push_back(size);
    size += (tensor.bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  scratch_ = std::make_shared<base::ScratchFile>(size);
  std::vector<TensorView> tensors(model.checkpoint.tensors().begin(), model.checkpoint.tensors().end());
  for (std::size_t i = 0; i < parameters.size(); ++i)
    tensors[model.parameters[parameters[i]].tensor].bytes = std::span<const std::byte>(bytes(i));
  std::vector<CheckpointFile> files(model.checkpoint.files().begin(), model.checkpoint.files().end());
  // The original keeps the other tensors, and the temporary file these.
  const auto storage =
      std::make_shared<std::pair<Checkpoint, std::shared_ptr<base::ScratchFile>>>(model.checkpoint, scratch_);
  working_.checkpoint =
      Checkpoint::from_tensors(std::move(tensors), std::move(files), model.checkpoint.directory(), storage);
}

const TensorView& WorkingWeights::source(std::size_t index) const {
  return original_.tensor(original_.parameters[parameters_[index]]);
}

std::span<std::byte> WorkingWeights::bytes(std::size_t index) const {
  return scratch_->bytes().subspan(offsets_[index], source(index).bytes.size());
}

void WorkingWeights::load(std::size_t index) {
  const TensorView& tensor = source(index);
  if (!tensor.bytes.empty()) std::memcpy(bytes(index).data(), tensor.bytes.data(), tensor.bytes.size());
}

LinearTask WorkingWeights::task(std::size_t index) const {
  const TensorView& tensor = source(index);
  LinearTask task;
  task.out_in = original_.parameters[parameters_[index]].orientation != Orientation::kInOut;
  const std::size_t rows = tensor.shape[0], columns = tensor.shape[1];
  task.out = task.out_in ? rows : columns;
  task.in = task.out_in ? columns : rows;
  std::vector<float> stored(rows * columns);
  kernels::to_f32(type_of(tensor.dtype), bytes(index).data(), stored.size(), stored.data());
  task.removed.resize(stored.size());
  if (task.out_in) {
    task.weights = std::move(stored);
    return task;
  }
  task.weights.resize(stored.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t o = 0; o < columns; ++o) task.weights[o * rows + i] = stored[i * columns + o];
  return task;
}

void WorkingWeights::remove(const Mask& mask, std::size_t index, LinearTask& task) const {
  const TensorView& tensor = source(index);
  std::vector<std::byte> masked(tensor.bytes.size());
  mask.copy(tensor, 0, tensor.elements(), masked.data());
  std::vector<float> values(task.weights.size());
  kernels::to_f32(type_of(tensor.dtype), masked.data(), values.size(), values.data());
  for (std::size_t row = 0; row < task.out; ++row)
    for (std::size_t column = 0; column < task.in; ++column)
      task.removed_row(row)[column] = values[task.stored(row, column)] == 0 ? 1 : 0;
}

TensorCut WorkingWeights::finish(std::size_t index, const LinearTask& task) {
  const stats::FloatFormat& format = stats::float_format(source(index).dtype);
  const std::span<std::byte> all = bytes(index);
  std::uint64_t pruned = 0;
  Mask::Bits bits;
  bits.removed.resize((task.removed.size() + 63) / 64);
  for (std::size_t row = 0; row < task.out; ++row)
    for (std::size_t column = 0; column < task.in; ++column) {
      const std::size_t at = row * task.in + column, stored = task.stored(row, column);
      std::byte* to = all.data() + stored * format.size();
      if (task.removed[at] != 0) {
        bits.removed[stored / 64] |= std::uint64_t{1} << stored % 64;
        std::memset(to, 0, format.size());
        ++pruned;
      } else if (task.changed) {
        store(format, task.weights[at], to);
      }
    }
  return cut_of(index, pruned, std::move(bits), task.changed);
}

TensorCut WorkingWeights::restore(const StoredLinear& linear) {
  const TensorView& tensor = source(linear.index);
  const std::uint64_t elements = tensor.elements();
  if (linear.removed.size() != (elements + 63) / 64 ||
      (!linear.values.empty() && linear.values.size() != tensor.bytes.size()))
    throw Error(ErrorCode::kMismatch, original_.source, tensor.name, "has another size than in the interrupted run");
  load(linear.index);
  const std::span<std::byte> all = bytes(linear.index);
  if (!linear.values.empty()) std::memcpy(all.data(), linear.values.data(), all.size());
  const std::size_t size = stats::float_format(tensor.dtype).size();
  for (std::uint64_t i = 0; i < elements; ++i)
    if ((linear.removed[i / 64] >> i % 64 & 1) != 0) std::memset(all.data() + i * size, 0, size);
  Mask::Bits bits;
  bits.removed = linear.removed;
  return cut_of(linear.index, linear.pruned, std::move(bits), !linear.values.empty());
}

TensorCut WorkingWeights::cut_of(std::size_t index, std::uint64_t pruned, Mask::Bits bits, bool changed) const {
  TensorCut cut;
  cut.pruned = pruned;
  if (changed) {
    const auto held = std::make_shared<const HeldValues>(HeldValues{scratch_, bytes(index)});
    bits.values = {held, &held->bytes};
  }
  cut.mask = std::move(bits);
  return cut;
}

}  // namespace pare::calibrate
