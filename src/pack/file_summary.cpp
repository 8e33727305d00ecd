#include "pack/file_summary.h"

#include <filesystem>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/collective.h"
#include "prune/manifest.h"

namespace pare::pack {
namespace {

void write_summary(base::ByteWriter& writer, const FileSummary& summary) {
  writer.text(summary.stored.name);
  writer.u64(summary.stored.tensors.size());
  for (const std::string& name : summary.stored.tensors) writer.text(name);
  writer.u64(summary.stored.data_bytes);
  writer.u64(summary.tensors.size());
  for (const PackedSize& size : summary.tensors) {
    writer.text(size.name);
    writer.u8(static_cast<std::uint8_t>(size.dtype));
    writer.u8(static_cast<std::uint8_t>(size.encoding));
    for (const std::uint64_t number : {size.elements, size.nonzeros, size.dense_bytes, size.packed_bytes})
      writer.u64(number);
  }
  writer.u64(summary.dense_bytes);
  writer.u64(summary.packed_bytes);
}

FileSummary read_summary(base::ByteReader& reader) {
  FileSummary summary;
  summary.stored.name = reader.text();
  summary.stored.tensors.resize(reader.items(8));
  for (std::string& name : summary.stored.tensors) name = reader.text();
  summary.stored.data_bytes = reader.u64();
  summary.tensors.resize(reader.items(42));
  for (PackedSize& size : summary.tensors) {
    size.name = reader.text();
    size.dtype = static_cast<DType>(reader.u8());
    size.encoding = static_cast<Encoding>(reader.u8());
    for (std::uint64_t* number : {&size.elements, &size.nonzeros, &size.dense_bytes, &size.packed_bytes})
      *number = reader.u64();
  }
  summary.dense_bytes = reader.u64();
  summary.packed_bytes = reader.u64();
  return summary;
}

}  // namespace

std::vector<std::byte> summary_bytes(const FileSummary& summary) {
  base::ByteWriter writer;
  write_summary(writer, summary);
  return std::move(writer.bytes());
}

FileSummary parse_summary(std::span<const std::byte> bytes) {
  const std::filesystem::path none;
  base::ByteReader reader(bytes, none, "summary of a file");
  return read_summary(reader);
}

std::vector<FileSummary> of_all_files(const Checkpoint& checkpoint, std::vector<FileSummary> own,
                                      const Context& context) {
  if (context.group() == nullptr) return own;
  const std::vector<std::size_t> files = prune::own_files(checkpoint, context);
  base::ByteWriter writer;
  for (std::size_t i = 0; i < own.size(); ++i) {
    writer.u64(files[i]);
    write_summary(writer, own[i]);
  }
  std::vector<FileSummary> all(checkpoint.files().size());
  const std::filesystem::path none;
  for (const std::vector<std::byte>& message : base::gather(writer.bytes(), context))
    for (base::ByteReader reader(message, none, "message between processes"); reader.left() != 0;) {
      FileSummary& summary = all.at(reader.u64());
      summary = read_summary(reader);
    }
  return all;
}

PackSummary sum_up(const std::vector<FileSummary>& files) {
  PackSummary summary;
  for (const FileSummary& file : files) {
    summary.tensors.insert(summary.tensors.end(), file.tensors.begin(), file.tensors.end());
    summary.dense_bytes += file.dense_bytes;
    summary.packed_bytes += file.packed_bytes;
  }
  return summary;
}

}  // namespace pare::pack
