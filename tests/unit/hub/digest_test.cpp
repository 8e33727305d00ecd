// Hashes against the examples of FIPS 180 and what `git hash-object` prints.
#include "hub/digest.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/descriptor.h"
#include "support/files.h"

namespace pare::hub {
namespace {

std::string hash_of(DigestKind kind, const std::string& text) {
  Digest digest(kind, text.size());
  digest.update(std::as_bytes(std::span(text)));
  return digest.hex();
}

TEST(Digest, Sha256) {
  EXPECT_EQ(hash_of(DigestKind::kSha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of(DigestKind::kSha256, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, NameOfAFileInGit) {
  EXPECT_EQ(hash_of(DigestKind::kGitSha1, "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(hash_of(DigestKind::kGitSha1, ""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Digest, FollowsAFileThatGrows) {
  const test::TemporaryDirectory directory;
  const std::string million(1'000'000, 'a');  // an example of FIPS 180
  test::write_text(directory / "file", million);
  const base::Descriptor file(::open((directory / "file").c_str(), O_RDONLY | O_CLOEXEC));
  FollowingDigest digest(file.get(), DigestKind::kSha256, million.size());
  for (std::size_t written = 0; written < million.size(); written += 12'345) digest.advance(written);
  EXPECT_EQ(digest.finish({}), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  FollowingDigest too_long(file.get(), DigestKind::kSha256, million.size() + 1);
  EXPECT_EQ(too_long.finish({}), "");
  FollowingDigest abandoned(file.get(), DigestKind::kSha256, million.size());
  abandoned.advance(10);
}

}  // namespace
}  // namespace pare::hub
