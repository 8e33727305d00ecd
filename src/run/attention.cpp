#include "run/attention.h"

#include <algorithm>

#include "base/parallel.h"

namespace pare::run {
namespace {

using kernels::HeadRows;

/// One sequence: where its queries, keys and values are.
struct SequenceRows {
  HeadRows q, k, v;
  std::size_t queries = 0, keys = 0;
  std::size_t before = 0;  ///< keys before the first query
  float* out = nullptr;
};

HeadRows rows_from(HeadRows rows, std::size_t first) { return {rows.data + first * rows.stride, rows.stride}; }

void append_rows(std::vector<float>& kept, HeadRows rows, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i)
    kept.insert(kept.end(), rows.data + i * rows.stride, rows.data + i * rows.stride + width);
}

Matrix copy_rows(const Matrix& from, std::size_t begin, std::size_t count) {
  Matrix rows(count, from.columns);
  std::copy_n(from.row(begin), count * from.columns, rows.values.data());
  return rows;
}

/// One head of one sequence.
kernels::Attention one_head(const Heads& heads, const SequenceRows& sequence, std::size_t head) {
  const std::size_t column = head * heads.width, kv_column = head / (heads.count / heads.kv_count) * heads.width;
  kernels::Attention one{};
  one.q = {sequence.q.data + column, sequence.q.stride};
  one.k = {sequence.k.data + kv_column, sequence.k.stride};
  one.v = {sequence.v.data + kv_column, sequence.v.stride};
  one.queries = sequence.queries;
  one.keys = sequence.keys;
  one.width = heads.width;
  one.scale = heads.scale;
  one.cap = heads.cap;
  one.causal = heads.causal;
  one.visible = sequence.before;
  one.window = heads.window;
  if (heads.biases != nullptr)
    one.relative = heads.biases->by_head[head].data() + heads.biases->center - sequence.before;
  return one;
}

void attend(const Heads& heads, const std::vector<SequenceRows>& sequences, const Context& context) {
  std::size_t products = 0;
  for (const SequenceRows& sequence : sequences) products += sequence.queries * sequence.keys;
  const unsigned threads = base::worthwhile_threads(context, 2 * products * heads.count * heads.width);
  std::vector<std::vector<float>> scratch(threads);
  base::parallel_for(sequences.size() * heads.count, context.with_threads(threads),
                     [&](std::size_t item, unsigned worker) {
                       const SequenceRows& sequence = sequences[item / heads.count];
                       const std::size_t head = item % heads.count;
                       kernels::attend(one_head(heads, sequence, head), sequence.out + head * heads.width,
                                       heads.count * heads.width, scratch[worker]);
                     });
}

}  // namespace

Matrix attend_self(const Heads& heads, const TokenBatch& batch, HeadRows q, HeadRows k, HeadRows v, KvCache* cache,
                   std::size_t layer, const Context& context) {
  const std::size_t width = heads.kv_count * heads.width;
  Matrix out(batch.tokens(), heads.count * heads.width);
  std::vector<SequenceRows> sequences(batch.sequences());
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    SequenceRows& rows = sequences[s];
    const std::size_t first = batch.begin(s);
    rows.queries = rows.keys = batch.length(s);
    rows.q = rows_from(q, first);
    rows.k = rows_from(k, first);
    rows.v = rows_from(v, first);
    rows.out = out.row(first);
    if (cache == nullptr) continue;
    LayerCache& kept = (*cache)[s].layers[layer];
    append_rows(kept.keys, rows.k, rows.queries, width);
    append_rows(kept.values, rows.v, rows.queries, width);
    rows.before = (*cache)[s].length;
    rows.keys = rows.before + rows.queries;
    rows.k = {kept.keys.data(), width};
    rows.v = {kept.values.data(), width};
  }
  attend(heads, sequences, context);
  return out;
}

Matrix attend_cross(const Heads& heads, const TokenBatch& batch, HeadRows q, KvCache& cache, std::size_t layer,
                    const Context& context) {
  Matrix out(batch.tokens(), heads.count * heads.width);
  std::vector<SequenceRows> sequences(batch.sequences());
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const LayerCache& kept = cache[s].layers[layer];
    sequences[s] = {rows_from(q, batch.begin(s)),
                    {kept.cross_keys->values.data(), kept.cross_keys->columns},
                    {kept.cross_values->values.data(), kept.cross_values->columns},
                    batch.length(s),
                    kept.cross_keys->rows,
                    0,
                    out.row(batch.begin(s))};
  }
  attend(heads, sequences, context);
  return out;
}

void remember_cross(KvCache& cache, std::size_t layer, const TokenBatch& sources, const Matrix& keys,
                    const Matrix& values) {
  for (std::size_t s = 0; s < sources.sequences(); ++s) {
    LayerCache& kept = cache[s].layers[layer];
    kept.cross_keys = std::make_shared<const Matrix>(copy_rows(keys, sources.begin(s), sources.length(s)));
    kept.cross_values = std::make_shared<const Matrix>(copy_rows(values, sources.begin(s), sources.length(s)));
  }
}

}  // namespace pare::run
