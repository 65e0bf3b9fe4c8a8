#include "dataplane/config/codec.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <type_traits>

#include "dataplane/config/codec_fields.h"
#include "dataplane/config/did_you_mean.h"

namespace isthmus::config {
namespace {

namespace json = boost::json;

// By Method.
constexpr std::array<std::string_view, 5> kMethodNames = {"status", "apply", "state", "trace", "endpoint"};

template <typename T>
constexpr bool kIsVector = false;
template <typename T>
constexpr bool kIsVector<std::vector<T>> = true;
template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;

class Writer {
 public:
  template <typename T>
  static json::value write(const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      return json::value(json::string(value));
    } else if constexpr (std::is_same_v<T, Method>) {
      return json::value(json::string(kMethodNames[static_cast<std::size_t>(value)]));
    } else if constexpr (std::is_arithmetic_v<T>) {
      return json::value(value);
    } else if constexpr (kIsVector<T>) {
      json::array array;
      array.reserve(value.size());
      for (const auto& item : value) array.push_back(write(item));
      return array;
    } else {
      Writer writer;
      fields(writer, value);
      return std::move(writer.object_);
    }
  }

  template <typename T>
  void operator()(const char* name, const T& member) {
    if constexpr (kIsOptional<T>) {
      if (member) object_[name] = write(*member);
    } else {
      object_[name] = write(member);
    }
  }

 private:
  json::object object_;
};

// Reads until the first mistake, which it keeps.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

  template <typename T>
  void read(const json::value& value, T& into) {
    if constexpr (std::is_same_v<T, std::string>) {
      read_string(value, into);
    } else if constexpr (std::is_same_v<T, Method>) {
      read_method(value, into);
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!value.is_bool()) return fail("expected true or false");
      into = value.get_bool();
    } else if constexpr (std::is_arithmetic_v<T>) {
      read_number(value, into);
    } else if constexpr (kIsVector<T>) {
      read_array(value, into);
    } else {
      read_object(value, into);
    }
  }

  template <typename T>
  void operator()(const char* name, T& member) {
    known_.push_back(name);
    if (failed() || other_revision_) return;
    const json::value* value = object_->if_contains(name);
    Place place(*this, std::string(".") + name);
    if constexpr (kIsOptional<T>) {
      if (value != nullptr) read(*value, member.emplace());
    } else {
      if (value == nullptr) return fail("is missing");
      read(*value, member);
      stop_at_other_revision(name, member);
    }
  }

 private:
  // The path grows on the way down and shrinks on the way back.
  class Place {
   public:
    Place(Reader& reader, const std::string& step) : reader_(reader), length_(reader.path_.size()) {
      reader_.path_ += step;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { reader_.path_.resize(length_); }

   private:
    Reader& reader_;
    std::size_t length_;
  };

  void fail(const std::string& what) {
    if (!failed()) error_ = path_ + ": " + what;
  }

  void read_string(const json::value& value, std::string& into) {
    if (!value.is_string()) return fail("expected a string");
    into = std::string(std::string_view(value.get_string()));
  }

  void read_method(const json::value& value, Method& into) {
    if (!value.is_string()) return fail("expected a string");
    const std::string_view text = value.get_string();
    for (std::size_t i = 0; i < kMethodNames.size(); ++i) {
      if (text == kMethodNames[i]) return void(into = static_cast<Method>(i));
    }
    fail("unknown method; known are status, apply, state, trace and endpoint");
  }

  template <typename T>
  void read_number(const json::value& value, T& into) {
    if (!value.is_number()) return fail("expected a number");
    boost::system::error_code error;
    const T number = value.to_number<T>(error);
    if (error) return fail("number is out of range");
    into = number;
  }

  template <typename T>
  void read_array(const json::value& value, std::vector<T>& into) {
    if (!value.is_array()) return fail("expected an array");
    into.reserve(value.get_array().size());
    for (const json::value& item : value.get_array()) {
      Place place(*this, "[" + std::to_string(into.size()) + "]");
      read(item, into.emplace_back());
      if (failed()) return;
    }
  }

  template <typename T>
  void read_object(const json::value& value, T& into) {
    if (!value.is_object()) return fail("expected an object");
    Reader inner(path_);
    inner.object_ = &value.get_object();
    fields(inner, into);
    if (!inner.other_revision_) inner.refuse_unknown();
    error_ = inner.error_;
  }

  void refuse_unknown() {
    if (failed()) return;
    for (const json::key_value_pair& field : *object_) {
      const std::string_view name = field.key();
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      const std::string_view meant = did_you_mean(name, known_);
      Place place(*this, "." + std::string(name));
      return fail("unknown field" + (meant.empty() ? "" : "; did you mean " + std::string(meant) + "?"));
    }
  }

  // What another revision's fields mean is not ours to say: the caller gets the number and refuses.
  template <typename T>
  void stop_at_other_revision(std::string_view name, const T& member) {
    if constexpr (std::is_same_v<T, std::uint32_t>) {
      if (name == "revision" && !failed() && member != kApiRevision) other_revision_ = true;
    }
  }

  std::string path_;
  std::string error_;
  bool other_revision_ = false;
  const json::object* object_ = nullptr;
  std::vector<std::string_view> known_;
};

template <typename T>
std::variant<T, CodecError> decode(std::string_view text, const char* what) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return CodecError{std::string(what) + ": not JSON: " + error.message()};
  Reader reader(what);
  T result;
  reader.read(value, result);
  if (reader.failed()) return CodecError{reader.error()};
  return result;
}

}  // namespace

std::string encode(const Request& request) { return json::serialize(Writer::write(request)); }
std::string encode(const Response& response) { return json::serialize(Writer::write(response)); }
std::string encode(const DesiredState& state) { return json::serialize(Writer::write(state)); }
std::string encode(const Status& status) { return json::serialize(Writer::write(status)); }

std::variant<Request, CodecError> decode_request(std::string_view text) { return decode<Request>(text, "request"); }
std::variant<Response, CodecError> decode_response(std::string_view text) { return decode<Response>(text, "response"); }
std::variant<DesiredState, CodecError> decode_state(std::string_view text) {
  return decode<DesiredState>(text, "state");
}

}  // namespace isthmus::config
