#include "hub/digest.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <new>
#include <vector>

#include "hub/curl_library.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

struct CryptoLibrary {
  decltype(&::EVP_MD_CTX_new) context_new;
  decltype(&::EVP_MD_CTX_free) context_free;
  const EVP_MD* sha256;
  const EVP_MD* sha1;
  decltype(&::EVP_DigestInit_ex) init;
  decltype(&::EVP_DigestUpdate) update;
  decltype(&::EVP_DigestFinal_ex) final;
};

/// Algorithms are fetched here, once, from a library context of our own: in OpenSSL 3, a digest that has to make the
/// default context crashes if memory is short then.
void fetch_algorithms(void* library, CryptoLibrary& functions) {
  decltype(&::OSSL_LIB_CTX_new) new_context{};
  if (::dlsym(library, "OSSL_LIB_CTX_new") == nullptr) {  // OpenSSL 1.1
    decltype(&::EVP_sha256) sha256{};
    decltype(&::EVP_sha1) sha1{};
    find_function(library, sha256, "EVP_sha256");
    find_function(library, sha1, "EVP_sha1");
    functions.sha256 = sha256();
    functions.sha1 = sha1();
    return;
  }
  decltype(&::EVP_MD_fetch) fetch{};
  find_function(library, new_context, "OSSL_LIB_CTX_new");
  find_function(library, fetch, "EVP_MD_fetch");
  OSSL_LIB_CTX* context = new_context();
  if (context == nullptr) throw std::bad_alloc();
  functions.sha256 = fetch(context, "SHA256", nullptr);
  functions.sha1 = fetch(context, "SHA1", nullptr);
  if (functions.sha256 == nullptr || functions.sha1 == nullptr)
    throw Error(ErrorCode::kUnavailable, "libcrypto has no SHA-256 or SHA-1");
}

CryptoLibrary load_crypto() {
  void* library = open_library({"libcrypto.so.3", "libcrypto.so.1.1"}, "libssl3");
  CryptoLibrary functions{};
  find_function(library, functions.context_new, "EVP_MD_CTX_new");
  find_function(library, functions.context_free, "EVP_MD_CTX_free");
  find_function(library, functions.init, "EVP_DigestInit_ex");
  find_function(library, functions.update, "EVP_DigestUpdate");
  find_function(library, functions.final, "EVP_DigestFinal_ex");
  fetch_algorithms(library, functions);
  return functions;
}

const CryptoLibrary& crypto() {
  static const CryptoLibrary library = load_crypto();
  return library;
}

void require_digest(int result) {
  if (result != 1) throw Error(ErrorCode::kUnavailable, "libcrypto cannot compute a hash");
}

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Digest::Digest(DigestKind kind, std::uint64_t size) : context_(crypto().context_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  const EVP_MD* type = kind == DigestKind::kSha256 ? crypto().sha256 : crypto().sha1;
  if (crypto().init(context_of(context_), type, nullptr) != 1) {
    crypto().context_free(context_of(context_));
    require_digest(0);
  }
  if (kind != DigestKind::kGitSha1) return;
  const std::string head = fmt::format("blob {}", size);
  update(std::as_bytes(std::span(head.c_str(), head.size() + 1)));
}

Digest::~Digest() { crypto().context_free(context_of(context_)); }

void Digest::update(std::span<const std::byte> bytes) {
  require_digest(crypto().update(context_of(context_), bytes.data(), bytes.size()));
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned length = 0;
  require_digest(crypto().final(context_of(context_), value.data(), &length));
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", value[i]);
  return text;
}

FollowingDigest::FollowingDigest(int descriptor, DigestKind kind, std::uint64_t size) : size_(size) {
  crypto();  // an error here, not in the thread
  thread_ = std::thread([this, descriptor, kind] {
    try {
      run(descriptor, kind);
    } catch (const std::exception&) {
      // The hash stays empty, which finish() returns.
    }
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
  });
}

FollowingDigest::~FollowingDigest() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FollowingDigest::advance(std::uint64_t written) {
  {
    const std::lock_guard lock(mutex_);
    written_ = written;
  }
  changed_.notify_all();
}

std::string FollowingDigest::finish(const Context& context) {
  advance(size_);
  std::unique_lock lock(mutex_);
  // After a download that was resumed, most of the file may still have to be read.
  while (!changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return done_; })) context.check();
  return hex_;
}

void FollowingDigest::run(int descriptor, DigestKind kind) {
  constexpr std::uint64_t kStep = 1 << 20, kBetweenChecks = 64 * kStep;
  Digest digest(kind, size_);
  std::vector<std::byte> buffer(kStep);
  for (std::uint64_t done = 0; done < size_;) {
    std::uint64_t ready = 0;
    {
      std::unique_lock lock(mutex_);
      // A whole step at a time, so that the threads seldom wait for each other.
      changed_.wait(lock, [&] { return abandoned_ || written_ == size_ || written_ >= done + kStep; });
      if (abandoned_) return;
      ready = std::min(written_, done + kBetweenChecks);
    }
    while (done < ready) {
      const auto count = ::pread(descriptor, buffer.data(), std::min(kStep, ready - done), static_cast<off_t>(done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      digest.update(std::span(buffer).first(static_cast<std::size_t>(count)));
      done += static_cast<std::uint64_t>(count);
    }
  }
  hex_ = digest.hex();
}

}  // namespace pare::hub
