#include "control/render_plan.h"

namespace isthmus::control {

std::string render_plan(const config::Plan& plan, const std::vector<std::string>& drift) {
  if (plan.changes.empty() && drift.empty()) return "nothing changes\n";
  std::string text;
  for (const std::string& change : plan.changes) text += change + "\n";
  for (const std::string& sentence : drift) text += "ends: " + sentence + "\n";
  for (const std::string& path : plan.refused) {
    text += "refused: " + path +
            " cannot change while the data plane runs; stop isthmus-dp to let isthmusd start it anew\n";
  }
  for (const std::string& who : plan.handshakes) text += "handshakes: " + who + "\n";
  if (plan.handshakes.empty() && !plan.changes.empty()) text += "handshakes: none\n";
  return text;
}

}  // namespace isthmus::control
