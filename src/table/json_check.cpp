#include "pare/json.h"
#include "table/json_values.h"

namespace pare {
namespace {

using table::Json;

Json shares_json(const std::vector<PatternShare>& shares) {
  Json json = Json::array();
  for (const PatternShare& share : shares)
    json.push_back({{"pattern", share.pattern.text()}, {"groups", share.groups}, {"complying", share.complying}});
  return json;
}

Json tensor_check_json(const TensorCheck& tensor) {
  Json json{{"name", tensor.name},
            {"dtype", tensor.dtype},
            {"parameters", tensor.elements},
            {"zeros", tensor.zeros},
            {"negative_zeros", tensor.negative_zeros},
            {"nan", tensor.nans},
            {"inf", tensor.infinities}};
  if (!tensor.matrix) return json;
  const MatrixCheck& matrix = *tensor.matrix;
  const std::optional<Pattern> pattern = matrix.pattern();
  json["outputs"] = matrix.outputs;
  json["inputs"] = matrix.inputs;
  json["dead_outputs"] = matrix.dead_outputs;
  json["dead_inputs"] = matrix.dead_inputs;
  json["pattern"] = pattern ? Json(pattern->text()) : Json();
  json["along_inputs"] = shares_json(matrix.along_inputs);
  json["along_outputs"] = shares_json(matrix.along_outputs);
  return json;
}

}  // namespace

std::string check_json(std::span<const ModelCheck> checks) {
  Json models = Json::array();
  for (const ModelCheck& check : checks) {
    Json findings = Json::array(), tensors = Json::array();
    for (const Finding& finding : check.findings)
      findings.push_back({{"kind", finding_name(finding.kind)}, {"text", finding.text}, {"tensors", finding.tensors}});
    for (const TensorCheck& tensor : check.tensors) tensors.push_back(tensor_check_json(tensor));
    models.push_back({{"title", check.title},
                      {"source", check.source},
                      {"architecture", check.architecture},
                      {"findings", std::move(findings)},
                      {"tensors", std::move(tensors)}});
  }
  return base::indented_text(Json{{"models", std::move(models)}});
}

}  // namespace pare
