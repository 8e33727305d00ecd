// Hashes of downloaded files, computed by OpenSSL's libcrypto.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "pare/context.h"

namespace pare::hub {

/// What a server's hash of a file is computed from.
enum class DigestKind : std::uint8_t {
  kNone,     ///< the server gave no hash
  kSha256,   ///< the bytes
  kGitSha1,  ///< "blob SIZE", a zero byte and the bytes, as git names a file
};

/// A hash of bytes that arrive in order. Throws Error (kUnavailable) if libcrypto is not installed.
class Digest {
 public:
  /// `kind`: not kNone; `size`: of the whole file, for kGitSha1.
  Digest(DigestKind kind, std::uint64_t size);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void update(std::span<const std::byte> bytes);
  std::string hex();  ///< in lower case; ends the computation

 private:
  void* context_;
};

/// The hash of a file that is being written from its beginning to its end: another thread reads what has been written
/// from the page cache, so that the hash is there soon after the last byte. The file must not change before `written`.
class FollowingDigest {
 public:
  FollowingDigest(int descriptor, DigestKind kind, std::uint64_t size);
  ~FollowingDigest();  ///< gives up unless finish() was called
  FollowingDigest(const FollowingDigest&) = delete;
  FollowingDigest& operator=(const FollowingDigest&) = delete;

  /// The first `written` bytes are there.
  void advance(std::uint64_t written);
  /// Waits for the hash of the whole file, `size` bytes. Empty if the file could not be read. Throws Interrupted.
  std::string finish(const Context& context);

 private:
  void run(int descriptor, DigestKind kind);

  const std::uint64_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_ = 0;
  bool abandoned_ = false, done_ = false;
  std::string hex_;
  std::thread thread_;
};

}  // namespace pare::hub
