#include "checkpoint/reparametrized.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "base/once.h"
#include "checkpoint/element.h"
#include "checkpoint/tensor_fold.h"
#include "checkpoint/tensor_piece.h"

namespace pare::checkpoint {
namespace {

std::size_t bytes_of(DType dtype) { return dtype_bits(dtype) / 8; }

/// weight_orig * weight_mask.
class MaskedTensor final : public EncodedTensor {
 public:
  MaskedTensor(TensorView original, TensorView mask) : original_(std::move(original)), mask_(std::move(mask)) {}
  std::string_view stored_type() const noexcept override { return "weights and a mask"; }
  std::uint64_t stored_bytes() const noexcept override { return original_.bytes.size() + mask_.bytes.size(); }
  std::size_t granularity() const noexcept override { return 1; }

  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::size_t size = bytes_of(original_.dtype), mask_size = bytes_of(mask_.dtype), n = target.size() / size;
    const TensorPiece values(original_.bytes, begin * size, target.size());
    const TensorPiece mask(mask_.bytes, begin * mask_size, n * mask_size);
    for (std::size_t i = 0; i < n; ++i)
      store_element(original_.dtype,
                    load_element(original_.dtype, values.data() + i * size) *
                        load_element(mask_.dtype, mask.data() + i * mask_size),
                    target.data() + i * size);
  }

 private:
  TensorView original_, mask_;
};

/// A direction times a factor for each index of one axis, or one factor for all.
class ScaledTensor : public EncodedTensor {
 public:
  std::size_t granularity() const noexcept override { return 1; }

  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    once_.run([this] { factors_ = factors(); });
    const std::size_t size = bytes_of(direction_.dtype), n = target.size() / size;
    const TensorPiece values(direction_.bytes, begin * size, target.size());
    for (std::size_t i = 0; i < n; ++i)
      store_element(direction_.dtype,
                    load_element(direction_.dtype, values.data() + i * size) * factors_[index(begin + i)],
                    target.data() + i * size);
  }

 protected:
  ScaledTensor(TensorView direction, std::optional<std::size_t> axis) : direction_(std::move(direction)) {
    if (!axis) return;
    count_ = direction_.shape[*axis];
    for (std::size_t k = *axis + 1; k < direction_.shape.size(); ++k) stride_ *= direction_.shape[k];
  }

  virtual std::vector<double> factors() const = 0;

  /// Of the factor of an element.
  std::size_t index(std::uint64_t element) const { return element / stride_ % count_; }

  template <class Visit>
  void for_elements(const Visit& visit) const {
    constexpr std::uint64_t kPiece = 1U << 16;
    const std::size_t size = bytes_of(direction_.dtype);
    const std::uint64_t n = direction_.elements();
    for (std::uint64_t begin = 0; begin < n; begin += kPiece) {
      const std::uint64_t count = std::min(kPiece, n - begin);
      const TensorPiece values(direction_.bytes, begin * size, count * size);
      for (std::uint64_t i = 0; i < count; ++i)
        visit(begin + i, load_element(direction_.dtype, values.data() + i * size));
    }
  }

  static std::vector<double> values_of(const TensorView& tensor) {
    const TensorPiece piece(tensor.bytes);
    std::vector<double> values(tensor.elements());
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = load_element(tensor.dtype, piece.data() + i * bytes_of(tensor.dtype));
    return values;
  }

  TensorView direction_;
  std::uint64_t count_ = 1, stride_ = 1;  ///< of the axis

 private:
  mutable base::Once once_;
  mutable std::vector<double> factors_;
};

class WeightNorm final : public ScaledTensor {
 public:
  WeightNorm(TensorView magnitude, TensorView direction, std::optional<std::size_t> axis)
      : ScaledTensor(std::move(direction), axis), magnitude_(std::move(magnitude)) {}
  std::string_view stored_type() const noexcept override { return "weight norm"; }
  std::uint64_t stored_bytes() const noexcept override { return direction_.bytes.size() + magnitude_.bytes.size(); }

 private:
  std::vector<double> factors() const override {
    std::vector<double> squares(count_, 0.0), magnitudes = values_of(magnitude_);
    for_elements([&](std::uint64_t element, double value) { squares[index(element)] += value * value; });
    for (std::size_t i = 0; i < magnitudes.size(); ++i) magnitudes[i] /= std::sqrt(squares[i]);
    return magnitudes;
  }

  TensorView magnitude_;
};

class SpectralNorm final : public ScaledTensor {
 public:
  SpectralNorm(TensorView weight, TensorView left, TensorView right)
      : ScaledTensor(std::move(weight), std::nullopt), left_(std::move(left)), right_(std::move(right)) {}
  std::string_view stored_type() const noexcept override { return "spectral norm"; }
  std::uint64_t stored_bytes() const noexcept override {
    return direction_.bytes.size() + left_.bytes.size() + right_.bytes.size();
  }

 private:
  std::vector<double> factors() const override {
    const std::vector<double> left = values_of(left_), right = values_of(right_);
    double norm = 0;
    for_elements([&](std::uint64_t element, double value) {
      norm += left[element / right.size()] * value * right[element % right.size()];
    });
    return {1 / norm};
  }

  TensorView left_, right_;
};

/// The axis along which `magnitude` has the extent of `direction`, with extents of 1 elsewhere; nullopt if it has one
/// element for the whole.
bool find_axis(const TensorView& magnitude, const TensorView& direction, std::optional<std::size_t>& axis) {
  if (magnitude.shape.empty()) return true;
  if (magnitude.shape.size() != direction.shape.size()) return false;
  for (std::size_t k = 0; k < magnitude.shape.size(); ++k) {
    if (magnitude.shape[k] == 1) continue;
    if (axis || magnitude.shape[k] != direction.shape[k]) return false;
    axis = k;
  }
  return true;
}

class Folder {
 public:
  Folder(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files) : tensors_(tensors, files) {}

  void run(std::vector<std::string>& notes) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const std::string_view name = tensors_[i].name;
      if (!is_float(i) || !tensors_.is_kept(i)) continue;
      if (name.ends_with("_orig")) fold_original(i, name.substr(0, name.size() - 5));
      const std::string_view stem = name.substr(0, name.size() - std::min<std::size_t>(2, name.size()));
      if (name.ends_with("_v") && stem.substr(stem.rfind('.') + 1).starts_with("weight"))
        fold_norm(stem, find(std::string(stem) + "_g"), i);
      if (const auto at = name.find("parametrizations.");
          at != std::string_view::npos && (at == 0 || name[at - 1] == '.'))
        fold_parametrization(i, std::string(name.substr(0, at)), name.substr(at + 17));
    }
    if (!tensors_.changes()) return;
    tensors_.finish();
    for (const auto& [kind, count] : kinds_) notes.push_back(fmt::format("{} {}", count, kind));
  }

 private:
  std::optional<std::size_t> find(const std::string& name) const { return tensors_.find(name); }
  bool is_float(std::size_t i) const { return has_elements(tensors_[i].dtype) && is_analyzed(tensors_[i].dtype); }

  void fold_original(std::size_t original, std::string_view stem) {
    const std::string name(stem);
    if (const auto mask = find(name + "_mask");
        mask && tensors_[*mask].shape == tensors_[original].shape && has_elements(tensors_[*mask].dtype)) {
      make(original, name, {*mask}, std::make_shared<MaskedTensor>(tensors_[original], tensors_[*mask]),
           "parameters are stored as weight_orig and weight_mask, which torch.nn.utils.prune multiplies");
      return;
    }
    fold_spectral(original, name, find(name + "_u"), find(name + "_v"));
  }

  bool fold_spectral(std::size_t original, const std::string& name, std::optional<std::size_t> left,
                     std::optional<std::size_t> right) {
    if (!left || !right || !is_float(*left) || !is_float(*right)) return false;
    const TensorView &weight = tensors_[original], &u = tensors_[*left], &v = tensors_[*right];
    if (u.shape.size() != 1 || v.shape.size() != 1 || weight.shape.empty() || u.shape[0] != weight.shape[0] ||
        u.shape[0] == 0 || v.shape[0] != weight.elements() / u.shape[0])
      return false;
    make(original, name, {*left, *right}, std::make_shared<SpectralNorm>(weight, u, v),
         "parameters are divided by their spectral norm");
    return true;
  }

  void fold_norm(std::string_view stem, std::optional<std::size_t> magnitude, std::size_t direction) {
    if (!magnitude || !is_float(*magnitude) || stem.find("pos_conv_embed.") != std::string_view::npos) return;
    std::optional<std::size_t> axis;
    if (tensors_[direction].elements() == 0 || !find_axis(tensors_[*magnitude], tensors_[direction], axis)) return;
    make(direction, std::string(stem), {*magnitude},
         std::make_shared<WeightNorm>(tensors_[*magnitude], tensors_[direction], axis),
         "parameters are stored as magnitude and direction (weight norm)");
  }

  /// `rest`: "X.original", "X.original1" or anything else.
  void fold_parametrization(std::size_t i, const std::string& module, std::string_view rest) {
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) return;
    const std::string name = module + std::string(rest.substr(0, dot)),
                      stem = tensors_[i].name.substr(0, tensors_[i].name.size() - rest.size() + dot + 1);
    if (rest.substr(dot + 1) == "original1") return fold_norm(name, find(stem + "original0"), i);
    if (rest.substr(dot + 1) != "original") return;
    if (fold_spectral(i, name, find(stem + "0._u"), find(stem + "0._v"))) return;
    make(i, name, {}, nullptr, "parameters have a parametrization, which is not applied: the original values count");
  }

  void make(std::size_t place, const std::string& name, const std::vector<std::size_t>& parts,
            std::shared_ptr<const EncodedTensor> encoded, const char* kind) {
    if (find(name)) return;
    TensorView view = tensors_[place];
    view.name = name;
    if (encoded) view.bytes = TensorBytes(std::move(encoded), view.bytes.size(), bytes_of(view.dtype));
    if (tensors_.replace(place, std::move(view), parts)) ++kinds_[kind];
  }

  TensorFold tensors_;
  std::map<std::string, std::size_t> kinds_;
};

}  // namespace

void fold_reparametrized(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files,
                         std::vector<std::string>& notes) {
  Folder(tensors, files).run(notes);
}

}  // namespace pare::checkpoint
