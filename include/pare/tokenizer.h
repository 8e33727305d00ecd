// Text to token ids and back, as transformers' AutoTokenizer does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare {

struct Model;

/// Ids of the special tokens; nullopt for those that the tokenizer does not have.
struct SpecialTokens {
  std::optional<std::int32_t> bos, eos, unk, pad, cls, sep, mask;
};

/// A tokenizer with BPE (of bytes or of characters), WordPiece or Unigram: those of the decoder and encoder families
/// that pare runs, and others whose tokenizer.json has the same steps. All methods are const and safe to call from
/// several threads at once.
class Tokenizer {
 public:
  /// Reads the tokenizer of a model directory from its own files, in transformers 5's order of precedence:
  /// tokenizer.json first, else vocab.json + merges.txt, vocab.txt, tokenizer.model or spiece.model, with
  /// tokenizer_config.json, special_tokens_map.json and added_tokens.json if they exist.
  /// The class is the one that transformers' AutoTokenizer would choose from tokenizer_config.json and config.json. As
  /// in transformers, the steps of classes such as GPT2Tokenizer, Qwen2Tokenizer, LlamaTokenizer and BertTokenizer take
  /// precedence over those of tokenizer.json, which are followed for PreTrainedTokenizerFast (TokenizersBackend).
  /// Throws Error naming file and cause if a file is missing or damaged, or has a class or a step that is not supported
  /// (kUnsupported).
  static std::unique_ptr<Tokenizer> open(const std::filesystem::path& directory);
  /// Opens the tokenizer of an open model: from its directory or, for a GGUF file, as the file describes it.
  static std::unique_ptr<Tokenizer> open(const Model& model);

  virtual ~Tokenizer() = default;

  /// Returns the token ids of UTF-8 text, equal to transformers' tokenizer(text, add_special_tokens=...).input_ids.
  /// Special tokens that are written out in the text become their ids. Throws Error: kArgument, with the byte offset,
  /// for text that is not UTF-8; kLimit for text of more than 256 MiB,
  /// and for text that a regular expression of the tokenizer takes too long to split.
  virtual std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const = 0;

  /// Returns the text of token ids, equal to that of transformers' decode(). Ids that the tokenizer does not have are
  /// left out.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const = 0;

  /// Returns the number of tokens, added tokens included: the highest id + 1, len(tokenizer) in Python.
  virtual std::size_t size() const noexcept = 0;

  const SpecialTokens& special() const noexcept { return special_; }

 protected:
  SpecialTokens special_;
};

}  // namespace pare
