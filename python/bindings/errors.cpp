// Failures of the library as Python's exceptions.
#include <nanobind/nanobind.h>

#include <exception>
#include <string>

#include "bindings.h"
#include "pare/context.h"
#include "pare/error.h"
#include "text.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

void raise_error(const Error& error) {
  const nb::object type = nb::module_::import_("pare._errors").attr("Error");
  const nb::object value =
      type(text(error.what()), text(error_code_name(error.code())), text(error.file().string()), text(error.tensor()));
  PyErr_SetObject(type.ptr(), value.ptr());
}

void translate(const std::exception_ptr& exception, void*) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    raise_error(error);
  } catch (const Interrupted&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  }
}

}  // namespace

void bind_errors(nb::module_& /*module*/) { nb::register_exception_translator(translate); }

}  // namespace pare::python
