#include "run/attention.h"

#include <algorithm>

#include "base/parallel.h"

namespace pare::run {
namespace {

void append_rows(std::vector<float>& kept, kernels::HeadRows rows, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i)
    kept.insert(kept.end(), rows.data + i * rows.stride, rows.data + i * rows.stride + width);
}

Matrix copy_rows(const Matrix& from, std::size_t begin, std::size_t count) {
  Matrix rows(count, from.columns);
  std::copy_n(from.row(begin), count * from.columns, rows.values.data());
  return rows;
}

}  // namespace

void attend(const Heads& heads, const std::vector<SequenceRows>& sequences, const Context& context) {
  std::size_t products = 0;
  for (const SequenceRows& sequence : sequences) products += sequence.queries * sequence.keys;
  const unsigned threads = base::worthwhile_threads(context, 2 * products * heads.count * heads.width);
  std::vector<std::vector<float>> scratch(threads);
  base::parallel_for(sequences.size() * heads.count, context.with_threads(threads),
                     [&](std::size_t item, unsigned worker) {
                       const SequenceRows& sequence = sequences[item / heads.count];
                       const std::size_t head = item % heads.count, column = head * heads.width;
                       kernels::Attention one{};
                       one.q = {sequence.q.data + column, sequence.q.stride};
                       one.k = {sequence.k.data + column, sequence.k.stride};
                       one.v = {sequence.v.data + column, sequence.v.stride};
                       one.queries = sequence.queries;
                       one.keys = sequence.keys;
                       one.width = heads.width;
                       one.scale = heads.scale;
                       one.causal = heads.causal;
                       one.visible = sequence.before;
                       if (!heads.biases.empty())
                         one.relative = heads.biases[head].data() + heads.center - sequence.before;
                       kernels::attend(one, sequence.out + column, heads.count * heads.width, scratch[worker]);
                     });
}

Matrix attend_self(const Heads& heads, const TokenBatch& batch, const Matrix& q, const Matrix& k, const Matrix& v,
                   std::size_t q_column, std::size_t k_column, std::size_t v_column, KvCache* cache, std::size_t layer,
                   const Context& context) {
  const std::size_t width = heads.count * heads.width;
  Matrix out(batch.tokens(), width);
  std::vector<SequenceRows> sequences(batch.sequences());
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    SequenceRows& rows = sequences[s];
    rows.queries = rows.keys = batch.length(s);
    rows.q = rows_of(q, batch, s, q_column);
    rows.k = rows_of(k, batch, s, k_column);
    rows.v = rows_of(v, batch, s, v_column);
    rows.out = out.row(batch.begin(s));
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

Matrix attend_cross(const Heads& heads, const TokenBatch& batch, const Matrix& q, KvCache& cache, std::size_t layer,
                    const Context& context) {
  Matrix out(batch.tokens(), heads.count * heads.width);
  std::vector<SequenceRows> sequences(batch.sequences());
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const LayerCache& kept = cache[s].layers[layer];
    sequences[s] = {rows_of(q, batch, s),
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
