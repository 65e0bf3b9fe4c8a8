#include "dataplane/config/codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "dataplane/config/framing.h"
#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

Status full_status() {
  Status status;
  status.version = "1.2.3";
  status.pid = 4711;
  status.started_seconds = 1700000000;
  status.generation = 3;
  status.name = "crownlabs";
  status.public_key = kKeyA;
  status.aead = "avx2";
  status.memory = "hugepages";
  status.polling = "busy";
  status.listen_ports = {65535, 1};
  status.drift = {"peers[netlab]: removed with wg", "privateKey: set with wg"};
  status.ports = {{"cluster", "eth1", "02:00:00:00:00:01", {"10.244.0.1/16"}, true, 6}};
  PeerStatus peer;
  peer.name = "netlab";
  peer.public_key = kKeyB;
  peer.endpoint = "192.0.2.2:51820";
  peer.endpoint_name = "gw.example.org:51820";
  peer.name_trouble = "no answer";
  peer.connected = true;
  peer.last_handshake_seconds = 1700000001;
  peer.last_received_age = 0.25;
  peer.handshake_pending_seconds = 1.5;
  peer.transmit_bytes = std::numeric_limits<std::uint64_t>::max();
  peer.receive_bytes = 2;
  peer.outbound_packets = 3;
  peer.outbound_bytes = 4;
  peer.inbound_packets = 5;
  peer.inbound_bytes = 6;
  peer.lost_packets = 8;
  peer.duplicate_packets = 18;
  peer.reordered_packets = 19;
  peer.held_packets = 7;
  peer.memory_bytes = 8192;
  peer.rotating = true;
  peer.lanes = {{51820, "192.0.2.2:51820", true, 1700000001}};
  peer.remote = {{"10.244.0.0/16", "10.71.0.0/16"}};
  peer.local = {{"10.244.0.0/16", "10.91.0.0/16"}};
  status.peers = {peer};
  status.drops = {{"netlab", "inbound", "open", "replayed", "\"quoted\"\n\xc3\xa9", 9}};
  status.walks = {{"outbound", 10, 11, 12, 13, 14, {{"kernel", 15}}}};
  status.handshakes = {{"completed", 16}};
  return status;
}

Response full_response() {
  Response response;
  response.error = "no";
  response.errors = {{"peers[0]", "is bad", "write good"}};
  response.generation = 17;
  response.changed = true;
  response.status = full_status();
  response.state = sample();
  return response;
}

std::string error_of(const std::variant<Request, CodecError>& decoded) {
  const CodecError* error = std::get_if<CodecError>(&decoded);
  return error != nullptr ? error->message : "accepted";
}

// Every field of the text stands in the struct again, as encoding it once more shows.
TEST(Codec, ResponseComesBack) {
  const std::string text = encode(full_response());
  const auto decoded = decode_response(text);
  const Response* response = std::get_if<Response>(&decoded);
  ASSERT_NE(response, nullptr) << std::get<CodecError>(decoded).message;
  EXPECT_EQ(encode(*response), text);
  EXPECT_EQ(response->errors, full_response().errors);
  EXPECT_EQ(response->state, sample());
  EXPECT_EQ(response->status->peers[0].transmit_bytes, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(response->status->peers[0].last_received_age, 0.25);
  EXPECT_EQ(response->status->drops[0].help, "\"quoted\"\n\xc3\xa9");
  EXPECT_EQ(response->status->drift, full_status().drift);
  EXPECT_EQ(response->status->walks[0].punted[0].count, 15U);
}

// Every member of every struct, by name: a field that the codec forgets would come back as nothing on both ways.
TEST(Codec, StatusIsThisText) {
  EXPECT_EQ(
      encode(full_status()),
      R"({"version":"1.2.3","pid":4711,"started_seconds":1700000000,"generation":3,"name":"crownlabs",)"
      R"("public_key":"Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=","aead":"avx2","memory":"hugepages",)"
      R"("polling":"busy","listen_ports":[65535,1],"drift":["peers[netlab]: removed with wg","privateKey: set with wg"],)"
      R"("ports":[{"role":"cluster","device":"eth1","mac":"02:00:00:00:00:01",)"
      R"("addresses":["10.244.0.1/16"],"kernel":true,"missed":6}],"peers":[{"name":"netlab",)"
      R"("public_key":"QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=","endpoint":"192.0.2.2:51820",)"
      R"("endpoint_name":"gw.example.org:51820","name_trouble":"no answer","connected":true,"rotating":true,)"
      R"("last_handshake_seconds":1700000001,"last_received_age":2.5E-1,"handshake_pending_seconds":1.5E0,)"
      R"("transmit_bytes":18446744073709551615,)"
      R"("receive_bytes":2,"outbound_packets":3,"outbound_bytes":4,"inbound_packets":5,"inbound_bytes":6,)"
      R"("lost_packets":8,"duplicate_packets":18,"reordered_packets":19,)"
      R"("held_packets":7,"memory_bytes":8192,"lanes":[{"listen_port":51820,"endpoint":"192.0.2.2:51820","usable":true,)"
      R"("last_handshake_seconds":1700000001}],"remote":[{"real":"10.244.0.0/16","seen_as":"10.71.0.0/16","except":[]}],)"
      R"("local":[{"real":"10.244.0.0/16","seen_as":"10.91.0.0/16","except":[]}]}],"drops":[{"peer":"netlab",)"
      R"("direction":"inbound","stage":"open","reason":"replayed","help":"\"quoted\"\né","packets":9}],)"
      R"("walks":[{"direction":"outbound","received":10,"originated":11,"resumed":12,"transmitted":13,"dropped":14,)"
      R"("punted":[{"name":"kernel","count":15}]}],"handshakes":[{"name":"completed","count":16}]})");
}

TEST(Codec, RequestComesBack) {
  for (const Method method : {Method::kStatus, Method::kApply, Method::kState}) {
    Request request;
    request.method = method;
    if (method == Method::kApply) request.state = sample();
    const auto decoded = decode_request(encode(request));
    ASSERT_TRUE(std::holds_alternative<Request>(decoded)) << std::get<CodecError>(decoded).message;
    EXPECT_EQ(std::get<Request>(decoded).method, method);
    EXPECT_EQ(std::get<Request>(decoded).state, request.state);
  }
}

TEST(Codec, StateComesBack) {
  const auto decoded = decode_state(encode(sample()));
  ASSERT_TRUE(std::holds_alternative<DesiredState>(decoded));
  EXPECT_EQ(std::get<DesiredState>(decoded), sample());
}

TEST(Codec, FieldsAreNamedAsInTheStructs) {
  Request request;
  EXPECT_EQ(encode(request), R"({"revision":3,"method":"status"})");
  request.method = Method::kEndpoint;
  request.endpoint = EndpointRequest{"netlab", "192.0.2.7:51820", true};
  EXPECT_EQ(encode(request), R"({"revision":3,"method":"endpoint",)"
                             R"("endpoint":{"peer":"netlab","endpoint":"192.0.2.7:51820","anew":true}})");
  const auto decoded = decode_request(encode(request));
  ASSERT_TRUE(std::holds_alternative<Request>(decoded));
  EXPECT_EQ(encode(std::get<Request>(decoded)), encode(request));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Codec, NamesThePlaceOfAMistake) {
  Request request;
  request.method = Method::kApply;
  request.state = sample();
  const std::string text = encode(request);
  const auto broken = [&](const char* from, const char* to) {
    return error_of(decode_request(replaced(text, from, to)));
  };
  EXPECT_EQ(broken(R"("endpoint":"192.0.2.2:51820")", R"("endpoint":5)"),
            "request.state.peers[0].endpoint: expected a string");
  EXPECT_EQ(broken(R"("endpoint":"192.0.2.2:51820")", R"("endpont":"x","endpoint":"x")"),
            "request.state.peers[0].endpont: unknown field; did you mean endpoint?");
  EXPECT_EQ(broken(R"("endpoint":"192.0.2.2:51820",)", ""), "request.state.peers[0].endpoint: is missing");
  EXPECT_EQ(broken(R"("mtu":1300)", R"("mtu":"1300")"), "request.state.peers[1].mtu: expected a number");
  EXPECT_EQ(broken(R"("mtu":1300)", R"("mtu":1.5)"), "request.state.peers[1].mtu: number is out of range");
  EXPECT_EQ(broken(R"("mtu":1300)", R"("mtu":99999999999999999999)"),
            "request.state.peers[1].mtu: number is out of range");
  EXPECT_EQ(broken(R"("pods":["10.244.0.0/16"])", R"("pods":{})"), "request.state.pods: expected an array");
  EXPECT_EQ(broken(R"("pods":["10.244.0.0/16"])", R"("pods":[null])"), "request.state.pods[0]: expected a string");
  EXPECT_EQ(broken(R"("method":"apply")", R"("method":"drop")"),
            "request.method: unknown method; known are status, apply, state, trace and endpoint");
}

TEST(Codec, RefusesWhatIsNoMessage) {
  for (const char* text : {"", "{", "[]", "null", "\"x\"", "{}", R"({"revision":-1,"method":"status"})",
                           R"({"revision":3,"method":"status"} x)", "{\"revision\":2,\"method\":\"\xff\"}"}) {
    EXPECT_NE(error_of(decode_request(text)), "accepted") << text;
  }
  EXPECT_NE(error_of(decode_request(std::string(100000, '['))), "accepted");
}

TEST(Codec, GivesAnotherRevisionWithoutJudgingTheRest) {
  const auto decoded = decode_request(R"({"revision":7,"way":"new"})");
  ASSERT_TRUE(std::holds_alternative<Request>(decoded)) << std::get<CodecError>(decoded).message;
  EXPECT_EQ(std::get<Request>(decoded).revision, 7U);
}

TEST(Codec, SurvivesDamagedMessages) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const std::string good = encode(full_response());
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    for (unsigned change = 0; change <= random() % 4; ++change)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % 8 == 0 ? random() % text.size() : text.size());
    const auto decoded = decode_response(text);
    if (const Response* response = std::get_if<Response>(&decoded)) encode(*response);
  }
}

TEST(Framing, HeaderIsFourBigEndianBytes) {
  EXPECT_EQ(frame("abc"), std::string("\0\0\0\3abc", 7));
  EXPECT_EQ(frame_length({0, 0, 1, 2}), 258U);
  EXPECT_EQ(frame_length({1, 0, 0, 0}), kMaxMessage);
  EXPECT_FALSE(frame_length({1, 0, 0, 1}));
  EXPECT_FALSE(frame_length({0xff, 0xff, 0xff, 0xff}));
}

}  // namespace
}  // namespace isthmus::config
