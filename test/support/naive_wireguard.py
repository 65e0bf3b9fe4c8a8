#!/usr/bin/python3
"""WireGuard's messages once more, from the specification only: slow, obvious, and good for nothing but to compare with.

Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", sections 5.4.1 to 5.4.7. Each statement of a section
stands as a comment, the line that does it below. Nothing here is constant in time, nothing is fast, no key is wiped.
What is random is an argument: a private key, an ephemeral, an index, a nonce, a moment.

Run as a program it proves itself against the vectors of the RFCs."""

import hashlib
import hmac as standard_hmac
import math
import struct
import sys


class Refused(Exception):
    """What came in is not what it claims to be."""


def join(*parts):
    return b"".join(parts)


def little32(number):
    return number.to_bytes(4, "little")


def little64(number):
    return number.to_bytes(8, "little")


# ---- RFC 7748: X25519 ------------------------------------------------------------------------------------------------

P = 2**255 - 19
A24 = 121665


def decode_scalar(private):
    """Section 5."""
    bytes_of_it = bytearray(private)
    bytes_of_it[0] &= 248
    bytes_of_it[31] &= 127
    bytes_of_it[31] |= 64
    return int.from_bytes(bytes_of_it, "little")


def decode_coordinate(public):
    """Section 5: the highest bit is ignored, and numbers not below p are taken modulo p."""
    return (int.from_bytes(public, "little") % 2**255) % P


def x25519(private, public):
    """Section 5, the ladder."""
    k = decode_scalar(private)
    u = decode_coordinate(public)
    x_1, x_2, z_2, x_3, z_3 = u, 1, 0, u, 1
    for t in reversed(range(255)):
        bit = (k >> t) & 1
        if bit:
            x_2, z_2, x_3, z_3 = x_3, z_3, x_2, z_2
        a = (x_2 + z_2) % P
        aa = a * a % P
        b = (x_2 - z_2) % P
        bb = b * b % P
        e = (aa - bb) % P
        c = (x_3 + z_3) % P
        d = (x_3 - z_3) % P
        da = d * a % P
        cb = c * b % P
        x_3 = (da + cb) ** 2 % P
        z_3 = x_1 * (da - cb) ** 2 % P
        x_2 = aa * bb % P
        z_2 = e * (aa + A24 * e) % P
        if bit:
            x_2, z_2, x_3, z_3 = x_3, z_3, x_2, z_2
    return (x_2 * pow(z_2, P - 2, P) % P).to_bytes(32, "little")


BASE_POINT = (9).to_bytes(32, "little")


def public_key(private):
    return x25519(private, BASE_POINT)


def dh(private, public):
    """Section 5.4, DH. Section 6.1 of the RFC: a zero says that the other contributed nothing."""
    shared = x25519(private, public)
    if shared == bytes(32):
        raise Refused("a key of low order")
    return shared


# ---- RFC 8439: ChaCha20 and Poly1305 ---------------------------------------------------------------------------------

def rotate_left(word, bits):
    return (word << bits | word >> (32 - bits)) & 0xFFFFFFFF


def quarter_round(s, a, b, c, d):
    """Section 2.1."""
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotate_left(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotate_left(s[b] ^ s[c], 12)
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotate_left(s[d] ^ s[a], 8)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotate_left(s[b] ^ s[c], 7)


def twenty_rounds(state):
    """Section 2.3: ten times four columns and four diagonals."""
    s = list(state)
    for _ in range(10):
        quarter_round(s, 0, 4, 8, 12)
        quarter_round(s, 1, 5, 9, 13)
        quarter_round(s, 2, 6, 10, 14)
        quarter_round(s, 3, 7, 11, 15)
        quarter_round(s, 0, 5, 10, 15)
        quarter_round(s, 1, 6, 11, 12)
        quarter_round(s, 2, 7, 8, 13)
        quarter_round(s, 3, 4, 9, 14)
    return s


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def chacha20_block(key, counter, nonce):
    """Section 2.3."""
    state = [*CONSTANTS, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
    mixed = twenty_rounds(state)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(mixed, state)))


def chacha20(key, counter, nonce, text):
    """Section 2.4."""
    out = b""
    for i in range(math.ceil(len(text) / 64)):
        stream = chacha20_block(key, counter + i, nonce)
        out += bytes(a ^ b for a, b in zip(text[64 * i:64 * i + 64], stream))
    return out


def poly1305(key, text):
    """Section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(key[16:], "little")
    total = 0
    for i in range(0, len(text), 16):
        total = (total + int.from_bytes(text[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + s) % 2**128).to_bytes(16, "little")


def pad16(text):
    return bytes(-len(text) % 16)


def chacha20_poly1305_tag(key, nonce, sealed, associated):
    """Section 2.8; the one-time key is that of section 2.6."""
    one_time_key = chacha20_block(key, 0, nonce)[:32]
    return poly1305(one_time_key, join(associated, pad16(associated), sealed, pad16(sealed),
                                       little64(len(associated)), little64(len(sealed))))


def chacha20_poly1305_seal(key, nonce, text, associated):
    sealed = chacha20(key, 1, nonce, text)
    return sealed + chacha20_poly1305_tag(key, nonce, sealed, associated)


def chacha20_poly1305_open(key, nonce, message, associated):
    sealed, tag = message[:-16], message[-16:]
    if tag != chacha20_poly1305_tag(key, nonce, sealed, associated):
        raise Refused("a wrong tag")
    return chacha20(key, 1, nonce, sealed)


# ---- draft-irtf-cfrg-xchacha-03 --------------------------------------------------------------------------------------

def hchacha20(key, nonce):
    """Section 2.2: the first and the last row after the rounds, without the final addition."""
    mixed = twenty_rounds([*CONSTANTS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)])
    return struct.pack("<8I", *mixed[:4], *mixed[12:])


def xchacha20_poly1305_seal(key, nonce, text, associated):
    """Section 2.3."""
    return chacha20_poly1305_seal(hchacha20(key, nonce[:16]), bytes(4) + nonce[16:], text, associated)


def xchacha20_poly1305_open(key, nonce, message, associated):
    return chacha20_poly1305_open(hchacha20(key, nonce[:16]), bytes(4) + nonce[16:], message, associated)


# ---- Section 5.4: the functions --------------------------------------------------------------------------------------

def aead(key, counter, text, associated):
    """The nonce is 32 bits of zeros followed by the 64-bit little-endian value of the counter."""
    return chacha20_poly1305_seal(key, bytes(4) + little64(counter), text, associated)


def aead_open(key, counter, message, associated):
    return chacha20_poly1305_open(key, bytes(4) + little64(counter), message, associated)


def hash_of(text):
    """Hash(input): BLAKE2s with 32 bytes of output (RFC 7693)."""
    return hashlib.blake2s(text, digest_size=32).digest()


def mac(key, text):
    """Mac(key, input): keyed BLAKE2s with 16 bytes of output."""
    return hashlib.blake2s(text, digest_size=16, key=key).digest()


def hmac(key, text):
    """Hmac(key, input): RFC 2104 over BLAKE2s, whose block is 64 bytes."""
    padded = key + bytes(64 - len(key))
    inner = hash_of(bytes(byte ^ 0x36 for byte in padded) + text)
    return hash_of(bytes(byte ^ 0x5C for byte in padded) + inner)


def kdf(count, key, text):
    """Kdf_n(key, input)."""
    # tau_0 := Hmac(key, input)
    tau_0 = hmac(key, text)
    # tau_1 := Hmac(tau_0, 0x1)
    taus = [hmac(tau_0, b"\x01")]
    # tau_i := Hmac(tau_0, tau_i-1 || i)
    for i in range(2, count + 1):
        taus.append(hmac(tau_0, taus[-1] + bytes([i])))
    return taus


def timestamp(seconds, nanoseconds):
    """Timestamp(): TAI64N, 8 bytes of seconds since 1970 TAI, 4 bytes of nanoseconds, big-endian."""
    return (2**62 + 10 + seconds).to_bytes(8, "big") + nanoseconds.to_bytes(4, "big")


CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
LABEL_MAC1 = b"mac1----"
LABEL_COOKIE = b"cookie--"

INITIATION_SIZE = 148
RESPONSE_SIZE = 92
COOKIE_REPLY_SIZE = 64


class Handshake:
    """What one side remembers between the first message and the keys: C and H, ephemerals, indices."""

    def __init__(self, responder_static):
        # C := Hash(Construction)
        self.c = hash_of(CONSTRUCTION)
        # H := Hash(C || Identifier)
        self.h = hash_of(self.c + IDENTIFIER)
        # H := Hash(H || Spub_r)
        self.h = hash_of(self.h + responder_static)
        self.own_ephemeral = None
        self.remote_ephemeral = None
        self.remote_static = None
        self.local_index = None
        self.remote_index = None
        self.timestamp = None


class Side:
    """One end of a tunnel: a static key, and one peer with whom it shares a key or thirty-two zeros."""

    def __init__(self, private, remote_static, preshared=bytes(32)):
        self.private = private
        self.public = public_key(private)
        self.remote_static = remote_static
        self.preshared = preshared
        self.cookie = b""  # L_m, for the messages that this side sends
        self.last_mac1 = b""

    # -- 5.4.2, first message: initiator to responder

    def create_initiation(self, ephemeral, index, moment):
        hs = Handshake(self.remote_static)
        # (Epriv_i, Epub_i) := DH-Generate()
        hs.own_ephemeral = ephemeral
        hs.local_index = index
        # C_i := Kdf1(C_i, Epub_i)
        [hs.c] = kdf(1, hs.c, public_key(ephemeral))
        # msg.ephemeral := Epub_i
        msg_ephemeral = public_key(ephemeral)
        # H_i := Hash(H_i || msg.ephemeral)
        hs.h = hash_of(hs.h + msg_ephemeral)
        # (C_i, k) := Kdf2(C_i, DH(Epriv_i, Spub_r))
        [hs.c, k] = kdf(2, hs.c, dh(ephemeral, self.remote_static))
        # msg.static := Aead(k, 0, Spub_i, H_i)
        msg_static = aead(k, 0, self.public, hs.h)
        # H_i := Hash(H_i || msg.static)
        hs.h = hash_of(hs.h + msg_static)
        # (C_i, k) := Kdf2(C_i, DH(Spriv_i, Spub_r))
        [hs.c, k] = kdf(2, hs.c, dh(self.private, self.remote_static))
        # msg.timestamp := Aead(k, 0, Timestamp(), H_i)
        msg_timestamp = aead(k, 0, moment, hs.h)
        # H_i := Hash(H_i || msg.timestamp)
        hs.h = hash_of(hs.h + msg_timestamp)
        # type := 0x1, reserved := 0^3, sender := I_i, ephemeral, static, timestamp, mac1, mac2
        message = join(b"\x01", bytes(3), little32(index), msg_ephemeral, msg_static, msg_timestamp)
        return hs, self.add_macs(message)

    def consume_initiation(self, message):
        """Anybody's who knows our public key; the caller looks at hs.remote_static."""
        if len(message) != INITIATION_SIZE or message[:4] != b"\x01\x00\x00\x00":
            raise Refused("not an initiation")
        msg_ephemeral, msg_static, msg_timestamp = message[8:40], message[40:88], message[88:116]
        hs = Handshake(self.public)
        hs.remote_index = int.from_bytes(message[4:8], "little")
        hs.remote_ephemeral = msg_ephemeral
        # The sender's statements, with the other half of each key pair.
        [hs.c] = kdf(1, hs.c, msg_ephemeral)
        hs.h = hash_of(hs.h + msg_ephemeral)
        [hs.c, k] = kdf(2, hs.c, dh(self.private, msg_ephemeral))
        hs.remote_static = aead_open(k, 0, msg_static, hs.h)
        hs.h = hash_of(hs.h + msg_static)
        [hs.c, k] = kdf(2, hs.c, dh(self.private, hs.remote_static))
        hs.timestamp = aead_open(k, 0, msg_timestamp, hs.h)
        hs.h = hash_of(hs.h + msg_timestamp)
        return hs

    # -- 5.4.3, second message: responder to initiator

    def create_response(self, hs, ephemeral, index):
        # (Epriv_r, Epub_r) := DH-Generate()
        hs.own_ephemeral = ephemeral
        hs.local_index = index
        # C_r := Kdf1(C_r, Epub_r)
        [hs.c] = kdf(1, hs.c, public_key(ephemeral))
        # msg.ephemeral := Epub_r
        msg_ephemeral = public_key(ephemeral)
        # H_r := Hash(H_r || msg.ephemeral)
        hs.h = hash_of(hs.h + msg_ephemeral)
        # C_r := Kdf1(C_r, DH(Epriv_r, Epub_i))
        [hs.c] = kdf(1, hs.c, dh(ephemeral, hs.remote_ephemeral))
        # C_r := Kdf1(C_r, DH(Epriv_r, Spub_i))
        [hs.c] = kdf(1, hs.c, dh(ephemeral, hs.remote_static))
        # (C_r, tau, k) := Kdf3(C_r, Q)
        [hs.c, tau, k] = kdf(3, hs.c, self.preshared)
        # H_r := Hash(H_r || tau)
        hs.h = hash_of(hs.h + tau)
        # msg.empty := Aead(k, 0, epsilon, H_r)
        msg_empty = aead(k, 0, b"", hs.h)
        # H_r := Hash(H_r || msg.empty)
        hs.h = hash_of(hs.h + msg_empty)
        # type := 0x2, reserved := 0^3, sender := I_r, receiver := I_i, ephemeral, empty, mac1, mac2
        message = join(b"\x02", bytes(3), little32(index), little32(hs.remote_index), msg_ephemeral, msg_empty)
        return self.add_macs(message)

    def consume_response(self, hs, message):
        if len(message) != RESPONSE_SIZE or message[:4] != b"\x02\x00\x00\x00":
            raise Refused("not a response")
        if int.from_bytes(message[8:12], "little") != hs.local_index:
            raise Refused("not the answer to this initiation")
        msg_ephemeral, msg_empty = message[12:44], message[44:60]
        hs.remote_index = int.from_bytes(message[4:8], "little")
        # The sender's statements, with the other half of each key pair.
        [hs.c] = kdf(1, hs.c, msg_ephemeral)
        hs.h = hash_of(hs.h + msg_ephemeral)
        [hs.c] = kdf(1, hs.c, dh(hs.own_ephemeral, msg_ephemeral))
        [hs.c] = kdf(1, hs.c, dh(self.private, msg_ephemeral))
        [hs.c, tau, k] = kdf(3, hs.c, self.preshared)
        hs.h = hash_of(hs.h + tau)
        if aead_open(k, 0, msg_empty, hs.h) != b"":
            raise Refused("not empty")
        hs.h = hash_of(hs.h + msg_empty)

    # -- 5.4.4, the macs

    def add_macs(self, message):
        # msg.mac1 := Mac(Hash(Label-Mac1 || Spub_m'), msg_alpha)
        self.last_mac1 = mac(hash_of(LABEL_MAC1 + self.remote_static), message)
        message += self.last_mac1
        # msg.mac2 := 0^16 when L_m = epsilon, Mac(L_m, msg_beta) otherwise
        return message + (mac(self.cookie, message) if self.cookie else bytes(16))

    def mac1_valid(self, message):
        return message[-32:-16] == mac(hash_of(LABEL_MAC1 + self.public), message[:-32])

    # -- 5.4.7, under load

    def create_cookie_reply(self, message, secret, source_address, source_port, nonce):
        # tau := Mac(R_m, A_m')
        tau = cookie_of(secret, source_address, source_port)
        # msg.cookie := Xaead(Hash(Label-Cookie || Spub_m), msg.nonce, tau, M)
        m = message[-32:-16]
        msg_cookie = xchacha20_poly1305_seal(hash_of(LABEL_COOKIE + self.public), nonce, tau, m)
        # type := 0x3, reserved := 0^3, receiver := I_m', nonce, cookie
        return join(b"\x03", bytes(3), message[4:8], nonce, msg_cookie)

    def consume_cookie_reply(self, message):
        if len(message) != COOKIE_REPLY_SIZE or message[:4] != b"\x03\x00\x00\x00":
            raise Refused("not a cookie reply")
        key = hash_of(LABEL_COOKIE + self.remote_static)
        self.cookie = xchacha20_poly1305_open(key, message[8:32], message[32:], self.last_mac1)


def cookie_of(secret, source_address, source_port):
    """A_m': the source's external address and port, concatenated as they stand in the headers."""
    return mac(secret, source_address + source_port.to_bytes(2, "big"))


def mac2_valid(message, cookie):
    return message[-16:] == mac(cookie, message[:-16])


# ---- 5.4.5 and 5.4.6: transport --------------------------------------------------------------------------------------

class Transport:
    """The two keys, and the counter of what was sent."""

    def __init__(self, hs, initiator):
        # (T_send_i = T_recv_r, T_recv_i = T_send_r) := Kdf2(C_i = C_r, epsilon)
        [first, second] = kdf(2, hs.c, b"")
        self.sending, self.receiving = (first, second) if initiator else (second, first)
        self.local_index = hs.local_index
        self.remote_index = hs.remote_index
        # N_send_i = N_recv_r = N_recv_i = N_send_r := 0
        self.counter = 0

    def seal(self, packet):
        # P := P || 0^(16 * ceil(|P| / 16) - |P|)
        packet = packet + bytes(16 * math.ceil(len(packet) / 16) - len(packet))
        # msg.counter := N_send
        # msg.packet := Aead(T_send, N_send, P, epsilon)
        sealed = aead(self.sending, self.counter, packet, b"")
        # type := 0x4, reserved := 0^3, receiver := I_m', counter, packet
        message = join(b"\x04", bytes(3), little32(self.remote_index), little64(self.counter), sealed)
        # N_send := N_send + 1
        self.counter += 1
        return message

    def open(self, message):
        if len(message) < 32 or message[:4] != b"\x04\x00\x00\x00":
            raise Refused("not data")
        if int.from_bytes(message[4:8], "little") != self.local_index:
            raise Refused("not for this session")
        return aead_open(self.receiving, int.from_bytes(message[8:16], "little"), message[16:], b"")


# ---- The proof -------------------------------------------------------------------------------------------------------

COUNTING = bytes(range(32))
SUNSCREEN = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
             b"would be it.")


def expect(what, found, wanted):
    """`wanted` is hexadecimal, with spaces where a line needs them."""
    wanted = bytes.fromhex(wanted)
    if found != wanted:
        sys.exit(f"{what}: {found.hex()} instead of {wanted.hex()}")


def refuses(function, *arguments):
    try:
        function(*arguments)
    except Refused:
        return
    sys.exit(f"{function.__name__} accepted what it must refuse")


def prove_x25519():
    expect("RFC 7748 section 5.2, first",
           x25519(bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                  bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
           "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    expect("RFC 7748 section 5.2, second",
           x25519(bytes.fromhex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                  bytes.fromhex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
           "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")
    k = u = BASE_POINT
    for _ in range(1000):
        k, u = x25519(k, u), k
    expect("RFC 7748 section 5.2, a thousand times", k,
           "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    expect("RFC 7748 section 6.1, Alice", public_key(alice),
           "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    expect("RFC 7748 section 6.1, Bob", public_key(bob),
           "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    for private, public in ((alice, public_key(bob)), (bob, public_key(alice))):
        expect("RFC 7748 section 6.1, K", dh(private, public),
               "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    for low_order in (0, 1, P - 1, P, P + 1):
        refuses(dh, alice, low_order.to_bytes(32, "little"))


def prove_blake2s():
    expect("RFC 7693 appendix B", hash_of(b"abc"), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")
    for size in (0, 1, 63, 64, 65, 200):
        text = bytes(range(size))
        expect("RFC 2104", hmac(COUNTING, text), standard_hmac.new(COUNTING, text, hashlib.blake2s).hexdigest())


def prove_chacha20_poly1305():
    expect("RFC 8439 section 2.3.2", chacha20_block(COUNTING, 1, bytes.fromhex("000000090000004a00000000")),
           "10f1e7e4d13b5915500fdd1fa32071c4 c7d1f4c733c068030422aa9ac3d46c4e d2826446079faa0914c2d705d98b02a2"
           "b5129cd1de164eb9cbd083e8a2503c4e")
    expect("RFC 8439 section 2.5.2",
           poly1305(bytes.fromhex("85d6be7857556d337f4452fe42d506a8 0103808afb0db2fd4abff6af4149f51b"),
                    b"Cryptographic Forum Research Group"), "a8061dc1305136c6c22b8baf0c0127a9")
    key = bytes(range(0x80, 0xA0))
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    nonce = bytes.fromhex("070000004041424344454647")
    sealed = chacha20_poly1305_seal(key, nonce, SUNSCREEN, associated)
    expect("RFC 8439 section 2.8.2", sealed,
           "d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b"
           "1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc"
           "3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691")
    expect("RFC 8439 section 2.8.2, opened", chacha20_poly1305_open(key, nonce, sealed, associated), SUNSCREEN.hex())
    refuses(chacha20_poly1305_open, key, nonce, sealed, associated + b"!")
    expect("XChaCha section 2.2.1", hchacha20(COUNTING, bytes.fromhex("000000090000004a0000000031415927")),
           "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
    nonce = bytes(range(0x40, 0x58))
    sealed = xchacha20_poly1305_seal(key, nonce, SUNSCREEN, associated)
    expect("XChaCha appendix A.3", sealed,
           "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
           "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
           "21f9664c97637da9768812f615c68b13b52e c0875924c1c7987947deafd8780acf49")
    expect("XChaCha appendix A.3, opened", xchacha20_poly1305_open(key, nonce, sealed, associated), SUNSCREEN.hex())


def prove_that_both_halves_agree():
    for preshared in (bytes(32), COUNTING):
        initiator = Side(b"\x11" * 32, public_key(b"\x22" * 32), preshared)
        responder = Side(b"\x22" * 32, initiator.public, preshared)
        mine, initiation = initiator.create_initiation(b"\x33" * 32, 1, timestamp(1700000000, 5))
        theirs = responder.consume_initiation(initiation)
        response = responder.create_response(theirs, b"\x44" * 32, 2)
        initiator.consume_response(mine, response)
        one, other = Transport(mine, True), Transport(theirs, False)
        expect("data there", other.open(one.seal(b"there")), (b"there" + bytes(11)).hex())
        expect("data back", one.open(other.seal(b"")), "")
        refuses(one.open, one.seal(b"there"))


def main():
    prove_x25519()
    prove_blake2s()
    prove_chacha20_poly1305()
    prove_that_both_halves_agree()


if __name__ == "__main__":
    main()
