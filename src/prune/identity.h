// What tells a resumed run that it would write the same as the one before.
#pragma once

#include <string>

#include "base/byte_writer.h"
#include "pare/prune.h"

namespace pare::prune {

/// Adds the names and states of the model's files, and its content (see Measurement::content). Throws Error (kArgument)
/// for a model in memory, whose changes nothing would tell.
void add_sources(base::ByteWriter& writer, const Model& model);
/// A hash of all that the weights that write_pruned() writes are made of. Throws Error (kArgument) for masks of bits,
/// as calibrated criteria and blocks make them.
std::string plan_identity(const Model& model, const PrunePlan& plan);
/// A hash of what was added, and of the version of pare.
std::string identity_of(base::ByteWriter writer);

}  // namespace pare::prune
