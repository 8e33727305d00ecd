// Builds a tokenizer from the files of a model directory by the rules of transformers 5's AutoTokenizer.
#include <algorithm>

#include "base/files.h"
#include "tokenize/pipeline.h"
#include "tokenize/tokenizer_config.h"
#include "tokenize/tokenizer_files.h"
#include "tokenize/tokenizer_json.h"

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
    switch (config_.kind) {
      case TokenizerClass::kGpt2:
        build_gpt2();
        break;
      case TokenizerClass::kBert:
        build_bert();
        break;
      case TokenizerClass::kT5:
        build_t5();
        break;
      case TokenizerClass::kJson:
        if (!json_)
          throw Error(ErrorCode::kNotFound, directory_ / "tokenizer.json",
                      "is not there, and PreTrainedTokenizerFast needs it");
        source_ = json_->path();
        parts_.algorithm = json_algorithm(*json_);
    }
    if (parts_.algorithm->size() > static_cast<std::size_t>(1) << 30)
      throw Error(ErrorCode::kLimit, source_, "has too many tokens");
    add_tokens();
    surround();
    parts_.clean_up_spaces =
        config_.clean_up_spaces && config_.kind != TokenizerClass::kGpt2 && !(json_ && model_type(*json_) == "BPE");
    return std::make_unique<Pipeline>(std::move(parts_));
  }

 private:
  /// The vocabulary file of a family, or tokenizer.json if it exists and contains such a model.
  void choose(const char* file, std::string_view type) {
    source_ = json_ ? json_->path() : directory_ / file;
    if (json_ && model_type(*json_) != type)
      throw Error(ErrorCode::kMismatch, source_,
                  "model: '" + model_type(*json_) + "' where the tokenizer's class has " + std::string(type));
  }

  void build_gpt2() {
    choose("vocab.json", "BPE");
    BpeOptions options;
    options.add_prefix_space = config_.add_prefix_space;
    Vocabulary vocabulary = json_ ? json_vocabulary(*json_) : read_vocab_json(source_);
    const fs::path merges = json_ ? source_ : directory_ / "merges.txt";
    parts_.algorithm = std::make_unique<ByteLevelBpe>(
        std::move(vocabulary), json_ ? json_merges(*json_) : read_merges(merges), options, merges);
  }

  void build_bert() {
    choose("vocab.txt", "WordPiece");
    WordPieceOptions options;
    options.unknown = config_.special_text(Special::kUnk);
    options.normalization = config_.bert;
    parts_.algorithm = std::make_unique<WordPiece>(json_ ? json_vocabulary(*json_) : read_vocab_text(source_),
                                                   std::move(options), source_);
  }

  void build_t5() {
    choose("spiece.model", "Unigram");
    UnigramOptions options;
    Vocabulary pieces;
    std::vector<double> scores;
    if (json_) {
      ScoredVocabulary vocabulary = json_scored_vocabulary(*json_);
      pieces = std::move(vocabulary.pieces);
      scores = std::move(vocabulary.scores);
      options.charsmap = json_charsmap(*json_);
    } else {
      Spiece model = read_spiece(source_);
      pieces = std::move(model.pieces);
      scores = std::move(model.scores);
      if (!model.charsmap.empty()) options.charsmap = Charsmap(model.charsmap, source_);
      spiece_added_ = std::move(model.added);
      for (std::int64_t i = config_.extra_ids; i-- > 0;) {  // T5's sentinels follow its pieces in descending order
        pieces.push_back(sentinel(i).content);
        scores.push_back(0);
      }
    }
    parts_.algorithm = std::make_unique<Unigram>(std::move(pieces), std::move(scores), std::move(options), source_);
  }

  static AddedToken sentinel(std::int64_t number) {
    AddedToken token;
    token.content = "<extra_id_" + std::to_string(number) + ">";
    token.special = true;
    return token;
  }

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
    if (config_.extra) {
      for (const AddedToken& token : *config_.extra) add_missing(token);
    } else if (config_.kind == TokenizerClass::kT5) {
      for (const Spiece::Added& piece : spiece_added_) {
        AddedToken token;
        token.content = piece.content;
        token.special = piece.special;
        add_missing(token);
      }
      for (std::int64_t i = 0; i < config_.extra_ids; ++i) add_missing(sentinel(i));
    }
    parts_.added.finish(*parts_.algorithm);
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
    if (config_.kind == TokenizerClass::kBert) {
      around = {{required(Special::kCls)}, {required(Special::kSep)}};
    } else if (config_.kind == TokenizerClass::kT5) {
      around.after = {required(Special::kEos)};
    } else if (json_) {
      around = json_surroundings(*json_);
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
  std::vector<Spiece::Added> spiece_added_;
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
