// The tokenizer of all three families: special tokens first, then the algorithm, then the ids placed around the result.
#pragma once

#include <memory>
#include <vector>

#include "pare/tokenizer.h"
#include "tokenize/added_tokens.h"
#include "tokenize/algorithm.h"

namespace pare::tokenize {

struct PipelineParts {
  std::unique_ptr<Algorithm> algorithm;
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
  void encode_piece(std::string_view piece, bool first, std::string& normalized, std::vector<std::int32_t>& ids) const;

  PipelineParts parts_;
  std::size_t size_;
};

}  // namespace pare::tokenize
