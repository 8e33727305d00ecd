#include "hub/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>

#include "hub/hub_cache.h"
#include "hub/hub_name.h"
#include "hub/hub_settings.h"
#include "hub/transfer.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConnections = 4;
/// Bytes, of which the download takes longer than the requests for the headers.
constexpr std::uint64_t kWorthPreview = 16 << 20;

/// One download, from the list of files to the last link.
class Download {
 public:
  Download(const std::string& spec, const Context& context)
      : context_(context),
        settings_(hub_settings()),
        name_(name_of(spec)),
        asked_{spec, name_.revision, {}},
        client_(settings_, context, abandoned_),
        model_(list_files(client_, name_.repository, asked_)),
        folder_(cache_directory(), name_.repository, model_.commit) {}

  DownloadPlan plan(const FileRules& rules) {
    const std::vector<RemoteFile*> files = chosen(rules);
    DownloadPlan plan = plan_of(files);
    preview(files, rules);
    return plan;
  }

  DownloadPlan run(const FileRules& rules) {
    const std::vector<RemoteFile*> files = chosen(rules);
    DownloadPlan plan = plan_of(files);
    std::vector<RemoteFile*> missing;
    std::uint64_t total = 0, there = 0;
    for (RemoteFile* file : files) {
      if (folder_.has_file(file->name)) continue;
      missing.push_back(file);
      total += file->size;
      there += present(*file);
    }
    require_space(total - std::min(there, total));
    std::string step = "downloading " + asked_.spec;
    if (total - std::min(there, total) > kWorthPreview) {
      preview(files, rules);
      if (const std::string summary = rules.summary(); !summary.empty()) step += " (" + summary + ")";
    }
    folder_.create(pause());
    ByteCount count(total, there, step, context_);
    fetch_all(missing, files.back(), count);
    // Before the last link: with it the snapshot counts as complete, and nothing is asked or written any more.
    folder_.set_reference(name_.revision.empty() ? "main" : name_.revision, pause());
    link(*files.back());
    return plan;
  }

 private:
  static HubName name_of(const std::string& spec) {
    auto name = parse_hub_name(spec);
    if (!name) throw Error(ErrorCode::kNotFound, spec, "no such file or directory, and not a name of the Hub");
    if (is_offline())
      throw Error(ErrorCode::kUnavailable, spec, "cannot be downloaded as long as HF_HUB_OFFLINE is set");
    return *name;
  }

  std::function<void()> pause() {
    return [this] { client_.wait(std::chrono::milliseconds(50)); };
  }

  ListedFile listed(const RemoteFile& file) const {
    ListedFile listed{file.name, file.size, folder_.has_file(file.name)};
    std::error_code failure;
    if (listed.is_cached) {
      listed.size = fs::file_size(folder_.snapshot() / file.name, failure);
    } else {
      listed.is_cached = !file.etag.empty() && folder_.has_blob(file.etag);
    }
    return listed;
  }

  /// Also asks for what the list does not tell of the files that are missing.
  DownloadPlan plan_of(const std::vector<RemoteFile*>& files) {
    DownloadPlan plan{name_.repository, model_.commit, folder_.snapshot(), {}};
    for (RemoteFile* file : files) {
      if (!folder_.has_file(file->name)) complete(*file, client_, name_.repository, model_.commit, asked_);
      plan.files.push_back(listed(*file));
    }
    return plan;
  }

  std::vector<RemoteFile*> chosen(const FileRules& rules) {
    std::vector<ListedFile> all;
    for (const RemoteFile& file : model_.files) all.push_back(listed(file));
    std::vector<RemoteFile*> files;
    for (const std::string& name : rules.choose(all, [this](const std::string& file) { return fetch(file); }))
      files.push_back(&find(name));
    return files;
  }

  RemoteFile& find(const std::string& name) {
    for (RemoteFile& file : model_.files)
      if (file.name == name) return file;
    throw Error(ErrorCode::kNotFound, asked_.spec,
                fmt::format("the model on the Hub does not have '{}', which it needs", name));
  }

  /// A file that is needed before the choice is made. Its link is made later.
  fs::path fetch(const std::string& name) {
    RemoteFile& file = find(name);
    if (folder_.has_file(name)) return folder_.snapshot() / name;
    complete(file, client_, name_.repository, model_.commit, asked_);
    folder_.create(pause());
    const Context silent = context_.with_progress({});
    ByteCount count(file.size, 0, {}, silent);
    if (!folder_.has_blob(file.etag)) fetch_blob(file, client_, count);
    return folder_.blob(file.etag);
  }

  void fetch_blob(const RemoteFile& file, HttpClient& client, ByteCount& count) {
    download_blob(file, url_of(file), folder_, client, {asked_.spec, asked_.revision, file.name}, count);
  }

  std::string url_of(const RemoteFile& file) const {
    return resolve_url(settings_, name_.repository, model_.commit, file.name);
  }

  /// Bytes that are in the cache already.
  std::uint64_t present(const RemoteFile& file) const {
    if (folder_.has_blob(file.etag)) return file.size;
    std::error_code failure;
    const std::uintmax_t size = fs::file_size(folder_.incomplete(file.etag), failure);
    return failure ? 0 : std::min<std::uint64_t>(size, file.size);
  }

  void require_space(std::uint64_t bytes) const {
    fs::path place = cache_directory();
    std::error_code failure;
    while (place.has_relative_path() && !fs::exists(place, failure)) place = place.parent_path();
    const fs::space_info space = fs::space(place, failure);
    if (failure || bytes <= space.available) return;
    throw Error(ErrorCode::kNoSpace, cache_directory(),
                fmt::format("'{}' needs {} bytes, and {} are free", asked_.spec, bytes, space.available));
  }

  void preview(const std::vector<RemoteFile*>& files, const FileRules& rules) {
    std::atomic<std::size_t> done{0};
    for_files(files, [&](HttpClient& client, const RemoteFile& file) {
      const ListedFile known = listed(file);
      rules.preview(known, [&](std::uint64_t begin, std::uint64_t end) {
        end = std::max(begin, std::min(end, known.size));
        if (folder_.has_file(file.name)) return read_part(folder_.snapshot() / file.name, begin, end);
        if (known.is_cached) return read_part(folder_.blob(file.etag), begin, end);
        return download_part(file, begin, end, url_of(file), client, {asked_.spec, asked_.revision, file.name});
      });
      context_.report(static_cast<double>(++done) / static_cast<double>(files.size()),
                      "reading headers of " + asked_.spec);
    });
  }

  /// Every file but `last` is linked as soon as it is whole.
  void fetch_all(const std::vector<RemoteFile*>& files, const RemoteFile* last, ByteCount& count) {
    for_files(files, [&](HttpClient& client, const RemoteFile& file) {
      fetch_blob(file, client, count);
      if (&file != last) link(file);
    });
  }

  /// Calls `action` for each file, on several connections, a file each at a time.
  void for_files(const std::vector<RemoteFile*>& files,
                 const std::function<void(HttpClient&, const RemoteFile&)>& action) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr first;
    const auto fetch_next = [&](HttpClient& client) {
      for (std::size_t i = next++; i < files.size(); i = next++) action(client, *files[i]);
    };
    const auto work = [&](HttpClient* client) {
      try {
        if (client != nullptr) return fetch_next(*client);
        HttpClient own(settings_, context_, abandoned_);
        fetch_next(own);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        abandoned_ = true;
      }
    };
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < std::min(kConnections, files.size()); ++i)
        others.emplace_back([&] { work(nullptr); });
      work(&client_);
    }
    if (first) std::rethrow_exception(first);
  }

  void link(const RemoteFile& file) {
    if (!folder_.has_file(file.name)) folder_.link(file.name, file.etag);
  }

  const Context& context_;
  std::atomic<bool> abandoned_{false};
  const HubSettings settings_;
  const HubName name_;
  const Asked asked_;
  HttpClient client_;
  RemoteModel model_;
  const RepositoryFolder folder_;
};

}  // namespace

std::vector<std::byte> read_part(const fs::path& path, std::uint64_t begin, std::uint64_t end) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(end - begin);
  file.seekg(static_cast<std::streamoff>(begin));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

fs::path find_or_download(const std::string& spec, const FileRules& rules, const Context& context) {
  bool is_cached = false;
  try {
    const fs::path snapshot = find_in_hub_cache(spec);
    is_cached = true;
    if (is_offline()) require_blobs(snapshot, spec);
    if (is_offline() || rules.is_complete(snapshot)) return snapshot;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound || is_offline() || !parse_hub_name(spec)) throw;
  }
  try {
    return download_model(spec, rules, context).snapshot;
  } catch (const NoConnection& failure) {
    if (is_cached) throw;  // a part of it
    // Perhaps a path was meant.
    throw Error(ErrorCode::kNotFound, spec,
                fmt::format("no such file or directory, not in the Hugging Face cache {}, and {}",
                            cache_directory().string(), failure.cause()));
  }
}

DownloadPlan download_model(const std::string& spec, const FileRules& rules, const Context& context) {
  return Download(spec, context).run(rules);
}

DownloadPlan plan_download(const std::string& spec, const FileRules& rules, const Context& context) {
  return Download(spec, context).plan(rules);
}

}  // namespace pare::hub
