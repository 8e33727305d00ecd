// BLEU (Papineni et al. 2002) as sacreBLEU counts it (Post 2018).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pare::eval {

/// Tokens of mteval-v13a, sacreBLEU's default tokenizer.
std::vector<std::string> bleu_tokens(std::string_view text);

/// Corpus BLEU with one reference a sentence, n-grams up to 4, and smoothing "exp" where an order has no match.
class Bleu {
 public:
  void add(std::string_view hypothesis, std::string_view reference);
  /// 0..100.
  double score() const;

 private:
  std::array<std::uint64_t, 4> matches_{}, totals_{};
  std::uint64_t hypothesis_length_ = 0, reference_length_ = 0;
};

}  // namespace pare::eval
