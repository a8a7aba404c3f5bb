//! String edit distance (Levenshtein) and longest common subsequence of labelled fixations, 64 cells
//! of the table at a time (Myers 1999; Hyyrö 2003, 2004).

use super::side_by_side::{Columns, Eight, Mark, Measure};
use crate::simd::Lanes;

/// What is computed of two sequences of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The number of insertions, deletions and substitutions.
    Levenshtein,
    /// The length of the longest common subsequence.
    Lcs,
}

/// The number of edits or of common labels; rows are labels, whole numbers below `alphabet`.
pub struct StringEdit {
    /// What is computed.
    pub kind: Kind,
    /// Labels are below it.
    pub alphabet: usize,
}

/// Memory of one thread.
#[derive(Default)]
pub struct Scratch {
    /// For every label the places where the row has it, one bit each: `words` words per label.
    places: Vec<u64>,
    /// One state of the automaton per word.
    states: Vec<[u64; 2]>,
}

const WORD: usize = 64;

impl Measure<1, 1> for StringEdit {
    type Scratch = Scratch;
    const FILLER: f64 = 0.0;
    const CELL_NS: f64 = 0.1;

    #[inline(always)]
    fn compare<L: Lanes>(&self, scratch: &mut Scratch, row: &[[f64; 1]], columns: &Columns<1>) -> Eight<1> {
        let words = row.len().div_ceil(WORD);
        let size = self.alphabet * words;
        if scratch.places.len() < size {
            scratch.places.resize(size, 0);
        }
        // Only the entries that the row set are cleared: an alphabet can be far larger than a row.
        for (place, &[label]) in row.iter().enumerate() {
            scratch.places[label as usize * words + place / WORD] |= 1 << (place % WORD);
        }
        let numbers = match (words, self.kind) {
            (1, Kind::Levenshtein) => edits_of_eight(&scratch.places, row.len(), columns),
            (1, Kind::Lcs) => common_of_eight(&scratch.places, row.len(), columns),
            _ => std::array::from_fn(|lane| {
                let labels = (0..columns.lengths[lane]).map(|t| columns.rows[t].0[0][lane] as usize);
                let Scratch { places, states } = &mut *scratch;
                match self.kind {
                    Kind::Levenshtein => edits(places, states, row.len(), labels),
                    Kind::Lcs => common(places, states, row.len(), labels),
                }
            }),
        };
        for (place, &[label]) in row.iter().enumerate() {
            scratch.places[label as usize * words + place / WORD] = 0;
        }
        [numbers.map(|number| number as f64)]
    }

    fn affinity(&self, [number]: [f64; 1], n: usize, m: usize) -> f64 {
        let share = number / n.max(m) as f64;
        match self.kind {
            Kind::Levenshtein => 1.0 - share,
            Kind::Lcs => share,
        }
    }

    /// How often the scanpath has a label of each of eight classes. None of edits, which cost no more than their bound.
    fn mark(&self, rows: &[[f64; 1]]) -> Option<Mark> {
        let mut counts = [0.0; 8];
        for &[label] in rows {
            counts[label as usize % 8] += 1.0;
        }
        (self.kind == Kind::Lcs).then_some(counts)
    }

    /// A common subsequence has no more labels of a class than either scanpath.
    fn bound(&self, a: &Mark, b: &Mark) -> f64 {
        let common: f64 = a.iter().zip(b).map(|(a, b)| a.min(*b)).sum();
        let [n, m] = [a, b].map(|counts| counts.iter().sum::<f64>());
        common / n.max(m)
    }
}

/// Where the row of at most 64 labels has the labels of eight columns at `t`; nowhere beyond the end.
#[inline(always)]
fn places_of(places: &[u64], columns: &Columns<1>, t: usize) -> [u64; 8] {
    let labels = &columns.rows[t].0[0];
    std::array::from_fn(|lane| {
        let has = u64::from(t < columns.lengths[lane]);
        places[labels[lane] as usize] & has.wrapping_neg()
    })
}

/// The edits between a row of at most 64 labels and eight columns.
#[inline(always)]
fn edits_of_eight(places: &[u64], length: usize, columns: &Columns<1>) -> [u64; 8] {
    let last = length as u32 - 1;
    let (mut rises, mut falls, mut edits) = ([!0_u64; 8], [0_u64; 8], [length as u64; 8]);
    for t in 0..columns.rows.len() {
        let equal = places_of(places, columns, t);
        for lane in 0..8 {
            let (equal, rise, fall) = (equal[lane], rises[lane], falls[lane]);
            let vertical = equal | fall;
            let horizontal = ((equal & rise).wrapping_add(rise) ^ rise) | equal;
            let up = fall | !(horizontal | rise);
            let down = rise & horizontal;
            let counts = u64::from(t < columns.lengths[lane]);
            edits[lane] = edits[lane]
                .wrapping_add((up >> last) & counts)
                .wrapping_sub((down >> last) & counts);
            let (up, down) = ((up << 1) | 1, down << 1);
            rises[lane] = down | !(vertical | up);
            falls[lane] = up & vertical;
        }
    }
    edits
}

/// The length of the longest common subsequence of a row of at most 64 labels and eight columns.
#[inline(always)]
fn common_of_eight(places: &[u64], length: usize, columns: &Columns<1>) -> [u64; 8] {
    let mut open = [!0_u64; 8];
    for t in 0..columns.rows.len() {
        let equal = places_of(places, columns, t);
        for (open, equal) in open.iter_mut().zip(equal) {
            let found = *open & equal;
            *open = open.wrapping_add(found) | (*open & !equal);
        }
    }
    open.map(|open| u64::from((!open & ones(length)).count_ones()))
}

/// As many ones, at most 64.
#[inline(always)]
fn ones(count: usize) -> u64 {
    !0 >> (WORD - count)
}

/// The edits between a row of any length and one column, word by word.
fn edits(
    places: &[u64],
    states: &mut Vec<[u64; 2]>,
    length: usize,
    labels: impl Iterator<Item = usize>,
) -> u64 {
    let words = length.div_ceil(WORD);
    states.clear();
    states.resize(words, [!0, 0]);
    let mut edits = length as u64;
    for label in labels {
        // The carry from the word above: whether its last cell rises or falls.
        let (mut rises_in, mut falls_in) = (1, 0);
        for (word, state) in states.iter_mut().enumerate() {
            let [rise, fall] = *state;
            let equal = places[label * words + word];
            let vertical = equal | fall;
            let equal = equal | falls_in;
            let horizontal = ((equal & rise).wrapping_add(rise) ^ rise) | equal;
            let up = fall | !(horizontal | rise);
            let down = rise & horizontal;
            let last = if word + 1 == words {
                (length - 1) % WORD
            } else {
                WORD - 1
            };
            let (rises_out, falls_out) = ((up >> last) & 1, (down >> last) & 1);
            let (up, down) = ((up << 1) | rises_in, (down << 1) | falls_in);
            *state = [down | !(vertical | up), up & vertical];
            (rises_in, falls_in) = (rises_out, falls_out);
        }
        edits = edits + rises_in - falls_in;
    }
    edits
}

/// The length of the longest common subsequence of a row of any length and one column.
fn common(
    places: &[u64],
    states: &mut Vec<[u64; 2]>,
    length: usize,
    labels: impl Iterator<Item = usize>,
) -> u64 {
    let words = length.div_ceil(WORD);
    states.clear();
    states.resize(words, [!0, 0]);
    for label in labels {
        let mut carry = false;
        for (word, [open, _]) in states.iter_mut().enumerate() {
            let equal = places[label * words + word];
            let (sum, first) = open.overflowing_add(*open & equal);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            *open = sum | (*open & !equal);
        }
    }
    let whole = states
        .iter()
        .enumerate()
        .map(|(word, &[open, _])| (!open & ones((length - word * WORD).min(WORD))).count_ones());
    u64::from(whole.sum::<u32>())
}
