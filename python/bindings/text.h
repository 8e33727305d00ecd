// Names that come from files, as Python's str.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>

namespace pare::python {

/// Bytes that are not UTF-8 become surrogates, as in os.fsdecode().
inline nanobind::object text(std::string_view bytes) {
  return nanobind::steal(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape"));
}

}  // namespace pare::python
