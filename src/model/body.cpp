#include "model/body.h"

#include <fmt/format.h>

#include "pare/error.h"

namespace pare::model {
namespace {

/// A body for one configuration and one set of files.
class Builder {
 public:
  Builder(Architecture& architecture, const Body& body, const Config& config, const Names& names)
      : architecture_(architecture), body_(body), config_(config), names_(names), stack_(body.stack) {}

  unsigned count_layers() const {
    const std::string before =
        std::string(body_.prefix) + std::string(body_.layers.substr(0, body_.layers.find("{i}")));
    const unsigned shown = names_.count_blocks(before);
    return block_count(config_, body_.depth,
                       shown > 0 ? shown : names_.count_blocks(older_spelling(architecture_, before)));
  }

  /// To be called before append(), if there are experts.
  void find_experts(unsigned layers) {
    if (body_.experts.empty()) return;
    stored_ = names_.has_match("*experts.gate_up_proj") ? Experts::kTogether : Experts::kApart;
    experts_ = block_count(config_, body_.experts, names_.count_blocks("experts."));
    if (std::size_t{layers} * experts_ > kMostExperts)
      throw Error(ErrorCode::kLimit, config_.path(),
                  fmt::format("{} layers of {} experts are too many (expected at most {} experts in all)", layers,
                              experts_, kMostExperts));
  }

  void append(const std::string& prefix, const std::vector<Section>& sections, int layer) {
    const Site site{config_, names_, layer};
    for (const Section& section : sections) {
      const bool stored_so = section.experts == Experts::kNone || section.experts == stored_;
      if (stored_so && (section.occurs == nullptr || section.occurs(site)))
        append(prefix + std::string(section.prefix), section, site);
    }
  }

 private:
  void append(const std::string& prefix, const Section& section, const Site& site) {
    const Rows rows = occurring(section.rows, site);
    if (section.experts != Experts::kApart)
      return append_rows(architecture_, prefix, rows, site.layer, stack_, section.cross_attention);
    const std::size_t at = prefix.find("{e}");
    for (unsigned expert = 0; expert < experts_; ++expert) {
      const std::size_t first = architecture_.parameters.size();
      append_rows(architecture_, std::string(prefix).replace(at, 3, std::to_string(expert)), rows, site.layer, stack_);
      for (std::size_t i = first; i < architecture_.parameters.size(); ++i)
        architecture_.parameters[i].expert = static_cast<int>(expert);
    }
  }

  Architecture& architecture_;
  const Body& body_;
  const Config& config_;
  const Names& names_;
  const std::string stack_;
  Experts stored_ = Experts::kNone;
  unsigned experts_ = 0;
};

}  // namespace

void append_body(Architecture& architecture, const Body& body, std::string_view class_prefix, const Config& config,
                 const Names& names) {
  const std::string prefix = std::string(class_prefix) + std::string(body.prefix);
  const Config part = body.config.empty() ? config : config.nested(body.config);
  Builder builder(architecture, body, part, names);
  const unsigned layers = body.each.empty() ? 0 : builder.count_layers();
  builder.find_experts(layers);
  builder.append(prefix, body.before, -1);
  for (unsigned i = 0; i < layers; ++i)
    builder.append(prefix + std::string(body.layers), body.each, static_cast<int>(i));
  builder.append(prefix, body.after, -1);
}

}  // namespace pare::model
