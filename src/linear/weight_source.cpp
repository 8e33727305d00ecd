#include "linear/weight_source.h"

#include <cstring>

#include "kernels/float_convert.h"
#include "pare/stats.h"

namespace pare::linear {
namespace {

void convert(DType dtype, const std::byte* data, std::size_t n, float* out) {
  using kernels::FloatType;
  switch (dtype) {
    case DType::kF64:
      return kernels::to_f32(FloatType::kF64, data, n, out);
    case DType::kF32:
      return kernels::to_f32(FloatType::kF32, data, n, out);
    case DType::kF16:
      return kernels::to_f32(FloatType::kF16, data, n, out);
    case DType::kBF16:
      return kernels::to_f32(FloatType::kBF16, data, n, out);
    default:
      break;
  }
  const TensorView values{"", dtype, {n}, TensorBytes(data, n * dtype_bits(dtype) / 8), 0};
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(element_value(values, i));
}

}  // namespace

const float* floats_of(const TensorView& tensor, std::unique_ptr<float[]>& room) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(float) == 0;
  if (tensor.dtype == DType::kF32 && aligned) return reinterpret_cast<const float*>(tensor.bytes.data());
  if (!room) {
    room = std::make_unique_for_overwrite<float[]>(tensor.elements());
    convert(tensor.dtype, tensor.bytes.data(), tensor.elements(), room.get());
  }
  return room.get();
}

FloatType weight_type(DType dtype) {
  return dtype == DType::kF16 ? FloatType::kF16 : dtype == DType::kBF16 ? FloatType::kBF16 : FloatType::kF32;
}

WeightView weights_of(const TensorView& tensor, std::size_t rows, std::size_t columns, std::unique_ptr<float[]>& room) {
  const FloatType type = weight_type(tensor.dtype);
  if (type == FloatType::kF32) return {floats_of(tensor, room), rows, columns};
  const std::byte* data = tensor.bytes.data();
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(std::uint16_t) == 0) return {data, type, rows, columns};
  if (!room) {
    room = std::make_unique_for_overwrite<float[]>((tensor.elements() + 1) / 2);
    std::memcpy(room.get(), data, tensor.elements() * sizeof(std::uint16_t));
  }
  return {room.get(), type, rows, columns};
}

WeightView WeightSource::dense() const {
  if (weights_.view.data != nullptr) return weights_.view;
  once_.run([this] { dense_ = weights_of(tensor_, weights_.view.rows, weights_.view.columns, room_); });
  return dense_;
}

NonzeroRows WeightSource::nonzero_rows() const {
  SparseRows packed = tensor_.bytes.packed()->sparse_rows();
  NonzeroRows rows{std::move(packed.begin), std::move(packed.column), std::move(packed.values)};
  if (dtype_bits(tensor_.dtype) == 8 * kernels::weight_bytes(weights_.view.type) &&
      (tensor_.dtype == DType::kF32 || weights_.view.type != FloatType::kF32))
    return rows;
  const std::size_t count = rows.column.size();
  std::vector<std::byte> values(count * sizeof(float));
  convert(tensor_.dtype, rows.values.data(), count, reinterpret_cast<float*>(values.data()));
  rows.values = std::move(values);
  return rows;
}

}  // namespace pare::linear
