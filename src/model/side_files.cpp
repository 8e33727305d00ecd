#include "model/side_files.h"

#include "base/file_map.h"
#include "base/output.h"

namespace pare::model {

void write_side_files(const Model& model, const std::string& config, const std::filesystem::path& directory) {
  for (const auto& [source, name] : model.side_files) {
    const auto map = base::FileMap::open(source);
    base::OutputFile copy(directory / name);
    copy.write_at(0, map->bytes());
    copy.commit();
  }
  if (!config.empty()) base::write_file(directory / "config.json", config);
}

}  // namespace pare::model
