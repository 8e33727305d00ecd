#include <fmt/format.h>

#include "pare/results.h"

namespace pare {
namespace {

/// One row of the summary: all tensors in an encoding.
struct Sum {
  std::uint64_t tensors = 0, elements = 0, nonzeros = 0, dense = 0, packed = 0;
  void add(const PackedSize& tensor) {
    ++tensors;
    elements += tensor.elements;
    nonzeros += tensor.nonzeros;
    dense += tensor.dense_bytes;
    packed += tensor.packed_bytes;
  }
};

}  // namespace

Table pack_encodings_table(const PackSummary& summary) {
  Table table;
  table.columns = {{"encoding", "encoding", true}, {"tensors", "tensors"}, {"elements", "elements"},
                   {"zeros_percent", "zeros"},     {"dense", "dense"},     {"packed", "packed"},
                   {"share_percent", "of dense"}};
  const auto add_row = [&](const std::string& title, const Sum& sum) {
    table.rows.push_back({title, sum.tensors, sum.elements, Share{sum.elements - sum.nonzeros, sum.elements},
                          bytes_text(sum.dense), bytes_text(sum.packed), Share{sum.packed, sum.dense}});
  };
  Sum all;
  for (std::size_t code = 0; code <= static_cast<std::size_t>(Encoding::kGaps8Zstd); ++code) {
    Sum sum;
    for (const PackedSize& tensor : summary.tensors)
      if (tensor.encoding == static_cast<Encoding>(code)) sum.add(tensor);
    if (sum.tensors != 0) add_row(std::string(encoding_name(static_cast<Encoding>(code))), sum);
  }
  for (const PackedSize& tensor : summary.tensors) all.add(tensor);
  add_row("all", all);
  return table;
}

Table pack_csv_table(const PackSummary& summary) {
  Table table;
  for (const char* key : {"tensor", "dtype", "encoding", "elements", "nonzeros", "dense_bytes", "packed_bytes"})
    table.columns.push_back({key, key});
  for (const PackedSize& tensor : summary.tensors)
    table.rows.push_back({tensor.name, std::string(dtype_name(tensor.dtype)),
                          std::string(encoding_name(tensor.encoding)), tensor.elements, tensor.nonzeros,
                          tensor.dense_bytes, tensor.packed_bytes});
  return table;
}

std::string pack_text(const Model& model, const PackSummary& summary, const std::string& directory, Markup markup) {
  Document document(markup);
  document.heading(model.title, 1);
  document.table(pack_encodings_table(summary));
  const std::string done = directory.empty() ? "would be written" : "written to " + directory;
  document.paragraph(fmt::format("{} of safetensors files {}, {} of {} unpacked", bytes_text(summary.packed_bytes),
                                 done, percent_text(Share{summary.packed_bytes, summary.dense_bytes}),
                                 bytes_text(summary.dense_bytes)));
  return document.text();
}

}  // namespace pare
