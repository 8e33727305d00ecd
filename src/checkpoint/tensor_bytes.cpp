#include <memory>

#include "base/aligned_buffer.h"
#include "base/once.h"
#include "base/parallel.h"
#include "pare/checkpoint.h"

namespace pare {

struct TensorBytes::Kept {
  std::shared_ptr<const PackedTensor> packed;
  base::Once once;
  base::AlignedBuffer<std::byte> bytes;
};

TensorBytes::TensorBytes(std::shared_ptr<const PackedTensor> packed, std::size_t size, const std::byte* data)
    : data_(data), size_(size), kept_(std::make_shared<Kept>()) {
  kept_->packed = std::move(packed);
}

const std::byte* TensorBytes::decoded() const {
  // Uses this thread only: threads that wait for the result may be the workers that it would need.
  kept_->once.run([this] {
    base::AlignedBuffer<std::byte> bytes(size_);
    kept_->packed->decode({bytes.data(), size_});
    kept_->bytes = std::move(bytes);
  });
  return kept_->bytes.data();
}

const PackedTensor* TensorBytes::packed() const noexcept { return kept_ ? kept_->packed.get() : nullptr; }

void decode_packed(std::span<const TensorView> tensors, const Context& context) {
  std::vector<const TensorView*> packed;
  for (const TensorView& tensor : tensors)
    if (tensor.bytes.packed() != nullptr) packed.push_back(&tensor);
  if (packed.empty()) return;
  base::parallel_for(packed.size(), context, [&](std::size_t item, unsigned) { packed[item]->bytes.data(); });
}

}  // namespace pare
