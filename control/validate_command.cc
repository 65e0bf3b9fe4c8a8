#include "control/validate_command.h"

#include <algorithm>
#include <set>

#include "control/source_yaml.h"
#include "dataplane/config/agreement.h"

namespace isthmus::control {
namespace {

using config::ValidatedConfig;

void print_error(const YamlSource& source, const config::ConfigError& error, std::ostream& errors) {
  errors << to_string(source, error) << "\n";
}

// What could not be judged, so that nobody takes silence for proof.
void print_strangers(const std::vector<ValidatedConfig>& documents, std::ostream& output) {
  std::set<std::string> strangers;
  for (const ValidatedConfig& document : documents) {
    for (const config::PeerConfig& peer : document.peers) strangers.insert(peer.name);
  }
  for (const ValidatedConfig& document : documents) strangers.erase(document.name);
  for (const std::string& name : strangers) output << "not judged: " << name << ", whose document was not given\n";
}

bool compare(const std::vector<YamlSource>& sources, const std::vector<ValidatedConfig>& documents,
             std::ostream& output, std::ostream& errors) {
  const std::vector<config::Disagreement> found = disagreements(documents);
  for (const config::Disagreement& disagreement : found) {
    print_error(sources[disagreement.document], disagreement.error, errors);
    errors << "    " << to_string(disagreement.packet, documents) << "\n";
  }
  print_strangers(documents, output);
  if (found.empty()) output << "the documents agree\n";
  return found.empty();
}

}  // namespace

bool validate_command(const std::vector<std::string>& files, std::ostream& output, std::ostream& errors) {
  std::vector<YamlSource> sources;
  std::vector<ValidatedConfig> documents;
  for (const std::string& file : files) {
    const YamlSource& source = sources.emplace_back(read_yaml_file(file));
    auto checked = validate(source);
    if (const auto* wrong = std::get_if<config::ConfigErrors>(&checked)) {
      for (const config::ConfigError& error : *wrong) print_error(source, error, errors);
    } else {
      output << file << ": ok, peers: " << source.state.peers.size() << "\n";
      documents.push_back(std::move(std::get<ValidatedConfig>(checked)));
    }
  }
  if (documents.size() < files.size()) return false;
  return files.size() == 1 || compare(sources, documents, output, errors);
}

}  // namespace isthmus::control
