#include "pack/encode.h"

#include <algorithm>
#include <cstring>

#include "checkpoint/packed/packed_format.h"
#include "checkpoint/packed/packed_tensor.h"
#include "checkpoint/tensor_piece.h"

namespace pare::pack {
namespace {

using checkpoint::Bytes;
using checkpoint::GapCode;
using checkpoint::GapUnits;
using checkpoint::PartNames;

/// Approximate bytes of an entry of the header, without the name.
constexpr std::uint64_t kEntryBytes = 64;

std::size_t element_size(const TensorView& tensor) { return dtype_bits(tensor.dtype) / 8; }

/// Rows run along the last axis, as checkpoint::StoredTensor has them.
struct Extent {
  std::uint64_t rows = 1, columns = 1, inner = 1;
  explicit Extent(const TensorView& tensor) {
    const auto& shape = tensor.shape;
    for (std::size_t axis = 0; axis + 1 < shape.size(); ++axis) rows *= shape[axis];
    if (!shape.empty()) columns = shape.back();
    if (shape.size() > 1) inner = rows / shape.front();
  }
};

/// Number of bytes that a plan adds to the file.
std::uint64_t cost(const TensorPlan& plan) {
  std::uint64_t bytes = plan.stored_bytes();
  for (const Part& part : plan.parts) bytes += part.name.size() + kEntryBytes;
  return bytes;
}

/// Files must stay within the reader's limit on expansion.
bool within_ratio(const TensorPlan& plan) {
  return plan.tensor->bytes.size() / checkpoint::kLargestRatio <= plan.stored_bytes();
}

class Candidates {
 public:
  Candidates(const TensorView& tensor, const PackOptions& options)
      : tensor_(tensor),
        options_(options),
        names_(tensor.name),
        bytes_(tensor.bytes),
        nonzeros_(checkpoint::count_nonzeros(bytes_, element_size(tensor))),
        best_(plan_dense(tensor, nonzeros_)) {}

  TensorPlan choose() {
    // compressed-tensors gives every unpacked tensor a name with this ending, and it cannot mask a scalar.
    const bool maskable =
        !tensor_.shape.empty() && (options_.encoding != Encoding::kBitmask || tensor_.name.ends_with(".weight"));
    if (allowed(Encoding::kBitmask) && maskable) offer(bitmask());
    // Counting gaps takes longer than counting nonzeros, so gaps are counted only if even the fewest units could take
    // fewer bytes.
    if (allowed(Encoding::kGaps4) && gaps_may_win(GapCode::k4)) offer(gaps(Encoding::kGaps4));
    if (allowed(Encoding::kGaps8) && gaps_may_win(GapCode::k8)) offer(gaps(Encoding::kGaps8));
    if (allowed(Encoding::kGaps8Zstd)) offer(gaps_zstd());
    if (allowed(Encoding::kDenseZstd)) offer(dense_zstd());
    return std::move(best_);
  }

  TensorPlan only(Encoding encoding) {
    switch (encoding) {
      case Encoding::kDense:
        break;
      case Encoding::kBitmask:
        return bitmask();
      case Encoding::kGaps8:
      case Encoding::kGaps4:
        return gaps(encoding);
      case Encoding::kDenseZstd:
        return dense_zstd();
      case Encoding::kGaps8Zstd:
        return gaps_zstd();
    }
    return std::move(best_);
  }

 private:
  bool allowed(Encoding encoding) const {
    if (options_.encoding) return encoding == *options_.encoding;
    const bool mostly_zero = nonzeros_ < tensor_.elements() / 4;
    if (encoding == Encoding::kDenseZstd) return options_.zstd && !mostly_zero;
    if (encoding == Encoding::kGaps8Zstd) return options_.zstd && nonzeros_ < tensor_.elements();
    return true;
  }

  void offer(TensorPlan plan) {
    if (cost(plan) < cost(best_) && within_ratio(plan)) best_ = std::move(plan);
  }

  TensorPlan start(Encoding encoding) const { return {&tensor_, encoding, nonzeros_, {}, {}}; }

  Part values(const std::string& name) const {
    return {name, tensor_.dtype, {nonzeros_}, nonzeros_ * element_size(tensor_)};
  }

  TensorPlan bitmask() const {
    const Extent extent(tensor_);
    TensorPlan plan = start(Encoding::kBitmask);
    std::vector<std::uint64_t> shape = tensor_.shape;
    shape.back() = checkpoint::mask_row_bytes(extent.columns);
    plan.parts.push_back({names_.bitmask, DType::kU8, shape, extent.rows * shape.back()});
    plan.parts.push_back(values(names_.compressed));
    plan.parts.push_back({names_.shape, DType::kI64, {shape.size()}, shape.size() * 8});
    shape.pop_back();
    plan.parts.push_back({names_.row_offsets, DType::kI64, shape, extent.rows * 8});
    return plan;
  }

  bool gaps_may_win(GapCode code) const {
    return checkpoint::fewest_gap_bytes(code, nonzeros_) + nonzeros_ * element_size(tensor_) < best_.stored_bytes();
  }

  const GapUnits& units() {
    if (!units_) units_ = checkpoint::count_gap_units(bytes_, element_size(tensor_));
    return *units_;
  }

  TensorPlan gaps(Encoding encoding) {
    const GapCode code = encoding == Encoding::kGaps4 ? GapCode::k4 : GapCode::k8;
    const std::uint64_t size = checkpoint::gap_bytes(code, units());
    TensorPlan plan = start(encoding);
    plan.parts.push_back({code == GapCode::k4 ? names_.gaps4 : names_.gaps8, DType::kU8, {size}, size});
    plan.parts.push_back(values(names_.values));
    return plan;
  }

  void add_compressed(TensorPlan& plan, const std::string& name, Bytes bytes) const {
    plan.compressed.push_back(checkpoint::compress_zstd(bytes));
    const std::uint64_t size = plan.compressed.back().size();
    plan.parts.push_back({name, DType::kU8, {size}, size});
  }

  void add_compressed_planes(TensorPlan& plan, const std::string& name, Bytes elements) const {
    std::vector<std::byte> planes(elements.size());
    checkpoint::split_planes(elements, element_size(tensor_), planes.data());
    add_compressed(plan, name, planes);
  }

  TensorPlan gaps_zstd() {
    const PartData data(gaps(Encoding::kGaps8));
    TensorPlan plan = start(Encoding::kGaps8Zstd);
    add_compressed(plan, names_.gaps8_zstd, data.parts()[0]);
    add_compressed_planes(plan, names_.values_zstd, data.parts()[1]);
    return plan;
  }

  TensorPlan dense_zstd() const {
    TensorPlan plan = start(Encoding::kDenseZstd);
    add_compressed_planes(plan, names_.zstd, bytes_);
    return plan;
  }

  const TensorView& tensor_;
  const PackOptions& options_;
  const PartNames names_;
  const checkpoint::TensorPiece bytes_;
  const std::uint64_t nonzeros_;
  std::optional<GapUnits> units_;
  TensorPlan best_;
};

}  // namespace

std::uint64_t TensorPlan::stored_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const Part& part : parts) bytes += part.size;
  return bytes;
}

TensorPlan plan_dense(const TensorView& tensor, std::uint64_t nonzeros) {
  const Part part{tensor.name, tensor.dtype, tensor.shape, tensor.bytes.size()};
  return {&tensor, Encoding::kDense, nonzeros, {part}, {}};
}

TensorPlan plan_tensor(const TensorView& tensor, const PackOptions& options) {
  if (!is_analyzed(tensor.dtype) || tensor.bytes.empty()) return plan_dense(tensor, tensor.elements());
  return Candidates(tensor, options).choose();
}

TensorPlan plan_as(const TensorView& tensor, Encoding encoding) {
  const PackOptions options;
  return Candidates(tensor, options).only(encoding);
}

PartData::PartData(const TensorPlan& plan) : tensor_(plan.compressed.empty() ? plan.tensor->bytes : TensorBytes()) {
  switch (plan.encoding) {
    case Encoding::kDense:
      parts_.emplace_back(tensor_);
      break;
    case Encoding::kBitmask:
      encode_bitmask(plan);
      break;
    case Encoding::kGaps8:
    case Encoding::kGaps4:
      encode_gaps(plan);
      break;
    default:
      for (const std::vector<std::byte>& data : plan.compressed) parts_.emplace_back(data);
  }
}

std::byte* PartData::add(std::uint64_t size, std::size_t slack) {
  owned_.emplace_back(size + slack);
  parts_.emplace_back(owned_.back().data(), size);
  return owned_.back().data();
}

void PartData::encode_bitmask(const TensorPlan& plan) {
  const Extent extent(*plan.tensor);
  std::byte* mask = add(plan.parts[0].size);
  std::byte* values = add(plan.parts[1].size, checkpoint::kValueSlack);
  checkpoint::encode_bitmask(tensor_, element_size(*plan.tensor), extent.rows, extent.columns,
                             reinterpret_cast<std::uint8_t*>(mask), values);
  std::memcpy(add(plan.parts[2].size), plan.tensor->shape.data(), plan.parts[2].size);
  const auto offsets = checkpoint::row_offsets(parts_[0], extent.rows, extent.columns, extent.inner);
  std::memcpy(add(plan.parts[3].size), offsets.data(), plan.parts[3].size);
}

void PartData::encode_gaps(const TensorPlan& plan) {
  std::byte* gaps = add(plan.parts[0].size);
  std::byte* values = add(plan.parts[1].size, checkpoint::kValueSlack);
  checkpoint::encode_gaps(plan.encoding == Encoding::kGaps4 ? GapCode::k4 : GapCode::k8, tensor_,
                          element_size(*plan.tensor), {reinterpret_cast<std::uint8_t*>(gaps), plan.parts[0].size},
                          values);
}

}  // namespace pare::pack
