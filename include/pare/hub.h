// Models of the Hugging Face Hub in the local cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pare/context.h"

namespace pare {

/// A file that a model needs.
struct HubFile {
  std::string name;         ///< below the model's folder, e.g. "config.json"
  std::uint64_t bytes = 0;  ///< its size
  bool cached = false;      ///< was in the cache before
};

/// Tensors of safetensors files, as stored.
struct HubWeights {
  std::uint64_t tensors = 0;
  std::map<std::string, std::uint64_t> values;  ///< their numbers of elements, by dtype, e.g. "BF16"

  std::uint64_t count() const noexcept;  ///< of all dtypes
};

struct HubDownload {
  std::string model;                ///< NAME or NAME@REVISION
  std::string commit;               ///< 40 hexadecimal digits
  std::filesystem::path directory;  ///< the snapshot in the cache
  std::vector<HubFile> files;       ///< weights last
  /// As the headers of the files tell; nullopt if the weights are in another format, or packed.
  std::optional<HubWeights> weights{};

  std::uint64_t bytes() const noexcept;    ///< of all files
  std::uint64_t missing() const noexcept;  ///< of those that were not in the cache
};

/// Asks the Hub for the current commit of `model` (NAME or NAME@REVISION) and downloads the files that pare needs, as
/// far as they are missing; opening a model by its name uses what is in the cache without asking. docs/hub.md lists the
/// variables of the environment that it reads. Throws Error: kNotFound, kUnavailable (no connection, no access, rate
/// limit), kMalformed (a hash differs), kNoSpace and others; Interrupted. What was downloaded is continued next time.
HubDownload download(const std::string& model, const Context& context = {});

/// Returns what download() would do, and reads the headers of safetensors files from the Hub. Writes nothing but an
/// index of shards, which names the files.
HubDownload plan_download(const std::string& model, const Context& context = {});

}  // namespace pare
