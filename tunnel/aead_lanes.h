#pragma once
// The burst interface in vector lanes. ChaCha20 (RFC 8439 section 2.3) is computed for one block a 32-bit lane, and the
// lanes of a pass take blocks of any messages of the burst: a short message pays for its two blocks and not for a whole
// pass. Poly1305 (section 2.5) is computed for one message a 64-bit lane.
//
// Read aead_lanes_engine.h first: the way of a burst. Then, in that order: aead_lanes_burst (sorting), _packing (which
// block goes into which lane, and ragged ends), _chacha_* (rounds, key stream), _mac (which bytes go into which lane),
// _poly_* (arithmetic modulo 2^130 - 5). A file that ends with an instruction set's name holds what differs between
// them.
//
// Constant time: branches and addresses depend on lengths, key pointers, counts and on whether a tag was right, never
// on keys, texts, key stream or one-time keys.

#include <array>
#include <memory>
#include <span>

#include "tunnel/aead.h"

namespace isthmus::tunnel {

// To be called on a CPU that has the instructions: cpu_runs() in aead.h tells.
std::unique_ptr<BurstAead> make_avx2_aead();
std::unique_ptr<BurstAead> make_avx512_aead();

// For tests: writes the tags of `jobs` under one-time keys (RFC 8439 section 2.5: r, then s) that no test could reach
// through ChaCha20, such as r = 1. `jobs[i].key` and the counter are not used.
using OneTimeKey = std::array<std::uint8_t, 32>;
void mac_avx2(std::span<AeadJob> jobs, std::span<const OneTimeKey> keys);
void mac_avx512(std::span<AeadJob> jobs, std::span<const OneTimeKey> keys);

}  // namespace isthmus::tunnel
