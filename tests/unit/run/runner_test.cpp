// The demo models' logits as transformers computes them, in one pass and token by token; and refused inputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "pare/error.h"
#include "pare/run.h"

namespace pare {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

const std::string kDemo = PARE_SOURCE_DIR "/demo/models/";
constexpr double kTolerance = 5e-5;

Json golden() { return Json::parse(std::ifstream(PARE_SOURCE_DIR "/tests/golden/logits.json")); }

/// Rows of logits against the golden columns.
void expect_golden(const Matrix& logits, const std::string& name, std::size_t first_row = 0) {
  const Json all = golden();
  const Json& rows = all["logits"][name];
  ASSERT_LE(first_row + logits.rows, rows.size());
  for (std::size_t row = 0; row < logits.rows; ++row)
    for (std::size_t c = 0; c < all["columns"].size(); ++c)
      EXPECT_NEAR(logits.row(row)[all["columns"][c].get<std::size_t>()], rows[first_row + row][c].get<double>(),
                  kTolerance)
          << name << " row " << first_row + row;
}

std::vector<TokenId> ids(const char* key) { return golden()[key].get<std::vector<TokenId>>(); }

struct Opened {
  explicit Opened(const std::string& spec, const std::string& as_class = {})
      : model(open_model(spec, {0, as_class})), runner(open_runner(model)) {}
  Model model;
  std::unique_ptr<Runner> runner;
};

TEST(Runner, Gpt2LogitsAreTransformers) {
  const Opened gpt2(kDemo + "gpt2-world");
  expect_golden(gpt2.runner->logits(gpt2.runner->hidden_states(TokenBatch(ids("ids")))), "gpt2-world");
}

TEST(Runner, BertLogitsAreTransformers) {
  const Opened bert(kDemo + "bert-world");
  TokenBatch batch;
  batch.add(ids("ids"), ids("types"));
  expect_golden(bert.runner->logits(bert.runner->hidden_states(batch)), "bert-world");
}

TEST(Runner, T5LogitsAreTransformers) {
  const Opened t5(kDemo + "t5-world");
  const auto& pair = dynamic_cast<const EncoderDecoderRunner&>(*t5.runner);
  const auto state = pair.start(TokenBatch(ids("ids")));
  expect_golden(pair.logits(pair.decode(TokenBatch(ids("target")), *state)), "t5-world");
}

TEST(Runner, T5RunsLayerByLayer) {
  const Opened t5(kDemo + "t5-world");
  const auto& pair = dynamic_cast<const EncoderDecoderRunner&>(*t5.runner);
  const TokenBatch sources(ids("ids")), targets(ids("target"));
  Matrix encoded, states;
  for (std::size_t i = 0; i < pair.encoder_layers(); ++i)
    encoded = pair.run_encoder(sources, std::move(encoded), i, i + 1);
  EXPECT_EQ(encoded.values, pair.hidden_states(sources).values);
  for (std::size_t i = 0; i < pair.decoder_layers(); ++i)
    states = pair.run_decoder(targets, std::move(states), sources, encoded, i, i + 1);
  const auto state = pair.start(sources);
  EXPECT_EQ(states.values, pair.decode(targets, *state).values);
  expect_golden(pair.logits(states), "t5-world");
}

TEST(Runner, TokenByTokenEqualsTheWhole) {
  const Opened gpt2(kDemo + "gpt2-world"), t5(kDemo + "t5-world");
  const auto& causal = dynamic_cast<const CausalRunner&>(*gpt2.runner);
  const auto& pair = dynamic_cast<const EncoderDecoderRunner&>(*t5.runner);
  const auto memory = causal.start(1), state = pair.start(TokenBatch(ids("ids")));
  std::size_t row = 0;
  for (const TokenId id : ids("ids"))
    expect_golden(causal.logits(causal.hidden_states(TokenBatch({&id, 1}), *memory)), "gpt2-world", row++);
  row = 0;
  for (const TokenId id : ids("target"))
    expect_golden(pair.logits(pair.decode(TokenBatch({&id, 1}), *state)), "t5-world", row++);
  EXPECT_EQ(memory->length(0), ids("ids").size());
}

TEST(Runner, AwakeThreadsGiveTheSame) {
  const Opened gpt2(kDemo + "gpt2-world");
  const TokenBatch batch(ids("ids"));
  const Matrix expected = gpt2.runner->logits(gpt2.runner->hidden_states(batch));
  const Context two(2);
  Matrix logits;
  keep_awake(two, [&] { logits = gpt2.runner->logits(gpt2.runner->hidden_states(batch, two), two); });
  EXPECT_EQ(logits.values, expected.values);
  EXPECT_THROW(keep_awake(two, [] { throw std::out_of_range("x"); }), std::out_of_range);
}

TEST(Runner, ABatchEqualsItsSequences) {
  const Opened gpt2(kDemo + "gpt2-world");
  TokenBatch batch;
  const std::vector<TokenId> other{8, 9, 10};
  batch.add(other);
  batch.add(ids("ids"));
  batch.add(other);
  const Matrix hidden = gpt2.runner->hidden_states(batch);
  Matrix middle(batch.length(1), hidden.columns);
  std::copy_n(hidden.row(batch.begin(1)), middle.values.size(), middle.values.begin());
  expect_golden(gpt2.runner->logits(middle), "gpt2-world");
}

TEST(Runner, ReorderedStatesGoOnFromTheirParents) {
  const Opened gpt2(kDemo + "gpt2-world");
  const auto& causal = dynamic_cast<const CausalRunner&>(*gpt2.runner);
  const std::vector<TokenId> all = ids("ids"), first(all.begin(), all.end() - 1), other{1, 2};
  const auto state = causal.start(2);
  TokenBatch batch, next;
  batch.add(other);
  batch.add(first);
  causal.hidden_states(batch, *state);
  state->reorder(std::vector<std::size_t>{1, 1});
  next.add({&all.back(), 1});
  next.add({&all.back(), 1});
  const Matrix logits = causal.logits(causal.hidden_states(next, *state));
  Matrix second(1, logits.columns);
  std::copy_n(logits.row(1), logits.columns, second.row(0));
  expect_golden(second, "gpt2-world", first.size());
}

TEST(Runner, AComposedModelRuns) {
  const Opened pair(kDemo + "bert-world+" + kDemo + "bert-world");
  const auto& runner = dynamic_cast<const EncoderDecoderRunner&>(*pair.runner);
  const auto state = runner.start(TokenBatch(ids("ids")));
  const Matrix logits = runner.logits(runner.decode(TokenBatch(ids("target")), *state));
  EXPECT_EQ(logits.rows, ids("target").size());
  EXPECT_EQ(logits.columns, runner.vocabulary());
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Runner, RefusesWhatDoesNotFit) {
  const Opened gpt2(kDemo + "gpt2-world"), bert(kDemo + "bert-world", "BertModel");
  const std::vector<TokenId> beyond{static_cast<TokenId>(gpt2.runner->vocabulary())}, negative{-1},
      long_one(gpt2.runner->positions() + 1, 5);
  EXPECT_THAT(refusal([&] { gpt2.runner->hidden_states(TokenBatch(beyond)); }),
              HasSubstr("not in the model's vocabulary"));
  EXPECT_THAT(refusal([&] { gpt2.runner->hidden_states(TokenBatch(negative)); }), HasSubstr("token id -1"));
  EXPECT_THAT(refusal([&] { gpt2.runner->hidden_states(TokenBatch(long_one)); }), HasSubstr("longer than the model's"));
  EXPECT_THAT(refusal([&] { bert.runner->logits(Matrix(1, 96)); }), HasSubstr("no masked-LM head"));
  EXPECT_THAT(refusal([&] { dynamic_cast<EncoderRunner&>(*bert.runner).classify(TokenBatch(ids("ids"))); }),
              HasSubstr("no sequence-classification head"));
}

/// A copy of a demo model with one NaN, as the first element of `tensor`.
class WithNan {
 public:
  WithNan(const std::string& name, const std::string& tensor)
      : directory_(std::filesystem::path(testing::TempDir()) / ("pare-nan-" + std::to_string(getpid()) + name)) {
    std::filesystem::copy(kDemo + name, directory_, std::filesystem::copy_options::recursive);
    std::fstream file(directory_ / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    std::uint64_t size = 0;
    file.read(reinterpret_cast<char*>(&size), sizeof size);
    std::string header(size, ' ');
    file.read(header.data(), static_cast<std::streamsize>(size));
    const auto begin = Json::parse(header).at(tensor).at("data_offsets").at(0).get<std::uint64_t>();
    file.seekp(static_cast<std::streamoff>(sizeof size + size + begin));
    const float nan = std::numeric_limits<float>::quiet_NaN();
    file.write(reinterpret_cast<const char*>(&nan), sizeof nan);
  }
  WithNan(const WithNan&) = delete;
  WithNan& operator=(const WithNan&) = delete;
  ~WithNan() { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_.string(); }

 private:
  std::filesystem::path directory_;
};

TEST(Runner, NanIsReportedWithTheLayerWhereItAppears) {
  struct Case {
    const char *model, *tensor, *where;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"gpt2-world", "transformer.h.2.mlp.c_fc.weight", "output of h.2, at token 1 of"},
           {"gpt2-world", "transformer.ln_f.weight", "output of ln_f"},
           {"bert-world", "bert.encoder.layer.1.attention.self.query.bias", "output of bert.encoder.layer.1"},
           {"bert-world", "cls.predictions.bias", "output of the masked-LM head"},
           {"t5-world", "encoder.block.1.layer.1.DenseReluDense.wo.weight", "output of encoder.block.1"},
           {"t5-world", "decoder.block.0.layer.1.EncDecAttention.k.weight", "output of decoder.block.0"}}) {
    const WithNan changed(one.model, one.tensor);
    const Opened opened(changed.path());
    EXPECT_THAT(refusal([&] {
                  const Runner& runner = *opened.runner;
                  if (const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(&runner))
                    pair->decode(TokenBatch(ids("target")), *pair->start(TokenBatch(ids("ids"))));
                  else
                    runner.logits(runner.hidden_states(TokenBatch(ids("ids"))));
                }),
                AllOf(HasSubstr(one.where), HasSubstr(changed.path())))
        << one.tensor;
  }
}

}  // namespace
}  // namespace pare
