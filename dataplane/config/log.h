#pragma once
// What the two daemons tell their operator: one line an event on stderr, in logfmt, with the time in UTC (RFC 3339).
// Never a key and never a packet's content. For floor 3; nothing on a packet's walk logs.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace isthmus::config {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

// time=2025-01-31T12:00:00.123Z level=info event="data plane started" pid=4711
// One write(2) a line, so that the lines of two processes on one terminal do not mix.
void log_event(LogLevel level, std::string_view event, LogFields fields = {});

// The line as it is written, with a given time: seconds since 1970 and milliseconds.
std::string log_line(std::int64_t seconds, int milliseconds, LogLevel level, std::string_view event, LogFields fields);

}  // namespace isthmus::config
