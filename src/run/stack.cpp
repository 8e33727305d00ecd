#include "run/stack.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernels/panel_rows.h"
#include "pare/error.h"
#include "run/embedding.h"
#include "run/threaded.h"

namespace pare::run {
namespace {

void scale_all(Matrix& x, float factor) {
  if (factor == 1) return;
  for (float& value : x.values) value *= factor;
}

/// Brings the elements of a projection in the order of QkvOrder::kHeads into that of QkvOrder::kMatrices.
Activations separate_heads(const Activations& fused, const StackSpec& spec) {
  Activations separate(fused, fused.columns);
  const std::size_t step = fused.is_panel() ? fused.width : 1;  // floats of an element
  const std::size_t rows = fused.is_panel() ? 1 : fused.rows, row = fused.columns * step;
  const std::size_t head = spec.head_width * step, group = spec.heads / spec.kv_heads;
  for (std::size_t i = 0; i < rows; ++i) {
    const float* from = fused.values.data() + i * row;
    float* queries = separate.values.data() + i * row;
    float *keys = queries + spec.heads * head, *values = keys + spec.kv_heads * head;
    for (std::size_t k = 0; k < spec.kv_heads; ++k, from += (group + 2) * head) {
      std::copy_n(from, group * head, queries + k * group * head);
      std::copy_n(from + group * head, head, keys + k * head);
      std::copy_n(from + (group + 1) * head, head, values + k * head);
    }
  }
  return separate;
}

}  // namespace

void Stack::normalize_rows(const Norm& norm, float* rows, std::size_t count) const {
  if (spec_.norm == NormKind::kLayer)
    kernels::layer_norm(rows, count, norm.width, norm.weight, norm.bias, spec_.epsilon, rows);
  else
    kernels::rms_norm(rows, count, norm.width, norm.weight, spec_.epsilon, rows);
}

void Stack::normalize_panel(const Norm& norm, float* panel, std::size_t width) const {
  if (spec_.norm == NormKind::kLayer)
    kernels::layer_norm_panel(panel, width, norm.width, norm.weight, norm.bias, spec_.epsilon, panel);
  else
    kernels::rms_norm_panel(panel, width, norm.width, norm.weight, spec_.epsilon, panel);
}

void Stack::normalize(const Norm& norm, Matrix& x, const Context& context) const {
  in_pieces(x.rows, norm.width, context,
            [&](std::size_t begin, std::size_t count) { normalize_rows(norm, x.row(begin), count); });
}

void Stack::normalize(const Norm& norm, Activations& x, const Context& context) const {
  if (x.is_panel())
    normalize_panel(norm, x.values.data(), x.width);
  else
    normalize(norm, static_cast<Matrix&>(x), context);
}

void Stack::normalize_heads(const Norm& norm, kernels::HeadResult view, std::size_t tokens, std::size_t heads) const {
  if (!norm) return;
  const std::size_t count = heads * spec_.head_width / norm.width;
  if (view.element == 1) {
    for (std::size_t i = 0; i < tokens; ++i) normalize_rows(norm, view.data + i * view.token, count);
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    normalize_panel(norm, view.data + i * norm.width * view.element, view.element);
}

const Activations& Stack::before(const Norm& norm, Activations& x, Activations& own, const Context& context) const {
  if (!norm || spec_.norm_after_sum) return x;
  own = x;
  normalize(norm, own, context);
  if (spec_.residual_from_norm) x = own;
  return own;
}

void Stack::add_branch(Activations& x, linear::Unbiased branch, const Norm& post_norm, const Norm& norm,
                       const Context& context) const {
  if (post_norm || spec_.residual_scale != 1) {
    branch = {finished(std::move(branch), context)};
    if (post_norm) normalize(post_norm, branch.product, context);
    scale_all(branch.product, spec_.residual_scale);
  }
  add(x, std::move(branch), context);
  if (norm && spec_.norm_after_sum) normalize(norm, x, context);
}

std::size_t Stack::seen(const KvCache* cache, std::size_t sequence) const {
  return cache == nullptr ? 0 : cache->length(sequence);
}

void Stack::add_positions(const TokenBatch& batch, std::size_t sequence, std::size_t before, Matrix& x) const {
  const std::size_t first = batch.begin(sequence);
  std::size_t position = before + spec_.position_offset;
  for (std::size_t i = 0; i < batch.length(sequence); ++i) {
    const bool padding = spec_.padding >= 0 && batch.ids()[first + i] == spec_.padding;
    positions_.add_row(padding ? spec_.position_offset - 1 : position++, x.row(first + i));
  }
}

Matrix Stack::embed(const TokenBatch& batch, KvCache* cache, const Context& context) const {
  Matrix x = look_up(words_, batch.ids());
  scale_all(x, spec_.embedding_scale);
  const bool project_first = project_in_ && positions_.columns() == spec_.width;
  if (project_first) x = apply(*project_in_, x, context);
  if (types_.rows() != 0) add_rows(types_, batch.types(), x);
  for (std::size_t s = 0; s < batch.sequences(); ++s) {
    const std::size_t before = seen(cache, s);
    check_length(before, batch.length(s), longest_);
    if (positions_.rows() != 0) add_positions(batch, s, before, x);
  }
  if (embedding_norm_) normalize(embedding_norm_, x, context);
  return project_in_ && !project_first ? apply(*project_in_, x, context) : x;
}

Stack::Pass Stack::prepare(const TokenBatch& batch, KvCache* cache, const Context& context) const {
  Pass pass{batch, cache, context};
  std::size_t longest = 1;
  for (std::size_t s = 0; s < batch.sequences(); ++s) longest = std::max(longest, batch.length(s) + seen(cache, s));
  if (spec_.positions == Positions::kBuckets)
    pass.biases = bucket_biases(bias_table_, buckets_, spec_.heads, spec_.furthest, !spec_.causal, longest);
  if (spec_.positions == Positions::kAlibi) pass.biases = alibi_biases(spec_.heads, longest);
  for (const RotarySpec& rotary : spec_.rotaries) {
    std::vector<RotaryTable>& tables = pass.rotaries.emplace_back();
    for (std::size_t s = 0; s < batch.sequences(); ++s)
      tables.emplace_back(rotary, seen(cache, s), batch.length(s), seen(cache, s) + batch.length(s));
  }
  return pass;
}

void Stack::for_linears(const Layer& layer, const std::function<void(const linear::Linear&)>& f) const {
  for (const Attention* attention : {&layer.self, &layer.cross})
    for (const auto* linear : {&attention->q, &attention->k, &attention->v, &attention->qkv, &attention->o})
      if (*linear) f(**linear);
  if (layer.feed_forward) layer.feed_forward->for_linears(f);
}

bool Stack::takes_panels(std::size_t pass_tokens, std::size_t tokens) const {
  // oneDNN is faster for more, but it takes longer to start. For weights as [in, out] it is faster for few, too.
  constexpr std::size_t kFewTokens = 256;
  std::size_t all = 0, taken = 0, turned = 0;
  bool possible = true;
  for (const Layer& layer : layers_) {
    possible = possible && !layer.experts;
    for_linears(layer, [&](const linear::Linear& linear) {
      possible = possible && linear.allows_panels(tokens);
      all += linear.in * linear.out;
      if (linear.prefers_panels(tokens)) taken += linear.in * linear.out;
      if (!linear.out_in) turned += linear.in * linear.out;
    });
  }
  return possible && (2 * taken > all || (pass_tokens <= kFewTokens && 2 * turned <= all));
}

std::vector<Part> Stack::divide(Matrix x, std::size_t begin, std::size_t end, const Pass& pass) const {
  std::vector<Part> parts;
  std::vector<Tile> tiles = panel_tiles(pass.batch);
  if (tiles.empty() || !takes_panels(pass.batch.tokens(), tiles[0].count)) {
    parts.push_back({whole_sequences(pass.batch), std::move(x)});
    return parts;
  }
  std::size_t prepared = 0;
  for (const Tile& tile : tiles) {
    if (tile.count != prepared)
      for (std::size_t i = begin; i < end; ++i)
        for_linears(layers_[i], [&](const linear::Linear& linear) { linear.prepare(tile.count, pass.context); });
    prepared = tile.count;
    Part& part = parts.emplace_back(Part{{tile}, linear::to_panel(x, tile.row, tile.count)});
    for (const std::vector<RotaryTable>& tables : pass.rotaries)
      part.rotaries.emplace_back(tables[tile.sequence], tile.first, tile.count);
  }
  return parts;
}

Matrix Stack::collect(std::vector<Part> parts, const TokenBatch& batch) {
  if (parts.size() == 1 && !parts[0].x.is_panel()) return std::move(parts[0].x);
  Matrix x = Matrix::unset(batch.tokens(), parts[0].x.columns);
  for (const Part& part : parts) linear::to_rows(part.x, x.row(part.tiles[0].row), x.columns);
  return x;
}

Matrix Stack::before_layer(std::size_t layer, const TokenBatch& batch, Matrix x, KvCache* cache,
                           const Context& context) const {
  if (layer != 0) return x;
  x = embed(batch, cache, context);
  nan_check_.part(x, "the embeddings");
  return x;
}

Matrix Stack::after_layers(Matrix x, const Context& context) const {
  if (final_norm_) {
    normalize(final_norm_, x, context);
    nan_check_.part(x, final_norm_name_);
  }
  return project_out_ ? apply(*project_out_, x, context) : x;
}

Matrix Stack::run_layers(const TokenBatch& batch, Matrix x, std::size_t begin, std::size_t end, KvCache* cache,
                         const Context& context) const {
  x = before_layer(begin, batch, std::move(x), cache, context);
  const Pass pass = prepare(batch, cache, context);
  std::vector<Part> parts = divide(std::move(x), begin, end, pass);
  const unsigned threads = base::thread_count(context);
  const Context own = context.with_threads(std::max(1U, threads / static_cast<unsigned>(parts.size())));
  const auto for_parts = [&](const std::function<void(Part&)>& f) {
    base::parallel_for(parts.size(), context, [&](std::size_t i, unsigned) { f(parts[i]); });
  };
  const auto all_layers = [&] {
    for (std::size_t i = begin; i <= end; ++i) {
      for_parts([&](Part& part) {
        if (i != begin) end_layer(i - 1, part, pass, own);
        if (i != end) begin_layer(i, part, pass, own);
      });
      if (i != end) attend(i, parts, pass);
    }
  };
  // Where each part has several threads of its own, loops are nested.
  if (parts.size() == 1 || own.threads() == 1)
    base::with_team(context, all_layers);
  else
    all_layers();
  x = collect(std::move(parts), batch);
  if (end < layers_.size()) return x;
  if (cache != nullptr)
    for (std::size_t s = 0; s < batch.sequences(); ++s) (*cache)[s].length += batch.length(s);
  return after_layers(std::move(x), context);
}

void Stack::begin_layer(std::size_t index, Part& part, const Pass& pass, const Context& context) const {
  Activations own;
  project_part(index, before(layers_[index].self.norm, part.x, own, context), part, pass, context);
}

void Stack::project_part(std::size_t index, const Activations& x, Part& part, const Pass& pass,
                         const Context& context) const {
  part.projected = project(layers_[index].self, x, context);
  if (spec_.layers[index].rotary >= 0) rotate(static_cast<std::size_t>(spec_.layers[index].rotary), part, pass);
  part.mixed = Activations(x, spec_.heads * spec_.head_width);
}

void Stack::end_layer(std::size_t index, Part& part, const Pass& pass, const Context& context) const {
  const Layer& layer = layers_[index];
  Activations& x = part.x;
  const auto feed = [&](const Activations& read) -> linear::Unbiased {
    if (layer.experts) return {layer.experts->run(read, context)};
    return layer.feed_forward->run(read, context);
  };
  Activations own;
  linear::Unbiased branch = apply_unbiased(*layer.self.o, part.mixed, context);
  if (spec_.parallel) {
    add(branch.product, feed(before(layer.norm, x, own, context)), context);
    add(x, std::move(branch), context);
  } else {
    add_branch(x, std::move(branch), layer.self.post_norm, layer.self.norm, context);
    if (spec_.cross_attention) {
      const Activations& read = before(layer.cross.norm, x, own, context);
      branch = apply_unbiased(*layer.cross.o, attend_to_encoder(index, read, part, pass, context), context);
      add_branch(x, std::move(branch), layer.cross.post_norm, layer.cross.norm, context);
    }
    add_branch(x, feed(before(layer.norm, x, own, context)), layer.post_norm, layer.norm, context);
  }
  nan_check_.part(x, layer.name, x.is_panel() ? part.tiles[0].row : 0, pass.batch.tokens());
}

Projected Stack::project(const Attention& attention, const Activations& x, const Context& context) const {
  Projected projected;
  if (attention.qkv) {
    projected.fused = apply(*attention.qkv, x, context);
    Activations& fused = projected.fused;
    if (spec_.qkv_order == QkvOrder::kHeads) fused = separate_heads(fused, spec_);
    const std::size_t keys = spec_.heads * spec_.head_width, values = keys + spec_.kv_heads * spec_.head_width;
    projected.queries = elements_of(fused);
    projected.keys = elements_of(fused, keys);
    projected.values = elements_of(fused, values);
  } else {
    auto all = linear::apply_all(x, context, *attention.q, *attention.k, *attention.v);
    projected.q = std::move(all[0]);
    projected.k = std::move(all[1]);
    projected.v = std::move(all[2]);
    projected.queries = elements_of(projected.q);
    projected.keys = elements_of(projected.k);
    projected.values = elements_of(projected.v);
  }
  normalize_heads(attention.q_norm, projected.queries, x.rows, spec_.heads);
  normalize_heads(attention.k_norm, projected.keys, x.rows, spec_.kv_heads);
  return projected;
}

void Stack::rotate(std::size_t rotary, Part& part, const Pass& pass) const {
  const Projected& projected = part.projected;
  for (const Tile& tile : part.tiles)
    for (const auto& [view, heads] : {std::pair{projected.queries, spec_.heads}, {projected.keys, spec_.kv_heads}}) {
      if (part.x.is_panel())
        part.rotaries[rotary].rotate(view, heads, spec_.head_width);
      else
        pass.rotaries[rotary][tile.sequence].rotate(from_token(view, tile.row), heads, spec_.head_width);
    }
}

void Stack::attend(std::size_t index, std::span<Part> parts, const Pass& pass) const {
  const LayerSpec& spec = spec_.layers[index];
  Heads heads{spec_.heads,         spec_.kv_heads, spec_.head_width, spec.attention_scale,
              spec_.attention_cap, spec_.causal,   spec.window};
  if (!pass.biases.by_head.empty()) heads.biases = &pass.biases;
  std::vector<TileViews> tiles;
  for (Part& part : parts)
    for (const Tile& tile : part.tiles) {
      const std::size_t token = part.x.is_panel() ? 0 : tile.row;
      const auto rows = [&](kernels::HeadResult view) { return read_only(from_token(view, token)); };
      tiles.push_back({tile, rows(part.projected.queries), rows(part.projected.keys), rows(part.projected.values),
                       from_token(elements_of(part.mixed), token)});
    }
  attend_self(heads, tiles, pass.cache, index, pass.context);
}

Activations Stack::attend_to_encoder(std::size_t index, const Activations& x, const Part& part, const Pass& pass,
                                     const Context& context) const {
  const Attention& attention = layers_[index].cross;
  Activations q = apply(*attention.q, x, context), mixed(x, q.columns);
  const Heads heads{spec_.heads, spec_.kv_heads, spec_.head_width, spec_.layers[index].attention_scale};
  std::vector<TileViews> tiles;
  for (const Tile& tile : part.tiles) {
    const std::size_t token = x.is_panel() ? 0 : tile.row;
    tiles.push_back(
        {tile, read_only(from_token(elements_of(q), token)), {}, {}, from_token(elements_of(mixed), token)});
  }
  attend_cross(heads, tiles, *pass.cache, index, context);
  return mixed;
}

void Stack::remember(KvCache& cache, const TokenBatch& sources, const Matrix& encoded, std::size_t begin,
                     std::size_t end, const Context& context) const {
  for (std::size_t i = begin; i < end; ++i)
    remember_cross(cache, i, sources, linear::apply(*layers_[i].cross.k, encoded, context),
                   linear::apply(*layers_[i].cross.v, encoded, context));
}

}  // namespace pare::run
