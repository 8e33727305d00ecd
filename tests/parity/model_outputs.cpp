// model_outputs MODEL KIND INPUT OUTPUT [CLASS]: runs a model for the comparison with transformers.
// KIND: logits, hidden, classify: INPUT has a sequence of ids a line (classify and hidden: may be
//       followed by '|' and token types); decode: "SOURCE | TARGET"; greedy: "COUNT | PROMPT" or
//       "COUNT | SOURCE" for an encoder-decoder; beams: "BEAMS COUNT END | PROMPT" (or SOURCE).
// OUTPUT: the floats, little-endian, row by row; for greedy and beams the ids as text.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "pare/error.h"
#include "pare/generate.h"
#include "pare/run.h"

namespace {

using pare::Matrix;
using pare::TokenBatch;
using pare::TokenId;

struct Line {
  std::vector<TokenId> first, second;
};

std::vector<Line> read_lines(const char* path) {
  std::ifstream file(path);
  std::vector<Line> lines;
  for (std::string text; std::getline(file, text);) {
    Line& line = lines.emplace_back();
    std::vector<TokenId>* into = &line.first;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      if (word == "|")
        into = &line.second;
      else
        into->push_back(std::stoi(word));
    }
  }
  return lines;
}

Matrix run(const pare::Runner& runner, const std::string& kind, const std::vector<Line>& lines) {
  TokenBatch batch;
  for (const Line& line : lines) batch.add(line.first, kind == "decode" ? std::vector<TokenId>() : line.second);
  if (kind == "hidden") return runner.hidden_states(batch);
  if (kind == "logits") return runner.logits(runner.hidden_states(batch));
  if (kind == "classify") return dynamic_cast<const pare::EncoderRunner&>(runner).classify(batch);
  const auto& pair = dynamic_cast<const pare::EncoderDecoderRunner&>(runner);
  TokenBatch targets;
  for (const Line& line : lines) targets.add(line.second);
  const auto state = pair.start(batch);
  return pair.logits(pair.decode(targets, *state));
}

TokenId best(const Matrix& logits) {
  const float* row = logits.row(logits.rows - 1);
  return static_cast<TokenId>(std::max_element(row, row + logits.columns) - row);
}

std::vector<TokenId> greedy(const pare::Runner& runner, const Line& line) {
  std::vector<TokenId> tokens;
  const auto* causal = dynamic_cast<const pare::CausalRunner*>(&runner);
  const auto* pair = dynamic_cast<const pare::EncoderDecoderRunner*>(&runner);
  const auto state = causal ? causal->start(1) : pair->start(TokenBatch(line.second));
  std::vector<TokenId> next = causal ? line.second : std::vector<TokenId>{pair->decoder_start()};
  for (TokenId i = 0; i < line.first.at(0); ++i) {
    const Matrix hidden =
        causal ? causal->hidden_states(TokenBatch(next), *state) : pair->decode(TokenBatch(next), *state);
    Matrix last(1, hidden.columns);
    std::copy_n(hidden.row(hidden.rows - 1), hidden.columns, last.row(0));
    next = {best(runner.logits(last))};
    tokens.push_back(next[0]);
  }
  return tokens;
}

/// All lines have the BEAMS, COUNT and END of the first.
std::vector<std::vector<TokenId>> search(const pare::Runner& runner, const std::vector<Line>& lines) {
  TokenBatch prompts;
  for (const Line& line : lines) prompts.add(line.second);
  const std::vector<TokenId>& numbers = lines.at(0).first;
  const pare::GenerateOptions options{static_cast<std::size_t>(numbers.at(0)), static_cast<std::size_t>(numbers.at(1))};
  if (const auto* causal = dynamic_cast<const pare::CausalRunner*>(&runner))
    return pare::generate(*causal, prompts, numbers.at(2), options);
  return pare::generate(dynamic_cast<const pare::EncoderDecoderRunner&>(runner), prompts, numbers.at(2), options);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 5) throw pare::Error(pare::ErrorCode::kArgument, "usage: model_outputs MODEL KIND INPUT OUTPUT [CLASS]");
  pare::ModelOptions options;
  if (argc > 5) options.as_class = argv[5];
  const pare::Model model = pare::open_model(argv[1], options);
  const auto runner = pare::open_runner(model);
  const std::vector<Line> lines = read_lines(argv[3]);
  std::ofstream out(argv[4], std::ios::binary);
  if (std::string(argv[2]) == "greedy") {
    for (const Line& line : lines) {
      for (const TokenId token : greedy(*runner, line)) out << token << ' ';
      out << '\n';
    }
    return 0;
  }
  if (std::string(argv[2]) == "beams") {
    for (const std::vector<TokenId>& tokens : search(*runner, lines)) {
      for (const TokenId token : tokens) out << token << ' ';
      out << '\n';
    }
    return 0;
  }
  const Matrix result = run(*runner, argv[2], lines);
  out.write(reinterpret_cast<const char*>(result.values.data()),
            static_cast<std::streamsize>(result.values.size() * sizeof(float)));
} catch (const std::exception& failure) {
  std::fprintf(stderr, "model_outputs: %s\n", failure.what());
  return 1;
}
