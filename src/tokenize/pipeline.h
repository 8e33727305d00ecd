// The tokenizer of all families: special tokens are cut out of the text; what is left is normalized and cut into words,
// whose ids the algorithm finds; ids placed around the result come last.
#pragma once

#include <memory>
#include <vector>

#include "pare/tokenizer.h"
#include "tokenize/added_tokens.h"
#include "tokenize/algorithm.h"
#include "tokenize/bpe.h"
#include "tokenize/steps/normalizer.h"
#include "tokenize/steps/pre_tokenizer.h"
#include "tokenize/steps/token_decoder.h"

namespace pare::tokenize {

struct PipelineParts {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<Algorithm> algorithm;
  Decoder decoder;
  AddedTokens added;
  std::vector<std::int32_t> before, after;  ///< ids placed around an encoded text
  bool clean_up_spaces = false;             ///< of decoded text
  SpecialTokens special;
};

class Pipeline final : public Tokenizer {
 public:
  explicit Pipeline(PipelineParts parts);

  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const override;
  std::size_t size() const noexcept override { return size_; }

 private:
  struct Work;
  void encode_piece(std::string_view piece, bool first, Work& work, std::vector<std::int32_t>& ids) const;
  void encode_normalized(std::string_view text, std::size_t first, Work& work, std::vector<std::int32_t>& ids) const;

  PipelineParts parts_;
  const Bpe* bpe_;  // the algorithm, if it is BPE
  bool needs_first_;
  std::size_t size_;
};

}  // namespace pare::tokenize
