#include "hub/curl_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <memory>

#include "pare/error.h"

namespace pare::hub {
namespace {

CurlLibrary load_curl() {
  void* library = open_library({"libcurl.so.4", "libcurl-gnutls.so.4"}, "libcurl4");
  CurlLibrary functions{};
  find_function(library, functions.global_init, "curl_global_init");
  find_function(library, functions.easy_init, "curl_easy_init");
  find_function(library, functions.easy_reset, "curl_easy_reset");
  find_function(library, functions.easy_setopt, "curl_easy_setopt");
  find_function(library, functions.easy_perform, "curl_easy_perform");
  find_function(library, functions.easy_cleanup, "curl_easy_cleanup");
  find_function(library, functions.easy_strerror, "curl_easy_strerror");
  find_function(library, functions.slist_append, "curl_slist_append");
  find_function(library, functions.slist_free_all, "curl_slist_free_all");
  find_function(library, functions.url, "curl_url");
  find_function(library, functions.url_set, "curl_url_set");
  find_function(library, functions.url_get, "curl_url_get");
  find_function(library, functions.url_cleanup, "curl_url_cleanup");
  find_function(library, functions.free, "curl_free");
  if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw Error(ErrorCode::kUnavailable, "libcurl cannot be initialized");
  return functions;
}

/// A part of a URL; empty if it has none.
std::string part_of_url(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl().url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string copy = text;
  curl().free(text);
  return copy;
}

}  // namespace

void* open_library(std::initializer_list<const char*> names, const char* package) {
  for (const char* name : names)
    if (void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  throw Error(ErrorCode::kUnavailable, std::string("to download, pare needs ") + *names.begin() +
                                           ", which cannot be loaded (in Debian: apt install " + package + ")");
}

void* function_of(void* library, const char* name) {
  if (void* function = ::dlsym(library, name)) return function;
  throw Error(ErrorCode::kUnavailable, std::string("to download, pare needs a newer library: it has no ") + name);
}

const CurlLibrary& curl() {
  static const CurlLibrary library = load_curl();
  return library;
}

UrlParts parse_url(const std::string& url, const std::string& base) {
  const std::unique_ptr<CURLU, decltype(curl().url_cleanup)> handle(curl().url(), curl().url_cleanup);
  if (handle == nullptr) throw std::bad_alloc();
  if (!base.empty() && curl().url_set(handle.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) return {};
  if (curl().url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  UrlParts parts{part_of_url(handle.get(), CURLUPART_URL), part_of_url(handle.get(), CURLUPART_SCHEME),
                 part_of_url(handle.get(), CURLUPART_HOST), part_of_url(handle.get(), CURLUPART_PORT)};
  for (std::string* text : {&parts.scheme, &parts.host})
    std::transform(text->begin(), text->end(), text->begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return parts;
}

}  // namespace pare::hub
