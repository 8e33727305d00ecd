#include "run/families.h"

#include <fmt/format.h>

#include <array>
#include <set>

namespace pare::run {
namespace {

constexpr std::array kKinds{bart_kind, bert_kind,     bloom_kind,   composed_kind,  falcon_kind,  gemma_kind,
                            gpt2_kind, gpt_neox_kind, granite_kind, llama_kind,     mixture_kind, modernbert_kind,
                            opt_kind,  phi_kind,      roberta_kind, starcoder_kind, t5_kind};

}  // namespace

const RunnableFamily* find_runnable(std::string_view model_type) {
  for (const auto kind : kKinds)
    for (const RunnableFamily& family : kind())
      if (family.model_type == model_type) return &family;
  return nullptr;
}

std::string runnable_types() {
  std::set<std::string_view> types;
  for (const auto kind : kKinds)
    for (const RunnableFamily& family : kind()) types.insert(family.model_type);
  return fmt::format("{}", fmt::join(types, ", "));
}

}  // namespace pare::run
