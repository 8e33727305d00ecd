// Continues a text with a decoder such as GPT-2, one token at a time: continue_text MODEL TEXT [TOKENS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include "pare/model.h"
#include "pare/run.h"
#include "pare/tokenizer.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: continue_text MODEL TEXT [TOKENS]\n");
    return 2;
  }
  try {
    const pare::Model model = pare::open_model(argv[1]);
    const auto tokenizer = pare::Tokenizer::open(model.checkpoint.directory());
    const auto runner = pare::open_runner(model);
    const auto* decoder = dynamic_cast<const pare::CausalRunner*>(runner.get());
    std::vector<pare::TokenId> tokens = tokenizer->encode(argv[2], true);
    if (decoder == nullptr || tokens.empty()) {
      std::fprintf(stderr, "%s\n", decoder == nullptr ? "the model is not a decoder" : "the text has no tokens");
      return 1;
    }
    const auto state = decoder->start(1);  // holds the KV cache, so that each token passes through the model once
    std::vector<pare::TokenId> next = tokens;
    for (int left = argc > 3 ? std::atoi(argv[3]) : 16; left > 0; --left) {
      const pare::Matrix hidden = decoder->hidden_states(pare::TokenBatch(next), *state);
      pare::Matrix last(1, hidden.columns);
      std::copy_n(hidden.row(hidden.rows - 1), hidden.columns, last.row(0));
      const auto logits = decoder->logits(last).values;
      next = {static_cast<pare::TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin())};
      tokens.push_back(next.front());
    }
    std::printf("%s\n", tokenizer->decode(tokens, true).c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
