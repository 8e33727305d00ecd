// The heat maps of a model as part of a page. page.js changes what they show and moves through them by arrow keys.
#pragma once

#include <cstddef>
#include <string>

#include "report/heat_map.h"

namespace pare::report {

/// Nothing for a model without layers. `number` must differ between the maps of a page.
std::string heat_html(const Study& study, std::size_t number);

}  // namespace pare::report
