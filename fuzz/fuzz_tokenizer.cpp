// Tokenizer files: the first byte selects the file and the family, and the rest is its content. The other files of the
// family are valid.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "fuzz/check.h"
#include "pare/error.h"
#include "pare/tokenizer.h"

namespace {

namespace fs = std::filesystem;

struct Target {
  const char* model_type;
  const char* fuzzed;
  const char* other;  // another file that it requires
  const char* content;
};

constexpr Target kTargets[] = {
    {"", "tokenizer.json", nullptr, nullptr},
    {"t5", "tokenizer.json", nullptr, nullptr},
    {"bert", "tokenizer.json", nullptr, nullptr},
    {"gpt2", "tokenizer.json", nullptr, nullptr},
    {"t5", "spiece.model", nullptr, nullptr},
    {"bert", "vocab.txt", nullptr, nullptr},
    {"gpt2", "vocab.json", "merges.txt", "#version: 0.2\na b\n"},
    {"gpt2", "merges.txt", "vocab.json", R"({"a":0,"b":1,"ab":2,"<|endoftext|>":3})"},
    {"bert", "tokenizer_config.json", "vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n##b\n"},
    {"qwen2", "tokenizer.json", nullptr, nullptr},
    {"gpt_neox", "tokenizer.json", nullptr, nullptr},
    {"gemma2", "tokenizer.json", nullptr, nullptr},
    {"roberta", "tokenizer.json", nullptr, nullptr},
    {"mpnet", "tokenizer.json", nullptr, nullptr},
    {"mistral", "tokenizer.model", nullptr, nullptr},
    {"gemma", "tokenizer.model", nullptr, nullptr},
    {"idefics", "tokenizer.model", "tokenizer_config.json", R"({"add_bos_token":true,"legacy":true})"},
};

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

const fs::path& scratch() {
  static const fs::path directory = [] {
    std::string pattern = (fs::temp_directory_path() / "fuzz-tokenizer-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    return fs::path(pattern);
  }();
  return directory;
}

constexpr std::string_view kTexts[] = {"", "ab a b <|endoftext|> [MASK]</s><pad>",
                                       "\xC2\xBD\xCC\x81\xEF\xBC\xA1 \xE2\x96\x81 \xED\x95\x9C\xEA\xB5\xAD\r\n",
                                       "I'll  they've\t\t1.5\xF0\x9F\x91\x8D\xE2\x80\x8D",
                                       "  <s>\n\n \xE2\x96\x81\xE2\x96\x81"
                                       "ab<0x41>\xC3\xA9"
                                       "e\xCC\x81\xCC\xA7\xEF\xAC\x81"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Target& target = kTargets[data[0] % std::size(kTargets)];
  for (const auto& entry : fs::directory_iterator(scratch())) fs::remove(entry);
  if (*target.model_type != 0)
    write(scratch() / "config.json", R"({"model_type":")" + std::string(target.model_type) + "\"}");
  if (target.other != nullptr) write(scratch() / target.other, target.content);
  write(scratch() / target.fuzzed, {reinterpret_cast<const char*>(data + 1), size - 1});
  try {
    const auto tokenizer = pare::Tokenizer::open(scratch());
    for (const std::string_view text : kTexts) {
      const auto ids = tokenizer->encode(text, true);
      for (const std::int32_t id : ids)
        pare::fuzz::require(id >= 0 && static_cast<std::size_t>(id) < tokenizer->size(), "ids are below size()");
      tokenizer->decode(ids, false);
      tokenizer->decode(ids, true);
    }
  } catch (const pare::Error&) {
  }
  return 0;
}
