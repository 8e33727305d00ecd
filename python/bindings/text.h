// Names that come from files, as Python's str.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>

namespace pare::python {

/// JSON, text and Markdown of a result.
using Document = nanobind::typed<nanobind::tuple, nanobind::str, nanobind::str, nanobind::str>;
/// Options by name.
using Options = nanobind::typed<nanobind::dict, nanobind::str, nanobind::any>;

/// Bytes that are not UTF-8 become surrogates, as in os.fsdecode().
inline nanobind::str text(std::string_view bytes) {
  return nanobind::steal<nanobind::str>(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape"));
}

}  // namespace pare::python
