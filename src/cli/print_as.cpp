#include "cli/print_as.h"

#include "cli/streams.h"

namespace pare::cli {

void print_as(Format format, const ResultForms& forms) {
  switch (format) {
    case Format::kTable:
      return print(forms.text(Markup::kText));
    case Format::kMarkdown:
      return print(forms.text(Markup::kMarkdown));
    case Format::kCsv:
      return print(to_csv(forms.csv()));
    case Format::kJson:
      return print(forms.json());
  }
}

}  // namespace pare::cli
