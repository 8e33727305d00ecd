// The help texts' shape.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace pare::cli {

/// CLI11's formatter with whole command lines in "Usage", no counts behind names, and one empty
/// line between sections.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
};

}  // namespace pare::cli
