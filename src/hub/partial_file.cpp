#include "hub/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/system_error.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBuffer = 1 << 20;  // libcurl gives 16 KiB at a time

[[noreturn]] void fail_on(const fs::path& path, const char* what, int number) {
  throw Error(base::code_of_errno(number), path, std::string(what) + ": " + std::strerror(number));
}

}  // namespace

void ByteCount::change(std::uint64_t before, std::uint64_t there, std::uint64_t received) {
  constexpr std::uint64_t kBetweenReports = 1 << 20;
  const std::uint64_t now = there_.fetch_add(there - before) + (there - before);  // modulo 2^64
  const std::uint64_t got = received_.fetch_add(received) + received;
  if (got / kBetweenReports == reported_.exchange(got / kBetweenReports) && now != total_) return;
  const bool done = now == total_;
  const double fraction =
      done || now <= before_ ? 0 : static_cast<double>(now - before_) / static_cast<double>(total_ - before_);
  context_.report(done ? 1 : fraction, step_, got);
}

PartialFile::PartialFile(const RemoteFile& file, fs::path path, ByteCount& count)
    : file_(file), path_(std::move(path)), count_(count) {
  constexpr mode_t kMode = 0666;  // less the umask
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  descriptor_ = std::make_unique<base::Descriptor>(::open(path_.c_str(), kFlags, kMode));
  struct stat status {};
  if (!descriptor_->is_open() || ::fstat(descriptor_->get(), &status) != 0) fail_on(path_, "cannot be opened", errno);
  size_ = static_cast<std::uint64_t>(status.st_size);
  resumed_ = size_ > 0;
  count_.change(0, size_, 0);
  if (size_ > file_.size)
    restart();
  else
    follow();
}

PartialFile::~PartialFile() {
  if (size_ == 0) remove();
}

void PartialFile::write(std::span<const std::byte> bytes) {
  if (bytes.size() > file_.size - size_ - buffer_.size())
    throw Error(ErrorCode::kMalformed, file_.name,
                fmt::format("the server sends more than the {} bytes that it announced", file_.size));
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kBuffer - buffer_.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (buffer_.size() == kBuffer) flush();
  }
}

void PartialFile::flush() {
  std::size_t done = 0;
  int failure = 0;
  while (done < buffer_.size() && failure == 0) {
    const auto written =
        ::pwrite(descriptor_->get(), buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(size_ + done));
    if (written >= 0)
      done += static_cast<std::size_t>(written);
    else if (errno != EINTR)
      failure = errno;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(done));
  size_ += done;
  if (failure != 0) fail_on(path_, "cannot be written (what is there will be continued)", failure);
  count_.change(size_ - done, size_, done);
  if (digest_) digest_->advance(size_);
  start_writing();
}

void PartialFile::restart() {
  digest_.reset();  // before the bytes that it reads go
  if (::ftruncate(descriptor_->get(), 0) != 0) fail_on(path_, "cannot be truncated", errno);
  count_.change(size_, 0, 0);
  buffer_.clear();
  size_ = written_ = 0;
  resumed_ = false;
  follow();
}

bool PartialFile::has_expected_hash(const Context& context) {
  if (!digest_) return true;
  found_ = digest_->finish(context);
  digest_.reset();
  return found_ == file_.expected;
}

void PartialFile::publish(const fs::path& blob) {
  if (::fdatasync(descriptor_->get()) != 0) fail_on(path_, "cannot be written", errno);
  if (::rename(path_.c_str(), blob.c_str()) != 0) fail_on(blob, "cannot be made", errno);
  published_ = true;
}

void PartialFile::remove() noexcept {
  if (!published_) ::unlink(path_.c_str());
}

/// Lets the disk begin with what has been received, so that little is left to wait for when the file is synced.
void PartialFile::start_writing() noexcept {
  constexpr std::uint64_t kStep = 8 << 20;
  if (size_ - written_ < kStep) return;
  // A failure comes back from fdatasync(), too.
  (void)::sync_file_range(descriptor_->get(), static_cast<off64_t>(written_), static_cast<off64_t>(size_ - written_),
                          SYNC_FILE_RANGE_WRITE);
  written_ = size_;
}

void PartialFile::follow() {
  if (file_.digest == DigestKind::kNone) return;
  digest_ = std::make_unique<FollowingDigest>(descriptor_->get(), file_.digest, file_.size);
  digest_->advance(size_);
}

}  // namespace pare::hub
