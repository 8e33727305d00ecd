#include "hub/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace pare::hub {
namespace {

constexpr std::chrono::seconds kLongestWait{300};

std::string model_of(const Asked& asked) { return asked.spec.substr(0, asked.spec.find('@')); }

/// What gives access to a model that the server did not show.
std::string way_in(const HubSettings& settings) {
  if (settings.token.empty()) return "set HF_TOKEN or run 'hf auth login'";
  return fmt::format("the token of {} gives no access", settings.token_source);
}

[[noreturn]] void refuse_gated(const HttpResponse& response, const Asked& asked, const HubSettings& settings) {
  const std::string page = fmt::format("https://{}/{}", response.host, model_of(asked));
  throw HttpFailure(asked.spec,
                    fmt::format("is a gated model: accept its terms at {}{}", page,
                                settings.token.empty()
                                    ? ", then set HF_TOKEN or run 'hf auth login'"
                                    : fmt::format(" (the token of {} does not have access)", settings.token_source)),
                    false);
}

[[noreturn]] void refuse_unknown(const HttpResponse& response, const Asked& asked, const HubSettings& settings) {
  throw Error(ErrorCode::kNotFound, asked.spec,
              fmt::format("no such file or directory, and {} has no such model, or it is private ({})", response.host,
                          way_in(settings)));
}

[[noreturn]] void refuse_temporarily(const HttpResponse& response, const Asked& asked, const HubSettings& settings) {
  const auto after = response.retry_after();
  std::string cause;
  if (response.status == 429) {
    cause = fmt::format("{} limits the rate of requests (status 429); try again {}{}", response.host,
                        after ? fmt::format("in {} s", after->count()) : "later",
                        settings.token.empty() ? ", or with a token (HF_TOKEN)" : "");
  } else {
    cause =
        fmt::format("cannot be downloaded: {} answers with status {}; try again later", response.host, response.status);
  }
  if (after && *after > kLongestWait) throw HttpFailure(asked.spec, cause, false);
  if (after) throw RetryLater(asked.spec, cause, *after);
  throw HttpFailure(asked.spec, cause, true);
}

}  // namespace

void require_success(const HttpResponse& response, const Asked& asked, const HubSettings& settings) {
  const int status = response.status;
  if (status / 100 == 2) return;
  const std::string code = response.header("x-error-code");
  if (status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504)
    refuse_temporarily(response, asked, settings);
  if (code == "GatedRepo") refuse_gated(response, asked, settings);
  if (status == 401 && !settings.token.empty() &&
      response.header("x-error-message") == "Invalid credentials in Authorization header")
    throw HttpFailure(asked.spec,
                      fmt::format("{} does not accept the token of {}: it is wrong or has expired", response.host,
                                  settings.token_source),
                      false);
  if (code == "RevisionNotFound")
    throw Error(ErrorCode::kNotFound, asked.spec,
                fmt::format("{} has no revision '{}' of this model", response.host,
                            asked.revision.empty() ? "main" : asked.revision));
  if (code == "EntryNotFound" || (status == 404 && !asked.file.empty()))
    throw Error(ErrorCode::kNotFound, asked.spec, fmt::format("{} does not have '{}'", response.host, asked.file));
  if (code == "RepoNotFound" || status == 401 || status == 404) refuse_unknown(response, asked, settings);
  if (status == 403)
    throw HttpFailure(asked.spec, fmt::format("{} refuses access (status 403): {}", response.host, way_in(settings)),
                      false);
  throw HttpFailure(asked.spec, fmt::format("cannot be downloaded: {} answers with status {}", response.host, status),
                    false);
}

void with_retries(const HttpClient& client, const std::function<void()>& attempt,
                  const std::function<std::uint64_t()>& progress) {
  constexpr int kRetries = 5;
  constexpr std::chrono::milliseconds kFirst{500}, kLongest{8000};
  std::chrono::milliseconds pause = kFirst;
  std::uint64_t before = progress ? progress() : 0;
  for (int retries = 0;; ++retries) {
    std::optional<std::chrono::milliseconds> told;
    try {
      return attempt();
    } catch (const RetryLater& failure) {
      if (retries == kRetries) throw;
      told = failure.after();
    } catch (const HttpFailure& failure) {
      if (!failure.temporary() || retries == kRetries) throw;
    }
    if (const std::uint64_t after = progress ? progress() : 0; after > before) {
      before = after;
      retries = 0;
      pause = kFirst;
    }
    client.wait(told.value_or(pause));
    pause = std::min(2 * pause, kLongest);
  }
}

}  // namespace pare::hub
