#include "eval/masking.h"

namespace pare::eval {

MaskedLine masked_line(const Subject& subject, std::string_view text) {
  const SpecialTokens& special = subject.tokenizer->special();
  MaskedLine line;
  line.tokens = subject.tokenizer->encode(text, true);
  const std::size_t positions = subject.runner->positions();
  if (line.tokens.size() > positions) {
    const TokenId last = line.tokens.back();
    line.tokens.resize(positions);
    line.tokens.back() = last;
  }
  // The first and the last are the tokenizer's own; where one of them is written out in the text it counts as text.
  for (std::size_t at = 0; at < line.tokens.size(); ++at) {
    const bool edge =
        (at == 0 && line.tokens[at] == special.cls) || (at + 1 == line.tokens.size() && line.tokens[at] == special.sep);
    if (!edge) line.own.push_back(at);
  }
  return line;
}

void add_masked(MaskedBatch& batch, const MaskedLine& line, const std::vector<std::size_t>& places, TokenId mask) {
  std::vector<TokenId> tokens = line.tokens;
  for (const std::size_t place : places) {
    batch.rows.push_back(batch.tokens.tokens() + place);
    batch.hidden.push_back(tokens[place]);
    tokens[place] = mask;
  }
  batch.tokens.add(tokens);
}

}  // namespace pare::eval
