#include "pare/json.h"
#include "table/json_values.h"

namespace pare {
namespace {

using table::Json;

Json agreement_json(const MaskAgreement& agreement) {
  Json json = Json::object();
  if (!agreement.name.empty()) json["name"] = agreement.name;
  json.update(Json{{"weights", agreement.elements},
                   {"kept_a", agreement.kept_first},
                   {"kept_b", agreement.kept_second},
                   {"kept_both", agreement.kept_both},
                   {"only_a", agreement.only_first()},
                   {"only_b", agreement.only_second()},
                   {"jaccard", agreement.jaccard()}});
  return json;
}

Json agreements_json(const std::vector<MaskAgreement>& agreements) {
  Json json = Json::array();
  for (const MaskAgreement& agreement : agreements) json.push_back(agreement_json(agreement));
  return json;
}

}  // namespace

std::string mask_json(const MaskComparison& comparison) {
  return base::indented_text(Json{{"a", comparison.first},
                                  {"b", comparison.second},
                                  {"overall", agreement_json(comparison.overall)},
                                  {"layers", agreements_json(comparison.layers)},
                                  {"tensors", agreements_json(comparison.tensors)},
                                  {"only_in_a", comparison.only_first},
                                  {"only_in_b", comparison.only_second}});
}

}  // namespace pare
