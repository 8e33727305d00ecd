#include "model/family.h"

#include <algorithm>

namespace pare::model {
namespace {

/// Number of rows that a task adds, if the files hold all of them (tied ones may be absent); otherwise 0.
std::size_t rows_held(const Task& task, const Site& site) {
  const Names& names = site.names;
  const Rows head = occurring(task.head, site);
  const bool complete = std::all_of(head.begin(), head.end(), [&](const Row& row) {
    const auto repeats = [&](const Tie& tie) { return tie.name == row.name; };
    return std::any_of(task.ties.begin(), task.ties.end(), repeats) || names.has_ending(row.name);
  });
  if (!task.needs.empty() && !names.has_match(task.needs)) return 0;
  if (!complete || (task.pooler && !names.has_ending("pooler.dense.weight"))) return 0;
  return head.size() + (task.pooler ? 1 : 0);
}

/// Of the tasks whose rows the files hold, the first that adds the most rows; the family's first task if there is none.
const Task& task_by_names(const Family& family, const Site& site) {
  const Task* best = &family.tasks.front();
  std::size_t most = 0;
  for (const Task& task : family.tasks)
    if (const std::size_t held = rows_held(task, site); held > most) {
      best = &task;
      most = held;
    }
  return *best;
}

const Task* find_task(const Family& family, std::string_view class_name) {
  if (!class_name.starts_with(family.stem)) return nullptr;
  class_name.remove_prefix(family.stem.size());
  for (const Task& task : family.tasks)
    if (task.ending == class_name) return &task;
  return nullptr;
}

bool is_tied(const Family& family, const Config& config) {
  if (family.is_tied != nullptr) return family.is_tied(config);
  return config.flag("tie_word_embeddings").value_or(family.tied_by_default);
}

bool has_row(const Architecture& architecture, std::string_view name) {
  return std::any_of(architecture.parameters.begin(), architecture.parameters.end(),
                     [name](const Expected& expected) { return expected.name == name; });
}

/// Canonical name of one side of a tie: names of the body have the class's prefix, those of heads do not.
std::string full_name(const Architecture& architecture, const Task& task, std::string_view name) {
  const std::string prefixed = std::string(task.prefix) + std::string(name);
  return has_row(architecture, prefixed) ? prefixed : std::string(name);
}

/// Ties between rows of the class. A head in `if_stored` may be absent from it.
void append_ties(Architecture& architecture, const Task& task) {
  for (const Tie& tie : task.ties) {
    std::string name = full_name(architecture, task, tie.name), source = full_name(architecture, task, tie.source);
    if (has_row(architecture, name) && has_row(architecture, source))
      architecture.ties.emplace_back(std::move(name), std::move(source));
  }
}

bool append_bodies(Architecture& architecture, const Family& family, const Task& task, const Config& config,
                   const Names& names) {
  if (family.append_body != nullptr) return family.append_body(architecture, task, config, names);
  for (const Body& body : family.bodies)
    if (task.only.empty() || task.only == body.stack) append_body(architecture, body, task.prefix, config, names);
  if (task.pooler) append_pooler(architecture, std::string(task.prefix));
  return true;
}

std::vector<const Family*> all_families() {
  std::vector<const Family*> all{&encoder_decoder_family(), &gpt2_family(),    &t5_family(),      &mt5_family(),
                                 &distilbert_family(),      &electra_family(), &roberta_family(), &xlm_roberta_family(),
                                 &camembert_family(),       &bert_family()};
  for (const std::vector<Family>* group :
       {&llama_families(), &qwen_families(), &gemma_families(), &mixture_families(), &opt_families(),
        &gpt_neox_families(), &bloom_families(), &modernbert_families(), &mpnet_families(), &bart_families()})
    for (const Family& family : *group) all.push_back(&family);
  return all;
}

}  // namespace

std::span<const Family* const> families() {
  static const std::vector<const Family*> all = all_families();
  return all;
}

const Family* find_family(const std::string& class_name, const std::string& model_type, const Names& names) {
  for (const Family* family : families()) {
    if (!class_name.empty() ? find_task(*family, class_name) != nullptr : family->model_type == model_type)
      return family;
    if (!class_name.empty() || !model_type.empty()) continue;
    if (std::any_of(family->landmarks.begin(), family->landmarks.end(),
                    [&](std::string_view glob) { return names.has_match(glob); }))
      return family;
  }
  return nullptr;
}

std::optional<Architecture> lay_out(const Family& family, const std::string& class_name, const Config& config,
                                    const Names& names) {
  const bool chosen = class_name.empty();
  const Site site{config, names};
  const Task* task = chosen && !family.config_names_class ? &family.tasks.front()
                     : chosen                             ? &task_by_names(family, site)
                                                          : find_task(family, class_name);
  if (task == nullptr) return std::nullopt;
  Architecture architecture;
  architecture.class_name = std::string(family.stem) + std::string(task->ending);
  architecture.prefix = task->prefix.empty() ? family.prefix : task->prefix;
  architecture.spellings = family.spellings;
  for (const std::string_view buffer : family.buffers) architecture.buffers.emplace_back(buffer);
  if (family.head_first) append_rows(architecture, "", occurring(task->head, site));
  if (!append_bodies(architecture, family, *task, config, names)) return std::nullopt;
  if (!family.head_first) append_rows(architecture, "", occurring(task->head, site));
  if (chosen)
    for (const Row& row : task->if_stored)
      if (names.has(row.name)) append_rows(architecture, "", {row});
  if (is_tied(family, config)) append_ties(architecture, *task);
  return architecture;
}

}  // namespace pare::model
