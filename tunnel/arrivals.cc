#include "tunnel/arrivals.h"

#include <utility>

namespace isthmus::tunnel {

ArrivalNews Arrivals::look(const ReplayWindow& window) {
  const ArrivalNews news = since_last(window, mark_);
  mark_ = window.next();
  return news;
}

ArrivalNews Arrivals::since_last(const ReplayWindow& window, std::uint64_t mark) {
  const auto difference = [](std::uint64_t& before, std::uint64_t now) { return now - std::exchange(before, now); };
  ArrivalNews news;
  news.lost = static_cast<std::int64_t>(difference(lost_, window.missing_below(mark)));
  news.duplicate = difference(duplicate_, window.duplicates());
  news.reordered = difference(reordered_, window.reordered());
  return news;
}

}  // namespace isthmus::tunnel
