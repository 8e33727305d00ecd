// Options structs from a dictionary of Python, in which the names are those of the struct or of the command line.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "pare/bench.h"
#include "pare/calibrate.h"
#include "pare/eval.h"
#include "pare/prune.h"
#include "pare/report.h"

namespace pare::python {

/// Sets `value` if the dictionary has the key and its value is not None.
template <class T>
void take(const nanobind::dict& options, const char* key, T& value) {
  if (!options.contains(key)) return;
  const nanobind::object given = options[key];
  if (!given.is_none()) value = nanobind::cast<T>(given);
}

/// levels (percent, as text), amounts (PyTorch's, as text), sets (a levels file), criterion, mask (a file or model),
/// scope, schedule, pattern, norm, refit, damping, block_size, seed, include, exclude, groups.
PruneOptions prune_options(const nanobind::dict& options);
/// task, data, limit, protocol, context, stride, columns, prefixes, label_words, beams, max_new_tokens, length_penalty,
/// kernels. The reference is left to the caller.
EvalOptions eval_options(const nanobind::dict& options);
/// sequences, length, context, steps, runs, sizes, and those of prune_options().
BenchOptions bench_options(const nanobind::dict& options);
/// data, statistics, sequences, length, allocation.
CalibrationOptions calibration_of(const nanobind::dict& options, std::uint64_t seed);
/// cutoff, signed, scope, schedule, pattern, norm, compared_patterns, compared_criteria, evals (dictionaries), bench (a
/// dictionary), keep_models, force, seed, and those of calibration_of().
ReportOptions report_options(const nanobind::dict& options);

}  // namespace pare::python
