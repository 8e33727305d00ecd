#include "checkpoint/torch/legacy_torch.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <unordered_map>

#include "base/checked.h"
#include "checkpoint/torch/pickle.h"
#include "checkpoint/torch/pickle_machine.h"
#include "checkpoint/torch/torch_tensors.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using namespace std::string_view_literals;
using Kind = PickleValue::Kind;

/// The number as a pickled long, behind the two bytes of the protocol.
constexpr auto kLegacyMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv;
constexpr std::size_t kProtocolBytes = 2;
constexpr std::int64_t kLegacyVersion = 1001;

class LegacyReader {
 public:
  LegacyReader(base::Bytes bytes, const std::filesystem::path& path)
      : bytes_(bytes), path_(path), at_(kProtocolBytes + kLegacyMagic.size()) {}

  SourceFile read(std::shared_ptr<const void> owner, const Context& context) {
    check_version();
    check_machine();
    const StateDict state = read_state_dict(next(), path_, "the pickled object");
    at_ += state.consumed;
    read_storages(state, read_keys());
    return place_tensors(
        state, [this](const PickledTensor& tensor) { return part_of(tensor); }, [] {}, bytes_.size(), path_,
        std::move(owner), context);
  }

 private:
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, cause);
  }

  /// What the next pickle may take.
  base::Bytes next() const { return bytes_.subspan(at_, std::min(bytes_.size() - at_, kMaxPickleBytes)); }

  void check_version() {
    const std::string title = "the pickled version";
    PickleMachine machine(next(), path_, title);
    const PickleValue version = machine.run();
    at_ += machine.consumed();
    if (version.kind != Kind::kInt || version.integer != kLegacyVersion)
      fail(fmt::format("has another version of torch.save's legacy format (expected {})", kLegacyVersion),
           ErrorCode::kUnsupported);
  }

  void check_machine() {
    const std::string title = "the pickled description of the machine";
    PickleMachine machine(next(), path_, title);
    const PickleValue root = machine.run();
    at_ += machine.consumed();
    if (root.kind != Kind::kDict) fail("has " + title + ", which is not a dict");
    for (const auto& [key, value] : machine.dict(root).entries)
      if (key.kind == Kind::kText && machine.text(key) == "little_endian" && value.kind == Kind::kBool &&
          value.integer == 0)
        fail("was written on a big-endian machine; load and save it again on such a machine", ErrorCode::kUnsupported);
  }

  std::vector<std::string> read_keys() {
    const std::string title = "the pickled list of storages";
    PickleMachine machine(next(), path_, title);
    const PickleValue root = machine.run();
    at_ += machine.consumed();
    if (root.kind != Kind::kList) fail(title + " is not a list");
    std::vector<std::string> keys;
    for (const PickleValue key : machine.list(root)) {
      if (key.kind != Kind::kText) fail(title + " has a key that is not a string");
      keys.emplace_back(machine.text(key));
    }
    return keys;
  }

  void read_storages(const StateDict& state, const std::vector<std::string>& keys) {
    std::unordered_map<std::string_view, const PickledStorage*> known;
    for (const PickledStorage& storage : state.storages) known.emplace(storage.key, &storage);
    for (const std::string& key : keys) {
      const auto found = known.find(key);
      if (found == known.end()) fail(fmt::format("lists a storage '{}' that no tensor has", key.substr(0, 80)));
      const PickledStorage& storage = *found->second;
      std::uint64_t elements = 0;
      if (bytes_.size() - at_ < sizeof elements) fail("is cut off: storages are missing at its end");
      std::memcpy(&elements, bytes_.data() + at_, sizeof elements);
      at_ += sizeof elements;
      if (elements != storage.elements)
        fail(fmt::format("storage '{}' has the wrong number of elements (expected {}, found {})", key.substr(0, 80),
                         storage.elements, elements));
      const auto size = base::checked_multiply(elements, storage.type->bytes);
      if (!size || *size > bytes_.size() - at_)
        fail(fmt::format("is cut off: storage '{}' needs {} elements of {} bytes where {} bytes are left",
                         key.substr(0, 80), elements, storage.type->bytes, bytes_.size() - at_));
      storages_.insert_or_assign(std::string(storage.key), bytes_.subspan(at_, *size));
      at_ += *size;
    }
    if (at_ != bytes_.size())
      fail(fmt::format("has {} bytes after its last storage (expected none)", bytes_.size() - at_));
  }

  base::Bytes part_of(const PickledTensor& tensor) const {
    const auto found = storages_.find(std::string(tensor.storage_key));
    if (found == storages_.end())
      throw Error(ErrorCode::kMalformed, path_, tensor.name,
                  fmt::format("its storage '{}' is not in the list of storages", tensor.storage_key.substr(0, 80)));
    const auto begin = base::checked_multiply(tensor.storage_begin, tensor.storage_type->bytes);
    const auto size = base::checked_multiply(tensor.storage_elements, tensor.storage_type->bytes);
    if (!begin || !size || *begin > found->second.size() || *size > found->second.size() - *begin)
      throw Error(ErrorCode::kMalformed, path_, tensor.name, "its storage is smaller than the pickle says");
    return found->second.subspan(*begin, *size);
  }

  const base::Bytes bytes_;
  const std::filesystem::path& path_;
  std::size_t at_;
  std::unordered_map<std::string, base::Bytes> storages_;
};

}  // namespace

bool is_legacy_torch(base::Bytes bytes) noexcept {
  const std::string_view text = base::as_text(bytes);
  return text.size() > kProtocolBytes && text.front() == '\x80' &&
         text.substr(kProtocolBytes).starts_with(kLegacyMagic);
}

SourceFile read_legacy(base::Bytes bytes, const std::filesystem::path& path, std::shared_ptr<const void> owner,
                       const Context& context) {
  return LegacyReader(bytes, path).read(std::move(owner), context);
}

}  // namespace pare::checkpoint
