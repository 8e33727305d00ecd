#include <nanobind/nanobind.h>

#include "bindings.h"

NB_MODULE(_core, module) {
  module.doc() = "The compiled part of pare. Use the names in pare and pare.torch instead.";
  module.attr("version") = PARE_VERSION;
  pare::python::bind_errors(module);
  pare::python::bind_models(module);
  pare::python::bind_inspect(module);
  pare::python::bind_live_tensors(module);
  pare::python::bind_prune(module);
  pare::python::bind_run(module);
  pare::python::bind_sparse_layers(module);
  pare::python::bind_study(module);
}
