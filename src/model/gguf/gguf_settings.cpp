#include "model/gguf/gguf_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/config.h"
#include "pare/error.h"

namespace pare::model {
namespace {

constexpr std::string_view kWritten[] = {"llama", "qwen2", "qwen3", "gpt2", "starcoder2"};
constexpr double kUsualTheta = 10000;

/// The configuration of one model, to be written.
class Settings {
 public:
  Settings(const Model& model, const GgufArchitecture& architecture, checkpoint::GgufText& text)
      : model_(model),
        architecture_(architecture),
        config_(model.config, model.checkpoint.directory() / "config.json"),
        text_(text) {}

  void add() {
    require_known_functions();
    text_.add("general.architecture", architecture_.name);
    text_.add("general.name", model_.title);
    for (const GgufSetting& setting : architecture_.settings) add(setting);
    if (architecture_.name == "qwen3" || architecture_.name == "llama") {
      const std::uint64_t width = head_width();
      if (architecture_.name == "llama") add("attention.key_length", width);
      add("attention.value_length", width);
    }
  }

 private:
  [[noreturn]] void fail(ErrorCode code, const std::string& cause) const { throw Error(code, config_.path(), cause); }

  void add(std::string_view key, std::uint64_t value) {
    if (value > UINT32_MAX) fail(ErrorCode::kUnsupported, fmt::format("'{}' is {}, too large for GGUF", key, value));
    text_.add(fmt::format("{}.{}", architecture_.name, key), static_cast<std::uint32_t>(value));
  }

  std::uint64_t heads() const {
    const auto heads = config_.number(architecture_.name == "gpt2" ? "n_head" : "num_attention_heads");
    if (!heads || *heads == 0) fail(ErrorCode::kMismatch, "does not state the number of attention heads");
    return *heads;
  }

  std::uint64_t hidden() const {
    const auto hidden = config_.number(architecture_.name == "gpt2" ? "n_embd" : "hidden_size");
    if (!hidden) fail(ErrorCode::kMismatch, "does not state the hidden size");
    return *hidden;
  }

  std::uint64_t head_width() const {
    if (const auto width = config_.number("head_dim")) return *width;
    return architecture_.name == "qwen3" ? 128 : hidden() / heads();
  }

  double theta() const {
    for (const char* key : {"rope_parameters", "rope_scaling"}) {
      if (!config_.has(key)) continue;
      const Config rotary = config_.nested(key);
      for (const char* type : {"rope_type", "type"})
        if (const auto name = rotary.text(type); name && *name != "default")
          fail(ErrorCode::kUnsupported,
               fmt::format("scales rotary positions ('{}'), which pare does not write to GGUF", *name));
      if (const auto theta = rotary.real("rope_theta")) return *theta;
    }
    return config_.real("rope_theta").value_or(kUsualTheta);
  }

  /// What transformers assumes where the configuration is silent.
  std::optional<std::uint64_t> usual(std::string_view key) const {
    if (key == "num_key_value_heads") return heads();
    if (key == "head_dim") return head_width();
    if (key == "n_inner") return 4 * hidden();
    return std::nullopt;
  }

  void add(const GgufSetting& setting) {
    const std::string key = fmt::format("{}.{}", architecture_.name, setting.gguf);
    if (setting.transformers == "rope_theta") return text_.add(key, static_cast<float>(theta()));
    if (setting.gguf.ends_with("epsilon")) {
      const double usual_epsilon =
          architecture_.name == "llama" || architecture_.name.starts_with("qwen") ? 1e-6 : 1e-5;
      return text_.add(key, static_cast<float>(config_.real(setting.transformers).value_or(usual_epsilon)));
    }
    const auto value = config_.number(setting.transformers);
    const auto number = value ? value : usual(setting.transformers);
    if (!number) fail(ErrorCode::kMismatch, fmt::format("does not state '{}'", setting.transformers));
    add(setting.gguf, *number);
  }

  /// llama.cpp has one activation for each architecture.
  void require_known_functions() const {
    const bool gelu = architecture_.name == "gpt2" || architecture_.name == "starcoder2";
    const char* key = architecture_.name == "gpt2" ? "activation_function" : "hidden_act";
    const std::string name = config_.text(key).value_or(gelu ? "gelu_new" : "silu");
    if (gelu ? name != "gelu_new" && name != "gelu_pytorch_tanh" : name != "silu")
      fail(ErrorCode::kUnsupported,
           fmt::format("has the activation '{}', which llama.cpp does not have for {}", name, architecture_.name));
  }

  const Model& model_;
  const GgufArchitecture& architecture_;
  Config config_;
  checkpoint::GgufText& text_;
};

}  // namespace

const GgufArchitecture& gguf_architecture_of(const Model& model) {
  const std::string name = model.model_type == "mistral" ? "llama" : model.model_type;
  const GgufArchitecture* architecture = find_gguf_architecture(name);
  if (architecture == nullptr || std::find(std::begin(kWritten), std::end(kWritten), name) == std::end(kWritten))
    throw Error(ErrorCode::kUnsupported, model.source,
                fmt::format("has the model type '{}' (expected one that is written as GGUF: llama, mistral, qwen2, "
                            "qwen3, gpt2 or starcoder2)",
                            model.model_type));
  return *architecture;
}

void add_gguf_settings(const Model& model, const GgufArchitecture& architecture, checkpoint::GgufText& text) {
  Settings(model, architecture, text).add();
}

}  // namespace pare::model
