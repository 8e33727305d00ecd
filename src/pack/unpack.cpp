// Writes a dense checkpoint: a packed one restored, or an encoded one as its values.
#include <algorithm>
#include <atomic>

#include "base/aligned_buffer.h"
#include "base/output.h"
#include "base/parallel.h"
#include "base/pieces.h"
#include "checkpoint/safetensors/safetensors_writer.h"
#include "checkpoint/tensor_piece.h"
#include "model/model_directory.h"
#include "pack/records.h"
#include "pare/convert.h"
#include "pare/error.h"
#include "pare/pack.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

class Unpacker {
 public:
  Unpacker(const Checkpoint& checkpoint, const Context& context) : checkpoint_(checkpoint), context_(context) {
    for (const CheckpointFile& file : checkpoint.files())
      for (const std::size_t tensor : file.tensors) bytes_total_ += checkpoint.tensors()[tensor].bytes.size();
  }

  void write_file(std::size_t file, const fs::path& directory) {
    const checkpoint::SafetensorsLayout layout = checkpoint::rewrite_layout(checkpoint_, file);
    const CheckpointFile& source = checkpoint_.files()[file];
    base::OutputFile output(directory / source.output_name, base::Publish::kStaged);
    output.reserve(layout.file_size);
    output.write_at(0, layout.header);
    base::parallel_for(source.tensors.size(), context_, [&](std::size_t item, unsigned) {
      write_tensor(checkpoint_.tensors()[source.tensors[item]], layout.offsets[item], output);
    });
    output.commit();
  }

 private:
  void write_tensor(const TensorView& tensor, std::uint64_t offset, base::OutputFile& output) {
    const PackedTensor* packed = tensor.bytes.packed();
    // Not TensorBytes::data(), which would keep every tensor in memory.
    if (packed != nullptr && packed->encoding() != Encoding::kDense) {
      base::AlignedBuffer<std::byte> dense(tensor.bytes.size());
      packed->decode({dense.data(), dense.size()});
      write_pieces({dense.data(), dense.size()}, offset, output);
    } else if (tensor.bytes.encoded() != nullptr) {
      for (std::uint64_t begin = 0; begin < tensor.bytes.size(); begin += base::kPieceBytes) {
        const std::uint64_t size = std::min<std::uint64_t>(base::kPieceBytes, tensor.bytes.size() - begin);
        write_pieces(checkpoint::TensorPiece(tensor.bytes, begin, size), offset + begin, output);
      }
    } else {
      if (packed != nullptr) packed->verify();
      write_pieces(tensor.bytes, offset, output);
    }
  }

  void write_pieces(std::span<const std::byte> bytes, std::uint64_t offset, base::OutputFile& output) {
    for (std::uint64_t begin = 0; begin < bytes.size(); begin += base::kFilePieceBytes) {
      context_.check();
      const std::uint64_t size = std::min<std::uint64_t>(base::kFilePieceBytes, bytes.size() - begin);
      output.write_at(offset + begin, bytes.subspan(begin, size));
      const std::uint64_t done = bytes_done_.fetch_add(size, std::memory_order_relaxed) + size;
      context_.report_bytes(done, bytes_total_);
    }
  }

  const Checkpoint& checkpoint_;
  const Context& context_;
  std::uint64_t bytes_total_ = 0;
  std::atomic<std::uint64_t> bytes_done_{0};
};

void write_dense(const Model& model, const fs::path& out, bool force, const char* format, const Context& context) {
  check_output_apart(out, model);
  base::OutputDirectory output(out, force);
  Unpacker unpacker(model.checkpoint, context);
  for (std::size_t file = 0; file < model.checkpoint.files().size(); ++file)
    unpacker.write_file(file, output.staging());
  model::finish_directory(
      model, {model.config, checkpoint::rewrite_index(model.checkpoint), pack::dense_manifest(model, format, context)},
      output.staging());
  model.checkpoint.require_unchanged();
  output.commit();
}

}  // namespace

void write_converted(const Model& model, const fs::path& out, const ConvertOptions& options, const Context& context) {
  write_dense(model, out, options.force, "pare-convert", context);
}

void write_unpacked(const Model& model, const fs::path& out, const UnpackOptions& options, const Context& context) {
  const auto tensors = model.checkpoint.tensors();
  if (std::none_of(tensors.begin(), tensors.end(),
                   [](const TensorView& tensor) { return tensor.bytes.packed() != nullptr; }))
    throw Error(ErrorCode::kUnsupported, model.source, "is not packed");
  write_dense(model, out, options.force, "pare-unpack", context);
}

}  // namespace pare
