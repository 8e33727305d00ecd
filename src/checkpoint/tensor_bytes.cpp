#include <algorithm>
#include <cstring>
#include <memory>

#include "base/aligned_buffer.h"
#include "base/once.h"
#include "base/parallel.h"
#include "pare/checkpoint.h"

namespace pare {

struct TensorBytes::Kept {
  std::shared_ptr<const PackedTensor> packed;
  std::shared_ptr<const EncodedTensor> encoded;
  std::size_t element_size = 0;  ///< of `encoded`
  base::Once once;
  base::AlignedBuffer<std::byte> bytes;
};

TensorBytes::TensorBytes(std::shared_ptr<const PackedTensor> packed, std::size_t size, const std::byte* data)
    : data_(data), size_(size), kept_(std::make_shared<Kept>()) {
  kept_->packed = std::move(packed);
}

TensorBytes::TensorBytes(std::shared_ptr<const EncodedTensor> encoded, std::size_t size, std::size_t element_size)
    : size_(size), kept_(std::make_shared<Kept>()) {
  kept_->encoded = std::move(encoded);
  kept_->element_size = element_size;
}

const std::byte* TensorBytes::decoded() const {
  // Uses this thread only: threads that wait for the result may be the workers that it would need.
  kept_->once.run([this] {
    base::AlignedBuffer<std::byte> bytes(size_);
    if (kept_->encoded) {
      kept_->encoded->decode(0, {bytes.data(), size_});
    } else {
      kept_->packed->decode({bytes.data(), size_});
    }
    kept_->bytes = std::move(bytes);
  });
  return kept_->bytes.data();
}

const PackedTensor* TensorBytes::packed() const noexcept { return kept_ ? kept_->packed.get() : nullptr; }

const EncodedTensor* TensorBytes::encoded() const noexcept { return kept_ ? kept_->encoded.get() : nullptr; }

void TensorBytes::read(std::size_t begin, std::span<std::byte> target) const {
  if (target.empty()) return;
  if (encoded() == nullptr) {
    std::memcpy(target.data(), data() + begin, target.size());
    return;
  }
  const std::size_t unit = encoded()->granularity() * kept_->element_size;
  const std::size_t first = begin / unit * unit, end = begin + target.size();
  const std::size_t last = std::min(size_, (end + unit - 1) / unit * unit);
  if (first == begin && last == end) return encoded()->decode(begin / kept_->element_size, target);
  base::AlignedBuffer<std::byte> whole(last - first);
  encoded()->decode(first / kept_->element_size, {whole.data(), whole.size()});
  std::memcpy(target.data(), whole.data() + (begin - first), target.size());
}

void decode_packed(std::span<const TensorView> tensors, const Context& context) {
  std::vector<const TensorView*> packed;
  for (const TensorView& tensor : tensors)
    if (tensor.bytes.packed() != nullptr) packed.push_back(&tensor);
  if (packed.empty()) return;
  base::parallel_for(packed.size(), context, [&](std::size_t item, unsigned) { packed[item]->bytes.data(); });
}

}  // namespace pare
