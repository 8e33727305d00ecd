// Models, their parameters, and tensors without a copy.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "call.h"
#include "pare/error.h"
#include "pare/model.h"
#include "text.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

using Names = nb::typed<nb::list, nb::str>;
using Shape = nb::typed<nb::tuple, int, nb::ellipsis>;
/// As pare.Parameter has them.
using Row = nb::typed<nb::tuple, nb::str, nb::str, nb::str, Shape, nb::str, nb::str, nb::any, bool>;
using Rows = nb::typed<nb::list, Row>;
using ReadOnly = nb::ndarray<nb::numpy, nb::ro>;

nb::dlpack::dtype dlpack_type(DType dtype) {
  using Code = nb::dlpack::dtype_code;
  const auto bits = static_cast<std::uint8_t>(dtype_bits(dtype));
  const auto of = [&](Code code) { return nb::dlpack::dtype{static_cast<std::uint8_t>(code), bits, 1}; };
  switch (dtype) {
    case DType::kF64:
    case DType::kF32:
    case DType::kF16:
      return of(Code::Float);
    case DType::kBF16:
      return of(Code::Bfloat);
    case DType::kF8E4M3:
      return of(Code::Float8_E4M3FN);
    case DType::kF8E5M2:
      return of(Code::Float8_E5M2);
    case DType::kF8E8M0:
      return of(Code::Float8_E8M0FNU);
    case DType::kF8E4M3FNUZ:
      return of(Code::Float8_E4M3FNUZ);
    case DType::kF8E5M2FNUZ:
      return of(Code::Float8_E5M2FNUZ);
    case DType::kC64:
      return of(Code::Complex);
    case DType::kI64:
    case DType::kI32:
    case DType::kI16:
    case DType::kI8:
      return of(Code::Int);
    case DType::kBool:
      return of(Code::Bool);
    default:
      return of(Code::UInt);
  }
}

/// The type that NumPy has for the bytes: unsigned integers for those floats that it lacks.
nb::dlpack::dtype numpy_type(DType dtype) {
  const nb::dlpack::dtype type = dlpack_type(dtype);
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(type.code);
  if (code == Code::Float || code == Code::Int || code == Code::Complex || code == Code::Bool) return type;
  return {static_cast<std::uint8_t>(Code::UInt), type.bits, 1};
}

const TensorView& find_tensor(const Model& model, const std::string& name) {
  for (const Parameter& parameter : model.parameters)
    if (parameter.name == name) return model.tensor(parameter);
  if (const TensorView* tensor = model.checkpoint.find(name)) return *tensor;
  throw Error(ErrorCode::kArgument, model.checkpoint.directory(), name, "the model has no tensor of this name");
}

/// An array over the tensor's bytes that keeps the checkpoint open. The bytes of a tensor that the file encodes are
/// computed now and kept with the checkpoint.
template <class Array>
Array array_of(const Model& model, const std::string& name, nb::dlpack::dtype (*type)(DType)) {
  const TensorView& tensor = find_tensor(model, name);
  if (dtype_bits(tensor.dtype) < 8)
    throw Error(
        ErrorCode::kUnsupported, model.checkpoint.directory(), tensor.name,
        "an array cannot have elements of less than a byte (found " + std::string(dtype_name(tensor.dtype)) + ")");
  auto kept = std::make_unique<Checkpoint>(model.checkpoint);
  const std::byte* data = nullptr;
  {
    const nb::gil_scoped_release unlocked;
    data = tensor.bytes.data();
  }
  const nb::capsule owner(kept.release(), [](void* pointer) noexcept { delete static_cast<Checkpoint*>(pointer); });
  const std::vector<std::size_t> shape(tensor.shape.begin(), tensor.shape.end());
  return Array(data, shape.size(), shape.data(), owner, nullptr, type(tensor.dtype));
}

Shape shape_of(const TensorView& tensor) {
  nb::list shape;
  for (const std::uint64_t size : tensor.shape) shape.append(size);
  return Shape(nb::tuple(shape));
}

nb::object optional_index(int index) { return index < 0 ? nb::none() : nb::object(nb::int_(index)); }

/// (name, stored name, dtype, shape, group, stack, layer, prunable) of each.
Rows parameters_of(const Model& model) {
  Rows list;
  for (const Parameter& parameter : model.parameters) {
    const TensorView& tensor = model.tensor(parameter);
    list.append(nb::make_tuple(text(parameter.name), text(tensor.name), text(dtype_name(tensor.dtype)),
                               shape_of(tensor), text(group_name(parameter.group)), text(parameter.stack),
                               optional_index(parameter.layer), parameter.prunable));
  }
  return list;
}

Model opened(const std::string& spec, std::uint64_t seed, const std::string& as_class, unsigned threads,
             const nb::object& progress) {
  return call(threads, progress, [&](const Context& context) { return open_model(spec, {seed, as_class}, context); });
}

Names names_of(const Model& model) {
  Names names;
  for (const TensorView& tensor : model.checkpoint.tensors()) names.append(text(tensor.name));
  return names;
}

}  // namespace

void bind_models(nb::module_& module) {
  module.def("open_model", opened, nb::arg("source"), nb::arg("seed"), nb::arg("as_class"), nb::arg("threads"),
             nb::arg("progress").none());
  nb::class_<Model>(module, "Model")
      .def_prop_ro("title", [](const Model& model) { return text(model.title); })
      .def_prop_ro("source", [](const Model& model) { return text(model.source); })
      .def_prop_ro("architecture", [](const Model& model) { return text(model.architecture); })
      .def_prop_ro("model_type", [](const Model& model) { return text(model.model_type); })
      .def_prop_ro("config", [](const Model& model) { return text(model.config); })
      .def_prop_ro("directory", [](const Model& model) { return text(model.checkpoint.directory().string()); })
      .def_prop_ro("bytes_on_disk", [](const Model& model) { return model.checkpoint.bytes_on_disk(); })
      .def_prop_ro("parameter_count", &Model::parameter_count)
      .def_prop_ro("notes",
                   [](const Model& model) {
                     Names notes;
                     for (const std::string& note : model.notes) notes.append(text(note));
                     return notes;
                   })
      .def("parameters", parameters_of)
      .def("tensor_names", names_of)
      .def("numpy",
           [](const Model& model, const std::string& name) {
             const std::string dtype(dtype_name(find_tensor(model, name).dtype));
             using Typed = nb::typed<nb::tuple, nb::any, nb::str>;
             return Typed(nb::make_tuple(nb::cast(array_of<ReadOnly>(model, name, numpy_type)), dtype));
           })
      .def("dlpack", [](const Model& model, const std::string& name) -> nb::any {
        return nb::borrow<nb::any>(nb::cast(array_of<nb::ndarray<nb::ro>>(model, name, dlpack_type)));
      });
}

}  // namespace pare::python
