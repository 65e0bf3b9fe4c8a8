#!/usr/bin/python3
"""Records two whole exchanges of the naive twin as test/kat/tunnel/exchange_vectors.h:

python3 -B test/support/record_exchange.py | clang-format > test/kat/tunnel/exchange_vectors.h

The responder is under load: initiation, cookie reply, initiation with mac2, response, then data both ways. Once without
a pre-shared key over IPv4, once with one over IPv6. All that is random is the hash of a word, so that the record can be
made again."""

import naive_wireguard as wire

HEAD = '''#pragma once
// Recorded from test/support/naive_wireguard.py by test/support/record_exchange.py: not one byte is from our own code.

#include <cstdint>
#include <string_view>

namespace isthmus::tunnel {

// All bytes are hexadecimal text.
struct Exchange {
  std::string_view initiator_private;
  std::string_view responder_private;
  std::string_view preshared;
  std::string_view ephemerals[3];  // of the two initiations and of the response
  std::uint32_t initiator_indexes[2];
  std::uint32_t responder_index;
  std::uint64_t seconds[2];  // wall clock of the two initiations
  std::string_view source_address;
  std::uint16_t source_port;
  std::string_view cookie_secret;
  std::string_view cookie_nonce;

  std::string_view first_initiation;
  std::string_view cookie_reply;
  std::string_view second_initiation;
  std::string_view response;
  std::string_view initiator_sends;
  std::string_view responder_sends;
  std::string_view packets[3];  // initiator, responder, initiator; the second is a keepalive
  std::string_view data[3];
};

inline constexpr Exchange kExchanges[] = {
'''


def secret(word, exchange, size=32):
    return wire.hash_of(f"{word} of exchange {exchange}".encode())[:size]


def record(exchange, preshared, address):
    initiator_private, responder_private = secret("initiator", exchange), secret("responder", exchange)
    initiator = wire.Side(initiator_private, wire.public_key(responder_private), preshared)
    responder = wire.Side(responder_private, initiator.public, preshared)
    ephemerals = [secret(f"ephemeral {number}", exchange) for number in range(3)]
    indexes = [int.from_bytes(secret(f"index {number}", exchange, 4), "little") for number in range(3)]
    seconds = [1_700_000_000 + exchange, 1_700_000_005 + exchange]
    port = 51820 + exchange
    cookie_secret, nonce = secret("cookie secret", exchange), secret("cookie nonce", exchange, 24)

    _, first = initiator.create_initiation(ephemerals[0], indexes[0], wire.timestamp(seconds[0], 0))
    reply = responder.create_cookie_reply(first, cookie_secret, address, port, nonce)
    initiator.consume_cookie_reply(reply)
    hs, second = initiator.create_initiation(ephemerals[1], indexes[1], wire.timestamp(seconds[1], 0))
    theirs = responder.consume_initiation(second)
    response = responder.create_response(theirs, ephemerals[2], indexes[2])
    initiator.consume_response(hs, response)
    one, other = wire.Transport(hs, True), wire.Transport(theirs, False)
    packets = [b"the first packet", b"", b"and one that is padded"]
    data = [one.seal(packets[0]), other.seal(packets[1]), one.seal(packets[2])]

    def text(value):
        return f'"{value.hex()}"'

    def several(values):
        return "{" + ", ".join(values) + "}"

    return several([text(initiator_private), text(responder_private), text(preshared),
                    several(map(text, ephemerals)), several(f"{index:#x}" for index in indexes[:2]),
                    f"{indexes[2]:#x}", several(map(str, seconds)), text(address), str(port), text(cookie_secret),
                    text(nonce), text(first), text(reply), text(second), text(response), text(one.sending),
                    text(other.sending), several(map(text, packets)), several(map(text, data))])


def main():
    exchanges = [record(0, bytes(32), bytes([192, 0, 2, 7])),
                 record(1, secret("preshared", 1), bytes.fromhex("20010db8000000000000000000000007"))]
    print(HEAD + ",\n".join(exchanges) + ",\n};\n\n}  // namespace isthmus::tunnel")


main()
