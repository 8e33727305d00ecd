#include "hub/hub_name.h"

#include <algorithm>
#include <cctype>

namespace pare::hub {
namespace {

/// Letters, digits, '-', '_' and '.', with at most one '/': what the Hub allows.
bool is_hub_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
  };
  return !name.empty() && name.front() != '.' && name.front() != '/' && name.back() != '/' &&
         std::count(name.begin(), name.end(), '/') <= 1 && name.find("..") == std::string::npos &&
         std::all_of(name.begin(), name.end(), allowed);
}

/// A branch, tag or commit; those of pull requests contain a '/'.
bool is_revision(const std::string& revision) {
  return is_hub_name(revision) || (revision.starts_with("refs/pr/") && is_hub_name(revision.substr(8)));
}

/// Where the Hub redirects a name without an organization; empty if it does not.
std::string redirected(const std::string& name) {
  struct Moved {
    std::string_view organization, beginning;
  };
  for (const Moved& moved : {Moved{"openai-community", "gpt2"},
                             {"openai-community", "openai-gpt"},
                             {"openai-community", "roberta-base-openai-detector"},
                             {"google-bert", "bert-base-"},
                             {"google-bert", "bert-large-"},
                             {"distilbert", "distilbert-base-"},
                             {"distilbert", "distilgpt2"},
                             {"distilbert", "distilroberta-base"},
                             {"FacebookAI", "roberta-"},
                             {"FacebookAI", "xlm-roberta-"},
                             {"google-t5", "t5-"},
                             {"albert", "albert-"},
                             {"almanach", "camembert-base"},
                             {"xlnet", "xlnet-"}})
    if (name.starts_with(moved.beginning)) return std::string(moved.organization) + "/" + name;
  return {};
}

}  // namespace

std::optional<HubName> parse_hub_name(const std::string& spec) {
  const std::size_t at = spec.find('@');
  HubName name{spec.substr(0, at), at == std::string::npos ? "" : spec.substr(at + 1)};
  if (!is_hub_name(name.repository) || (at != std::string::npos && !is_revision(name.revision))) return std::nullopt;
  return name;
}

std::vector<std::string> names_in_cache(const std::string& repository) {
  std::vector<std::string> names{repository};
  if (const std::string moved = repository.find('/') == std::string::npos ? redirected(repository) : ""; !moved.empty())
    names.push_back(moved);
  return names;
}

std::string folder_of(const std::string& repository) {
  std::string folder = "models--" + repository;
  if (const auto slash = folder.find('/'); slash != std::string::npos) folder.replace(slash, 1, "--");
  return folder;
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace pare::hub
