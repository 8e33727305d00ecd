#include "stats/content.h"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <string_view>

namespace pare::stats {
namespace {

constexpr std::size_t kSampleBytes = 64;

class Hasher {
 public:
  Hasher() : state_(XXH3_createState(), XXH3_freeState) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(state_.get());
  }
  void add(std::span<const std::byte> bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }
  void add(std::uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) {
    add(text.size());
    add(std::as_bytes(std::span(text)));
  }
  std::uint64_t digest() const { return XXH3_64bits_digest(state_.get()); }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

/// Samples of the beginning, the middle and the end.
void add_sample(Hasher& hasher, const TensorBytes& bytes) {
  const std::size_t n = std::min(kSampleBytes, bytes.size());
  for (const std::size_t begin : {std::size_t{0}, (bytes.size() - n) / 2, bytes.size() - n})
    hasher.add(bytes.subspan(begin, n));
}

}  // namespace

std::uint64_t content_hash(const Model& model) {
  Hasher hasher;
  for (const Parameter& parameter : model.parameters) {
    const TensorView& tensor = model.tensor(parameter);
    hasher.add(parameter.name);
    hasher.add(dtype_name(tensor.dtype));
    hasher.add(tensor.shape.size());
    for (const std::uint64_t extent : tensor.shape) hasher.add(extent);
    if (tensor.bytes.packed() == nullptr && !tensor.bytes.empty()) add_sample(hasher, tensor.bytes);
  }
  return hasher.digest();
}

}  // namespace pare::stats
