// Runs gnuplot as a child process, with the script as its input and the picture as its output. No shell and no file
// names are involved.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "pare/context.h"

namespace pare::chart {

enum class PictureFormat : std::uint8_t { kPng, kSvg };

inline constexpr std::chrono::milliseconds kDrawingLimit = std::chrono::minutes(5);

/// The format by extension, .png or .svg in upper or lower case. Throws Error for others.
PictureFormat picture_format(const std::filesystem::path& file);

/// Runs `script`, which must draw one picture to standard output, and returns that picture. The
/// program is the one named in PARE_GNUPLOT, else gnuplot on the PATH; the user's settings are not read. Safe to call
/// from several threads at once. Throws Error if gnuplot cannot be started, fails (with its own message) or writes an
/// incomplete picture; Interrupted.
std::string run_gnuplot(const std::string& script, PictureFormat format,
                        std::chrono::milliseconds limit = kDrawingLimit, const Context& context = {});

}  // namespace pare::chart
