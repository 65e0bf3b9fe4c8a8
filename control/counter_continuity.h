#pragma once
// Counters that go on when the data plane starts again from zero, so that a scraper never sees one go backwards.

#include <cstdint>
#include <map>
#include <string>

#include "dataplane/config/api.h"

namespace isthmus::control {

class CounterContinuity {
 public:
  // The same status with what earlier data planes had counted added. What one counted after its last status is lost.
  config::Status absorb(config::Status status);

 private:
  struct Counter {
    std::uint64_t base = 0;
    std::uint64_t last = 0;
    bool touched = false;
  };

  void begin_run(const config::Status& status);
  void go_on(const std::string& key, std::uint64_t& value);
  void forget_removed();

  std::uint64_t pid_ = 0;
  std::int64_t started_seconds_ = 0;
  std::map<std::string, Counter> counters_;
  config::Status previous_;  // for rows that the new data plane has not counted in yet
};

}  // namespace isthmus::control
