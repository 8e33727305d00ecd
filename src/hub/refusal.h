// What a server's refusal means for the user, and when to ask again.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "hub/http.h"

namespace pare::hub {

/// What was asked for.
struct Asked {
  std::string spec;      ///< as the user named it
  std::string revision;  ///< empty: none was given
  std::string file;      ///< empty: the list of files
};

/// Throws HttpFailure, saying what to do, unless the response has a status from 200 to 299.
void require_success(const HttpResponse& response, const Asked& asked, const HubSettings& settings);

/// Calls `attempt` until it does not throw a temporary HttpFailure: up to five times more, after half a second and then
/// twice as long each time, or when the server says. Attempts after which `progress` returns more than before do not
/// count. Throws the last failure; Interrupted; and what else `attempt` throws.
void with_retries(const HttpClient& client, const std::function<void()>& attempt,
                  const std::function<std::uint64_t()>& progress = {});

/// A temporary failure after which the server said when to ask again.
class RetryLater : public HttpFailure {
 public:
  RetryLater(const std::string& about, const std::string& cause, std::chrono::seconds after)
      : HttpFailure(about, cause, true), after_(after) {}
  std::chrono::seconds after() const noexcept { return after_; }

 private:
  std::chrono::seconds after_;
};

}  // namespace pare::hub
