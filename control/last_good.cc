#include "control/last_good.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "dataplane/config/codec.h"

namespace isthmus::control {
namespace {

constexpr std::string_view kHead = "isthmus-last-good sha256 ";

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

std::string reason(const std::string& what) { return what + ": " + std::generic_category().message(errno); }

std::optional<std::string> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return reason("cannot write");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return std::nullopt;
}

std::optional<std::string> write_durably(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return reason("cannot create " + path);
  std::optional<std::string> error = write_all(fd, text);
  if (!error && ::fsync(fd) != 0) error = reason("cannot write " + path);
  ::close(fd);
  return error;
}

// A rename is on the disk only when its directory is.
void sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

std::optional<std::string> LastGood::save(const config::DesiredState& state) const {
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  const std::string body = encode(state) + "\n";
  const std::string temporary = path() + ".new";
  if (auto error = write_durably(temporary, std::string(kHead) + sha256_hex(body) + "\n" + body)) return error;
  if (::rename(temporary.c_str(), path().c_str()) != 0) return reason("cannot replace " + path());
  sync_directory(directory_);
  return std::nullopt;
}

std::variant<config::DesiredState, LastGood::Missing, LastGood::Damaged> LastGood::load() const {
  std::ifstream file(path(), std::ios::binary);
  if (!file) return Missing{};
  std::ostringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  const std::size_t end = text.find('\n');
  if (end == std::string::npos || !text.starts_with(kHead)) return Damaged{path() + " does not begin as it should"};
  const std::string_view body = std::string_view(text).substr(end + 1);
  if (std::string_view(text).substr(kHead.size(), end - kHead.size()) != sha256_hex(body)) {
    return Damaged{path() + " is not what was written: its checksum differs"};
  }
  auto decoded = config::decode_state(body);
  if (const config::CodecError* error = std::get_if<config::CodecError>(&decoded)) {
    return Damaged{path() + " was written by another release: " + error->message};
  }
  return std::move(std::get<config::DesiredState>(decoded));
}

}  // namespace isthmus::control
