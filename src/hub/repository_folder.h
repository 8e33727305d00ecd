// A model's folder in the Hugging Face cache, as huggingface_hub lays it out:
//
//     models--ORGANIZATION--NAME/blobs/ETAG              the files
//     models--ORGANIZATION--NAME/snapshots/COMMIT/FILE   links to them
//     models--ORGANIZATION--NAME/refs/REVISION           the commit of a branch or tag
//     .locks/models--ORGANIZATION--NAME/ETAG.lock        held (flock) while a blob is downloaded
//
// At every moment, also if pare is killed, the folder is one that huggingface_hub reads: it appears complete with its
// subfolders, links point to whole blobs, and a file of refs names a snapshot that is there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/descriptor.h"

namespace pare::hub {

/// A lock that huggingface_hub respects, as long as the object lives.
class CacheLock {
 public:
  /// Waits until no other process holds the lock, calling `pause` between attempts. Throws Error, and what it throws.
  CacheLock(const std::filesystem::path& path, const std::function<void()>& pause);

 private:
  base::Descriptor descriptor_;
};

class RepositoryFolder {
 public:
  /// `commit` names the snapshot.
  RepositoryFolder(const std::filesystem::path& cache, const std::string& repository, std::string commit);

  /// Makes the folder and its subfolders. Throws Error.
  void create(const std::function<void()>& pause) const;

  std::filesystem::path snapshot() const { return folder_ / "snapshots" / commit_; }
  std::filesystem::path blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path incomplete(const std::string& etag) const { return folder_ / "blobs" / (etag + ".incomplete"); }
  std::filesystem::path lock(const std::string& name) const { return locks_ / (name + ".lock"); }

  bool has_blob(const std::string& etag) const;
  /// Whether the snapshot has the file, whether as a link or copied.
  bool has_file(const std::string& name) const;
  /// Links the file of the snapshot to a blob that is there. Throws Error.
  void link(const std::string& name, const std::string& etag) const;
  /// Makes a branch or tag name the commit. Throws Error.
  void set_reference(const std::string& revision, const std::function<void()>& pause) const;

 private:
  std::filesystem::path folder_, locks_;
  std::string commit_;
};

}  // namespace pare::hub
