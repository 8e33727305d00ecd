#include "hub/transfer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/descriptor.h"
#include "base/system_error.h"
#include "hub/digest.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_on(const fs::path& path, const char* what, int number) {
  throw Error(base::code_of_errno(number), path, std::string(what) + ": " + std::strerror(number));
}

/// The file under its temporary name, ETAG.incomplete. It always holds the beginning of the file without gaps, so that
/// any later download can continue it.
class PartialFile {
 public:
  PartialFile(const RemoteFile& file, fs::path path, ByteCount& count)
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

  /// Leaves what there is to be continued.
  ~PartialFile() {
    if (size_ == 0) remove();
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t expected_size() const noexcept { return file_.size; }
  bool is_whole() const noexcept { return size_ == file_.size; }
  bool was_resumed() const noexcept { return resumed_; }  ///< holds bytes of an earlier process

  /// Takes the next bytes; they are in the file after flush().
  void write(std::span<const std::byte> bytes) {
    if (bytes.size() > file_.size - size_ - buffer_.size())
      throw Error(ErrorCode::kMalformed, file_.name,
                  fmt::format("the server sends more than the {} bytes that it announced", file_.size));
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= kBuffer) flush();
  }

  void flush() {
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

  /// Empties the file.
  void restart() {
    digest_.reset();  // before the bytes that it reads go
    if (::ftruncate(descriptor_->get(), 0) != 0) fail_on(path_, "cannot be truncated", errno);
    count_.change(size_, 0, 0);
    buffer_.clear();
    size_ = written_ = 0;
    resumed_ = false;
    follow();
  }

  /// Whether the hash of the whole file is the one that the server gave.
  bool has_expected_hash(const Context& context) {
    if (!digest_) return true;
    found_ = digest_->finish(context);
    digest_.reset();
    return found_ == file_.expected;
  }
  const std::string& hash() const noexcept { return found_; }

  /// Syncs the file first, which huggingface_hub does not: nobody computes the hash of a finished blob again, so one
  /// that a power cut left full of zeros would be taken for whole.
  void publish(const fs::path& blob) {
    if (::fdatasync(descriptor_->get()) != 0) fail_on(path_, "cannot be written", errno);
    if (::rename(path_.c_str(), blob.c_str()) != 0) fail_on(blob, "cannot be made", errno);
    published_ = true;
  }
  void remove() noexcept {
    if (!published_) ::unlink(path_.c_str());
  }

 private:
  /// Lets the disk begin with what has been received, so that little is left to wait for when the file is synced.
  void start_writing() noexcept {
    constexpr std::uint64_t kStep = 8 << 20;
    if (size_ - written_ < kStep) return;
    // A failure comes back from fdatasync(), too.
    (void)::sync_file_range(descriptor_->get(), static_cast<off64_t>(written_), static_cast<off64_t>(size_ - written_),
                            SYNC_FILE_RANGE_WRITE);
    written_ = size_;
  }

  void follow() {
    if (file_.digest == DigestKind::kNone) return;
    digest_ = std::make_unique<FollowingDigest>(descriptor_->get(), file_.digest, file_.size);
    digest_->advance(size_);
  }

  static constexpr std::size_t kBuffer = 1 << 20;  // libcurl gives 16 KiB at a time

  const RemoteFile& file_;
  const fs::path path_;
  ByteCount& count_;
  std::unique_ptr<base::Descriptor> descriptor_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0, written_ = 0;  // written_: what the disk has been told to write
  bool resumed_ = false, published_ = false;
  std::string found_;
  std::unique_ptr<FollowingDigest> digest_;  // last, because its thread reads through the descriptor
};

[[noreturn]] void refuse_other_range(const HttpResponse& response, const Asked& asked) {
  throw HttpFailure(asked.spec,
                    fmt::format("{} sends another range of '{}' than was asked for", response.host, asked.file), false);
}

/// One request for what is missing.
void request_rest(PartialFile& partial, const std::string& url, HttpClient& client, const Asked& asked) {
  const std::uint64_t from = partial.size();
  BodyReader body;
  body.begin = [&](const HttpResponse& response) {
    // A server that ignores ranges answers with status 200 and all of the file.
    const bool continues = response.status == 206 && response.range_begin() == from;
    if (response.status == 206 && !continues) refuse_other_range(response, asked);
    if (!continues && from > 0) partial.restart();
  };
  body.read = [&](std::span<const std::byte> bytes) { partial.write(bytes); };
  HttpResponse response;
  try {
    response = client.send({url, asked.spec, false, from}, body);
  } catch (...) {
    partial.flush();  // what arrived need not be sent again
    throw;
  }
  partial.flush();
  if (response.status == 416 && from > 0) {  // the file is shorter than what is there
    partial.restart();
    throw HttpFailure(asked.spec, fmt::format("{} does not have the rest of '{}'", response.host, asked.file), true);
  }
  require_success(response, asked, client.settings());
  if (!partial.is_whole())
    throw HttpFailure(asked.spec,
                      fmt::format("{} sends {} bytes of '{}' (expected {})", response.host, partial.size(), asked.file,
                                  partial.expected_size()),
                      true);
}

/// One request for a part, which a server that ignores ranges sends with all that is before and after it.
std::vector<std::byte> request_part(std::uint64_t begin, std::uint64_t end, const std::string& url, HttpClient& client,
                                    const Asked& asked) {
  struct Enough {};
  std::vector<std::byte> part;
  std::uint64_t at = begin;
  BodyReader body;
  body.begin = [&](const HttpResponse& response) {
    if (response.status != 206)
      at = 0;
    else if (response.range_begin() != begin)
      refuse_other_range(response, asked);
  };
  body.read = [&](std::span<const std::byte> bytes) {
    const std::uint64_t skipped = std::min<std::uint64_t>(begin - std::min(begin, at), bytes.size());
    at += bytes.size();
    bytes = bytes.subspan(skipped);
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), end - begin - part.size()));
    part.insert(part.end(), bytes.begin(), bytes.end());
    if (at > end) throw Enough();
  };
  HttpResponse response;
  try {
    response = client.send({url, asked.spec, false, begin, end}, body);
  } catch (const Enough&) {
    return part;
  }
  require_success(response, asked, client.settings());
  if (part.size() != end - begin)
    throw HttpFailure(
        asked.spec,
        fmt::format("{} sends {} bytes of '{}' (expected {})", response.host, part.size(), asked.file, end - begin),
        true);
  return part;
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

void download_blob(const RemoteFile& file, const std::string& url, const RepositoryFolder& folder, HttpClient& client,
                   const Asked& asked, ByteCount& count) {
  constexpr std::chrono::milliseconds kBetweenAttempts{50};
  const CacheLock guard(folder.lock(file.etag), [&] { client.wait(kBetweenAttempts); });
  if (folder.has_blob(file.etag)) return count.change(0, file.size, 0);  // another process was faster
  PartialFile partial(file, folder.incomplete(file.etag), count);
  for (;;) {
    const auto rest = [&] {
      if (!partial.is_whole()) request_rest(partial, url, client, asked);
    };
    with_retries(client, rest, [&] { return partial.size(); });
    if (partial.has_expected_hash(client.context())) break;
    if (!partial.was_resumed()) {
      partial.remove();
      throw Error(ErrorCode::kMalformed, asked.spec,
                  fmt::format("'{}' was damaged on the way, or the server has another file: its hash is {} (expected "
                              "{}); nothing of it was kept",
                              file.name, partial.hash(), file.expected));
    }
    partial.restart();  // what an earlier run left may be what is damaged
  }
  partial.publish(folder.blob(file.etag));
}

std::vector<std::byte> download_part(const RemoteFile& file, std::uint64_t begin, std::uint64_t end,
                                     const std::string& url, HttpClient& client, const Asked& asked) {
  end = std::min(end, file.size);
  std::vector<std::byte> part;
  if (begin < end) with_retries(client, [&] { part = request_part(begin, end, url, client, asked); });
  return part;
}

}  // namespace pare::hub
