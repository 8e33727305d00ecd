// An encoded tensor for tests: it copies from memory, and checks how it is asked.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>

#include "support/tensors.h"

namespace pare::test {

class FakeEncoded final : public EncodedTensor {
 public:
  FakeEncoded(OwnedTensor values, std::size_t granularity)
      : values_(std::move(values)), size_(dtype_bits(values_.view().dtype) / 8), granularity_(granularity) {}

  std::string_view stored_type() const noexcept override { return "FAKE"; }
  std::uint64_t stored_bytes() const noexcept override { return values_.view().elements() / 2; }
  std::size_t granularity() const noexcept override { return granularity_; }
  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::uint64_t end = begin * size_ + target.size();
    EXPECT_EQ(begin % granularity_, 0U);
    EXPECT_TRUE(end % (granularity_ * size_) == 0 || end == values_.view().bytes.size());
    ASSERT_LE(end, values_.view().bytes.size());
    std::memcpy(target.data(), values_.view().bytes.data() + begin * size_, target.size());
    computed_ += target.size();
    for (std::size_t largest = largest_;
         target.size() > largest && !largest_.compare_exchange_weak(largest, target.size());) {
    }
  }
  /// Bytes of the largest piece that was decoded at once.
  std::size_t largest() const { return largest_; }
  /// Bytes that were decoded so far.
  std::size_t computed() const { return computed_; }

 private:
  OwnedTensor values_;
  std::size_t size_, granularity_;
  mutable std::atomic<std::size_t> largest_{0}, computed_{0};
};

/// The same tensor, encoded.
inline TensorView encoded(const OwnedTensor& values, std::size_t granularity) {
  TensorView view = values.view();
  view.bytes = TensorBytes(std::make_shared<FakeEncoded>(values, granularity), values.view().bytes.size(),
                           dtype_bits(view.dtype) / 8);
  return view;
}

}  // namespace pare::test
