#include "checkpoint/torch/torch_archive.h"

#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/file_map.h"
#include "checkpoint/file_content.h"
#include "checkpoint/source.h"
#include "checkpoint/torch/legacy_torch.h"
#include "checkpoint/torch/torch_tensors.h"
#include "checkpoint/torch/zip_archive.h"
#include "checkpoint/torch/zip_records.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using base::as_text;
using base::Bytes;

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
  Bytes storage_bytes(const PickledTensor& tensor) const;

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
  const auto begin = base::checked_multiply(tensor.storage_begin, tensor.storage_type->bytes);
  if (!begin || *begin > entry->data.size() - *claimed)
    throw Error(ErrorCode::kMalformed, path_, tensor.name,
                zip_entry_title(name) + ": a part of it reaches past its end");
  return entry->data.subspan(*begin, *claimed);
}

SourceFile TorchArchiveReader::read(std::shared_ptr<const void> owner, const Context& context) {
  check_byte_order();
  const ZipEntry& pickle = *zip_.find(root_ + "data.pkl");
  zip_.verify(pickle);
  const StateDict state = read_state_dict(pickle.data, path_, zip_entry_title(pickle.name));
  return place_tensors(
      state, [this](const PickledTensor& tensor) { return storage_bytes(tensor); }, [&] { zip_.verify_all(context); },
      size_, path_, std::move(owner), context);
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
  if (bytes.empty()) throw Error(ErrorCode::kMalformed, path, "is empty");
  reject_content(bytes, path);
  if (is_legacy_torch(bytes)) return read_legacy(bytes, path, std::move(owner), context);
  const std::string_view text = as_text(bytes);
  if (text.starts_with('\x80'))
    throw Error(ErrorCode::kUnsupported, path,
                "is a bare pickle, not a file of torch.save: load it, and save it with torch.save or as safetensors");
  if (!text.starts_with("PK")) throw Error(ErrorCode::kMalformed, path, "is not a PyTorch zip archive");
  return TorchArchiveReader(bytes, path).read(std::move(owner), context);
}

}  // namespace pare::checkpoint
