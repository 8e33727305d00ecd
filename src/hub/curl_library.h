// libcurl, loaded when it is first needed.
#pragma once

#include <curl/curl.h>

#include <string>

namespace pare::hub {

/// The functions of libcurl that pare calls.
struct CurlLibrary {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_perform) easy_perform;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_url) url;
  decltype(&::curl_url_set) url_set;
  decltype(&::curl_url_get) url_get;
  decltype(&::curl_url_cleanup) url_cleanup;
  decltype(&::curl_free) free;
};

/// Throws Error (kUnavailable) if libcurl is not installed.
const CurlLibrary& curl();

/// Opens the first of several libraries that is installed. Throws Error (kUnavailable) naming `package`.
void* open_library(std::initializer_list<const char*> names, const char* package);
/// Throws Error (kUnavailable).
void* function_of(void* library, const char* name);

template <class Function>
void find_function(void* library, Function& function, const char* name) {
  function = reinterpret_cast<Function>(function_of(library, name));
}

/// A URL in parts, as libcurl reads it.
struct UrlParts {
  std::string whole;   ///< absolute and normalized
  std::string scheme;  ///< in lower case
  std::string host;
  std::string port;

  /// Two URLs of one origin get the same credentials.
  bool same_origin(const UrlParts& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

/// Reads `url`, which may be relative to `base` (an absolute URL, or empty). `whole` is empty if it cannot be read.
UrlParts parse_url(const std::string& url, const std::string& base = {});

}  // namespace pare::hub
