#include "checkpoint/gguf/gguf_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "base/checked.h"
#include "base/utf8.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint32_t kMostAxes = 4;         // GGML_MAX_DIMS
constexpr std::uint64_t kLongestName = 65536;  // bytes of a key or of a tensor's name
constexpr std::uint64_t kSmallestValue = 13;   // bytes of a key's length, a type and a value
constexpr std::uint64_t kSmallestTensor = 24;  // bytes of a tensor's entry

/// Bytes of one value; 0 for texts and arrays.
std::uint64_t width_of(GgufKind kind) {
  switch (kind) {
    case GgufKind::kU8:
    case GgufKind::kI8:
    case GgufKind::kBool:
      return 1;
    case GgufKind::kU16:
    case GgufKind::kI16:
      return 2;
    case GgufKind::kU32:
    case GgufKind::kI32:
    case GgufKind::kF32:
      return 4;
    case GgufKind::kU64:
    case GgufKind::kI64:
    case GgufKind::kF64:
      return 8;
    default:
      return 0;
  }
}

class HeaderReader {
 public:
  HeaderReader(base::Bytes bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  GgufHeader read(std::shared_ptr<const void> owner) {
    const std::uint64_t tensors = read_counts();
    for (std::uint64_t i = 0; i < values_; ++i) read_value();
    GgufHeader header;
    header.metadata = std::make_shared<const GgufMetadata>(path_, std::move(metadata_), std::move(order_), owner);
    const std::uint64_t alignment = alignment_of(*header.metadata);
    std::vector<std::uint64_t> offsets;
    std::set<std::string> names;
    for (std::uint64_t i = 0; i < tensors; ++i) {
      header.tensors.push_back(read_tensor(offsets));
      if (!names.insert(header.tensors.back().name).second) fail(header.tensors.back().name, "the name appears twice");
    }
    place(header.tensors, offsets, alignment);
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, cause);
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& cause,
                         ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, tensor, cause);
  }

  std::uint64_t left() const { return bytes_.size() - position_; }

  base::Bytes take(std::uint64_t size, std::string_view what) {
    if (size > left()) fail(fmt::format("is truncated: {} should take {} bytes, and {} are left", what, size, left()));
    const base::Bytes part = bytes_.subspan(position_, size);
    position_ += size;
    return part;
  }

  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  std::string name(std::string_view what) {
    const auto size = number<std::uint64_t>(what);
    if (size > kLongestName)
      fail(fmt::format("{} claims {} bytes; the limit is {}", what, size, kLongestName), ErrorCode::kLimit);
    const std::string_view text = base::as_text(take(size, what));
    if (base::first_invalid_utf8(text)) fail(fmt::format("{} is not UTF-8", what));
    return std::string(text);
  }

  /// Returns the number of tensors.
  std::uint64_t read_counts() {
    if (!is_gguf(bytes_)) fail("does not begin with 'GGUF'");
    position_ = kMagic.size();
    const auto version = number<std::uint32_t>("the version");
    if (version == 0x02000000U || version == 0x03000000U)
      fail("is a big-endian GGUF file (expected little-endian)", ErrorCode::kUnsupported);
    if (version != 2 && version != 3)
      fail(fmt::format("has GGUF version {} (expected 2 or 3)", version), ErrorCode::kUnsupported);
    const auto tensors = number<std::uint64_t>("the number of tensors");
    values_ = number<std::uint64_t>("the number of metadata values");
    if (tensors > left() / kSmallestTensor)
      fail(fmt::format("claims {} tensors, and only {} bytes are left", tensors, left()));
    if (values_ > left() / kSmallestValue)
      fail(fmt::format("claims {} metadata values, and only {} bytes are left", values_, left()));
    return tensors;
  }

  GgufKind kind_of(std::uint32_t number, const std::string& key) const {
    if (number > static_cast<std::uint32_t>(GgufKind::kF64))
      fail(fmt::format("the metadata value '{}' has type {} (expected 0 to 12)", key, number));
    return static_cast<GgufKind>(number);
  }

  void read_value() {
    const std::string key = name("a metadata key");
    GgufValue value;
    value.kind = kind_of(number<std::uint32_t>("a type"), key);
    if (value.kind == GgufKind::kArray) {
      value.is_array = true;
      value.kind = kind_of(number<std::uint32_t>("an array's type"), key);
      value.count = number<std::uint64_t>("an array's length");
      if (value.kind == GgufKind::kArray)
        fail(fmt::format("the metadata value '{}' is an array of arrays", key), ErrorCode::kUnsupported);
    }
    const std::uint64_t width = width_of(value.kind), smallest = width == 0 ? sizeof(std::uint64_t) : width;
    if (value.count > left() / smallest)
      fail(fmt::format("the metadata value '{}' claims {} elements, and only {} bytes are left", key, value.count,
                       left()));
    const std::uint64_t begin = position_;
    if (width != 0) take(value.count * width, "a value");
    for (std::uint64_t i = 0; width == 0 && i < value.count; ++i) take(number<std::uint64_t>("a text"), "a text");
    value.data = bytes_.subspan(begin, position_ - begin);
    if (!metadata_.emplace(key, value).second) fail(fmt::format("the metadata key '{}' appears twice", key));
    order_.push_back(key);
  }

  std::uint64_t alignment_of(const GgufMetadata& metadata) const {
    const auto alignment = metadata.integer("general.alignment");
    if (!alignment) return kDefaultAlignment;
    if (*alignment <= 0 || *alignment > (1 << 30) || !std::has_single_bit(static_cast<std::uint64_t>(*alignment)))
      fail(fmt::format("has an alignment of {} bytes (expected a power of two)", *alignment));
    return static_cast<std::uint64_t>(*alignment);
  }

  GgufEntry read_tensor(std::vector<std::uint64_t>& offsets) {
    GgufEntry entry;
    entry.name = name("a tensor's name");
    const auto axes = number<std::uint32_t>("a tensor's number of axes");
    if (axes > kMostAxes) fail(entry.name, fmt::format("has {} axes (expected at most {})", axes, kMostAxes));
    for (std::uint32_t axis = 0; axis < axes; ++axis) entry.shape.push_back(number<std::uint64_t>("a tensor's shape"));
    std::reverse(entry.shape.begin(), entry.shape.end());
    const auto type = number<std::uint32_t>("a tensor's type");
    entry.type = find_gguf_type(type);
    if (entry.type == nullptr)
      fail(entry.name, fmt::format("has the type {}, which pare does not read", gguf_type_name(type)),
           ErrorCode::kUnsupported);
    offsets.push_back(number<std::uint64_t>("a tensor's offset"));
    return entry;
  }

  std::uint64_t size_of(const GgufEntry& entry) const {
    const std::uint64_t row = entry.shape.empty() ? 1 : entry.shape.back(), unit = entry.type->block_elements();
    if (row % unit != 0)
      fail(entry.name, fmt::format("has rows of {} elements (expected a multiple of {}, as {} needs)", row, unit,
                                   entry.type->name));
    const auto elements = base::checked_product(entry.shape);
    // F32 values are computed from blocks, and their size must not overflow either.
    if (!elements || *elements > UINT64_MAX / 16) fail(entry.name, "its shape overflows");
    return *elements / unit * entry.type->block_bytes();
  }

  void place(std::vector<GgufEntry>& tensors, const std::vector<std::uint64_t>& offsets, std::uint64_t alignment) {
    const std::uint64_t begin =
        std::min<std::uint64_t>(bytes_.size(), (position_ + alignment - 1) / alignment * alignment);
    const base::Bytes data = bytes_.subspan(begin);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::uint64_t size = size_of(tensors[i]);
      if (offsets[i] % alignment != 0)
        fail(tensors[i].name, fmt::format("is at offset {} (expected a multiple of {})", offsets[i], alignment));
      if (offsets[i] > data.size() || size > data.size() - offsets[i])
        fail(tensors[i].name, fmt::format("takes {} bytes from offset {}, and the file has {} bytes of data", size,
                                          offsets[i], data.size()));
      tensors[i].data = data.subspan(offsets[i], size);
    }
    std::stable_sort(tensors.begin(), tensors.end(), [](const GgufEntry& a, const GgufEntry& b) {
      return a.data.data() != b.data.data() ? a.data.data() < b.data.data() : a.data.size() < b.data.size();
    });
    for (std::size_t i = 1; i < tensors.size(); ++i)
      if (tensors[i - 1].data.data() + tensors[i - 1].data.size() > tensors[i].data.data())
        fail(tensors[i].name, fmt::format("overlaps '{}'", tensors[i - 1].name));
  }

  base::Bytes bytes_;
  const std::filesystem::path& path_;
  std::uint64_t position_ = 0, values_ = 0;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<std::string> order_;
};

}  // namespace

bool is_gguf(base::Bytes bytes) noexcept {
  return bytes.size() >= kMagic.size() && base::as_text(bytes.first(kMagic.size())) == kMagic;
}

GgufHeader parse_gguf_header(base::Bytes bytes, const std::filesystem::path& path, std::shared_ptr<const void> owner) {
  return HeaderReader(bytes, path).read(std::move(owner));
}

}  // namespace pare::checkpoint
