#include "calibrate/calibration_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/collective.h"
#include "base/file_map.h"
#include "base/hash.h"
#include "base/text_data.h"
#include "pare/error.h"
#include "pare/tokenizer.h"

namespace pare::calibrate {
namespace {

/// Tokens that go through a model at once: enough to keep its products busy, few enough for the caches.
constexpr std::size_t kTokensAtOnce = 2048;

std::string text_of(const std::filesystem::path& path) {
  if (path.extension() != ".jsonl") return base::read_text(path);
  std::string text;
  for (const std::string& one : base::read_json_texts(path, 0)) text += (text.empty() ? "" : "\n\n") + one;
  return text;
}

CalibrationRecord record_of(const std::filesystem::path& path) {
  const auto map = base::FileMap::open(path);
  base::Hash128 hash;
  hash.add(map->bytes());
  CalibrationRecord record;
  record.file = path.filename().string();
  record.bytes = map->bytes().size();
  record.xxh3_128 = hash.hex();
  return record;
}

/// Pseudo-random numbers that are the same everywhere (splitmix64, Steele et al. 2014).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  /// A number below `bound`.
  std::uint64_t below(std::uint64_t bound) {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (z ^ z >> 31) % bound;
  }

 private:
  std::uint64_t state_;
};

/// Special tokens around a window.
struct Frame {
  std::vector<TokenId> before, after;
  std::size_t size() const { return before.size() + after.size(); }
};

Frame frame_of(const Tokenizer& tokenizer, const Runner& runner) {
  if (kind_of(runner) == ModelKind::kCausal) return {};
  const std::vector<TokenId> both = tokenizer.encode("", true);  // BERT: [CLS] [SEP]; T5: </s>
  const auto half = both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2);
  return {{both.begin(), half}, {half, both.end()}};
}

/// Collects windows in batches.
class Batches {
 public:
  Batches(CalibrationText& text, const Runner& runner)
      : text_(text), both_(dynamic_cast<const EncoderDecoderRunner*>(&runner)) {}

  bool has_targets() const noexcept { return both_ != nullptr; }
  void add(const std::vector<TokenId>& window, std::vector<TokenId> target = {}) {
    const std::size_t size = window.size() + target.size();
    if (text_.batches.empty() || tokens_ + size > kTokensAtOnce) {
      text_.batches.emplace_back();
      if (has_targets()) text_.targets.emplace_back();
      tokens_ = 0;
    }
    tokens_ += size;
    text_.batches.back().add(window);
    if (!has_targets()) return;
    target.insert(target.begin(), both_->decoder_start());
    text_.targets.back().add(target);
  }

 private:
  CalibrationText& text_;
  const EncoderDecoderRunner* both_;
  std::size_t tokens_ = 0;  ///< of the last batch
};

/// Rows of a table of sources and targets. Each is cut to `longest` tokens.
void draw_rows(const CalibrationOptions& options, const Tokenizer& tokenizer, std::size_t longest, Batches& batches) {
  const base::TsvFile table(options.data, {"source", "target"}, 0);
  Draw draw(options.seed);
  for (std::size_t i = 0; i < options.sequences; ++i) {
    const std::size_t row = draw.below(table.rows());
    std::vector<TokenId> source = tokenizer.encode(table.cell(row, 0), true),
                         target = tokenizer.encode(table.cell(row, 1), true);
    if (!target.empty()) target.pop_back();  // nothing follows it
    source.resize(std::min(source.size(), longest));
    target.resize(std::min(target.size(), longest - 1));
    batches.add(source, std::move(target));
  }
}

/// Windows of a text.
std::size_t draw_windows(const CalibrationOptions& options, const Tokenizer& tokenizer, const Frame& frame,
                         std::size_t longest, Batches& batches, std::vector<std::string>& notes) {
  const std::vector<TokenId> tokens = tokenizer.encode(text_of(options.data), false);
  if (tokens.size() < 2 || longest <= frame.size() + 1)
    throw Error(ErrorCode::kUnsupported, options.data, "is too short for calibration: it needs at least 2 tokens");
  const std::size_t length = std::min(longest - frame.size(), tokens.size());
  if (length + frame.size() < options.length)
    notes.push_back(fmt::format("calibration sequences have {} tokens instead of {}, because {}", length + frame.size(),
                                options.length,
                                length == tokens.size() ? "the text is shorter" : "the model has no more positions"));
  Draw draw(options.seed);
  for (std::size_t i = 0; i < options.sequences; ++i) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(draw.below(tokens.size() - length + 1));
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    const auto middle = batches.has_targets() ? begin + static_cast<std::ptrdiff_t>((length + 1) / 2) : end;
    std::vector<TokenId> window = frame.before;
    window.insert(window.end(), begin, middle);
    window.insert(window.end(), frame.after.begin(), frame.after.end());
    batches.add(window, {middle, end});
  }
  return length + frame.size();
}

}  // namespace

CalibrationText read_calibration_text(const Model& model, const Runner& runner, const CalibrationOptions& options) {
  if (options.sequences == 0 || options.length < 2)
    throw Error(ErrorCode::kArgument, "calibration needs at least one sequence of at least 2 tokens");
  CalibrationText result;
  result.record = record_of(options.data);
  const auto tokenizer = Tokenizer::open(model.checkpoint.directory());
  if (tokenizer->size() > runner.vocabulary())
    throw Error(ErrorCode::kMismatch, model.checkpoint.directory(),
                fmt::format("the tokenizer has {} tokens, and the embedding only {} rows", tokenizer->size(),
                            runner.vocabulary()));
  Batches batches(result, runner);
  const std::size_t longest = std::min(options.length, runner.positions());
  result.record.length = longest;
  if (batches.has_targets() && options.data.extension() == ".tsv")
    draw_rows(options, *tokenizer, longest, batches);
  else
    result.record.length =
        draw_windows(options, *tokenizer, frame_of(*tokenizer, runner), longest, batches, result.notes);
  result.record.sequences = options.sequences;
  result.record.seed = options.seed;
  return result;
}

void keep_own_batches(CalibrationText& text, const CalibrationOptions& options, const Context& context) {
  if (context.group() == nullptr) return;
  base::Hash64 hash;
  for (const std::vector<TokenBatch>* batches : {&text.batches, &text.targets})
    for (const TokenBatch& batch : *batches) hash.add(std::as_bytes(batch.ids()));
  base::require_same(hash.value(), options.data.string(), "data", context);
  for (std::vector<TokenBatch>* batches : {&text.batches, &text.targets}) {
    std::vector<TokenBatch> own;
    for (std::size_t i = base::group_rank(context); i < batches->size(); i += base::group_size(context))
      own.push_back(std::move((*batches)[i]));
    *batches = std::move(own);
  }
}

}  // namespace pare::calibrate
