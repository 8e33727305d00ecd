#include "checkpoint/file_content.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "base/files.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of the safetensors format

struct Signature {
  std::string_view bytes;
  const char* what;
};

constexpr Signature kSignatures[] = {
    {"version https://git-lfs"sv, "is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull"},
    {"\x1f\x8b"sv, "is compressed by gzip; uncompress it first"},
    {"\x28\xb5\x2f\xfd"sv, "is compressed by zstd; uncompress it first"},
    {"7z\xbc\xaf\x27\x1c"sv, "is a 7-Zip archive; unpack it first"},
    {"\xfd\x37zXZ"sv, "is compressed by xz; uncompress it first"},
    {"BZh"sv, "is compressed by bzip2; uncompress it first"},
    {"\x89HDF"sv, "is an HDF5 file (Keras), which pare does not read; convert it with transformers' from_tf"},
    {"\x93NUMPY"sv, "is a NumPy array, not a checkpoint"},
};

bool begins_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

}  // namespace

Content content_of(base::Bytes beginning) noexcept {
  const std::string_view text = base::as_text(beginning);
  std::uint64_t length = 0;
  if (text.size() > sizeof length) {
    std::memcpy(&length, text.data(), sizeof length);
    if (length <= kLongestHeader && text[sizeof length] == '{') return Content::kSafetensors;
  }
  if (text.starts_with("PK\3\4")) return Content::kZip;
  if (text.starts_with("GGUF")) return Content::kGguf;
  if (text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) return Content::kPickle;
  return Content::kOther;
}

Content content_of(const std::filesystem::path& path) {
  if (!base::is_file(path)) return Content::kOther;
  std::array<char, 16> beginning{};
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), beginning.size());
  return content_of(std::as_bytes(std::span(beginning).first(static_cast<std::size_t>(file.gcount()))));
}

void reject_content(base::Bytes bytes, const std::filesystem::path& path) {
  const std::string_view text = base::as_text(bytes);
  const auto fail = [&](const char* what) { throw Error(ErrorCode::kUnsupported, path, what); };
  for (const Signature& signature : kSignatures)
    if (text.starts_with(signature.bytes)) fail(signature.what);
  if (text.size() > 262 && text.substr(257, 5) == "ustar") fail("is a tar archive; unpack it first");
  const std::string_view words = text.substr(std::min(text.size(), text.find_first_not_of(" \t\r\n\xef\xbb\xbf")));
  for (const char* page : {"<!doctype", "<html", "<?xml", "<head", "<error"})
    if (begins_with_word(words, page))
      fail("is a web page, not weights: the download was answered with a message; look at it and download again");
  if (words.starts_with('{') || words.starts_with('[')) fail("is JSON text, not weights");
}

}  // namespace pare::checkpoint
