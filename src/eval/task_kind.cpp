#include "pare/eval.h"

namespace pare {

const TaskKind& task_kind(Task task) noexcept {
  static constexpr TaskKind kPerplexity{"window", "token_perplexity", "token_perplexity"};
  static constexpr TaskKind kWikitext{"page", "word_perplexity", "word_perplexity"};
  static constexpr TaskKind kLambada{"line", "accuracy", "perplexity"};
  static constexpr TaskKind kMaskedLm{"line", "accuracy", "pseudo_perplexity"};
  static constexpr TaskKind kClassify{"row", "accuracy", "accuracy"};
  static constexpr TaskKind kTextToText{"row", "exact_match", "exact_match"};
  static constexpr TaskKind kDivergence{"item", "top1_agreement", "kl"};
  switch (task) {
    case Task::kPerplexity:
      return kPerplexity;
    case Task::kWikitext:
      return kWikitext;
    case Task::kLambada:
      return kLambada;
    case Task::kMaskedLm:
      return kMaskedLm;
    case Task::kClassify:
      return kClassify;
    case Task::kTextToText:
      return kTextToText;
    case Task::kDivergence:
      break;
  }
  return kDivergence;
}

}  // namespace pare
