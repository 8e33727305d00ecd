// Requests by HTTP: redirects without credentials for other servers, headers, and failures that may pass.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "hub/curl_library.h"
#include "hub/hub_settings.h"
#include "pare/context.h"
#include "pare/error.h"

namespace pare::hub {

/// A request that failed. Its text names hosts only: addresses that servers redirect to may contain credentials.
class HttpFailure : public Error {
 public:
  HttpFailure(const std::string& about, const std::string& cause, bool temporary)
      : Error(ErrorCode::kUnavailable, about, cause), temporary_(temporary) {}
  bool temporary() const noexcept { return temporary_; }  ///< trying again may help

 private:
  bool temporary_;
};

/// No server has answered at all.
class NoConnection : public HttpFailure {
 public:
  NoConnection(const std::string& about, std::string cause, bool temporary)
      : HttpFailure(about, cause, temporary), cause_(std::move(cause)) {}
  const std::string& cause() const noexcept { return cause_; }  ///< without the name of the model

 private:
  std::string cause_;
};

struct HttpRequest {
  std::string url;
  std::string about;       ///< the model or file, for messages
  bool head = false;       ///< headers only; then a redirect to another server is the answer
  std::uint64_t from = 0;  ///< the first byte wanted
  std::uint64_t to = 0;    ///< the byte after the last one wanted; 0: all that follow
};

struct HttpResponse {
  int status = 0;
  std::string host;                            ///< that answered
  std::map<std::string, std::string> headers;  ///< those that pare reads, by name in lower case
  bool has(const std::string& name) const { return headers.contains(name); }
  std::string header(const std::string& name) const;                   ///< empty if it is absent
  std::optional<std::uint64_t> number(const std::string& name) const;  ///< of a header that is a whole number
  std::optional<std::chrono::seconds> retry_after() const;             ///< nullopt if the server does not say
  /// The first byte that a response with status 206 begins with.
  std::optional<std::uint64_t> range_begin() const;
};

/// Receives the body of a response with a status from 200 to 299; `first` is the response itself, before any byte.
struct BodyReader {
  std::function<void(const HttpResponse&)> begin;
  std::function<void(std::span<const std::byte>)> read;
};

/// A connection, kept open between requests. For one thread at a time.
class HttpClient {
 public:
  /// Requests end when `context` is stopped or `abandoned` becomes true.
  HttpClient(const HubSettings& settings, const Context& context, const std::atomic<bool>& abandoned);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Follows redirects and returns the last response, whatever its status. The token goes to the server of HF_ENDPOINT
  /// only. Throws HttpFailure if there is no response; Interrupted; and what the functions of `body` throw.
  HttpResponse send(const HttpRequest& request, const BodyReader& body);

  /// The response to the first request that send() made, before redirects: the Hub itself, not the store of its files.
  const HttpResponse& first_response() const noexcept { return first_; }
  const HubSettings& settings() const noexcept { return settings_; }
  const Context& context() const noexcept { return context_; }

  /// Sleeps. Throws Interrupted.
  void wait(std::chrono::milliseconds time) const;

 private:
  struct Exchange;
  HttpResponse exchange(const UrlParts& url, const HttpRequest& request, const BodyReader& body);
  void set_options(Exchange& exchange, const UrlParts& url, const HttpRequest& request);
  [[noreturn]] void fail(CURLcode code, const UrlParts& url, const HttpRequest& request) const;

  const HubSettings& settings_;
  const Context& context_;
  const std::atomic<bool>& abandoned_;
  const UrlParts endpoint_;
  HttpResponse first_;
  CURL* handle_;
};

}  // namespace pare::hub
