#include "checkpoint/torch/torch_tensors.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/checked.h"
#include "base/file_map.h"
#include "checkpoint/torch/sparse_torch.h"
#include "checkpoint/torch/strided.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using base::Bytes;

/// Where a tensor is: in the archive if it is contiguous there, else among the copies.
struct Location {
  Bytes storage;
  StridedView view;  ///< of the PickledTensor's shape and strides
  std::uint64_t bytes = 0;
  bool copied = false;
  bool copied_before = false;  ///< the copy is made for an earlier tensor with the same view
  std::uint64_t copy_offset = 0;
};

class Placer {
 public:
  Placer(const StateDict& state, const FindStorage& find_storage, std::uint64_t file_size,
         const std::filesystem::path& path)
      : state_(state), find_storage_(find_storage), size_(file_size), path_(path) {}

  SourceFile place(const std::function<void()>& check, std::shared_ptr<const void> owner, const Context& context) {
    locations_.reserve(state_.tensors.size());
    for (const PickledTensor& tensor : state_.tensors) locations_.push_back(locate(tensor));
    check();
    const std::uint64_t copied = place_copies();
    const auto copies = copied != 0 ? std::make_shared<base::ScratchFile>(copied) : nullptr;
    SourceFile file;
    file.size = size_;
    file.notes = state_.notes;
    for (std::size_t i = 0; i < state_.tensors.size(); ++i) {
      context.check();
      file.tensors.push_back(view_of(state_.tensors[i], locations_[i], copies.get(), context));
    }
    file.keep_alive =
        std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(std::move(owner), copies);
    return file;
  }

 private:
  Location locate(const PickledTensor& tensor) const;
  Location locate_sparse(const PickledTensor& tensor) const;
  std::uint64_t place_copies();
  SparseParts parts_of(const PickledTensor& tensor, const Context& context) const;
  TensorView view_of(const PickledTensor& tensor, const Location& location, base::ScratchFile* copies,
                     const Context& context) const;
  std::uint64_t limit_of(std::uint64_t factor) const {
    return std::max(kMinCopyLimit, base::checked_multiply(size_, factor).value_or(~std::uint64_t{0}));
  }

  const StateDict& state_;
  const FindStorage& find_storage_;
  const std::uint64_t size_;
  const std::filesystem::path& path_;
  std::vector<Location> locations_;
};

Location Placer::locate(const PickledTensor& tensor) const {
  const auto fail = [&](const std::string& cause, ErrorCode code = ErrorCode::kMalformed) {
    throw Error(code, path_, tensor.name, cause);
  };
  if (!tensor.type->dtype)
    fail("has dtype " + std::string(tensor.type->name) + ", which pare and safetensors do not support",
         ErrorCode::kUnsupported);
  if (!tensor.layout.empty()) return locate_sparse(tensor);
  Location location{find_storage_(tensor), {tensor.offset, tensor.shape, tensor.strides}};
  const auto elements = base::checked_product(tensor.shape);
  const auto bytes = elements ? base::checked_multiply(*elements, tensor.type->bytes) : std::nullopt;
  const auto values = elements ? base::checked_multiply(*elements, tensor.type->packed) : std::nullopt;
  if (!bytes || !values) fail("has a shape whose product overflows");
  const auto end = strided_end(location.view);
  const std::uint64_t available = location.storage.size() / tensor.type->bytes;
  if (!end || *end > available)
    fail("reaches past its storage: from element " + std::to_string(tensor.offset) + " to element " +
         (end ? std::to_string(*end) : "2^64 or more") + " of " + std::to_string(available));
  if (tensor.type->packed != 1 && tensor.shape.empty()) fail("is a scalar of a type that holds values in pairs");
  location.bytes = *bytes;
  location.copied = !is_contiguous(location.view);
  return location;
}

/// Assigns an offset to every tensor that needs a copy; tensors with the same view share one copy. Returns the size of
/// all copies.
std::uint64_t Placer::place_copies() {
  constexpr std::uint64_t kCacheLine = 64;
  using View = std::tuple<const std::byte*, const TorchType*, std::uint64_t, std::vector<std::uint64_t>,
                          std::vector<std::uint64_t>>;
  std::map<View, std::uint64_t> places;
  std::uint64_t total = 0, totals[2] = {0, 0};  // of all; of views and of sparse tensors
  for (std::size_t i = 0; i < locations_.size(); ++i) {
    const PickledTensor& tensor = state_.tensors[i];
    Location& location = locations_[i];
    if (!location.copied) continue;
    const bool sparse = !tensor.layout.empty();
    const std::uint64_t limit = limit_of(sparse ? kSparseLimitFactor : kCopyLimitFactor);
    location.copy_offset = total;
    if (!sparse) {
      const auto [place, inserted] = places.try_emplace(
          View{location.storage.data(), tensor.type, tensor.offset, tensor.shape, tensor.strides}, total);
      location.copy_offset = place->second;
      location.copied_before = !inserted;
      if (!inserted) continue;
    }
    if (location.bytes > limit || totals[sparse] > limit - location.bytes)
      throw Error(ErrorCode::kLimit, path_, tensor.name,
                  std::string(sparse ? "is sparse" : "is not contiguous") +
                      ", and copying it would take the archive's copies to more than " + std::to_string(limit) +
                      " bytes; save it after " + (sparse ? "to_dense()" : "contiguous()"));
    const std::uint64_t size = (location.bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    total += size;
    totals[sparse] += size;
  }
  return total;
}

/// The dense form, whose parts are laid out on their own.
Location Placer::locate_sparse(const PickledTensor& tensor) const {
  for (const PickledTensor& part : tensor.parts) locate(part);
  Location location;
  location.view = {0, tensor.shape, {}};
  const auto elements = base::checked_product(tensor.shape);
  const auto bytes = elements ? base::checked_multiply(*elements, tensor.type->bytes) : std::nullopt;
  if (!bytes) throw Error(ErrorCode::kMalformed, path_, tensor.name, "has a shape whose product overflows");
  if (tensor.type->packed != 1)
    throw Error(ErrorCode::kUnsupported, path_, tensor.name, "is sparse, of a type that holds values in pairs");
  location.bytes = *bytes;
  location.copied = location.bytes != 0;
  return location;
}

/// Copies of the parts, in C order.
SparseParts Placer::parts_of(const PickledTensor& tensor, const Context& context) const {
  SparseParts parts{tensor.layout, *tensor.type->dtype, tensor.shape, {}};
  for (const PickledTensor& part : tensor.parts) {
    const Location location = locate(part);
    if (location.bytes > limit_of(1))
      throw Error(ErrorCode::kLimit, path_, tensor.name, "is sparse, with parts that are larger than the file");
    SparseParts::Part& copy = parts.parts.emplace_back();
    copy.dtype = *part.type->dtype;
    copy.shape = part.shape;
    copy.bytes.resize(location.bytes);
    if (location.bytes != 0) copy_strided(location.storage, location.view, part.type->bytes, copy.bytes, context);
  }
  return parts;
}

TensorView Placer::view_of(const PickledTensor& tensor, const Location& location, base::ScratchFile* copies,
                           const Context& context) const {
  TensorView view{tensor.name, *tensor.type->dtype, tensor.shape, {}, 0};
  if (tensor.type->packed != 1) view.shape.back() *= tensor.type->packed;
  if (location.copied) {
    const auto to = copies->bytes().subspan(location.copy_offset, location.bytes);
    if (!tensor.layout.empty())
      expand_sparse(parts_of(tensor, context), to, path_, tensor.name);
    else if (!location.copied_before)
      copy_strided(location.storage, location.view, tensor.type->bytes, to, context);
    view.bytes = to;
  } else if (location.bytes != 0) {
    view.bytes = location.storage.subspan(tensor.offset * tensor.type->bytes, location.bytes);
  }
  return view;
}

}  // namespace

SourceFile place_tensors(const StateDict& state, const FindStorage& find_storage, const std::function<void()>& check,
                         std::uint64_t file_size, const std::filesystem::path& path, std::shared_ptr<const void> owner,
                         const Context& context) {
  return Placer(state, find_storage, file_size, path).place(check, std::move(owner), context);
}

}  // namespace pare::checkpoint
