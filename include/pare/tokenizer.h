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

/// Ids of the special tokens; nullopt for those that the tokenizer does not have.
struct SpecialTokens {
  std::optional<std::int32_t> bos, eos, unk, pad, cls, sep, mask;
};

/// A tokenizer of one of three families: byte-level BPE (GPT-2), WordPiece (BERT) and Unigram (T5).
/// All methods are const and safe to call from several threads at once.
class Tokenizer {
 public:
  /// Reads the tokenizer of a model directory from its own files, in transformers 5's order of precedence:
  /// tokenizer.json first, else vocab.json + merges.txt, vocab.txt or spiece.model, with tokenizer_config.json,
  /// special_tokens_map.json and added_tokens.json if they exist.
  /// The class named by tokenizer_config.json (else by config.json, else by the files) decides the family;
  /// as in transformers, a family's own normalization takes precedence over that of tokenizer.json, whose steps are
  /// followed only for the class PreTrainedTokenizerFast.
  /// Throws Error naming file and cause if a file is missing or damaged, or contains a step that no family has.
  static std::unique_ptr<Tokenizer> open(const std::filesystem::path& directory);

  virtual ~Tokenizer() = default;

  /// Returns the token ids of UTF-8 text, equal to transformers' tokenizer(text, add_special_tokens=...).input_ids.
  /// Special tokens that are written out in the text become their ids. Throws Error: kArgument, with the byte offset,
  /// for text that is not UTF-8; kLimit for text of more than 256 MiB.
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
