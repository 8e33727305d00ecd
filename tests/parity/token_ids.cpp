// token_ids MODEL FILE [--no-special] [--time]: ids of the JSON strings in FILE, one a line, by the tokenizer of
// MODEL, a directory or a GGUF file; the decoded text of the ids after a tab. With --time instead: seconds for all of
// them, and how many ids.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pare/error.h"
#include "pare/model.h"
#include "pare/tokenizer.h"

namespace {

std::vector<std::string> read_strings(const char* path) {
  std::vector<std::string> strings;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) strings.push_back(nlohmann::json::parse(line).get<std::string>());
  return strings;
}

std::unique_ptr<pare::Tokenizer> open(const std::string& where) {
  if (where.ends_with(".gguf")) return pare::Tokenizer::open(pare::open_model(where));
  return pare::Tokenizer::open(std::filesystem::path(where));
}

void time(const pare::Tokenizer& tokenizer, const std::vector<std::string>& strings, bool special) {
  double best = 1e9;
  std::size_t count = 0;
  for (int i = 0; i < 5; ++i) {
    count = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (const std::string& text : strings) count += tokenizer.encode(text, special).size();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::min(best, seconds.count());
  }
  std::printf("%.6f %zu\n", best, count);
}

void print(const pare::Tokenizer& tokenizer, const std::vector<std::string>& strings, bool special) {
  for (const std::string& text : strings) {
    const auto ids = tokenizer.encode(text, special);
    const std::string decoded = tokenizer.decode(ids, false), skipped = tokenizer.decode(ids, true);
    std::cout << nlohmann::json{ids, decoded, skipped}.dump() << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::vector<std::string> options(argv + 3, argv + argc);
  const auto given = [&](const char* name) { return std::find(options.begin(), options.end(), name) != options.end(); };
  try {
    const auto tokenizer = open(argv[1]);
    const auto strings = read_strings(argv[2]);
    if (given("--time"))
      time(*tokenizer, strings, !given("--no-special"));
    else
      print(*tokenizer, strings, !given("--no-special"));
  } catch (const pare::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
