#include "pare/generate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>

#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "pare/error.h"

namespace pare {
namespace {

/// Stands for minus infinity, as in transformers: a beam that is not a candidate.
constexpr float kNever = -1e9F;

std::vector<std::size_t> indices(std::size_t n) {
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

/// Decoding of several sequences, up to the first token to choose.
class Decoding {
 public:
  /// Targets of an encoder-decoder begin with its start token.
  Decoding(const EncoderDecoderRunner& runner, const TokenBatch& sources, const Context& context)
      : last_(sources.sequences(), runner.decoder_start()), state_(runner.start(sources, context)) {
    logits_ = [&runner](const TokenBatch& next, DecoderState& state, const Context& within) {
      return runner.logits(runner.decode(next, state, within), within);
    };
  }
  /// A decoder's sequences continue prompts, whose last tokens are run with the first step.
  Decoding(const CausalRunner& runner, const TokenBatch& prompts, const Context& context)
      : state_(runner.start(prompts.sequences())) {
    TokenBatch before;
    for (std::size_t s = 0; s < prompts.sequences(); ++s) {
      const std::size_t length = prompts.length(s);
      if (length == 0) throw Error(ErrorCode::kArgument, "an empty prompt cannot be continued");
      const std::span<const TokenId> prompt = prompts.ids().subspan(prompts.begin(s), length);
      before.add(prompt.first(length - 1));
      last_.push_back(prompt.back());
    }
    if (before.tokens() != 0) runner.hidden_states(before, *state_, context);
    logits_ = [&runner](const TokenBatch& next, DecoderState& state, const Context& within) {
      return runner.logits(runner.hidden_states(next, state, within), within);
    };
  }

  std::size_t sequences() const noexcept { return last_.size(); }
  /// The tokens that the first step runs.
  const std::vector<TokenId>& first() const noexcept { return last_; }
  DecoderState& state() const noexcept { return *state_; }
  /// Logits after one more token of each sequence.
  Matrix next_logits(const std::vector<TokenId>& tokens, const Context& context) const {
    context.check();
    TokenBatch batch;
    for (const TokenId token : tokens) batch.add({&token, 1});
    return logits_(batch, *state_, context);
  }

 private:
  std::vector<TokenId> last_;
  std::unique_ptr<DecoderState> state_;
  std::function<Matrix(const TokenBatch&, DecoderState&, const Context&)> logits_;
};

using Written = std::vector<std::vector<TokenId>>;

Written generate_greedily(const Decoding& decoding, TokenId end, std::size_t longest, const Context& context) {
  Written written(decoding.sequences());
  std::vector<std::size_t> running = indices(written.size());  // sequences that are not at their end
  std::vector<TokenId> last = decoding.first();
  for (std::size_t step = 0; step < longest && !running.empty(); ++step) {
    const Matrix logits = decoding.next_logits(last, context);
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < running.size(); ++i) {
      last[i] = static_cast<TokenId>(std::max_element(logits.row(i), logits.row(i) + logits.columns) - logits.row(i));
      written[running[i]].push_back(last[i]);
      if (last[i] != end) kept.push_back(i);
    }
    if (kept.size() == running.size()) continue;
    decoding.state().reorder(kept);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      running[i] = running[kept[i]];
      last[i] = last[kept[i]];
    }
    running.resize(kept.size());
    last.resize(kept.size());
  }
  return written;
}

struct Beam {
  float score = kNever;  ///< log-probability; with the length penalty once finished
  std::vector<TokenId> tokens;
  std::size_t parent = 0;  ///< among the source's beams of the step before
};

/// One source's search. A step takes the best continuations of all its running beams.
class BeamSearch {
 public:
  BeamSearch(TokenId end, const GenerateOptions& options) : end_(end), options_(options), running_(options.beams) {
    running_[0].score = 0;  // the others start alike: only one of them may be continued
    finished_.resize(options.beams);
  }

  const std::vector<Beam>& running() const noexcept { return running_; }
  /// No running beam can come before a finished one any more, or the length is used up.
  bool done() const noexcept { return done_; }
  const std::vector<TokenId>& best() const noexcept { return finished_.front().tokens; }

  /// `logits`: the first of the running beams' rows.
  void step(const Matrix& logits, std::size_t first_row) {
    // Twice as many as there are beams: were every beam to end, as many would still run on.
    std::vector<Beam> candidates = continuations(logits, first_row, 2 * options_.beams);
    const std::size_t length = candidates.front().tokens.size();
    const bool at_limit = length == options_.max_new_tokens;
    std::vector<Beam> running;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const bool ends = at_limit || candidates[i].tokens.back() == end_;
      if (ends && i < options_.beams) finish(candidates[i], length);
      if (!ends && running.size() < options_.beams) running.push_back(std::move(candidates[i]));
    }
    std::stable_sort(finished_.begin(), finished_.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
    finished_.resize(options_.beams);
    running_ = std::move(running);
    done_ = running_.empty() || running_.front().score / penalty(length) <= finished_.back().score;
  }

 private:
  float penalty(std::size_t length) const {
    return static_cast<float>(std::pow(static_cast<double>(length), options_.length_penalty));
  }

  void finish(const Beam& beam, std::size_t length) {
    finished_.push_back(beam);
    finished_.back().score /= penalty(length);
  }

  std::vector<Beam> continuations(const Matrix& logits, std::size_t first_row, std::size_t count) const {
    struct Candidate {
      float score;
      std::size_t beam;
      TokenId token;
    };
    std::vector<Candidate> best;  // of each beam the best, then of them all
    const auto better = [](const Candidate& a, const Candidate& b) {
      return a.score != b.score ? a.score > b.score : a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
    };
    for (std::size_t beam = 0; beam < running_.size(); ++beam) {
      const float* row = logits.row(first_row + beam);
      const auto normalizer = static_cast<float>(kernels::log_sum_exp(row, logits.columns));
      std::vector<Candidate> all(logits.columns);
      for (std::size_t token = 0; token < all.size(); ++token)
        all[token] = {running_[beam].score + (row[token] - normalizer), beam, static_cast<TokenId>(token)};
      const std::size_t kept = std::min(count, all.size());
      std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(), better);
      best.insert(best.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept));
    }
    std::sort(best.begin(), best.end(), better);
    best.resize(std::min(count, best.size()));
    std::vector<Beam> beams;
    for (const Candidate& candidate : best) {
      beams.push_back({candidate.score, running_[candidate.beam].tokens, candidate.beam});
      beams.back().tokens.push_back(candidate.token);
    }
    return beams;
  }

  TokenId end_;
  const GenerateOptions& options_;
  std::vector<Beam> running_, finished_;
  bool done_ = false;
};

Written search_beams(const Decoding& decoding, TokenId end, const GenerateOptions& options, const Context& context) {
  std::vector<BeamSearch> searches(decoding.sequences(), BeamSearch(end, options));
  std::vector<std::size_t> open = indices(searches.size());
  std::vector<std::size_t> parents;
  std::vector<TokenId> last;
  for (const std::size_t source : open) {
    parents.insert(parents.end(), options.beams, source);
    last.insert(last.end(), options.beams, decoding.first()[source]);
  }
  while (!open.empty()) {
    decoding.state().reorder(parents);
    const Matrix logits = decoding.next_logits(last, context);
    std::vector<std::size_t> first_rows;
    std::size_t row = 0;
    for (const std::size_t source : open) {
      first_rows.push_back(row);
      row += searches[source].running().size();
    }
    base::parallel_for(open.size(), context,
                       [&](std::size_t i, unsigned) { searches[open[i]].step(logits, first_rows[i]); });
    std::vector<std::size_t> still;
    parents.clear();
    last.clear();
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (searches[open[i]].done()) continue;
      still.push_back(open[i]);
      for (const Beam& beam : searches[open[i]].running()) {
        parents.push_back(first_rows[i] + beam.parent);
        last.push_back(beam.tokens.back());
      }
    }
    open = std::move(still);
  }
  Written written;
  written.reserve(searches.size());
  for (const BeamSearch& search : searches) written.push_back(search.best());
  return written;
}

template <class AnyRunner>
Written continue_with(const AnyRunner& runner, const TokenBatch& sequences, TokenId end, const GenerateOptions& options,
                      const Context& context) {
  if (options.beams == 0) throw Error(ErrorCode::kArgument, "a search needs at least one beam");
  if (sequences.sequences() == 0 || options.max_new_tokens == 0) return Written(sequences.sequences());
  const Decoding decoding(runner, sequences, context);
  Written written;
  keep_awake(context, [&] {
    written = options.beams == 1 ? generate_greedily(decoding, end, options.max_new_tokens, context)
                                 : search_beams(decoding, end, options, context);
  });
  return written;
}

}  // namespace

std::vector<std::vector<TokenId>> generate(const EncoderDecoderRunner& runner, const TokenBatch& sources, TokenId end,
                                           const GenerateOptions& options, const Context& context) {
  return continue_with(runner, sources, end, options, context);
}

std::vector<std::vector<TokenId>> generate(const CausalRunner& runner, const TokenBatch& prompts, TokenId end,
                                           const GenerateOptions& options, const Context& context) {
  return continue_with(runner, prompts, end, options, context);
}

}  // namespace pare
