#include "nat/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "test/support/random.h"

namespace isthmus::nat {
namespace {

using std::chrono::seconds;

// A list that is searched from end to end, and knows nothing of places, chains or incremental expiry.
struct SlowFlow {
  FlowSender sender;
  Ipv4Address shared;
  std::uint16_t port = 0;
  Instant ends;
};

class SlowTable {
 public:
  void forget_ended(Instant now) {
    flows.remove_if([&](const SlowFlow& flow) { return flow.ends <= now; });
  }
  SlowFlow* of_sender(const FlowSender& sender) {
    return find([&](const SlowFlow& flow) { return flow.sender == sender; });
  }
  SlowFlow* of_port(PeerIndex peer, IpProtocol protocol, std::uint16_t port) {
    return find([&](const SlowFlow& flow) {
      return flow.sender.peer == peer && flow.sender.protocol == protocol && flow.port == port;
    });
  }
  std::uint32_t of_source(Ipv4Address address) const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(flows, [&](const SlowFlow& flow) { return flow.sender.address == address; }));
  }
  std::list<SlowFlow> flows;

 private:
  template <typename Matches>
  SlowFlow* find(Matches&& matches) {
    const auto found = std::ranges::find_if(flows, matches);
    return found == flows.end() ? nullptr : &*found;
  }
};

class FlowTableModel : public testing::Test {
 protected:
  static constexpr std::uint32_t kCapacity = 40;
  static constexpr std::uint32_t kPerSource = 12;

  FlowSender random_sender() {
    constexpr IpProtocol kProtocols[] = {IpProtocol::kTcp, IpProtocol::kUdp, IpProtocol::kIcmp};
    return {PeerIndex{static_cast<std::uint32_t>(random_.below(2))},
            {0xc0a80000 + static_cast<std::uint32_t>(random_.below(6))},
            kProtocols[random_.below(3)],
            static_cast<std::uint16_t>(1020 + random_.below(8))};
  }
  static Duration idle(const FlowSender& sender) {
    if (sender.protocol == IpProtocol::kTcp) return kTcpTransitoryIdle;
    return sender.protocol == IpProtocol::kUdp ? kUdpIdle : kIcmpIdle;
  }

  void open(const FlowSender& sender);
  void answer();

  test::Random random_;
  FlowTable table_{kCapacity, kPerSource};
  SlowTable slow_;
  Instant now_{seconds(1)};
  const Ipv4Address shared_{0x0a460000};
};

void FlowTableModel::open(const FlowSender& sender) {
  DropReason refusal = DropReason::kNone;
  SlowFlow* const known = slow_.of_sender(sender);
  Flow* flow = table_.open(sender, shared_, now_, refusal);
  if (flow == nullptr) {  // ended flows may still take room until they are looked at
    table_.expire(kCapacity, now_);
    flow = table_.open(sender, shared_, now_, refusal);
  }
  if (known == nullptr && (slow_.flows.size() == kCapacity || slow_.of_source(sender.address) == kPerSource)) {
    ASSERT_EQ(flow, nullptr);
    const bool full = slow_.flows.size() == kCapacity;
    ASSERT_EQ(refusal, full ? DropReason::kFlowTableFull : DropReason::kSourceFlowsFull);
    return;
  }
  ASSERT_NE(flow, nullptr);
  ASSERT_EQ(flow->sender, sender);
  ASSERT_EQ(flow->map.translate(sender.address, Translation::kRealToSeenAs), shared_);
  flow->sent(TcpHeader::kSyn, now_);
  if (known != nullptr) {
    ASSERT_EQ(flow->port, known->port) << "a flow keeps its port";
    known->ends = now_ + idle(sender);
    return;
  }
  ASSERT_GE(flow->port, FlowTable::kFirstPort);
  ASSERT_EQ(slow_.of_port(sender.peer, sender.protocol, flow->port), nullptr) << "two senders met at one port";
  slow_.flows.push_back({sender, shared_, flow->port, now_ + idle(sender)});
}

void FlowTableModel::answer() {
  FlowSender sender = random_sender();
  if (!slow_.flows.empty() && random_.one_in(2)) {
    sender = std::next(slow_.flows.begin(), static_cast<std::ptrdiff_t>(random_.below(slow_.flows.size())))->sender;
  }
  const SlowFlow* known = slow_.of_sender(sender);
  const std::uint16_t port = known != nullptr ? known->port : sender.port;
  const SlowFlow* expected = slow_.of_port(sender.peer, sender.protocol, port);
  const Flow* flow = table_.of_port(sender.peer, shared_, sender.protocol, port, now_);
  ASSERT_EQ(flow != nullptr, expected != nullptr);
  if (flow != nullptr) {
    ASSERT_EQ(flow->sender, expected->sender);
  }
}

TEST_F(FlowTableModel, EqualsTheSlowOne) {
  for (int round = 0; round < 200000 && !HasFatalFailure(); ++round) {
    now_ += random_.one_in(20) ? seconds(random_.below(120)) : seconds(0);
    slow_.forget_ended(now_);
    if (random_.one_in(4)) table_.expire(static_cast<std::uint32_t>(random_.below(8)), now_);
    if (random_.one_in(3)) {
      answer();
    } else {
      open(random_sender());
    }
    ASSERT_GE(table_.size(), slow_.flows.size());
  }
  table_.expire(kCapacity, now_ + kTcpIdle);
  EXPECT_EQ(table_.size(), 0U);
}

// Full to the last place, with senders that all want the same port.
TEST(FlowTable, GivesEachSenderAPortOfItsOwn) {
  FlowTable table;
  std::vector<bool> taken(65536);
  const Instant now{seconds(1)};
  DropReason refusal = DropReason::kNone;
  for (std::uint32_t i = 0; i < FlowTable::kFlows; ++i) {
    const Flow* flow = table.open({PeerIndex{0}, {i}, IpProtocol::kUdp, 5000}, {9}, now, refusal);
    ASSERT_NE(flow, nullptr) << i;
    ASSERT_FALSE(taken[flow->port]);
    taken[flow->port] = true;
  }
  EXPECT_EQ(table.open({PeerIndex{0}, {FlowTable::kFlows}, IpProtocol::kUdp, 5000}, {9}, now, refusal), nullptr);
  EXPECT_EQ(refusal, DropReason::kFlowTableFull);
}

TEST(FlowTable, ForgetsFlowsOfAnAddressThatIsNoLongerShared) {
  FlowTable table;
  const Instant now{seconds(1)};
  DropReason refusal = DropReason::kNone;
  ASSERT_NE(table.open({PeerIndex{0}, {1}, IpProtocol::kUdp, 5000}, {9}, now, refusal), nullptr);
  EXPECT_EQ(table.of_port(PeerIndex{0}, {8}, IpProtocol::kUdp, 5000, now), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

// Seconds that a TCP flow has left after its flags: upper case is what the sender says, lower case what it hears.
std::int64_t seconds_left(std::string_view said) {
  Flow flow;
  flow.sender.protocol = IpProtocol::kTcp;
  const Instant now{seconds(1)};
  for (const char c : said) {
    const bool fin = c == 'F' || c == 'f';
    const bool syn = c == 'S' || c == 's';
    const bool rst = c == 'R' || c == 'r';
    const auto flags = static_cast<std::uint8_t>((fin ? 1 : 0) | (syn ? 2 : 0) | (rst ? 4 : 0));
    if (c < 'a') {
      flow.sent(flags, now);
    } else {
      flow.received(flags, now);
    }
  }
  return std::chrono::duration_cast<seconds>(flow.ends - now).count();
}

TEST(FlowTable, TcpLivesLongOnlyWhileEstablished) {
  EXPECT_EQ(seconds_left("S"), 240);
  EXPECT_EQ(seconds_left("SA"), 240) << "nobody has answered";
  EXPECT_EQ(seconds_left("SsA"), 7440);
  EXPECT_EQ(seconds_left("SsAf"), 7440) << "the sender may go on";
  EXPECT_EQ(seconds_left("SsAF"), 240);
  EXPECT_EQ(seconds_left("SsAFaA"), 240);
  EXPECT_EQ(seconds_left("SsAr"), 240);
  EXPECT_EQ(seconds_left("SsArA"), 7440) << "the RST was not the sender's";
  EXPECT_EQ(seconds_left("SsAFSsA"), 7440);
}

}  // namespace
}  // namespace isthmus::nat
