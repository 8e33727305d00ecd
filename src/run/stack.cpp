#include "run/stack.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "pare/error.h"
#include "run/embedding.h"

namespace pare::run {
namespace {

void scale_all(Matrix& x, float factor) {
  if (factor == 1) return;
  for (float& value : x.values) value *= factor;
}

/// Brings the columns of a projection whose heads hold query, key and value side by side into the order of
/// QkvOrder::kMatrices.
void separate_heads(Matrix& fused, std::size_t heads, std::size_t width) {
  std::vector<float> row(fused.columns);
  for (std::size_t i = 0; i < fused.rows; ++i) {
    std::copy_n(fused.row(i), fused.columns, row.data());
    for (std::size_t head = 0; head < heads; ++head)
      for (std::size_t part = 0; part < 3; ++part)
        std::copy_n(row.data() + (3 * head + part) * width, width, fused.row(i) + (part * heads + head) * width);
  }
}

}  // namespace

void Stack::normalize_rows(const Norm& norm, float* rows, std::size_t count) const {
  if (spec_.norm == NormKind::kLayer)
    kernels::layer_norm(rows, count, norm.width, norm.weight, norm.bias, spec_.epsilon, rows);
  else
    kernels::rms_norm(rows, count, norm.width, norm.weight, spec_.epsilon, rows);
}

void Stack::normalize(const Norm& norm, Matrix& x) const { normalize_rows(norm, x.values.data(), x.rows); }

void Stack::normalize_heads(const Norm& norm, Projected::Part part, std::size_t rows, std::size_t heads) const {
  if (!norm) return;
  const std::size_t count = heads * spec_.head_width / norm.width;
  for (std::size_t i = 0; i < rows; ++i) normalize_rows(norm, part.data + i * part.stride, count);
}

const Matrix& Stack::before(const Norm& norm, Matrix& x, Matrix& own) const {
  if (!norm || spec_.norm_after_sum) return x;
  own = x;
  normalize(norm, own);
  if (spec_.residual_from_norm) x = own;
  return own;
}

void Stack::add_branch(Matrix& x, Matrix branch, const Norm& post_norm, const Norm& norm) const {
  if (post_norm) normalize(post_norm, branch);
  scale_all(branch, spec_.residual_scale);
  kernels::add(x.values.data(), branch.values.data(), x.values.size());
  if (norm && spec_.norm_after_sum) normalize(norm, x);
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
  if (embedding_norm_) normalize(embedding_norm_, x);
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

Matrix Stack::run_layers(const TokenBatch& batch, Matrix x, std::size_t begin, std::size_t end, KvCache* cache,
                         const Context& context) const {
  if (begin == 0) {
    x = embed(batch, cache, context);
    nan_check_.part(x, "the embeddings");
  }
  const Pass pass = prepare(batch, cache, context);
  for (std::size_t i = begin; i < end; ++i) {
    run_layer(i, x, pass);
    nan_check_.part(x, layers_[i].name);
  }
  if (end < layers_.size()) return x;
  if (cache != nullptr)
    for (std::size_t s = 0; s < batch.sequences(); ++s) (*cache)[s].length += batch.length(s);
  if (final_norm_) {
    normalize(final_norm_, x);
    nan_check_.part(x, final_norm_name_);
  }
  return project_out_ ? apply(*project_out_, x, context) : x;
}

void Stack::run_layer(std::size_t index, Matrix& x, const Pass& pass) const {
  const Layer& layer = layers_[index];
  const auto feed = [&](const Matrix& read) {
    return layer.experts ? layer.experts->run(read, pass.context) : layer.feed_forward->run(read, pass.context);
  };
  Matrix own;
  if (spec_.parallel) {
    const Matrix mixed = attend_to_self(index, before(layer.self.norm, x, own), pass);
    Matrix branch = feed(before(layer.norm, x, own));
    kernels::add(branch.values.data(), mixed.values.data(), mixed.values.size());
    kernels::add(x.values.data(), branch.values.data(), x.values.size());
    return;
  }
  add_branch(x, attend_to_self(index, before(layer.self.norm, x, own), pass), layer.self.post_norm, layer.self.norm);
  if (spec_.cross_attention)
    add_branch(x, attend_to_encoder(index, before(layer.cross.norm, x, own), pass), layer.cross.post_norm,
               layer.cross.norm);
  add_branch(x, feed(before(layer.norm, x, own)), layer.post_norm, layer.norm);
}

Stack::Projected Stack::project(const Attention& attention, const Matrix& x, const Pass& pass) const {
  Projected projected{};
  if (attention.qkv) {
    projected.fused = apply(*attention.qkv, x, pass.context);
    Matrix& fused = projected.fused;
    if (spec_.qkv_order == QkvOrder::kHeads) separate_heads(fused, spec_.heads, spec_.head_width);
    const std::size_t keys = spec_.heads * spec_.head_width, values = keys + spec_.kv_heads * spec_.head_width;
    float* data = fused.values.data();
    projected.queries = {data, fused.columns};
    projected.keys = {data + keys, fused.columns};
    projected.values = {data + values, fused.columns};
  } else {
    auto all = apply_all(x, pass.context, *attention.q, *attention.k, *attention.v);
    projected.q = std::move(all[0]);
    projected.k = std::move(all[1]);
    projected.v = std::move(all[2]);
    projected.queries = {projected.q.values.data(), projected.q.columns};
    projected.keys = {projected.k.values.data(), projected.k.columns};
    projected.values = {projected.v.values.data(), projected.v.columns};
  }
  normalize_heads(attention.q_norm, projected.queries, x.rows, spec_.heads);
  normalize_heads(attention.k_norm, projected.keys, x.rows, spec_.kv_heads);
  return projected;
}

void Stack::rotate(Projected& projected, std::size_t rotary, const Pass& pass) const {
  for (std::size_t s = 0; s < pass.batch.sequences(); ++s) {
    const RotaryTable& table = pass.rotaries[rotary][s];
    const auto rotate_part = [&](Projected::Part part, std::size_t heads) {
      table.rotate(part.data + pass.batch.begin(s) * part.stride, part.stride, heads, spec_.head_width);
    };
    rotate_part(projected.queries, spec_.heads);
    rotate_part(projected.keys, spec_.kv_heads);
  }
}

Matrix Stack::attend_to_self(std::size_t index, const Matrix& x, const Pass& pass) const {
  const LayerSpec& spec = spec_.layers[index];
  const Attention& attention = layers_[index].self;
  Projected projected = project(attention, x, pass);
  if (spec.rotary >= 0) rotate(projected, static_cast<std::size_t>(spec.rotary), pass);
  Heads heads{spec_.heads,         spec_.kv_heads, spec_.head_width, spec.attention_scale,
              spec_.attention_cap, spec_.causal,   spec.window};
  if (!pass.biases.by_head.empty()) heads.biases = &pass.biases;
  const auto rows = [](Projected::Part part) { return kernels::HeadRows{part.data, part.stride}; };
  const Matrix mixed = attend_self(heads, pass.batch, rows(projected.queries), rows(projected.keys),
                                   rows(projected.values), pass.cache, index, pass.context);
  return apply(*attention.o, mixed, pass.context);
}

Matrix Stack::attend_to_encoder(std::size_t index, const Matrix& x, const Pass& pass) const {
  const Attention& attention = layers_[index].cross;
  const Matrix q = apply(*attention.q, x, pass.context);
  const Heads heads{spec_.heads, spec_.kv_heads, spec_.head_width, spec_.layers[index].attention_scale};
  const Matrix mixed = attend_cross(heads, pass.batch, {q.values.data(), q.columns}, *pass.cache, index, pass.context);
  return apply(*attention.o, mixed, pass.context);
}

void Stack::remember(KvCache& cache, const TokenBatch& sources, const Matrix& encoded, std::size_t begin,
                     std::size_t end, const Context& context) const {
  for (std::size_t i = begin; i < end; ++i)
    remember_cross(cache, i, sources, apply(*layers_[i].cross.k, encoded, context),
                   apply(*layers_[i].cross.v, encoded, context));
}

}  // namespace pare::run
