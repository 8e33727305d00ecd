// Selects the instruction set that the kernels use.
#pragma once

#include <string>
#include <vector>

namespace pare::kernels {

/// Names of the instruction sets this machine can run, best first, e.g. {"AVX3_VBMI2", "AVX3", "AVX2", ...}. All are
/// Highway's but "AVX3_VBMI2": its AVX3 with the kernel of masked_words.h.
/// After force_target("x"), only "x".
std::vector<std::string> supported_targets();
/// The instruction set in use. Throws Error as choose_target() does.
std::string current_target();
/// Forces one of supported_targets(), or for "" the best one, regardless of the environment. Returns false if the
/// machine cannot run it.
bool force_target(const std::string& name);

/// Whether the instruction set in use is AVX3_VBMI2.
bool takes_masked_words();

/// Called before every kernel. The first call reads the environment variable PARE_TARGET, which names the instruction
/// set to use, and throws Error if the machine cannot run it. Safe to call from any thread.
void choose_target();

}  // namespace pare::kernels

/// HWY_DYNAMIC_DISPATCH for the instruction set that PARE_TARGET names. Every kernel is called through this macro.
#define PARE_DISPATCH(kernel) (::pare::kernels::choose_target(), HWY_DYNAMIC_DISPATCH(kernel))
