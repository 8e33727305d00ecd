// What pruning gains: size on disk, memory and run time, compared with the same model without pruning.
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
  PruneOptions pruning;                       ///< if it says no amount (see prunes()), only the unpruned model is timed
  std::size_t sequences = 1, length = 128;    ///< prefill: number of sequences, tokens in each
  std::size_t context = 64, steps = 32;       ///< decode: tokens in the KV cache before, tokens to decode (0: none)
  std::size_t runs = 5;                       ///< number of alternating dense and sparse runs
  bool sizes = true;                          ///< also write, compress and load every level
  std::filesystem::path scratch_directory{};  ///< for temporary files; empty: TMPDIR if set, else /var/tmp
};

/// Median, minimum and maximum of repeated measurements.
struct Spread {
  double median = 0, low = 0, high = 0;
};

/// The least work that a pass must do in its linear layers. Attention scores, norms and activations are not counted.
struct Work {
  double flops = 0;  ///< 2 for each token and each weight that LayerUse::nonzeros counts
  double bytes = 0;  ///< size of weights and of the positions of nonzeros, each read once
};

/// Times of the dense or of the sparse model, in seconds.
struct PassTimes {
  Spread prefill;             ///< time of a prefill of all sequences; one value per run
  Spread decode;              ///< mean time of a decoded token; one value per run; 0 if nothing was decoded
  std::vector<double> steps;  ///< times of all decoded tokens of all runs, ascending; empty if nothing was decoded
  Work prefill_work, decode_work;

  /// Returns the p-quantile of `steps` by nearest rank, p in [0, 1]: the fraction p of tokens takes at most this time.
  /// Returns 0 if `steps` is empty.
  double percentile(double p) const noexcept;
};

/// Sizes on disk in bytes.
struct BenchSizes {
  std::uint64_t dense = 0;   ///< as safetensors files that store the zeros, too
  std::uint64_t packed = 0;  ///< as written by write_packed()
  std::uint64_t zstd = 0;    ///< as written by write_packed() with PackOptions::zstd
  std::uint64_t gzip = 0;    ///< dense tensors, compressed as gzip in pieces of 1 MiB by libdeflate at level 6
};

/// Cost of getting a first result: opening files that are in the page cache, then a prefill.
struct BenchLoad {
  Spread seconds;
  std::uint64_t peak_memory = 0;  ///< growth of the process's resident memory at its peak, mapped files included
};

struct BenchLevel {
  std::optional<std::string> label;      ///< Amount::label of the level; nullopt for the unpruned model
  std::uint64_t zeros = 0, weights = 0;  ///< zeros among the prunable weights; number of these weights
  BenchSizes sizes;
  BenchLoad load;                      ///< for the packed files
  PassTimes dense, sparse;             ///< unpruned model with dense kernels; this level with the fastest kernels
  Spread prefill_ratio, decode_ratio;  ///< dense time / sparse time; one value per run
  std::vector<LayerUse> prefill_layers, decode_layers;  ///< the linears that the sparse passes multiply
};

/// What the machine can do, measured in the same run.
struct MachineSpeed {
  double bytes_a_second = 0;  ///< when reading memory
  double flops = 0;           ///< operations per second in registers; a multiply-add counts as two
};

struct BenchResult {
  std::string model;
  bool decodes = false;  ///< whether decode was timed: the model has a decoder, and BenchOptions::steps is not 0
  unsigned threads = 0;
  std::size_t sequences = 0, length = 0, context = 0, steps = 0, runs = 0;  ///< limited to what the model accepts
  bool measured_costs = false;  ///< whether kernels were chosen by costs measured on this machine (pare tune)
  MachineSpeed machine;
  BenchLoad dense_load;  ///< for the unpruned model as safetensors files
  /// The unpruned model first, then the pruned ones. Where the unpruned model has no zeros, the same kernels run in its
  /// dense and sparse passes, and its ratios show the noise of the measurement.
  std::vector<BenchLevel> levels;
};

/// Measures the machine's speed with context.threads() threads, in about a second. Throws Interrupted.
MachineSpeed measure_machine(const Context& context = {});

/// Only MachineSpeed::flops, in about a tenth of a second.
double measure_flops(const Context& context = {});

/// Measures the unpruned model and each level of `options.pruning`. Throws Error for a model that cannot be run, for
/// invalid options, and if memory or disk space for temporary files does not suffice; Interrupted.
BenchResult measure_speed(const Model& model, const BenchOptions& options, const Context& context = {});

}  // namespace pare
