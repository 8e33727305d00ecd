#include "base/resume/finished_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/bytes.h"
#include "base/collective.h"
#include "base/descriptor.h"
#include "base/file_map.h"
#include "base/sealed.h"
#include "base/system_error.h"
#include "pare/error.h"

namespace pare::base {
namespace {

namespace fs = std::filesystem;

constexpr SealedKind kRecordFile{"PAREDONE", 1, "record of a finished file"};

/// A file as it was when it was finished.
struct FinishedFile {
  std::string path;  ///< inside the directory
  std::uint64_t size = 0, inode = 0, modified = 0;
  friend bool operator==(const FinishedFile&, const FinishedFile&) = default;
};

FinishedFile described(std::string path, const struct stat& status) {
  return {std::move(path), static_cast<std::uint64_t>(status.st_size), status.st_ino,
          static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
              static_cast<std::uint64_t>(status.st_mtim.tv_nsec)};
}

FinishedFile synced(const fs::path& directory, const fs::path& file) {
  const fs::path path = directory / file;
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status {};
  if (!descriptor.is_open() || ::fsync(descriptor.get()) != 0 || ::fstat(descriptor.get(), &status) != 0)
    throw Error(code_of_errno(errno), final_name(path), std::string("cannot sync: ") + std::strerror(errno));
  return described(file.string(), status);
}

bool is_unchanged(const fs::path& directory, const FinishedFile& file) {
  struct stat status {};
  return ::lstat((directory / file.path).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         described(file.path, status) == file;
}

struct Record {
  std::string identity;
  std::vector<FinishedFile> files;
  std::vector<std::byte> note;
};

std::vector<std::byte> record_bytes(const Record& record) {
  ByteWriter writer = begin_sealed(kRecordFile);
  writer.text(record.identity);
  writer.u64(record.files.size());
  for (const FinishedFile& file : record.files) {
    writer.text(file.path);
    for (const std::uint64_t number : {file.size, file.inode, file.modified}) writer.u64(number);
  }
  writer.text(as_text(record.note));
  return seal(std::move(writer));
}

/// Returns nullopt for a damaged record. That does not fail the run: its files are made again.
std::optional<Record> read_record(const fs::path& path) try {
  const auto map = FileMap::open(path);
  ByteReader reader = open_sealed(map->bytes(), kRecordFile, path);
  Record record;
  record.identity = reader.text();
  record.files.resize(reader.items(32));
  for (FinishedFile& file : record.files) {
    file.path = reader.text();
    for (std::uint64_t* number : {&file.size, &file.inode, &file.modified}) *number = reader.u64();
  }
  const std::string note = reader.text();
  const std::span<const std::byte> bytes = std::as_bytes(std::span(note));
  record.note.assign(bytes.begin(), bytes.end());
  return record;
} catch (const Error&) {
  return std::nullopt;
}

/// The item that a record's name says.
std::optional<std::size_t> item_of(const std::string& name) {
  std::size_t item = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), item);
  if (failure != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return item;
}

/// All that is not in `kept`, and directories in which nothing is left.
void remove_others(const fs::path& directory, const std::set<fs::path>& kept) {
  std::error_code failure;
  std::vector<fs::path> others, directories;
  for (fs::recursive_directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure))
    if (it->symlink_status(failure).type() == fs::file_type::directory)
      directories.push_back(it->path());
    else if (!kept.contains(it->path()))
      others.push_back(it->path());
  for (const fs::path& path : others) {
    if (failure) break;
    fs::remove(path, failure);
  }
  if (failure)
    throw Error(code_of(failure), final_name(directory),
                "what an earlier run has left cannot be removed: " + failure.message());
  std::error_code not_empty;
  for (auto path = directories.rbegin(); path != directories.rend(); ++path) fs::remove(*path, not_empty);
}

}  // namespace

FinishedFiles::FinishedFiles(const SharedDirectory& directory, std::string identity, const Context& context)
    : directory_(directory.staging()), identity_(std::move(identity)), keeps_(directory.keeps()) {
  if (!keeps_) return;
  if (context.leads()) take_over();
  ByteWriter writer;
  for (const auto& [item, note] : notes_) {
    writer.u64(item);
    writer.text(as_text(note));
  }
  broadcast(writer.bytes(), context);
  const fs::path none;
  for (ByteReader reader(writer.bytes(), none, "message between processes"); reader.left() != 0;) {
    const std::size_t item = reader.u64();
    const std::span<const std::byte> note = reader.take(reader.items(1));
    notes_[item] = {note.begin(), note.end()};
  }
}

void FinishedFiles::take_over() {
  const fs::path records = directory_ / kFinishedFolder;
  std::set<fs::path> kept;
  std::error_code failure;
  for (fs::directory_iterator it(records, failure), end; !failure && it != end; it.increment(failure)) {
    const std::optional<std::size_t> item = item_of(it->path().filename().string());
    std::optional<Record> record = item ? read_record(it->path()) : std::nullopt;
    if (!record || record->identity != identity_) continue;
    bool whole = true;
    for (const FinishedFile& file : record->files) whole = whole && is_unchanged(directory_, file);
    if (!whole) continue;
    kept.insert(it->path());
    for (const FinishedFile& file : record->files) kept.insert(directory_ / file.path);
    notes_[*item] = std::move(record->note);
  }
  remove_others(directory_, kept);
}

const std::vector<std::byte>* FinishedFiles::find(std::size_t item) const {
  const auto found = notes_.find(item);
  return found == notes_.end() ? nullptr : &found->second;
}

void FinishedFiles::add(std::size_t item, std::span<const fs::path> files, std::span<const std::byte> note) const {
  if (!keeps_) return;
  Record record{identity_, {}, {note.begin(), note.end()}};
  for (const fs::path& file : files) record.files.push_back(synced(directory_, file));
  std::error_code failure;
  fs::create_directories(directory_ / kFinishedFolder, failure);
  if (failure) throw Error(code_of(failure), final_name(directory_), "cannot create: " + failure.message());
  const std::vector<std::byte> bytes = record_bytes(record);
  write_file(directory_ / kFinishedFolder / std::to_string(item), as_text(bytes), Publish::kReplace);
}

void FinishedFiles::forget() const {
  if (!keeps_) return;
  std::error_code failure;
  fs::remove_all(directory_ / kFinishedFolder, failure);
  if (failure)
    throw Error(code_of(failure), final_name(directory_), "a record cannot be removed: " + failure.message());
}

}  // namespace pare::base
