// BERT (Devlin et al. 2019), DistilBERT and ELECTRA.
#include <array>

#include "run/families.h"
#include "run/families/encoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec distilbert_spec(const model::Config& config) {
  ModelSpec spec = bert_spec(config);
  spec.head.pooler = kernels::Activation::kRelu;
  return spec;
}

ModelSpec electra_spec(const model::Config& config) {
  ModelSpec spec = bert_spec(config);
  spec.head.pooler = kernels::Activation::kGelu;
  return spec;
}

}  // namespace

std::span<const RunnableFamily> bert_kind() {
  using enum ModelKind;
  static constexpr std::array kFamilies{
      RunnableFamily{"bert", kEncoder, bert_spec},
      RunnableFamily{"distilbert", kEncoder, distilbert_spec},
      RunnableFamily{"electra", kEncoder, electra_spec},
  };
  return kFamilies;
}

}  // namespace pare::run
