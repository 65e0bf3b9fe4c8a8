#include "control/source_yaml.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>
#include <optional>
#include <system_error>

#include "control/yaml_tree.h"
#include "dataplane/config/did_you_mean.h"

namespace isthmus::control {
namespace {

using config::ConfigErrors;
using Kind = YamlNode::Kind;

// An empty value ("pods:") counts as one that is not there: validate says what is missing.
class DocumentReader {
 public:
  explicit DocumentReader(YamlSource& source) : source_(source) {}

  void read(const YamlNode& root) {
    config::DesiredState& state = source_.state;
    map(root, "",
        {{"apiVersion", text(state.api_version)},
         {"name", text(state.name)},
         {"privateKeyFile", text(state.private_key_file)},
         {"ports", [&](const YamlNode& node, const std::string& path) { ports(node, path); }},
         {"pods", texts(state.pods)},
         {"reserved", texts(state.reserved)},
         {"tunnel",
          [&](const YamlNode& node, const std::string& path) {
            map(node, path,
                {{"listenPort", number(state.listen_port)},
                 {"listenPorts", numbers(state.listen_ports)},
                 {"mtu", number(state.mtu)}});
          }},
         {"polling", text(state.polling)},
         {"aead", text(state.aead)},
         {"metrics",
          [&](const YamlNode& node, const std::string& path) {
            map(node, path, {{"address", text(state.metrics_address)}});
          }},
         {"peers", list(state.peers, [this](const YamlNode& node, const std::string& path, config::DesiredPeer& into) {
            peer(node, path, into);
          })}});
  }

 private:
  using Read = std::function<void(const YamlNode&, const std::string&)>;
  struct Field {
    std::string_view name;
    Read read;
  };

  void fail(const YamlNode& node, const std::string& path, std::string message, std::string advice) {
    source_.lines.try_emplace(path, node.line);
    source_.errors.push_back({path, std::move(message), std::move(advice)});
  }

  void map(const YamlNode& node, const std::string& path, const std::vector<Field>& fields) {
    if (node.kind == Kind::kNull) return;
    if (node.kind != Kind::kMap) return fail(node, path, "must be fields with values", "write name: value lines");
    std::vector<std::string_view> known;
    for (const Field& field : fields) known.push_back(field.name);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const YamlNode::Key& key = node.keys[i];
      const std::string place = path.empty() ? key.name : path + "." + key.name;
      source_.lines.try_emplace(place, key.line);
      const auto field = std::find(known.begin(), known.end(), key.name);
      if (field == known.end()) {
        unknown(node.items[i], place, key.name, known);
      } else {
        fields[static_cast<std::size_t>(field - known.begin())].read(node.items[i], place);
      }
    }
  }

  void unknown(const YamlNode& node, const std::string& path, const std::string& name,
               const std::vector<std::string_view>& known) {
    const std::string_view meant = config::did_you_mean(name, known);
    std::string advice = "known here are";
    for (const std::string_view field : known) advice += (field == known.front() ? " " : ", ") + std::string(field);
    if (!meant.empty()) advice = "did you mean " + std::string(meant) + "?";
    fail(node, path, "unknown field", advice);
  }

  Read text(std::string& into) {
    return [this, &into](const YamlNode& node, const std::string& path) {
      if (node.kind == Kind::kNull) return;
      if (node.kind != Kind::kScalar) return fail(node, path, "must be a single value", "write " + path + ": value");
      into = node.text;
    };
  }

  Read number(std::int64_t& into) {
    return [this, &into](const YamlNode& node, const std::string& path) {
      if (node.kind == Kind::kNull) return;
      const char* end = node.text.data() + node.text.size();
      std::int64_t value = 0;
      const auto [rest, error] = std::from_chars(node.text.data(), end, value);
      if (node.kind != Kind::kScalar || node.quoted || error != std::errc{} || rest != end) {
        return fail(node, path, "must be a whole number", "write it in digits, without quotes or a unit");
      }
      into = value;
    };
  }

  template <typename T, typename ReadItem>
  Read list(std::vector<T>& into, ReadItem read_item) {
    return [this, &into, read_item](const YamlNode& node, const std::string& path) {
      if (node.kind == Kind::kNull) return;
      if (node.kind != Kind::kList) return fail(node, path, "must be a list", "begin each entry with a hyphen: - ...");
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const std::string place = path + "[" + std::to_string(i) + "]";
        source_.lines.try_emplace(place, node.items[i].line);
        read_item(node.items[i], place, into.emplace_back());
      }
    };
  }

  Read texts(std::vector<std::string>& into) {
    return list(into,
                [this](const YamlNode& node, const std::string& path, std::string& item) { text(item)(node, path); });
  }

  Read numbers(std::vector<std::int64_t>& into) {
    return list(
        into, [this](const YamlNode& node, const std::string& path, std::int64_t& item) { number(item)(node, path); });
  }

  Read maps(std::vector<config::DesiredMap>& into) {
    return list(into, [this](const YamlNode& node, const std::string& path, config::DesiredMap& item) {
      map(node, path, {{"real", text(item.real)}, {"seenAs", text(item.seen_as)}, {"except", texts(item.except)}});
    });
  }

  void ports(const YamlNode& node, const std::string& path) {
    const auto port = [this](config::DesiredPort& into) {
      return [this, &into](const YamlNode& of_port, const std::string& place) {
        map(of_port, place,
            {{"interface", text(into.interface)},
             {"device", text(into.device)},
             {"addresses", texts(into.addresses)},
             {"gateway", text(into.gateway)},
             {"mac", text(into.mac)}});
      };
    };
    map(node, path, {{"cluster", port(source_.state.cluster_port)}, {"underlay", port(source_.state.underlay_port)}});
  }

  void peer(const YamlNode& node, const std::string& path, config::DesiredPeer& into) {
    map(node, path,
        {{"name", text(into.name)},
         {"publicKey", text(into.public_key)},
         {"presharedKeyFile", text(into.preshared_key_file)},
         {"endpoint", text(into.endpoint)},
         {"endpointPorts", numbers(into.endpoint_ports)},
         {"lanes", number(into.lanes)},
         {"persistentKeepalive", number(into.persistent_keepalive)},
         {"mtu", number(into.mtu)},
         {"remote", maps(into.remote)},
         {"local", maps(into.local)},
         {"othersSeenAs", text(into.others_seen_as)}});
  }

  YamlSource& source_;
};

// Reads at most one byte more than a document may have.
std::optional<std::string> read_bounded(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::string text;
  ssize_t count = 1;
  while (count > 0 && text.size() <= kMaxDocument) {
    const std::size_t had = text.size();
    text.resize(had + 65536);
    count = ::read(fd, text.data() + had, 65536);
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  if (count < 0) return std::nullopt;
  return text;
}

}  // namespace

YamlSource read_yaml(std::string_view text, std::string file) {
  YamlSource source;
  source.file = std::move(file);
  source.text = text;
  const auto refuse = [&source](int line, std::string message, std::string advice) {
    source.lines[""] = line;
    source.errors.push_back({"", std::move(message), std::move(advice)});
    return source;
  };
  if (text.size() > kMaxDocument) return refuse(1, "is longer than 4 MiB", "split the peers over several gateways");
  std::variant<YamlNode, YamlError> tree = parse_yaml(text);
  if (const YamlError* error = std::get_if<YamlError>(&tree)) return refuse(error->line, error->message, error->advice);
  const YamlNode& root = std::get<YamlNode>(tree);
  if (root.kind == Kind::kNull) return refuse(1, "the document is empty", "compare with control/example.yaml");
  source.readable = root.kind == Kind::kMap;
  DocumentReader(source).read(root);
  return source;
}

YamlSource read_yaml_file(const std::string& file) {
  const std::optional<std::string> text = read_bounded(file);
  if (text) return read_yaml(*text, file);
  YamlSource source;
  source.file = file;
  source.errors.push_back(
      {"", "cannot be read: " + std::generic_category().message(errno), "check the path and its permissions"});
  return source;
}

int YamlSource::line_of(const std::string& path) const {
  for (std::string place = path;;) {
    const auto found = lines.find(place);
    if (found != lines.end()) return found->second;
    const std::size_t end = place.find_last_of(".[");
    if (end == std::string::npos) return 1;
    place.resize(end);
  }
}

std::variant<config::ValidatedConfig, config::ConfigErrors> validate(const YamlSource& source) {
  if (!source.readable) return source.errors;
  auto result = config::validate(source.state);
  if (source.errors.empty()) return result;
  ConfigErrors all = source.errors;
  if (const ConfigErrors* errors = std::get_if<ConfigErrors>(&result))
    all.insert(all.end(), errors->begin(), errors->end());
  std::stable_sort(all.begin(), all.end(), [&source](const config::ConfigError& a, const config::ConfigError& b) {
    return source.line_of(a.path) < source.line_of(b.path);
  });
  return all;
}

std::string to_string(const YamlSource& source, const config::ConfigError& error) {
  return source.file + ":" + std::to_string(source.line_of(error.path)) + ": " + config::to_string(error);
}

}  // namespace isthmus::control
