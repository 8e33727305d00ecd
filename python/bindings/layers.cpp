// Sparse kernels for the linear layers of a PyTorch module; pare.torch checks the tensors first.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <string>

#include "bindings.h"
#include "call.h"
#include "pare/error.h"
#include "pare/sparse_layers.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

template <class T>
T* at(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

std::size_t add(SparseLayers& layers, std::uintptr_t weights, const std::string& dtype, std::size_t in, std::size_t out,
                bool out_in, unsigned threads) {
  const std::optional<DType> type = parse_dtype(dtype);
  if (!type) throw Error(ErrorCode::kArgument, "unknown dtype '" + dtype + "'");
  const Orientation orientation = out_in ? Orientation::kOutIn : Orientation::kInOut;
  const nb::gil_scoped_release unlocked;
  return layers.add(at<const std::byte>(weights), *type, in, out, orientation, Context(threads));
}

/// On the calling thread: a product takes a fraction of a second.
bool multiply(const SparseLayers& layers, std::size_t layer, std::uintptr_t x, std::size_t rows, std::uintptr_t bias,
              std::uintptr_t y, unsigned threads) {
  const nb::gil_scoped_release unlocked;
  return layers.multiply(layer, at<const float>(x), rows, at<const float>(bias), at<float>(y), Context(threads));
}

}  // namespace

void bind_sparse_layers(nb::module_& module) {
  nb::class_<SparseLayers>(module, "SparseLayers")
      .def(
          "__init__",
          [](SparseLayers* layers, unsigned threads) {
            new (layers) SparseLayers(KernelChoice::kFastest, Context(threads));
          },
          nb::arg("threads"))
      .def("add", add, nb::arg("weights"), nb::arg("dtype"), nb::arg("inputs"), nb::arg("outputs"), nb::arg("out_in"),
           nb::arg("threads"))
      .def(
          "is_sparse",
          [](const SparseLayers& layers, std::size_t layer, std::size_t rows) {
            return layers.kernel(layer, rows) != Kernel::kDense;
          },
          nb::arg("layer"), nb::arg("rows"))
      .def("multiply", multiply, nb::arg("layer"), nb::arg("x"), nb::arg("rows"), nb::arg("bias"), nb::arg("y"),
           nb::arg("threads"));
}

}  // namespace pare::python
