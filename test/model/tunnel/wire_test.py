#!/usr/bin/python3
"""Every byte that we send is the byte that the specification says, and what it says we understand.

wire_test.py SPEAKER [CASES]

      wire_speaker: our code  <--- hexadecimal lines --->  Side: naive_wireguard.py, the peer
                  mirror: the same module in our place, with our keys and our randomness

A case is a pair of random identities and a handshake in one of both roles, with or without a pre-shared key, with or
without cookies on either message, and a few data messages each way. What we say must be what the mirror says; what the
peer says we must believe; a message with one bit wrong must be refused by whoever gets it. The seed is printed, and
ISTHMUS_SEED=<number> repeats a run."""

import copy
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support"))
import naive_wireguard as wire  # noqa: E402

ZEROS = bytes(32)
AEADS = ("portable", "avx2", "avx512")
SIZES = (0, 0, 1, 15, 16, 17, 63, 64, 65, 127, 240, 1420)


class Failed(Exception):
    pass


def check(what, found, wanted):
    if found != wanted:
        found, wanted = (value.hex() if isinstance(value, bytes) else value for value in (found, wanted))
        raise Failed(f"{what}:\n  found  {found}\n  wanted {wanted}")


class Ours:
    """The speaker, asked and answering."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        words = [word.hex() or "-" if isinstance(word, bytes) else str(word) for word in words]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise Failed(f"no answer to {words[0]}")
        return answer

    def message(self, *words):
        answer = self.ask(*words)
        check(f"the answer to {words[0]}", answer[0], "message")
        return bytes.fromhex(answer[1])

    def refuse(self, what, *words):
        check(f"{words[0]}: {what}", self.ask(*words), ["refused"])

    def end(self):
        self.process.stdin.close()
        check("the speaker's end", self.process.wait(), 0)


def refuses(what, function, *arguments):
    try:
        function(*arguments)
    except wire.Refused:
        return
    raise Failed(f"the twin believed {what}")


def flipped(message, first, end):
    """With one wrong bit in its bytes [first, end)."""
    bit = random.randrange(8 * first, 8 * end)
    return message[:bit // 8] + bytes([message[bit // 8] ^ 1 << bit % 8]) + message[bit // 8 + 1:]


def with_mac1_of(receiver, message):
    """Anybody can make mac1 right again: behind it the cryptography has to notice by itself."""
    return message[:-32] + wire.mac(wire.hash_of(wire.LABEL_MAC1 + receiver), message[:-32]) + message[-16:]


def any_index():
    return random.choice((1, 2**32 - 1, random.randrange(1, 2**32)))


class Case:
    def __init__(self, ours):
        self.ours = ours
        self.preshared = random.choice((ZEROS, random.randbytes(32)))
        our_private, their_private = random.randbytes(32), random.randbytes(32)
        self.mirror = wire.Side(our_private, wire.public_key(their_private), self.preshared)
        self.peer = wire.Side(their_private, self.mirror.public, self.preshared)
        self.now = random.randrange(1, 10**6)
        self.our_place = self.place()
        self.their_place = self.place()
        answer = ours.ask("own", our_private, self.peer.public, self.preshared)
        check("our public key", answer, ["public", self.mirror.public.hex()])

    @staticmethod
    def place():
        return random.randbytes(random.choice((4, 16))), random.randrange(2**16)

    # -- both roles

    def run(self):
        if random.random() < 0.5:
            self.we_initiate()
        else:
            self.we_respond()
        keys = self.ours.ask("keys")
        check("the transport keys", keys, ["keys", self.mirrored.sending.hex(), self.mirrored.receiving.hex()])
        for _ in range(3):
            self.they_send()
            self.we_send()

    def we_initiate(self):
        initiation = self.our_initiation()
        if random.random() < 0.4:
            self.they_demand(initiation)
            initiation = self.our_initiation()
            self.they_check_mac2(initiation)
        check("mac1 of our initiation", self.peer.mac1_valid(initiation), True)
        check("mac1 of a flipped one", self.peer.mac1_valid(flipped(initiation, 0, len(initiation) - 16)), False)
        refuses("a flipped initiation", self.peer.consume_initiation, flipped(initiation, 8, len(initiation) - 32))

        theirs = self.peer.consume_initiation(initiation)
        check("who initiates", theirs.remote_static, self.mirror.public)
        check("when", theirs.timestamp, self.moment)
        response = self.their_response(theirs)
        if random.random() < 0.4:
            self.we_demand(response)
            theirs = self.peer.consume_initiation(initiation)
            response = self.their_response(theirs)
            self.we_check_mac2(response)
        self.ours.refuse("a flipped response", "finish", flipped(response, 0, len(response) - 16))
        self.ours.refuse("one with mac1 made right", "finish",
                         with_mac1_of(self.mirror.public, flipped(response, 8, len(response) - 32)))
        check("finish", self.ours.ask("finish", response), ["agreed", str(theirs.local_index)])
        self.mirror.consume_response(self.our_handshake, response)
        self.mirrored = wire.Transport(self.our_handshake, True)
        self.theirs = wire.Transport(theirs, False)

    def we_respond(self):
        handshake, initiation = self.their_initiation()
        if random.random() < 0.4:
            self.we_demand(initiation)
            handshake, initiation = self.their_initiation()
            self.we_check_mac2(initiation)
        self.ours.refuse("a flipped initiation", "identify", flipped(initiation, 0, len(initiation) - 16))
        self.ours.refuse("one with mac1 made right", "identify",
                         with_mac1_of(self.mirror.public, flipped(initiation, 8, len(initiation) - 32)))
        low_order = self.initiation_of_low_order()
        self.ours.refuse("a key of low order", "identify", low_order)
        refuses("a key of low order", self.mirror.consume_initiation, low_order)

        check("identify", self.ours.ask("identify", initiation),
              ["initiator", self.peer.public.hex(), str(handshake.local_index), self.moment.hex()])
        response = self.our_response(initiation)
        if random.random() < 0.4:
            self.they_demand(response)
            response = self.our_response(initiation)
            self.they_check_mac2(response)
        check("mac1 of our response", self.peer.mac1_valid(response), True)
        refuses("a flipped response", self.peer.consume_response, copy.copy(handshake),
                flipped(response, 8, len(response) - 32))
        self.peer.consume_response(handshake, response)
        self.theirs = wire.Transport(handshake, True)

    # -- messages

    def our_initiation(self):
        ephemeral, index = random.randbytes(32), any_index()
        seconds, nanoseconds = random.randrange(2**33), random.randrange(10**9)
        # We do not tell more of our clock than steps of 2^24 nanoseconds.
        self.moment = wire.timestamp(seconds, nanoseconds // 2**24 * 2**24)
        self.our_handshake, wanted = self.mirror.create_initiation(ephemeral, index, self.moment)
        found = self.ours.message("initiate", ephemeral, index, seconds, nanoseconds, self.now)
        check("our initiation", found, wanted)
        return found

    def our_response(self, initiation):
        ephemeral, index = random.randbytes(32), any_index()
        handshake = self.mirror.consume_initiation(initiation)
        wanted = self.mirror.create_response(handshake, ephemeral, index)
        found = self.ours.message("respond", ephemeral, index, self.now)
        check("our response", found, wanted)
        self.mirrored = wire.Transport(handshake, False)
        return found

    def their_initiation(self):
        self.moment = wire.timestamp(random.randrange(2**33), random.randrange(10**9))
        return self.peer.create_initiation(random.randbytes(32), any_index(), self.moment)

    def initiation_of_low_order(self):
        """With an ephemeral that makes a shared secret of zeros, and all else as it has to be for that secret."""
        ephemeral = random.choice((0, 1, wire.P - 1, wire.P)).to_bytes(32, "little")
        hs = wire.Handshake(self.mirror.public)
        [hs.c] = wire.kdf(1, hs.c, ephemeral)
        hs.h = wire.hash_of(hs.h + ephemeral)
        [hs.c, k] = wire.kdf(2, hs.c, ZEROS)
        static = wire.aead(k, 0, self.peer.public, hs.h)
        hs.h = wire.hash_of(hs.h + static)
        [hs.c, k] = wire.kdf(2, hs.c, wire.dh(self.peer.private, self.mirror.public))
        moment = wire.aead(k, 0, self.moment, hs.h)
        return self.peer.add_macs(wire.join(b"\x01\x00\x00\x00", wire.little32(any_index()), ephemeral, static, moment))

    def their_response(self, handshake):
        return self.peer.create_response(handshake, random.randbytes(32), any_index())

    # -- cookies: `message` is ours or theirs, and its receiver is under load

    def they_demand(self, message):
        self.their_secret = random.randbytes(32)
        reply = self.peer.create_cookie_reply(message, self.their_secret, *self.our_place, random.randbytes(24))
        self.ours.refuse("a flipped cookie reply", "cookie", flipped(reply, 0, len(reply)), self.now)
        check("cookie", self.ours.ask("cookie", reply, self.now), ["taken"])
        self.ours.refuse("the same again", "cookie", reply, self.now)
        self.mirror.consume_cookie_reply(reply)

    def they_check_mac2(self, message):
        cookie = wire.cookie_of(self.their_secret, *self.our_place)
        check("our mac2", wire.mac2_valid(message, cookie), True)
        check("a flipped mac2", wire.mac2_valid(flipped(message, 0, len(message)), cookie), False)

    def we_demand(self, message):
        secret, nonce = random.randbytes(32), random.randbytes(24)
        address, port = self.their_place
        self.ours.refuse("a flipped message", "demand", flipped(message, 0, len(message) - 16), address, port, secret,
                         nonce, self.now)
        found = self.ours.message("demand", message, address, port, secret, nonce, self.now)
        check("our cookie reply", found, self.mirror.create_cookie_reply(message, secret, address, port, nonce))
        # Not its receiver's index: that is looked up before, and is not authenticated.
        refuses("a flipped cookie reply", self.peer.consume_cookie_reply, flipped(found, 8, len(found)))
        self.peer.consume_cookie_reply(found)

    def we_check_mac2(self, message):
        address, port = self.their_place
        check("their mac2", self.ours.ask("proven", message, address, port, self.now + 119), ["proven"])
        self.ours.refuse("too late", "proven", message, address, port, self.now + 120)
        self.ours.refuse("another port", "proven", message, address, port ^ 1, self.now)
        self.ours.refuse("another address", "proven", message, flipped(address, 0, len(address)), port, self.now)
        self.ours.refuse("a flipped message", "proven", flipped(message, 0, len(message)), address, port, self.now)

    # -- data

    def we_send(self):
        packet = random.randbytes(random.choice(SIZES))
        found = self.ours.message("seal", random.choice(AEADS), packet)
        check("our data", found, self.mirrored.seal(packet))
        refuses("flipped data", self.theirs.open, flipped(found, 0, len(found)))
        check("our data opened", self.theirs.open(found), packet + bytes(-len(packet) % 16))

    def they_send(self):
        packet = random.randbytes(random.choice(SIZES))
        message = self.theirs.seal(packet)
        aead = random.choice(AEADS)
        self.ours.refuse("flipped data", "open", aead, flipped(message, 0, len(message)))
        check("their data", self.ours.ask("open", aead, message),
              ["packet", (packet + bytes(-len(packet) % 16)).hex() or "-"])


def main():
    seed = int(os.environ.get("ISTHMUS_SEED", random.SystemRandom().randrange(2**63)))
    print("seed", seed, flush=True)
    random.seed(seed)
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    ours = Ours(sys.argv[1])
    for case in range(cases):
        try:
            Case(ours).run()
        except (Failed, wire.Refused) as fault:
            sys.exit(f"case {case}: {fault}")
    ours.end()
    print(f"{cases} handshakes, every byte equal")


if __name__ == "__main__":
    main()
