#include "dataplane/pipeline/translate.h"

#include "nat/rewrite.h"

namespace isthmus::pipeline {

void translate(PacketBurst& burst) {
  burst.each([](Packet& packet) { nat::rewrite(packet); });
}

}  // namespace isthmus::pipeline
