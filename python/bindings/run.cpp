// Running models, generation and tokenizers.
#include "pare/run.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "call.h"
#include "options.h"
#include "pare/error.h"
#include "pare/generate.h"
#include "pare/tokenizer.h"
#include "text.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

using Ids = nb::typed<nb::dict, nb::str, int>;
using Array = nb::ndarray<nb::numpy, float, nb::ndim<2>>;
using Sequences = std::vector<std::vector<TokenId>>;

TokenBatch batch_of(const Sequences& sequences, const Sequences& types) {
  if (!types.empty() && types.size() != sequences.size())
    throw Error(ErrorCode::kArgument, "there must be token types for each sequence or for none");
  TokenBatch batch;
  for (std::size_t i = 0; i < sequences.size(); ++i)
    batch.add(sequences[i], types.empty() ? std::span<const TokenId>() : types[i]);
  return batch;
}

/// Takes over the memory of the matrix.
Array array_of(Matrix matrix) {
  auto kept = std::make_unique<Matrix>(std::move(matrix));
  Matrix* const values = kept.get();
  const nb::capsule owner(kept.release(), [](void* pointer) noexcept { delete static_cast<Matrix*>(pointer); });
  return Array(values->values.data(), {values->rows, values->columns}, owner);
}

/// What a model computes of tokens: "logits" of its head, "classes", or "hidden" states.
Matrix computed(const Runner& runner, const std::string& what, const TokenBatch& batch, const TokenBatch& targets,
                const Context& context) {
  const auto* encoder = dynamic_cast<const EncoderRunner*>(&runner);
  const auto* both = dynamic_cast<const EncoderDecoderRunner*>(&runner);
  if (what == "classes") {
    if (encoder == nullptr) throw Error(ErrorCode::kUnsupported, "the model has no classification head");
    return encoder->classify(batch, context);
  }
  Matrix hidden;
  if (both != nullptr && targets.sequences() != 0) {
    const std::unique_ptr<DecoderState> state = both->start(batch, context);
    hidden = both->decode(targets, *state, context);
  } else {
    hidden = runner.hidden_states(batch, context);
  }
  return what == "hidden" ? std::move(hidden) : runner.logits(hidden, context);
}

Array run(const Runner& runner, const std::string& what, const Sequences& ids, const Sequences& types,
          const Sequences& targets, unsigned threads, const nb::object& progress) {
  const TokenBatch batch = batch_of(ids, types), target_batch = batch_of(targets, {});
  return array_of(call(threads, progress,
                       [&](const Context& context) { return computed(runner, what, batch, target_batch, context); }));
}

Sequences generated(const Runner& runner, const Sequences& ids, TokenId end, const Options& options, unsigned threads,
                    const nb::object& progress) {
  GenerateOptions generation;
  take(options, "beams", generation.beams);
  take(options, "max_new_tokens", generation.max_new_tokens);
  take(options, "length_penalty", generation.length_penalty);
  const TokenBatch batch = batch_of(ids, {});
  return call(threads, progress, [&](const Context& context) {
    if (const auto* causal = dynamic_cast<const CausalRunner*>(&runner))
      return generate(*causal, batch, end, generation, context);
    if (const auto* both = dynamic_cast<const EncoderDecoderRunner*>(&runner))
      return generate(*both, batch, end, generation, context);
    throw Error(ErrorCode::kUnsupported, "the model is an encoder, which does not generate text");
  });
}

Options traits(const Runner& runner) {
  Options traits;
  const auto* encoder = dynamic_cast<const EncoderRunner*>(&runner);
  constexpr const char* kKinds[] = {"causal", "encoder", "encoder-decoder"};
  traits["kind"] = kKinds[static_cast<std::size_t>(kind_of(runner))];
  traits["vocabulary"] = runner.vocabulary();
  traits["labels"] = encoder == nullptr ? 0 : encoder->labels();
  traits["masked_lm_head"] = encoder != nullptr && encoder->has_masked_lm_head();
  return traits;
}

std::unique_ptr<Runner> opened(const Model& model, unsigned threads, const nb::object& progress) {
  return call(threads, progress, [&](const Context& context) { return open_runner(model, {}, context); });
}

Ids special_tokens(const Tokenizer& tokenizer) {
  const SpecialTokens& special = tokenizer.special();
  Ids tokens;
  const auto add = [&](const char* name, std::optional<std::int32_t> id) {
    if (id) tokens[name] = *id;
  };
  add("bos", special.bos);
  add("eos", special.eos);
  add("unk", special.unk);
  add("pad", special.pad);
  add("cls", special.cls);
  add("sep", special.sep);
  add("mask", special.mask);
  return tokens;
}

}  // namespace

void bind_run(nb::module_& module) {
  nb::class_<Runner>(module, "Runner")
      .def("traits", traits)
      .def("run", run, nb::arg("what"), nb::arg("ids"), nb::arg("types"), nb::arg("targets"), nb::arg("threads"),
           nb::arg("progress").none())
      .def("generate", generated, nb::arg("ids"), nb::arg("end"), nb::arg("options"), nb::arg("threads"),
           nb::arg("progress").none());
  module.def("open_runner", opened, nb::arg("model"), nb::arg("threads"), nb::arg("progress").none());
  nb::class_<Tokenizer>(module, "Tokenizer")
      .def("encode", [](const Tokenizer& tokenizer, const std::string& words,
                        bool special) { return tokenizer.encode(words, special); })
      .def("decode", [](const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids,
                        bool skip) { return text(tokenizer.decode(ids, skip)); })
      .def_prop_ro("size", &Tokenizer::size)
      .def("special", special_tokens);
  module.def("open_tokenizer", [](const Model& model) { return Tokenizer::open(model); });
}

}  // namespace pare::python
