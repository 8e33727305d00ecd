#include "model/family.h"

#include <algorithm>

namespace pare::model {
namespace {

/// How much the names speak for a task: 0 unless the files hold all rows that it adds, except tied ones, which may be
/// absent; otherwise two for each row that they hold, and one for each that is absent.
std::size_t weight_of(const Family& family, const Task& task, const Site& site) {
  const Names& names = site.names;
  const std::string_view pooler = family.pooler.empty() ? "pooler.dense.weight" : family.pooler.front().name;
  if (task.pooler && !names.has_ending(pooler)) return 0;
  if (!task.needs.empty() && !names.has_match(task.needs)) return 0;
  std::size_t weight = task.pooler ? 2 : 0;
  for (const Row& row : occurring(task.head, site)) {
    const bool held = names.has_ending(row.name);
    const auto repeats = [&](const Tie& tie) { return tie.name == row.name; };
    if (!held && std::none_of(task.ties.begin(), task.ties.end(), repeats)) return 0;
    weight += held ? 2 : 1;
  }
  return weight;
}

/// The first of the tasks with the greatest weight; the family's first task if none has any.
const Task& task_by_names(const Family& family, const Site& site) {
  const Task* best = &family.tasks.front();
  std::size_t most = 0;
  for (const Task& task : family.tasks)
    if (const std::size_t weight = weight_of(family, task, site); weight > most) {
      best = &task;
      most = weight;
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
  if (family.supports != nullptr && !family.supports(config)) return false;
  if (family.append_body != nullptr) return family.append_body(architecture, task, config, names);
  for (const Body& body : family.bodies)
    if (task.only.empty() || task.only == body.stack) append_body(architecture, body, task.prefix, config, names);
  if (task.pooler && family.pooler.empty()) append_pooler(architecture, std::string(task.prefix));
  if (task.pooler) append_rows(architecture, task.prefix, family.pooler);
  return true;
}

std::vector<const Family*> all_families() {
  std::vector<const Family*> all;
  for (const auto tables :
       {encoder_decoder::tables, gpt2::tables,    t5::tables,       distilbert::tables, electra::tables,
        roberta::tables,         bert::tables,    llama::tables,    qwen::tables,       gemma::tables,
        mixture::tables,         opt::tables,     gpt_neox::tables, bloom::tables,      modernbert::tables,
        mpnet::tables,           bart::tables,    whisper::tables,  starcoder::tables,  phi::tables,
        falcon::tables,          deberta::tables, albert::tables,   clip::tables,       vision::tables,
        wav2vec2::tables})
    for (const Family& family : tables()) all.push_back(&family);
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
