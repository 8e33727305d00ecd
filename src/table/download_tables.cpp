#include <fmt/format.h>

#include "pare/json.h"
#include "pare/results.h"
#include "table/json_values.h"
#include "table/wording.h"

namespace pare {
namespace {

/// "Weights: 148 tensors of 124,439,808 values (F32)"
std::string weights_text(const HubWeights& weights) {
  std::string dtypes;
  for (const auto& [dtype, count] : weights.values) {
    if (!dtypes.empty()) dtypes += ", ";
    dtypes += weights.values.size() > 1 ? count_text(count) + " " + dtype : dtype;
  }
  return fmt::format("Weights: {} of {} ({})", table::plural(weights.tensors, "tensor"),
                     table::plural(weights.count(), "value"), dtypes);
}

}  // namespace

Table download_table(const HubDownload& download) {
  Table table;
  table.columns = {{"file", "file", true, true}, {"bytes", "bytes"}, {"cached", "in the cache", true}};
  for (const HubFile& file : download.files)
    table.rows.push_back({file.name, file.bytes, std::string(file.cached ? "yes" : "no")});
  return table;
}

std::string download_text(const HubDownload& download, bool planned, Markup markup) {
  Document document(markup);
  document.heading(fmt::format("{} ({})", download.model, download.commit.substr(0, 12)), 1);
  document.table(download_table(download));
  const std::string whole = bytes_text(download.bytes()), missing = bytes_text(download.missing());
  if (download.weights) document.paragraph(weights_text(*download.weights));
  document.paragraph(
      planned ? fmt::format("{} of {} would be downloaded to {}", missing, whole, download.directory.string())
              : fmt::format("{} of {} downloaded to {}", missing, whole, download.directory.string()));
  return document.text();
}

std::string download_json(const HubDownload& download, bool planned) {
  table::Json files = table::Json::array();
  for (const HubFile& file : download.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"cached", file.cached}});
  table::Json weights;  // null if they are not known
  if (download.weights) weights = {{"tensors", download.weights->tensors}, {"values", download.weights->values}};
  const table::Json json{
      {"model", download.model},       {"commit", download.commit}, {"directory", download.directory.string()},
      {"downloaded", !planned},        {"bytes", download.bytes()}, {"missing_bytes", download.missing()},
      {"weights", std::move(weights)}, {"files", std::move(files)}};
  return base::indented_text(json);
}

}  // namespace pare
