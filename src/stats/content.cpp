#include "stats/content.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "base/byte_writer.h"
#include "base/collective.h"
#include "base/hash.h"
#include "checkpoint/tensor_piece.h"
#include "pare/error.h"

namespace pare::stats {
namespace {

constexpr std::size_t kSampleBytes = 64;

using base::Hash64;

void add(Hash64& hash, std::uint64_t number) { hash.add(std::as_bytes(std::span(&number, 1))); }
void add(Hash64& hash, std::string_view text) {
  add(hash, text.size());
  hash.add(std::as_bytes(std::span(text)));
}

/// Samples of the beginning, the middle and the end.
void add_sample(Hash64& hash, const TensorBytes& bytes) {
  const std::size_t n = std::min(kSampleBytes, bytes.size());
  for (const std::size_t begin : {std::size_t{0}, (bytes.size() - n) / 2, bytes.size() - n})
    hash.add(checkpoint::TensorPiece(bytes, begin, n));
}

}  // namespace

std::uint64_t content_hash(const Model& model) {
  Hash64 hash;
  for (const Parameter& parameter : model.parameters) {
    const TensorView& tensor = model.tensor(parameter);
    add(hash, parameter.name);
    add(hash, dtype_name(tensor.dtype));
    add(hash, tensor.shape.size());
    for (const std::uint64_t extent : tensor.shape) add(hash, extent);
    if (tensor.bytes.packed() == nullptr && !tensor.bytes.empty()) add_sample(hash, tensor.bytes);
  }
  return hash.value();
}

void require_same_model(const Model& model, const Context& context) {
  if (context.group() == nullptr) return;
  base::ByteWriter writer;
  writer.u64(content_hash(model));
  const std::vector<std::vector<std::byte>> hashes = base::gather(writer.bytes(), context);
  for (std::size_t rank = 1; rank < hashes.size(); ++rank)
    if (hashes[rank] != hashes[0])
      throw Error(ErrorCode::kMismatch, model.source, fmt::format("rank {} reads another model than rank 0", rank));
}

}  // namespace pare::stats
