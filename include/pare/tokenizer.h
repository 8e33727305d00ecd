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

/// Ids of the tokens that a model gives a meaning; empty where the tokenizer has none.
struct SpecialTokens {
  std::optional<std::int32_t> bos, eos, unk, pad, cls, sep, mask;
};

/// A tokenizer of one of three families: byte-level BPE (GPT-2), WordPiece (BERT) and Unigram (T5).
/// All methods are const and safe to call from several threads at once.
class Tokenizer {
 public:
  /// Reads the tokenizer of a model directory from its own files, in transformers 5's order of precedence:
  /// tokenizer.json first, else vocab.json + merges.txt, vocab.txt or spiece.model, with tokenizer_config.json,
  /// special_tokens_map.json and added_tokens.json where they are there.
  /// The class named by tokenizer_config.json (else by config.json, else by the files) decides the family;
  /// as in transformers, a family's own normalization counts before tokenizer.json's, which is followed step by step
  /// only for the class PreTrainedTokenizerFast.
  /// Throws Error naming file and cause: no such file, a damaged one, a step that none of the families has.
  static std::unique_ptr<Tokenizer> open(const std::filesystem::path& directory);

  virtual ~Tokenizer() = default;

  /// Token ids of UTF-8 text, equal to transformers' tokenizer(text, add_special_tokens=...).input_ids.
  /// Special tokens written out in the text count as such. Throws Error with the byte offset for text that is not
  /// UTF-8.
  virtual std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const = 0;

  /// Text of token ids, equal to transformers' decode; ids that the tokenizer does not have are left out.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const = 0;

  /// Number of tokens with the added ones, len(tokenizer) in Python: the highest id + 1.
  virtual std::size_t size() const noexcept = 0;

  const SpecialTokens& special() const noexcept { return special_; }

 protected:
  SpecialTokens special_;
};

}  // namespace pare
