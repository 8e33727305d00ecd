// The parts of the extension module pare._core. It is a client of the library: it includes public headers only, and
// everything that needs no C++ is in python/pare.
#pragma once

#include <nanobind/nanobind.h>

namespace pare::python {

void bind_errors(nanobind::module_& module);
void bind_models(nanobind::module_& module);
void bind_inspect(nanobind::module_& module);
void bind_live_tensors(nanobind::module_& module);
void bind_prune(nanobind::module_& module);
void bind_run(nanobind::module_& module);
void bind_sparse_layers(nanobind::module_& module);
void bind_study(nanobind::module_& module);

}  // namespace pare::python
