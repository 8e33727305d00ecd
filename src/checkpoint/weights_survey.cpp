#include "checkpoint/weights_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "base/bytes.h"
#include "base/checked.h"
#include "checkpoint/file_content.h"
#include "checkpoint/formats.h"
#include "checkpoint/safetensors/safetensors_header.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

namespace fs = std::filesystem;

/// Bytes of the first request: most headers are shorter, and a second request takes longer than these.
constexpr std::uint64_t kFirstPart = 128 << 10;

/// nullopt if the file has the content of another format, whatever its name.
std::optional<SafetensorsHeader> header_of(const hub::ListedFile& file, const hub::FileRules::ReadPart& read,
                                           const fs::path& path) {
  std::vector<std::byte> bytes = read(0, std::min(kFirstPart, file.size));
  const Content content = content_of(bytes);
  if (content != Content::kSafetensors && content != Content::kOther) return std::nullopt;
  const std::uint64_t length = header_length(bytes, file.size, path), end = kLengthBytes + length;
  if (end > bytes.size()) {
    const std::vector<std::byte> rest = read(bytes.size(), end);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
  }
  if (bytes.size() < end)
    throw Error(ErrorCode::kMalformed, path,
                fmt::format("the header is {} bytes long, of which {} can be read", length, bytes.size()));
  bytes.resize(std::max<std::uint64_t>(bytes.size(), end + kHeaderPadding));
  return parse_header(base::as_text(std::span(bytes).subspan(kLengthBytes, length)), file.size - end, path);
}

std::string short_count(std::uint64_t count) {
  constexpr double kMillion = 1e6, kBillion = 1e9;
  const auto value = static_cast<double>(count);
  if (value >= kBillion) return fmt::format("{:.1f} billion", value / kBillion);
  if (value >= kMillion) return fmt::format("{:.1f} million", value / kMillion);
  return fmt::format("{}", count);
}

}  // namespace

void WeightsSurvey::add(const hub::ListedFile& file, const hub::FileRules::ReadPart& read) {
  if (!has_weights_name(file.name)) return;
  {
    const std::lock_guard lock(mutex_);
    if (!added_.insert(file.name).second) return;
  }
  std::optional<SafetensorsHeader> header;
  if (fs::path(file.name).extension() == ".safetensors") header = header_of(file, read, fs::path(model_) / file.name);
  const std::lock_guard lock(mutex_);
  if (!header || header->packed_records) {  // the parts of a packed file say little
    all_known_ = false;
    return;
  }
  sum_.tensors += header->tensors.size();
  for (const SafetensorsEntry& tensor : header->tensors)
    sum_.values[std::string(dtype_name(tensor.dtype))] += base::checked_product(tensor.shape).value_or(0);
}

std::optional<HubWeights> WeightsSurvey::weights() const {
  const std::lock_guard lock(mutex_);
  if (!all_known_ || added_.empty()) return std::nullopt;
  return sum_;
}

std::string WeightsSurvey::text() const {
  const std::optional<HubWeights> found = weights();
  if (!found) return {};
  return fmt::format("{} tensor{}, {} values", found->tensors, found->tensors == 1 ? "" : "s",
                     short_count(found->count()));
}

}  // namespace pare::checkpoint
