// What pruning gains: size on disk, memory, and run time beside the same model dense.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/prune.h"
#include "pare/run.h"

namespace pare {

struct BenchOptions {
  PruneOptions pruning;                       ///< without levels and sets: only the model as it is
  std::size_t sequences = 1, length = 128;    ///< of the pass over many tokens
  std::size_t context = 64, steps = 32;       ///< single tokens, after a context; steps 0: none
  std::size_t runs = 5;                       ///< dense and sparse take turns so many times
  bool sizes = true;                          ///< also write, compress and load every level
  std::filesystem::path scratch_directory{};  ///< for files that are loaded; empty: TMPDIR, else /var/tmp
};

/// Of repeated measurements.
struct Spread {
  double median = 0, low = 0, high = 0;
};

/// What a pass has to do at least, in its linear layers. Attention between tokens, norms and activations are not in it.
struct Work {
  double flops = 0;  ///< two for each weight that is not 0 and each token it is multiplied with
  double bytes = 0;  ///< of weights and their positions, each read once
};

/// One way of running, dense or sparse. Times in seconds.
struct PassTimes {
  Spread prefill;             ///< a pass over all tokens of the batch, over the runs
  Spread decode;              ///< a single token: the mean of a run's, over the runs; 0 for encoders
  std::vector<double> steps;  ///< every single token of every run, ascending; empty for encoders
  Work prefill_work, decode_work;

  /// The time that a share p (0..1) of single tokens does not exceed: nearest rank; 0 if there are none.
  double percentile(double p) const noexcept;
};

struct BenchSizes {
  std::uint64_t dense = 0;   ///< as safetensors files, zeros written out
  std::uint64_t packed = 0;  ///< by pare pack
  std::uint64_t zstd = 0;    ///< by pare pack --zstd
  std::uint64_t gzip = 0;    ///< the dense tensors compressed, 1 MiB at a time, by libdeflate's level 6
};

/// From opening files that lie in the page cache to the first result, a pass over many tokens.
struct BenchLoad {
  Spread seconds;
  std::uint64_t peak_memory = 0;  ///< resident bytes beyond the program's own meanwhile, mapped files included
};

struct BenchLevel {
  std::optional<std::string> label;      ///< of the amount; nothing for the model as it is
  std::uint64_t zeros = 0, weights = 0;  ///< among the weights that pruning takes
  BenchSizes sizes;
  BenchLoad load;                      ///< of the packed files
  PassTimes dense, sparse;             ///< the unpruned model by dense kernels, this level by the fastest; in turns
  Spread prefill_ratio, decode_ratio;  ///< dense time / sparse time, run by run
  std::vector<LayerUse> prefill_layers, decode_layers;  ///< those that the sparse passes multiply
};

/// What the machine can do, measured in the same run.
struct MachineSpeed {
  double bytes_a_second = 0;  ///< reading memory
  double flops = 0;           ///< multiply-adds in registers, two each, a second
};

struct BenchResult {
  std::string model;
  bool decodes = false;  ///< it has a decoder, so single tokens were timed
  unsigned threads = 0;
  std::size_t sequences = 0, length = 0, context = 0, steps = 0, runs = 0;  ///< as they were taken
  bool measured_costs = false;  ///< kernels were chosen by costs that pare tune measured here
  MachineSpeed machine;
  BenchLoad dense_load;            ///< of the unpruned model as safetensors files
  std::vector<BenchLevel> levels;  ///< the model as it is first; there the ratios tell the noise, unless it has zeros
};

/// Reads memory and multiplies for a moment, on context.threads() threads. Throws Interrupted.
MachineSpeed measure_machine(const Context& context = {});

/// Throws Error for a model that cannot be run, for options that cannot be meant, and where memory or room for
/// temporary files is lacking; Interrupted.
BenchResult measure_speed(const Model& model, const BenchOptions& options, const Context& context = {});

}  // namespace pare
