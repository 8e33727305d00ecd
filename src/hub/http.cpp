#include "hub/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>
#include <thread>

namespace pare::hub {
namespace {

constexpr std::size_t kLongestHeader = 8192;

/// The headers that pare reads; what else a server sends takes no memory.
constexpr std::array<std::string_view, 11> kHeaders = {
    "etag",        "x-linked-etag", "x-linked-size", "x-repo-commit",   "content-length", "content-range",
    "retry-after", "location",      "x-error-code",  "x-error-message", "ratelimit"};

/// All of `text` as a whole number.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view without_space(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

/// Adds one line of a response's head. A status line begins a new response, as after "100 Continue".
void add_line(HttpResponse& response, std::string_view line) {
  line = without_space(line.substr(0, kLongestHeader));
  if (line.starts_with("HTTP/")) {
    const std::size_t space = std::min(line.find(' '), line.size());
    response.headers.clear();
    response.status = static_cast<int>(whole_number(without_space(line.substr(space)).substr(0, 3)).value_or(0));
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(kHeaders.begin(), kHeaders.end(), name) != kHeaders.end())
    response.headers[name] = without_space(line.substr(colon + 1));
}

/// Seconds until requests are allowed again, of the header RateLimit ('"api";r=0;t=55') with which the Hub tells that
/// none remain. https://huggingface.co/docs/hub/rate-limits
std::optional<std::uint64_t> seconds_to_reset(std::string text) {
  std::erase(text, ' ');
  const std::size_t at = text.find(";t=");
  if (text.find(";r=0;") == std::string::npos || at == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(text).substr(at + 3);
  return whole_number(rest.substr(0, rest.find_first_not_of("0123456789")));
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Whether a failed connection may succeed a second later.
bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> HttpResponse::number(const std::string& name) const { return whole_number(header(name)); }

std::optional<std::chrono::seconds> HttpResponse::retry_after() const {
  auto seconds = status == 429 ? seconds_to_reset(header("ratelimit")) : std::nullopt;
  if (!seconds) seconds = number("retry-after");  // a date, which is allowed too, counts as nothing
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::min<std::uint64_t>(*seconds, 1'000'000));
}

std::optional<std::uint64_t> HttpResponse::range_begin() const {
  const std::string range = header("content-range");  // "bytes 100-199/200"
  if (!range.starts_with("bytes ")) return std::nullopt;
  return whole_number(std::string_view(range).substr(6, std::min(range.find('-'), range.size()) - 6));
}

/// A request and what came back so far; the callbacks of libcurl get a pointer to it. Exceptions must not pass through
/// libcurl, so they are kept here.
struct HttpClient::Exchange {
  const HttpClient& client;
  const BodyReader& body;
  HttpResponse response{};
  std::exception_ptr failure{};
  bool begun = false;
  std::size_t discarded = 0;
  std::unique_ptr<curl_slist, decltype(curl().slist_free_all)> headers{nullptr, curl().slist_free_all};

  void add_header(const std::string& line) {
    curl_slist* longer = curl().slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)headers.release();
    headers.reset(longer);
  }

  static std::size_t on_header(const char* data, std::size_t, std::size_t size, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    try {
      add_line(exchange.response, {data, size});
      return size;
    } catch (...) {
      exchange.failure = std::current_exception();
      return 0;
    }
  }

  static std::size_t on_body(const char* data, std::size_t, std::size_t size, void* self) {
    constexpr std::size_t kDiscarded = 1 << 16;  // of the text of an error page
    auto& exchange = *static_cast<Exchange*>(self);
    if (exchange.response.status / 100 != 2) return (exchange.discarded += size) > kDiscarded ? 0 : size;
    try {
      exchange.begin();
      exchange.body.read(std::as_bytes(std::span(data, size)));
      return size;
    } catch (...) {
      exchange.failure = std::current_exception();
      return 0;
    }
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const HttpClient& client = static_cast<Exchange*>(self)->client;
    return client.context_.stopped() || client.abandoned_.load(std::memory_order_relaxed) ? 1 : 0;
  }

  void begin() {
    if (!begun) body.begin(response);
    begun = true;
  }
};

HttpClient::HttpClient(const HubSettings& settings, const Context& context, const std::atomic<bool>& abandoned)
    : settings_(settings),
      context_(context),
      abandoned_(abandoned),
      endpoint_(parse_url(settings.endpoint)),
      handle_(curl().easy_init()) {
  if (handle_ == nullptr) throw Error(ErrorCode::kUnavailable, "libcurl cannot be initialized");
}

HttpClient::~HttpClient() { curl().easy_cleanup(handle_); }

void HttpClient::set_options(Exchange& exchange, const UrlParts& url, const HttpRequest& request) {
  const auto set = [&](CURLoption option, auto value) { curl().easy_setopt(handle_, option, value); };
  constexpr long kConnectSeconds = 15, kBuffer = 512 * 1024;
  curl().easy_reset(handle_);  // keeps the connection
  set(CURLOPT_URL, url.whole.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings_.silent_seconds));
  set(CURLOPT_BUFFERSIZE, kBuffer);
  set(CURLOPT_USERAGENT, "pare/" PARE_VERSION);
  if (request.head) set(CURLOPT_NOBODY, 1L);
  for (const char* variable : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    if (const char* file = std::getenv(variable); file != nullptr && *file != '\0') set(CURLOPT_CAINFO, file);
  // A compressed body would have another size and other ranges.
  exchange.add_header("Accept-Encoding: identity");
  if (request.to > 0)
    exchange.add_header(fmt::format("Range: bytes={}-{}", request.from, request.to - 1));
  else if (request.from > 0)
    exchange.add_header(fmt::format("Range: bytes={}-", request.from));
  if (!settings_.token.empty() && url.same_origin(endpoint_))
    exchange.add_header("Authorization: Bearer " + settings_.token);
  set(CURLOPT_HTTPHEADER, exchange.headers.get());
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Exchange::on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
}

void HttpClient::fail(CURLcode code, const UrlParts& url, const HttpRequest& request) const {
  context_.check();
  if (abandoned_.load()) throw Interrupted();
  std::string reason = curl().easy_strerror(code);
  if (code == CURLE_OPERATION_TIMEDOUT) reason = "it did not answer in time";
  const std::string cause = fmt::format("cannot be downloaded from {}: {}", url.host, reason);
  if (first_.status != 0) throw HttpFailure(request.about, cause, may_pass(code));
  // Without any answer so far, the machine is rather not connected, or the address is wrong.
  throw NoConnection(request.about, cause, may_pass(code) && code != CURLE_COULDNT_CONNECT);
}

HttpResponse HttpClient::exchange(const UrlParts& url, const HttpRequest& request, const BodyReader& body) {
  Exchange exchange{*this, body};
  exchange.response.host = url.host;
  set_options(exchange, url, request);
  const CURLcode code = curl().easy_perform(handle_);
  if (exchange.failure) std::rethrow_exception(exchange.failure);
  const bool refused = exchange.response.status >= 300 && code == CURLE_WRITE_ERROR;
  if (code != CURLE_OK && !refused) fail(code, url, request);
  if (exchange.response.status / 100 == 2 && !request.head) exchange.begin();  // an empty body
  return std::move(exchange.response);
}

HttpResponse HttpClient::send(const HttpRequest& request, const BodyReader& body) {
  constexpr int kRedirects = 10;
  UrlParts url = parse_url(request.url);
  if (url.whole.empty()) throw HttpFailure(request.about, "HF_ENDPOINT is not a URL that libcurl can read", false);
  for (int redirects = 0;; ++redirects) {
    context_.check();
    HttpResponse response = exchange(url, request, body);
    if (redirects == 0) first_ = response;
    if (!is_redirect(response.status) || !response.has("location")) return response;
    const UrlParts next = parse_url(response.header("location"), url.whole);
    if (request.head && (response.has("x-linked-etag") || !next.same_origin(url))) return response;
    const bool encrypted = next.scheme == "https";
    if (redirects == kRedirects || (!encrypted && (next.scheme != "http" || url.scheme == "https")))
      throw HttpFailure(request.about,
                        fmt::format("{} redirects {}", url.host,
                                    redirects == kRedirects ? "without end"
                                                            : "to an address that is not of the Web"
                                                              " or not encrypted"),
                        false);
    url = next;
  }
}

void HttpClient::wait(std::chrono::milliseconds time) const {
  using Clock = std::chrono::steady_clock;
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    context_.check();
    if (abandoned_.load()) throw Interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace pare::hub
