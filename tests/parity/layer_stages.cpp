// layer_stages MODEL INPUT: runs a model's layers stage by stage and all at once. The last line tells what differs;
// nothing if all is the same, bit for bit. INPUT has a sequence of ids a line, or "SOURCE | TARGET".
#include "support/layer_stages.h"

#include <cstdio>
#include <fstream>
#include <sstream>

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: layer_stages MODEL INPUT");
  pare::TokenBatch sources, targets;
  std::ifstream file(argv[2]);
  for (std::string line; std::getline(file, line);) {
    std::vector<pare::TokenId> ids[2];
    std::istringstream words(line);
    bool target = false;
    for (std::string word; words >> word;) {
      if (word == "|")
        target = true;
      else
        ids[target ? 1 : 0].push_back(std::stoi(word));
    }
    sources.add(ids[0]);
    targets.add(ids[1]);
  }
  pare::test::StagedModel model(pare::open_model(argv[1]), sources, targets);
  std::string difference = model.difference(false);
  if (difference.empty()) difference = model.difference(true);
  std::printf("%s", difference.c_str());
} catch (const std::exception& failure) {
  std::fprintf(stderr, "layer_stages: %s\n", failure.what());
  return 1;
}
