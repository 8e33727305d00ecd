// Builds a tokenizer from the files of a model directory by the rules of transformers 5's AutoTokenizer.
#include <algorithm>

#include "base/files.h"
#include "tokenize/class_steps.h"
#include "tokenize/pipeline.h"
#include "tokenize/spiece_steps.h"
#include "tokenize/steps/json_steps.h"
#include "tokenize/tokenizer_config.h"
#include "tokenize/tokenizer_files.h"
#include "tokenize/tokenizer_json.h"
#include "tokenize/unigram.h"
#include "tokenize/wordpiece.h"

namespace pare {
namespace tokenize {
namespace {

namespace fs = std::filesystem;

/// A directory's files while they are being read.
class Assembly {
 public:
  explicit Assembly(const fs::path& directory) : directory_(directory) {
    const fs::path json = directory / "tokenizer.json";
    if (base::is_there(json)) json_ = std::make_unique<JsonFile>(json);
    config_ = read_tokenizer_config(directory, json_ != nullptr);
  }

  std::unique_ptr<Tokenizer> build() {
    source_ = json_ ? json_->path() : directory_ / vocabulary_file();
    const std::string_view type = algorithm_of(config_.kind);
    if (json_ && !type.empty() && model_type(*json_) != type)
      throw Error(ErrorCode::kMismatch, source_,
                  "model: '" + model_type(*json_) + "' where " + std::string(name_of(config_.kind)) + " has " +
                      std::string(type));
    if (config_.kind == TokenizerClass::kJson)
      build_as_described();
    else if (type == "BPE")
      build_bpe();
    else if (type == "WordPiece")
      build_wordpiece();
    else
      build_unigram();
    if (parts_.algorithm->size() > static_cast<std::size_t>(1) << 30)
      throw Error(ErrorCode::kLimit, source_, "has too many tokens");
    add_tokens();
    surround();
    const bool is_bpe = type == "BPE" || dynamic_cast<const Bpe*>(parts_.algorithm.get()) != nullptr;
    parts_.clean_up_spaces = config_.clean_up_spaces && !is_bpe;
    return std::make_unique<Pipeline>(std::move(parts_));
  }

 private:
  /// The file that a class reads where there is no tokenizer.json.
  const char* vocabulary_file() const {
    switch (config_.kind) {
      case TokenizerClass::kLlama:
      case TokenizerClass::kGemma:
      case TokenizerClass::kJson:
        return "tokenizer.model";
      case TokenizerClass::kBert:
      case TokenizerClass::kMpnet:
        return "vocab.txt";
      case TokenizerClass::kT5:
        return "spiece.model";
      default:
        return "vocab.json";
    }
  }

  void build_as_described() {
    if (json_) return take_json_steps(*json_, parts_);
    if (!base::is_there(source_))
      throw Error(ErrorCode::kNotFound, directory_, "has neither tokenizer.json nor tokenizer.model");
    const Spiece model = read_spiece(source_);
    take_spiece_steps(model, config_, source_, parts_);
    take_spiece_tokens(model);
    const auto set = [&](Special which, std::int64_t id, const std::string& content) {
      if (id < 0 || config_.says(which)) return;
      config_.special[static_cast<std::size_t>(which)] = special_token(content);
    };
    set(Special::kBos, model.trainer.begin_id, model.trainer.begin);
    set(Special::kEos, model.trainer.end_id, model.trainer.end);
    set(Special::kUnk, model.trainer.unknown_id, model.trainer.unknown);
    // Added tokens are matched in the text as it is, so that each part between them gets its own prefix.
    if (model.normalizer.add_prefix)
      for (auto& [id, token] : config_.added) token.normalized = false;
  }

  void build_bpe() {
    take_class_steps(config_, {}, parts_);
    Vocabulary vocabulary;
    Merges merges;
    fs::path merges_path = source_;
    if (json_) {
      vocabulary = json_vocabulary(*json_);
      merges = json_merges(*json_);
    } else if (source_.extension() == ".model") {
      const Spiece model = read_spiece(source_);
      merges = merges_by_id(model.pieces, source_);
      take_spiece_tokens(model);
      vocabulary = model.pieces;
    } else {
      vocabulary = read_vocab_json(source_);
      merges_path = directory_ / "merges.txt";
      merges = read_merges(merges_path);
    }
    BpeOptions options = class_bpe_options(config_);
    read_bytes_directly(options, vocabulary, parts_.pre_tokenizer);
    parts_.algorithm = std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options), merges_path);
  }

  void build_wordpiece() {
    take_class_steps(config_, {}, parts_);
    WordPieceOptions options;
    options.unknown = config_.special_text(Special::kUnk);
    parts_.algorithm = std::make_unique<WordPiece>(json_ ? json_vocabulary(*json_) : read_vocab_text(source_),
                                                   std::move(options), source_);
  }

  void build_unigram() {
    constexpr std::size_t kUnknown = 2;
    ScoredVocabulary vocabulary;
    Charsmap charsmap;
    if (json_) {
      vocabulary = json_scored_vocabulary(*json_);
      charsmap = json_charsmap(*json_);
    } else {
      Spiece model = read_spiece(source_);
      take_spiece_tokens(model);
      if (!model.charsmap.empty()) charsmap = Charsmap(model.charsmap, source_);
      vocabulary = {std::move(model.pieces), std::move(model.scores)};
      for (std::int64_t i = config_.extra_ids; i-- > 0;) {  // T5's sentinels follow its pieces in descending order
        vocabulary.pieces.push_back(sentinel(i).content);
        vocabulary.scores.push_back(0);
      }
    }
    take_class_steps(config_, std::move(charsmap), parts_);
    parts_.algorithm =
        std::make_unique<Unigram>(std::move(vocabulary.pieces), std::move(vocabulary.scores), kUnknown, false, source_);
  }

  /// Control pieces become special tokens, user-defined ones other added tokens.
  void take_spiece_tokens(const Spiece& model) {
    for (std::size_t i = 0; i < model.pieces.size(); ++i) {
      const bool control = model.types[i] == Spiece::Type::kControl;
      // Where the steps are the model's own, a pre-tokenizer finds the user-defined ones.
      const bool defined = model.types[i] == Spiece::Type::kUserDefined && config_.kind != TokenizerClass::kJson;
      if (!control && !defined) continue;
      AddedToken token;
      token.content = model.pieces[i];
      token.special = control;
      spiece_added_.push_back(std::move(token));
    }
  }

  static AddedToken special_token(const std::string& content) {
    AddedToken token;
    token.content = content;
    token.special = true;
    return token;
  }

  static AddedToken sentinel(std::int64_t number) { return special_token("<extra_id_" + std::to_string(number) + ">"); }

  void add(AddedToken token, std::optional<std::int64_t> id) {
    const auto is = [&](const auto& special) { return special && special->content == token.content; };
    token.special = token.special || std::any_of(config_.special.begin(), config_.special.end(), is);
    parts_.added.add(token, *parts_.algorithm);
    const auto given = parts_.added.id_of(token.content);
    if (id && given && *given != *id)
      throw Error(ErrorCode::kMismatch, source_,
                  "added token '" + token.content + "' should have id " + std::to_string(*id) +
                      ", and the vocabulary makes it " + std::to_string(*given));
  }

  void add_json_tokens() {
    const auto list = json_->root().find("added_tokens");
    if (!list) return;
    std::vector<std::pair<std::int64_t, AddedToken>> tokens;
    list->for_elements(
        [&](const JsonValue& token) { tokens.emplace_back(token.at("id").integer(), added_token_of(token, false)); });
    std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [id, token] : tokens) add(token, id);
  }

  void add_missing(const AddedToken& token) {
    if (!parts_.added.id_of(token.content)) add(token, std::nullopt);
  }

  /// Adds the tokens of tokenizer.json or of the configuration, then special tokens that are not among them.
  void add_tokens() {
    const bool own_construction = config_.kind != TokenizerClass::kJson;
    if (json_ && !(own_construction && config_.has_added_tokens_decoder)) add_json_tokens();
    for (const auto& [id, token] : config_.added) add(token, id);
    for (const auto& token : config_.special)
      if (token) add_missing(*token);
    for (const AddedToken& token : config_.named) add_missing(token);
    if (config_.extra) {
      for (const AddedToken& token : *config_.extra) add_missing(token);
    } else {
      for (const AddedToken& token : spiece_added_) add_missing(token);
      for (std::int64_t i = 0; config_.kind == TokenizerClass::kT5 && i < config_.extra_ids; ++i)
        add_missing(sentinel(i));
    }
    parts_.added.finish(parts_.normalizer);
  }

  std::optional<std::int32_t> id_of(Special which) const {
    const std::string content = config_.special_text(which);
    if (content.empty()) return std::nullopt;
    return parts_.added.id_of(content);
  }

  std::int32_t required(Special which) const {
    const auto id = id_of(which);
    if (!id)
      throw Error(ErrorCode::kMismatch, directory_ / "tokenizer_config.json",
                  "does not name " + std::string(kSpecialNames[static_cast<std::size_t>(which)]));
    return *id;
  }

  void surround() {
    parts_.special = {id_of(Special::kBos), id_of(Special::kEos), id_of(Special::kUnk), id_of(Special::kPad),
                      id_of(Special::kCls), id_of(Special::kSep), id_of(Special::kMask)};
    Surroundings around;
    const bool has_cls = config_.kind == TokenizerClass::kBert || config_.kind == TokenizerClass::kMpnet ||
                         config_.kind == TokenizerClass::kRoberta;
    if (has_cls) {
      around = {{required(Special::kCls)}, {required(Special::kSep)}};
    } else if (config_.kind == TokenizerClass::kT5) {
      around.after = {required(Special::kEos)};
    } else if (json_) {
      // GPT-NeoX's class replaces the file's post-processor by one that adds nothing.
      if (config_.kind != TokenizerClass::kGptNeoX) around = json_surroundings(*json_);
    } else {
      if (config_.add_bos) around.before = {required(Special::kBos)};
      if (config_.add_eos) around.after = {required(Special::kEos)};
    }
    parts_.before = std::move(around.before);
    parts_.after = std::move(around.after);
    const std::size_t size = parts_.algorithm->size() + parts_.added.beyond(parts_.algorithm->size());
    for (const auto* ids : {&parts_.before, &parts_.after})
      for (const std::int32_t id : *ids)
        if (id < 0 || static_cast<std::size_t>(id) >= size)
          throw Error(ErrorCode::kMalformed, source_,
                      "post_processor: puts id " + std::to_string(id) + " of " + std::to_string(size));
  }

  fs::path directory_, source_;
  std::unique_ptr<JsonFile> json_;
  TokenizerConfig config_;
  std::vector<AddedToken> spiece_added_;
  PipelineParts parts_;
};

}  // namespace
}  // namespace tokenize

std::unique_ptr<Tokenizer> Tokenizer::open(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    throw Error(ErrorCode::kNotFound, directory, "is not a directory");
  return tokenize::Assembly(directory).build();
}

}  // namespace pare
