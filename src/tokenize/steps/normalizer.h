// Normalizers: what happens to text between special tokens before it is cut into words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/bert_text.h"
#include "tokenize/charsmap.h"
#include "tokenize/steps/normal_form.h"
#include "tokenize/steps/regex.h"

namespace pare::tokenize {

class Normalizer {
 public:
  struct Step {
    enum class Kind { kForm, kLowercase, kStripAccents, kStrip, kTrimSpaces, kReplace, kPrepend, kBert, kCharsmap };
    Kind kind = Kind::kForm;
    NormalForm form = NormalForm::kNfc;  // kForm
    bool left = true, right = true;      // kStrip: white space at the ends
    std::optional<Regex> regex;          // kReplace: matches of it
    std::string literal;                 // kReplace, without a regex
    std::string content;                 // kReplace, kPrepend
    BertNormalization bert;              // kBert
    Charsmap charsmap;                   // kCharsmap
  };

  void add(Step step) { steps_.push_back(std::move(step)); }
  void add_form(NormalForm form);
  void add_bert(const BertNormalization& bert);
  void add_charsmap(Charsmap charsmap);
  void add_strip(bool left, bool right);
  void add_prepend(std::string content);
  void add_replace(std::string literal, std::string content);
  void add_replace(Regex regex, std::string content);
  /// Spaces (and no other white space) at the ends are removed.
  void add_trim_spaces();
  bool empty() const { return steps_.empty(); }

  /// The normalized form of `text`; `first` as in PreTokenizer::for_words, before and after. The result is `text`
  /// itself or one of the two buffers.
  std::string_view apply(std::string_view text, std::size_t& first, std::string& buffer, std::string& other) const;

 private:
  static void apply(const Step& step, std::string_view text, std::size_t& first, std::string& out);
  /// A step that changes characters wherever they are.
  static void change(const Step& step, std::string_view text, std::string& out);
  static std::size_t from_beginning(const Step& step, std::string_view text, std::size_t first);
  static void replace(const Step& step, std::string_view text, std::size_t& first, std::string& out);

  std::vector<Step> steps_;
};

}  // namespace pare::tokenize
