// The answer of /api/models/NAME/revision/REVISION, as documented at https://huggingface.co/docs/hub/api.
#include "hub/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace pare::hub {
namespace {

using test::ThrowsError;

const std::string kCommit(40, 'a'), kSha(64, 'b'), kGit(40, 'c');

std::string listing(const std::string& siblings, const std::string& commit = kCommit) {
  return R"({"id": "a/b", "sha": ")" + commit + R"(", "siblings": [)" + siblings + "]}";
}

auto parsing(const std::string& text) {
  return [text] { parse_listing(text, "a/b"); };
}

TEST(Listing, SizesAndHashes) {
  const RemoteModel model =
      parse_listing(listing(R"({"rfilename": "config.json", "size": 7, "blobId": ")" + kGit +
                            R"("}, {"rfilename": "model.safetensors", "size": 8, "blobId": "x", "lfs": {"sha256": ")" +
                            kSha + R"(", "size": 5000000000, "pointerSize": 1}}, {"rfilename": "a/b.txt"})"),
                    "a/b");
  EXPECT_EQ(model.commit, kCommit);
  ASSERT_EQ(model.files.size(), 3U);
  EXPECT_EQ(model.find("config.json")->etag, kGit);
  EXPECT_EQ(model.find("config.json")->size, 7U);
  EXPECT_EQ(model.find("config.json")->digest, DigestKind::kGitSha1);
  const RemoteFile* weights = model.find("model.safetensors");
  EXPECT_EQ(weights->etag, kSha);
  EXPECT_EQ(weights->expected, kSha);
  EXPECT_EQ(weights->size, 5'000'000'000U);
  EXPECT_EQ(weights->digest, DigestKind::kSha256);
  EXPECT_EQ(model.find("a/b.txt")->etag, "");
  EXPECT_EQ(model.find("absent"), nullptr);
}

TEST(Listing, NamesStayBelowTheFolder) {
  for (const char* name : {"a", "a/b.c", ".gitattributes", "...", "a b", "\xC3\xA9.json"})
    EXPECT_TRUE(is_safe_name(name)) << name;
  for (const std::string& name : std::vector<std::string>{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b",
                                                          "a/./b", "a\\b", "..\\a", "a\nb", "\x1b[0m", "\x7f", "\xFF"})
    EXPECT_FALSE(is_safe_name(name)) << name;
  EXPECT_FALSE(is_safe_name(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_name(std::string(256, 'a')));
  EXPECT_FALSE(is_safe_name("a/" + std::string(1100, '/')));
}

TEST(Listing, EtagsAreNamesOfBlobs) {
  EXPECT_TRUE(is_safe_etag(kSha));
  EXPECT_TRUE(is_safe_etag("d41d8cd98f00b204e9800998ecf8427e-38"));
  for (const std::string& etag : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                  std::string("a b"), std::string(129, 'a')})
    EXPECT_FALSE(is_safe_etag(etag)) << etag;
}

TEST(Listing, WhatBreaksTheRules) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), listing("", "main"), listing("", "../../x"), listing("1"),
        listing("{}"), listing(R"({"rfilename": "../x"})"), listing(R"({"rfilename": "a"}, {"rfilename": "a"})"),
        listing(R"({"rfilename": "a", "lfs": {"size": 1}})"),
        listing(R"({"rfilename": "a", "lfs": {"size": 1, "sha256": "../x"}})"),
        listing(R"({"rfilename": "a", "lfs": {"size": -1, "sha256": ")" + kSha + "\"}}"),
        listing(R"({"rfilename": "a", "lfs": {"size": 9223372036854775808, "sha256": ")" + kSha + "\"}}"),
        listing(R"({"rfilename": "a", "size": 1.5, "blobId": ")" + kGit + "\"}"),
        listing(R"({"rfilename": "a", "size": 1, "blobId": "C"})")})
    EXPECT_THAT(parsing(text), ThrowsError(ErrorCode::kMalformed, "a/b")) << text;
}

TEST(Listing, Addresses) {
  HubSettings settings;
  settings.endpoint = "http://hub";
  EXPECT_EQ(resolve_url(settings, "a/b", kCommit, "x y/#?%.json"),
            "http://hub/a/b/resolve/" + kCommit + "/x%20y/%23%3F%25.json");
}

}  // namespace
}  // namespace pare::hub
