#include "model/body.h"

namespace pare::model {
namespace {

bool holds(Condition condition, const Site& site) { return condition == nullptr || condition(site); }

void append_section(Architecture& architecture, const std::string& prefix, const Section& section, const Site& site,
                    const std::string& stack) {
  if (!holds(section.occurs, site)) return;
  Rows rows;
  for (const Row& row : section.rows)
    if (holds(row.occurs, site)) rows.push_back(row);
  append_rows(architecture, prefix + std::string(section.prefix), rows, site.layer, stack, section.cross_attention);
}

unsigned count_layers(const Body& body, const Config& config, const Names& names) {
  const std::string before = std::string(body.prefix) + std::string(body.layers.substr(0, body.layers.find("{i}")));
  return block_count(config, body.depth, names.count_blocks(before));
}

}  // namespace

void append_body(Architecture& architecture, const Body& body, std::string_view class_prefix, const Config& config,
                 const Names& names) {
  const std::string prefix = std::string(class_prefix) + std::string(body.prefix), stack(body.stack);
  const Site outside{config, names};
  for (const Section& section : body.before) append_section(architecture, prefix, section, outside, stack);
  const unsigned layers = count_layers(body, config, names);
  for (unsigned i = 0; i < layers; ++i)
    for (const Section& section : body.each)
      append_section(architecture, prefix + std::string(body.layers), section, {config, names, static_cast<int>(i)},
                     stack);
  for (const Section& section : body.after) append_section(architecture, prefix, section, outside, stack);
}

}  // namespace pare::model
