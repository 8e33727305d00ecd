#include "pare/json.h"
#include "table/json_values.h"

namespace pare {

using table::Json;

std::string pack_json(const Model& model, const PackSummary& summary, const std::string& directory) {
  Json tensors = Json::array();
  for (const PackedSize& tensor : summary.tensors)
    tensors.push_back({{"name", tensor.name},
                       {"dtype", dtype_name(tensor.dtype)},
                       {"encoding", encoding_name(tensor.encoding)},
                       {"elements", tensor.elements},
                       {"nonzeros", tensor.nonzeros},
                       {"dense_bytes", tensor.dense_bytes},
                       {"packed_bytes", tensor.packed_bytes}});
  Json json{{"title", model.title},
            {"source", model.source},
            {"architecture", model.architecture},
            {"dense_bytes", summary.dense_bytes},
            {"packed_bytes", summary.packed_bytes}};
  if (!directory.empty()) json["directory"] = directory;
  json["tensors"] = std::move(tensors);
  return base::indented_text(json);
}

}  // namespace pare
