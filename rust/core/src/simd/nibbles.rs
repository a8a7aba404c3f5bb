//! Words of 64 bits taken apart into nibbles: the bits that one word has in common with many are looked up, sixteen
//! tables of sixteen numbers for the one word, where the processor has no instruction that counts bits in lanes.

use super::Aligned;

/// Words that are counted in one go.
pub const BLOCK: usize = 128;

/// Nibble `k` of [`BLOCK`] words, for every `k`.
pub type Block = Aligned<[[u8; BLOCK]; 16]>;

/// The number of bits that two nibbles have in common: a table for each.
const COMMON: [[u8; 16]; 16] = {
    let mut common = [[0; 16]; 16];
    let mut pair = 0;
    while pair < 256 {
        common[pair / 16][pair % 16] = ((pair / 16) & (pair % 16)).count_ones() as u8;
        pair += 1;
    }
    common
};
static TABLES: Aligned<[[u8; 16]; 16]> = Aligned(COMMON);

/// Entry `x` is the number of bits that `x` and nibble `k` of `word` have in common.
#[inline(always)]
pub fn table(word: u64, k: usize) -> &'static [u8; 16] {
    &TABLES.0[(word >> (4 * k)) as usize & 15]
}

/// Takes words apart; at least one block, filled up with words of 0.
pub fn blocks(words: &[u64]) -> Vec<Block> {
    let mut blocks = vec![Aligned([[0; BLOCK]; 16]); words.len() / BLOCK + 1];
    for (index, &word) in words.iter().enumerate() {
        for (k, plane) in blocks[index / BLOCK].0.iter_mut().enumerate() {
            plane[index % BLOCK] = (word >> (4 * k)) as u8 & 15;
        }
    }
    blocks
}

/// Number `l` of `counts` becomes the number of bits that `word` and word `l` of the block have in common.
#[inline(always)]
pub fn count(word: u64, block: &Block, counts: &mut [u8; BLOCK]) {
    *counts = [0; BLOCK];
    for (k, plane) in block.0.iter().enumerate() {
        let table = table(word, k);
        for (count, &nibble) in counts.iter_mut().zip(plane) {
            *count += table[usize::from(nibble & 15)];
        }
    }
}
