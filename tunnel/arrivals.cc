#include "tunnel/arrivals.h"

#include <utility>

namespace isthmus::tunnel {

ArrivalNews Arrivals::look(const ReplayWindow& window) {
  const ArrivalNews news = since_last(window, mark_);
  mark_ = window.next();
  return news;
}

ArrivalNews Arrivals::since_last(const ReplayWindow& window, std::uint64_t mark) {
  const auto growth = [](std::uint64_t& before, std::uint64_t now) { return now - std::exchange(before, now); };
  const std::uint64_t lost = window.missing_below(mark);
  const std::uint64_t before = std::exchange(lost_, lost);
  ArrivalNews news;
  (lost >= before ? news.lost : news.found) = lost >= before ? lost - before : before - lost;
  news.duplicate = growth(duplicate_, window.duplicates());
  news.reordered = growth(reordered_, window.reordered());
  return news;
}

}  // namespace isthmus::tunnel
