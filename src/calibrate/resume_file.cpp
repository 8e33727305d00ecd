#include "calibrate/resume_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/hash.h"
#include "base/staging.h"
#include "base/sync.h"
#include "base/system_error.h"
#include "pare/error.h"

namespace pare::calibrate {
namespace {

// The file: magic, version (U32), fingerprint (32 characters), XXH3-64 of these; then records: size of the content
// (U64), content, XXH3-64 of both. The version changes whenever the results of a calibrated run may change.
constexpr std::string_view kMagic = "PARECALB";
constexpr std::string_view kWhat = "state of a calibrated run";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFingerprint = 32, kHeader = kMagic.size() + 4 + kFingerprint + 8;
constexpr std::uint8_t kAllocation = 1, kLayer = 2;
constexpr std::uint8_t kUnseen = 1, kRaised = 2;

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  base::Hash64 hash;
  hash.add(bytes);
  return hash.value();
}

std::span<const std::byte> bytes_of(const std::vector<std::uint64_t>& words) { return std::as_bytes(std::span(words)); }

StoredLinear read_linear(base::ByteReader& reader) {
  StoredLinear linear;
  linear.index = reader.u64();
  linear.pruned = reader.u64();
  const std::uint8_t flags = reader.u8();
  linear.unseen = (flags & kUnseen) != 0;
  linear.raised = (flags & kRaised) != 0;
  linear.removed.resize(reader.items(sizeof(std::uint64_t)));
  const std::span<const std::byte> words = reader.take(linear.removed.size() * sizeof(std::uint64_t));
  if (!words.empty()) std::memcpy(linear.removed.data(), words.data(), words.size());
  linear.values = reader.take(reader.items(1));
  return linear;
}

}  // namespace

void write_linears(base::ByteWriter& writer, const std::vector<StoredLinear>& linears) {
  writer.u64(linears.size());
  for (const StoredLinear& linear : linears) {
    writer.u64(linear.index);
    writer.u64(linear.pruned);
    writer.u8(static_cast<std::uint8_t>((linear.unseen ? kUnseen : 0) | (linear.raised ? kRaised : 0)));
    writer.u64(linear.removed.size());
    writer.raw(bytes_of(linear.removed));
    writer.u64(linear.values.size());
    writer.raw(linear.values);
  }
}

std::vector<StoredLinear> read_linears(base::ByteReader& reader) {
  std::vector<StoredLinear> linears;
  for (std::size_t left = reader.items(1); left > 0; --left) linears.push_back(read_linear(reader));
  return linears;
}

ResumeFile::ResumeFile(std::filesystem::path path, const std::string& fingerprint, const Tell& tell)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)) {
  if (!descriptor_.is_open()) fail("cannot open");
  if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw Error(ErrorCode::kExists, path_, "is used by another run that has not ended");
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) fail("cannot read");
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::kExists, path_, "is not a regular file");
  if (status.st_size == 0 || !continues(fingerprint, tell)) begin(fingerprint);
}

bool ResumeFile::continues(const std::string& fingerprint, const Tell& tell) {
  map_ = base::FileMap::open(path_);
  const std::span<const std::byte> bytes = map_->bytes();
  const auto is_text = [&](std::size_t at, std::string_view text) {
    return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
  };
  if (!is_text(0, kMagic))
    throw Error(ErrorCode::kExists, path_, "is not what an interrupted run of pare left, and is not replaced");
  base::ByteReader reader(bytes.subspan(kMagic.size()), path_, kWhat);
  if (bytes.size() >= kHeader && reader.u32() == kVersion && is_text(kMagic.size() + 4, fingerprint)) {
    reader.take(kFingerprint);
    if (reader.u64() == hash_of(bytes.first(kHeader - 8))) {
      read(bytes, tell);
      return true;
    }
  }
  tell(path_.string() + ": was left by another command or for another model, so the run starts from the beginning");
  map_.reset();
  return false;
}

void ResumeFile::read(std::span<const std::byte> bytes, const Tell& tell) {
  end_ = kHeader;
  while (bytes.size() - end_ >= 16) {
    base::ByteReader reader(bytes.subspan(end_), path_, kWhat);
    const std::uint64_t size = reader.u64();
    if (size > reader.left() - 8) break;
    const std::span<const std::byte> record = reader.take(size);
    if (reader.u64() != hash_of(bytes.subspan(end_, 8 + size))) break;
    read_record(record);
    end_ += 16 + size;
  }
  // A record that a crash cut off is written again.
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(end_)) != 0) fail("cannot write");
  if (!layers_.empty() || allocation_)
    tell(fmt::format("{}: goes on after {} finished layer{}", path_.string(), layers_.size(),
                     layers_.size() == 1 ? "" : "s"));
}

void ResumeFile::read_record(std::span<const std::byte> record) {
  base::ByteReader reader(record, path_, kWhat);
  const std::uint8_t kind = reader.u8();
  if (kind == kAllocation) {
    std::vector<std::vector<double>>& levels = allocation_.emplace(reader.items(8));
    for (std::vector<double>& level : levels) {
      level.resize(reader.items(8));
      for (double& fraction : level) fraction = reader.f64();
    }
  } else if (kind == kLayer) {
    const std::uint64_t level = reader.u64(), layer = reader.u64();
    layers_[{level, layer}] = read_linears(reader);
  } else {
    reader.fail({}, fmt::format("unknown kind of record {}", kind));
  }
}

void ResumeFile::begin(const std::string& fingerprint) {
  if (::ftruncate(descriptor_.get(), 0) != 0) fail("cannot write");
  end_ = 0;
  base::ByteWriter writer;
  writer.raw(kMagic);
  writer.u32(kVersion);
  writer.raw(fingerprint);
  writer.u64(hash_of(writer.bytes()));
  write(writer.bytes());
  base::sync_directory(base::parent_of(path_));
}

void ResumeFile::store(const std::vector<std::vector<double>>& allocation) {
  base::ByteWriter writer;
  writer.u8(kAllocation);
  writer.u64(allocation.size());
  for (const std::vector<double>& level : allocation) {
    writer.u64(level.size());
    for (const double fraction : level) writer.f64(fraction);
  }
  append(writer.bytes());
}

const std::vector<StoredLinear>* ResumeFile::find(std::size_t level, std::size_t layer) const {
  const auto found = layers_.find({level, layer});
  return found == layers_.end() ? nullptr : &found->second;
}

void ResumeFile::store(std::size_t level, std::size_t layer, const std::vector<StoredLinear>& linears) {
  base::ByteWriter writer;
  writer.u8(kLayer);
  writer.u64(level);
  writer.u64(layer);
  write_linears(writer, linears);
  append(writer.bytes());
}

void ResumeFile::append(std::span<const std::byte> record) {
  base::ByteWriter head, tail;
  head.u64(record.size());
  base::Hash64 hash;
  hash.add(head.bytes());
  hash.add(record);
  tail.u64(hash.value());
  for (const std::span<const std::byte> part :
       {std::span<const std::byte>(head.bytes()), record, std::span<const std::byte>(tail.bytes())})
    write(part);
  if (::fdatasync(descriptor_.get()) != 0) fail("cannot sync");
}

void ResumeFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    end_ += static_cast<std::uint64_t>(written);
  }
}

void ResumeFile::fail(const char* what) const {
  const int code = errno;
  throw Error(base::code_of_errno(code), path_, fmt::format("{}: {}", what, std::strerror(code)));
}

}  // namespace pare::calibrate
