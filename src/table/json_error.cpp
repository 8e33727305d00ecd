#include "pare/json.h"
#include "table/json_values.h"

namespace pare {

std::string error_json(std::string_view code, std::string_view message, const std::string& file,
                       const std::string& tensor) {
  table::Json error{{"code", code}, {"message", message}};
  if (!file.empty()) error["file"] = file;
  if (!tensor.empty()) error["tensor"] = tensor;
  return base::indented_text(table::Json{{"error", std::move(error)}});
}

}  // namespace pare
