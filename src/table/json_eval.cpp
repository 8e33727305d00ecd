#include "pare/json.h"
#include "table/json_values.h"

namespace pare {
namespace {

using table::Json;
using table::number;

Json row_json(const EvalRow& row) {
  Json scores = Json::array();
  for (const Score& score : row.evaluation.scores) {
    Json json{{"name", score.name}, {"value", number(score.value)}};
    if (score.standard_error) json["standard_error"] = number(*score.standard_error);
    scores.push_back(std::move(json));
  }
  Json json{{"model", row.model}, {"level", row.level ? Json(*row.level) : Json()}};
  if (row.pattern) json["pattern"] = *row.pattern;
  json.update(Json{{"sparsity", row.sparsity.percent() / 100},
                   {"scores", std::move(scores)},
                   {"items", row.evaluation.items},
                   {"tokens", row.evaluation.tokens},
                   {"seconds", row.evaluation.seconds},
                   {"notes", row.evaluation.notes}});
  return json;
}

}  // namespace

std::string eval_json(const EvalResults& results) {
  Json rows = Json::array();
  for (const EvalRow& row : results.rows) rows.push_back(row_json(row));
  Json json{{"task", task_name(results.task)}, {"data", results.data}};
  if (!results.reference.empty()) json["reference"] = results.reference;
  json["results"] = std::move(rows);
  return base::indented_text(json);
}

}  // namespace pare
