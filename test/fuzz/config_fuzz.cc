// A document from whoever can write one: YAML -> DesiredState -> validate -> compile.
#include <cstdint>
#include <string_view>
#include <vector>

#include "control/source_yaml.h"
#include "dataplane/config/codec.h"
#include "dataplane/config/compile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace isthmus;
  const control::YamlSource source = control::read_yaml({reinterpret_cast<const char*>(data), size}, "fuzz");
  const auto checked = control::validate(source);
  if (const auto* errors = std::get_if<config::ConfigErrors>(&checked)) {
    if (errors->empty()) __builtin_trap();  // refused without a word
    for (const config::ConfigError& error : *errors) to_string(source, error);
    return 0;
  }
  const auto& config = std::get<config::ValidatedConfig>(checked);
  std::vector<PeerIndex> indexes;
  for (std::uint32_t i = 0; i < config.peers.size(); ++i) indexes.push_back(PeerIndex{i});
  if (config::compile(config, indexes).peers.size() != indexes.size()) __builtin_trap();
  const auto again = config::decode_state(encode(source.state));
  if (!std::holds_alternative<config::DesiredState>(again)) return 0;  // a path in bytes that are no UTF-8
  if (std::get<config::DesiredState>(again) != source.state) __builtin_trap();
  return 0;
}
