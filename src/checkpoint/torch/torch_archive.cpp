#include "checkpoint/torch/torch_archive.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/file_map.h"
#include "checkpoint/source.h"
#include "checkpoint/torch/pickle.h"
#include "checkpoint/torch/strided.h"
#include "checkpoint/torch/zip_archive.h"
#include "checkpoint/torch/zip_records.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using base::as_text;
using base::Bytes;

/// Throws Error for other formats, naming those that are often mistaken for a torch archive.
void reject_other_formats(Bytes bytes, const std::filesystem::path& path) {
  using namespace std::string_view_literals;
  const std::string_view text = as_text(bytes);
  if (text.empty()) throw Error(ErrorCode::kMalformed, path, "is empty");
  if (text.starts_with("version https://git-lfs"))
    throw Error(ErrorCode::kUnsupported, path,
                "is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull");
  // The magic number 0x1950a86a20f9469cfc6c as a pickled long begins a file of torch.save before 1.6.
  constexpr auto kLegacyMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
  const bool pickle = text.starts_with('\x80');
  const bool legacy = pickle && text.size() > 2 && text.substr(2).starts_with(kLegacyMagic);
  if (pickle)
    throw Error(ErrorCode::kUnsupported, path,
                std::string(legacy ? "is in torch.save's legacy format (before PyTorch 1.6)"
                                   : "is a bare pickle, not a PyTorch zip archive") +
                    ": load it with torch.load and save it again with torch 1.6 or newer, or as safetensors");
  if (!text.starts_with("PK"sv)) throw Error(ErrorCode::kMalformed, path, "is not a PyTorch zip archive");
}

/// Location of a tensor: in the archive if it is contiguous there, else among the copies.
struct Layout {
  Bytes storage;
  StridedView view;  ///< of the PickledTensor's shape and strides
  std::uint64_t bytes = 0;
  bool copied = false;
  bool copied_before = false;  ///< the copy is made for an earlier tensor with the same view
  std::uint64_t copy_offset = 0;
};

class TorchArchiveReader {
 public:
  TorchArchiveReader(Bytes bytes, const std::filesystem::path& path)
      : path_(path), size_(bytes.size()), zip_(bytes, path) {
    find_root();
  }

  SourceFile read(std::shared_ptr<const void> owner, const Context& context);

 private:
  void find_root();
  void check_byte_order() const;
  Layout lay_out(const PickledTensor& tensor) const;
  Bytes storage_bytes(const PickledTensor& tensor) const;
  std::uint64_t place_copies(const std::vector<PickledTensor>& tensors, std::vector<Layout>& layouts) const;

  const std::filesystem::path& path_;
  const std::uint64_t size_;
  ZipArchive zip_;
  std::string root_;  ///< with the final slash
};

/// Finds the folder that holds all entries. torch.save names it after the file, or "archive".
void TorchArchiveReader::find_root() {
  for (const ZipEntry& entry : zip_.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string_view::npos || entry.name.substr(slash) != "/data.pkl") continue;
    if (!root_.empty())
      throw Error(ErrorCode::kMalformed, path_, "holds two PyTorch archives, '" + root_ + "' and another");
    root_ = entry.name.substr(0, slash + 1);
  }
  if (root_.empty())
    throw Error(ErrorCode::kUnsupported, path_, "is a zip archive, but not one of torch.save: it has no data.pkl");
  if (zip_.find(root_ + "constants.pkl") != nullptr)
    throw Error(
        ErrorCode::kUnsupported, path_,
        "is a TorchScript archive, which holds code; save the weights with torch.save(model.state_dict(), ...)");
}

void TorchArchiveReader::check_byte_order() const {
  const ZipEntry* entry = zip_.find(root_ + "byteorder");
  if (entry == nullptr) return;
  zip_.verify(*entry);
  const std::string_view order = as_text(entry->data);
  if (order == "little") return;
  throw Error(ErrorCode::kUnsupported, path_,
              "has byte order '" + std::string(order.substr(0, 20)) +
                  "'; pare reads little-endian archives: load and save it again on such a machine");
}

Bytes TorchArchiveReader::storage_bytes(const PickledTensor& tensor) const {
  const std::string name = root_ + "data/" + std::string(tensor.storage_key);
  const ZipEntry* entry = zip_.find(name);
  if (entry == nullptr)
    throw Error(ErrorCode::kMalformed, path_, tensor.name, zip_entry_title(name) + ", its storage, is missing");
  const auto claimed = base::checked_multiply(tensor.storage_elements, tensor.storage_type->bytes);
  if (!claimed || *claimed > entry->data.size())
    throw Error(ErrorCode::kMalformed, path_, tensor.name,
                zip_entry_title(name) + ", its storage, should hold " + std::to_string(tensor.storage_elements) +
                    " elements of " + std::string(tensor.storage_type->name) + " but has " +
                    std::to_string(entry->data.size()) + " bytes");
  return entry->data.first(*claimed);
}

Layout TorchArchiveReader::lay_out(const PickledTensor& tensor) const {
  const auto fail = [&](const std::string& cause, ErrorCode code = ErrorCode::kMalformed) {
    throw Error(code, path_, tensor.name, cause);
  };
  if (!tensor.type->dtype)
    fail("has dtype " + std::string(tensor.type->name) + ", which pare and safetensors do not support",
         ErrorCode::kUnsupported);
  Layout layout{storage_bytes(tensor), {tensor.offset, tensor.shape, tensor.strides}};
  const auto elements = base::checked_product(tensor.shape);
  const auto bytes = elements ? base::checked_multiply(*elements, tensor.type->bytes) : std::nullopt;
  const auto values = elements ? base::checked_multiply(*elements, tensor.type->packed) : std::nullopt;
  if (!bytes || !values) fail("has a shape whose product overflows");
  const auto end = strided_end(layout.view);
  const std::uint64_t available = layout.storage.size() / tensor.type->bytes;
  if (!end || *end > available)
    fail("reaches past its storage: from element " + std::to_string(tensor.offset) + " to element " +
         (end ? std::to_string(*end) : "2^64 or more") + " of " + std::to_string(available));
  if (tensor.type->packed != 1 && tensor.shape.empty()) fail("is a scalar of a type that holds values in pairs");
  layout.bytes = *bytes;
  layout.copied = !is_contiguous(layout.view);
  return layout;
}

/// Assigns an offset to every tensor that needs a copy; tensors with the same view share one copy. Returns the size of
/// all copies.
std::uint64_t TorchArchiveReader::place_copies(const std::vector<PickledTensor>& tensors,
                                               std::vector<Layout>& layouts) const {
  constexpr std::uint64_t kAlignment = 64;
  const auto limit =
      std::max(kMinCopyLimit, base::checked_multiply(size_, kCopyLimitFactor).value_or(~std::uint64_t{0}));
  using View = std::tuple<const std::byte*, const TorchType*, std::uint64_t, std::vector<std::uint64_t>,
                          std::vector<std::uint64_t>>;
  std::map<View, std::uint64_t> places;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const PickledTensor& tensor = tensors[i];
    Layout& layout = layouts[i];
    if (!layout.copied) continue;
    const auto [place, inserted] = places.try_emplace(
        View{layout.storage.data(), tensor.type, tensor.offset, tensor.shape, tensor.strides}, total);
    layout.copy_offset = place->second;
    layout.copied_before = !inserted;
    if (!inserted) continue;
    if (layout.bytes > limit || total > limit - layout.bytes)
      throw Error(ErrorCode::kLimit, path_, tensor.name,
                  "is not contiguous, and copying it would take the archive's copies to more than " +
                      std::to_string(limit) + " bytes; save it after contiguous()");
    total += (layout.bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  return total;
}

SourceFile TorchArchiveReader::read(std::shared_ptr<const void> owner, const Context& context) {
  check_byte_order();
  const ZipEntry& pickle = *zip_.find(root_ + "data.pkl");
  zip_.verify(pickle);
  const std::vector<PickledTensor> tensors = read_state_dict(pickle.data, path_, zip_entry_title(pickle.name));
  std::vector<Layout> layouts;
  layouts.reserve(tensors.size());
  for (const PickledTensor& tensor : tensors) layouts.push_back(lay_out(tensor));
  zip_.verify_all(context);

  const std::uint64_t copied = place_copies(tensors, layouts);
  const auto copies = copied != 0 ? std::make_shared<base::ScratchFile>(copied) : nullptr;
  SourceFile file;
  file.size = size_;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const PickledTensor& tensor = tensors[i];
    const Layout& layout = layouts[i];
    TensorView view{tensor.name, *tensor.type->dtype, tensor.shape, {}, 0};
    if (tensor.type->packed != 1) view.shape.back() *= tensor.type->packed;
    if (layout.copied) {
      const auto to = copies->bytes().subspan(layout.copy_offset, layout.bytes);
      if (!layout.copied_before) copy_strided(layout.storage, layout.view, tensor.type->bytes, to, context);
      view.bytes = to;
    } else if (layout.bytes != 0) {
      view.bytes = layout.storage.subspan(tensor.offset * tensor.type->bytes, layout.bytes);
    }
    file.tensors.push_back(std::move(view));
  }
  // transformers' save_pretrained writes this, and some versions of from_pretrained require it.
  file.keep_alive =
      std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(std::move(owner), copies);
  return file;
}

}  // namespace

SourceFile read_torch_archive(const std::filesystem::path& path, const Context& context) {
  const auto map = base::FileMap::open(path);
  SourceFile file = parse_torch_archive(map->bytes(), path, map, context);
  file.version = map->version();
  return file;
}

SourceFile parse_torch_archive(Bytes bytes, const std::filesystem::path& path, std::shared_ptr<const void> owner,
                               const Context& context) {
  reject_other_formats(bytes, path);
  return TorchArchiveReader(bytes, path).read(std::move(owner), context);
}

}  // namespace pare::checkpoint
