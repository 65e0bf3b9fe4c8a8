#include "control/suggest_command.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <variant>

#include "control/source_yaml.h"
#include "control/yaml_edit.h"
#include "dataplane/config/field_check.h"
#include "dataplane/config/suggest.h"

namespace isthmus::control {
namespace {

namespace fs = std::filesystem;
using config::ConfigErrors;
using config::Suggestion;

std::optional<std::vector<YamlSource>> read_all(const std::vector<std::string>& files, std::ostream& errors) {
  std::vector<YamlSource> sources;
  bool good = true;
  for (const std::string& file : files) {
    sources.push_back(read_yaml_file(file));
    for (const config::ConfigError& error : sources.back().errors) {
      errors << to_string(sources.back(), error) << "\n";
      good = false;
    }
  }
  return good ? std::optional(std::move(sources)) : std::nullopt;
}

std::optional<std::vector<Ipv4Prefix>> read_pools(const std::vector<std::string>& texts, std::ostream& output) {
  std::vector<Ipv4Prefix> pools;
  ConfigErrors errors;
  for (const std::string& text : texts) {
    if (const auto pool = config::check_unicast_prefix(text, "--pool", errors)) pools.push_back(*pool);
  }
  for (const config::ConfigError& error : errors) output << to_string(error) << "\n";
  if (!errors.empty()) return std::nullopt;
  return texts.empty() ? config::AddressPlan::private_ranges() : pools;
}

// "gateway.yaml:16: peers[0].remote[0].seenAs: 10.0.0.0/16 instead of 10.244.0.0/16"
bool print(const YamlSource& source, const Suggestion& suggestion, std::ostream& output, std::ostream& errors) {
  if (!suggestion.view) {
    errors << to_string(source, {suggestion.path, "no pool has room for it", "name a pool with --pool PREFIX"}) << "\n";
    return false;
  }
  const std::string where = source.file + ":" + std::to_string(source.line_of(suggestion.path)) + ": ";
  output << where << suggestion.path << ": " << to_string(*suggestion.view)
         << (suggestion.before.empty() ? ", for there is none" : " instead of " + suggestion.before) << "\n";
  return true;
}

// What is wrong beside the views. A view that is free of wrong pods may not be free of the right ones.
bool print_other_errors(const std::vector<YamlSource>& sources, const config::Suggested& suggested,
                        std::ostream& output) {
  bool good = true;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto checked = config::validate(suggested.documents[i]);
    const ConfigErrors* errors = std::get_if<ConfigErrors>(&checked);
    if (errors == nullptr) continue;
    for (const config::ConfigError& error : *errors) output << to_string(sources[i], error) << "\n";
    good = false;
  }
  return good;
}

// The text with the document's views in it, if reading it again gives that document and nothing else.
std::optional<std::string> text_with_views(const YamlSource& source, std::size_t document,
                                           const config::Suggested& suggested, std::ostream& errors) {
  std::vector<YamlChange> changes;
  for (const Suggestion& suggestion : suggested.suggestions) {
    if (suggestion.document == document) changes.push_back({suggestion.path, to_string(*suggestion.view)});
  }
  const auto edited = edit_yaml(source.text, changes);
  if (const YamlError* error = std::get_if<YamlError>(&edited)) {
    errors << source.file << ":" << error->line << ": " << error->message << "; " << error->advice << "\n";
    return std::nullopt;
  }
  const std::string& text = std::get<std::string>(edited);
  const YamlSource again = read_yaml(text, source.file);
  if (again.errors.empty() && again.state == suggested.documents[document]) return text;
  errors << source.file << ": is written in a way that cannot be changed in place; write the views by hand\n";
  return std::nullopt;
}

// The file is the old one or the new one at every moment. A link goes on pointing to it.
bool replace_file(const std::string& file, const std::string& text, std::ostream& errors) {
  std::error_code error;
  const fs::path target = fs::canonical(file, error);
  const fs::path temporary = target.string() + ".new";
  std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (!stream) {
    errors << file << ": cannot be written: " << temporary.string() << " failed; check the directory's permissions\n";
    return false;
  }
  fs::permissions(temporary, fs::status(target, error).permissions(), error);
  fs::rename(temporary, target, error);
  if (error) errors << file << ": cannot be replaced: " << error.message() << "\n";
  return !error;
}

bool write_files(const std::vector<YamlSource>& sources, const config::Suggested& suggested, std::ostream& output,
                 std::ostream& errors) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::optional<std::string> text = text_with_views(sources[i], i, suggested, errors);
    if (!text) return false;
    texts.push_back(std::move(*text));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (texts[i] == sources[i].text) continue;
    if (!replace_file(sources[i].file, texts[i], errors)) return false;
    output << sources[i].file << ": written\n";
  }
  return true;
}

}  // namespace

bool suggest_command(const SuggestOptions& options, std::ostream& output, std::ostream& errors) {
  const auto sources = read_all(options.files, errors);
  const auto pools = read_pools(options.pools, errors);
  if (!sources || !pools) return false;
  std::vector<config::DesiredState> documents;
  for (const YamlSource& source : *sources) documents.push_back(source.state);
  const config::Suggested suggested = suggest_views(std::move(documents), *pools);
  bool good = true;
  for (const Suggestion& suggestion : suggested.suggestions) {
    good &= print((*sources)[suggestion.document], suggestion, output, errors);
  }
  if (!good || !print_other_errors(*sources, suggested, errors)) {
    if (options.write) errors << "nothing was written\n";
    return false;
  }
  if (suggested.suggestions.empty()) {
    output << "nothing to suggest: every view is free\n";
    return true;
  }
  if (options.write) return write_files(*sources, suggested, output, errors);
  output << "isthmusctl suggest --write puts them into the files\n";
  return true;
}

}  // namespace isthmus::control
