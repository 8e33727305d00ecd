// How the tokens of a pass are divided: all of them as rows, or as panels that go through a layer one by one, so that
// what a layer computes for a panel stays in the caches.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/attend.h"
#include "linear/activations.h"
#include "pare/run.h"
#include "run/rotary.h"

namespace pare::run {

using linear::Activations;

/// Tokens of one sequence that follow each other.
struct Tile {
  std::size_t sequence = 0;
  std::size_t row = 0;    ///< of the batch, of the first token
  std::size_t first = 0;  ///< number of the first token among the sequence's tokens in the batch
  std::size_t count = 0;
};

/// One tile for each sequence.
std::vector<Tile> whole_sequences(const TokenBatch& batch);
/// Tiles that fit into panels; none if more than a fifth of the panels would be empty.
std::vector<Tile> panel_tiles(const TokenBatch& batch);

/// Elements of activations from `element` on, of all tokens.
kernels::HeadResult elements_of(Activations& x, std::size_t element = 0);
/// The same from a token on. Token 0 is that of the view.
inline kernels::HeadResult from_token(kernels::HeadResult view, std::size_t token) {
  view.data += token * view.token;
  return view;
}
inline kernels::HeadRows read_only(kernels::HeadResult view) { return {view.data, view.token, view.element}; }

/// Queries, keys and values, in activations of their own or in one.
struct Projected {
  Activations fused, q, k, v;
  kernels::HeadResult queries = {}, keys = {}, values = {};
};

/// Tokens that go through a layer together.
struct Part {
  std::vector<Tile> tiles;  ///< a panel has one
  Activations x;            ///< hidden states
  Projected projected = {};
  Activations mixed = {};                  ///< results of attention
  std::vector<RotaryPanel> rotaries = {};  ///< of a panel
};

}  // namespace pare::run
