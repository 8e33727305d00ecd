#include "checkpoint/tensor_piece.h"

#include <utility>
#include <vector>

#include "base/holes.h"
#include "base/pieces.h"

namespace pare::checkpoint {
namespace {

/// What holes of files read as, never written to: all of it is one page of zeros of the system.
alignas(64) std::byte zeros[std::size_t{32} << 20];

using Buffer = base::AlignedBuffer<std::byte>;

constexpr std::size_t kLargestKept = std::size_t{4} << 20;  // bytes
constexpr std::size_t kMostKept = 4;                        // pieces may be used inside one another

/// Buffers of this thread that no piece uses.
std::vector<Buffer>& spare_buffers() {
  thread_local std::vector<Buffer> buffers = [] {
    std::vector<Buffer> none;
    none.reserve(kMostKept);  // so that a destructor can add one without allocating
    return none;
  }();
  return buffers;
}

Buffer take_buffer(std::size_t size) {
  std::vector<Buffer>& spare = spare_buffers();
  for (std::size_t i = 0; i < spare.size(); ++i) {
    if (spare[i].size() < size) continue;
    Buffer found = std::move(spare[i]);
    spare.erase(spare.begin() + static_cast<std::ptrdiff_t>(i));
    return found;
  }
  if (!spare.empty()) spare.pop_back();  // too small, and replaced by the new one
  return Buffer(size);
}

}  // namespace

std::size_t elements_at_once(const TensorBytes& bytes, std::size_t block) noexcept {
  const EncodedTensor* encoded = bytes.encoded();
  if (encoded == nullptr || encoded->granularity() <= block) return block;
  return (base::kPieceElements + block - 1) / block * block;
}

TensorPiece::TensorPiece(const TensorBytes& bytes, std::size_t begin, std::size_t size) : size_(size) {
  if (bytes.encoded() == nullptr) {
    data_ = bytes.data() == nullptr ? nullptr : bytes.data() + begin;
    if (size <= sizeof zeros && base::is_hole(data_, size)) data_ = zeros;
    return;
  }
  if (size == 0) return;
  buffer_ = take_buffer(size);
  bytes.read(begin, {buffer_.data(), size});
  data_ = buffer_.data();
}

TensorPiece::~TensorPiece() {
  if (buffer_.size() == 0 || buffer_.size() > kLargestKept || spare_buffers().size() == kMostKept) return;
  spare_buffers().push_back(std::move(buffer_));
}

}  // namespace pare::checkpoint
