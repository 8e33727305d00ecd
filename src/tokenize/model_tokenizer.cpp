// The tokenizer of an open model, which may be in its directory or, for a GGUF file, in memory.
#include <unistd.h>

#include <system_error>

#include "base/output.h"
#include "base/staging.h"
#include "pare/model.h"
#include "pare/tokenizer.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

/// Texts as files, so that there is one way to read a tokenizer. They are gone when it is read.
class TextFiles {
 public:
  explicit TextFiles(const Model& model) {
    const fs::path name = fs::temp_directory_path() / "pare-tokenizer";
    base::remove_dead_staged(name);
    staged_ = base::create_staged_directory(name);
    for (const auto& [file, text] : model.side_texts)
      base::write_file(staged_.path / file, text, base::Publish::kStaged);
    base::write_file(staged_.path / "config.json", model.config, base::Publish::kStaged);
  }
  ~TextFiles() {
    std::error_code ignored;
    fs::remove_all(staged_.path, ignored);
    ::close(staged_.descriptor);
  }
  TextFiles(const TextFiles&) = delete;
  TextFiles& operator=(const TextFiles&) = delete;
  const fs::path& path() const noexcept { return staged_.path; }

 private:
  base::Staged staged_;
};

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::open(const Model& model) {
  if (model.side_texts.empty()) return open(model.checkpoint.directory());
  const TextFiles files(model);
  return open(files.path());
}

}  // namespace pare
