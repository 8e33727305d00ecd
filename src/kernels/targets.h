// Which instruction set the kernels run on.
#pragma once

#include <string>
#include <vector>

namespace pare::kernels {

/// Names of the instruction sets this machine can run, best first, e.g. {"AVX3_ZEN4", "AVX3", "AVX2", ...}.
std::vector<std::string> supported_targets();
/// The one in use.
std::string current_target();
/// Forces one of supported_targets(), or the best for "". False if the machine cannot run it.
bool force_target(const std::string& name);
/// Forces what the environment variable PARE_TARGET names, once; throws Error if it cannot be run.
void apply_target_from_environment();

}  // namespace pare::kernels
