#include "dataplane/service/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace isthmus::service {
namespace {

class File {
 public:
  explicit File(const std::string& name) : descriptor_(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// The file's text on the stack, wiped when it goes.
struct Text {
  std::array<char, 128> bytes{};
  ~Text() { explicit_bzero(bytes.data(), bytes.size()); }
};

}  // namespace

std::variant<tunnel::SecretKey, config::ConfigError> read_secret(const std::string& file, const std::string& path) {
  const File key_file(file);
  struct stat status {};
  if (key_file.get() < 0 || ::fstat(key_file.get(), &status) != 0) {
    return config::ConfigError{path, "cannot read " + file + ": " + std::generic_category().message(errno),
                               "write the key there: wg genkey > " + file + " && chmod 600 " + file};
  }
  if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0) {
    return config::ConfigError{path, file + " can be read by others than its owner", "chmod 600 " + file};
  }
  Text text;
  const ssize_t length = ::read(key_file.get(), text.bytes.data(), text.bytes.size());
  std::string_view key(text.bytes.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.remove_suffix(1);
  auto parsed = tunnel::parse_key(key);
  if (!parsed) {
    return config::ConfigError{path, file + " does not hold a key",
                               "it must hold what `wg genkey` prints: 44 characters"};
  }
  tunnel::SecretKey secret;
  secret.bytes = *parsed;
  explicit_bzero(parsed->data(), parsed->size());
  return secret;
}

}  // namespace isthmus::service
