//! Which pairs a round compares: samples that are neighbours of the same sample.

use std::sync::Mutex;

use super::{hash, lock};
use crate::Result;
use crate::error::reserved;

/// What the memory may not suffice for.
const WHAT: &str = "the links of a round: a smaller graph_k needs less";

/// Lists of positions, one per sample, one after the other.
#[derive(Debug)]
pub struct Links {
    starts: Vec<usize>,
    ends: Vec<u32>,
}

impl Links {
    /// What sample `i` is linked to.
    pub fn of(&self, i: usize) -> &[u32] {
        &self.ends[self.starts[i]..self.starts[i + 1]]
    }

    /// The samples that are linked to each.
    fn reversed(&self) -> Result<Self> {
        let count = self.starts.len() - 1;
        let mut starts = vec![0; count + 1];
        for &end in &self.ends {
            starts[end as usize + 1] += 1;
        }
        for i in 0..count {
            starts[i + 1] += starts[i];
        }
        let mut ends = reserved(self.ends.len(), WHAT)?;
        ends.resize(self.ends.len(), 0);
        let mut next = starts.clone();
        for i in 0..count {
            for &end in self.of(i) {
                let place = &mut next[end as usize];
                ends[*place] = i as u32;
                *place += 1;
            }
        }
        Ok(Self { starts, ends })
    }
}

/// Links that are being drawn: per sample those with the smallest priorities.
#[derive(Debug)]
pub struct Draw {
    most: usize,
    lists: Vec<Mutex<Vec<(u32, u32)>>>,
}

impl Draw {
    /// No links yet, of at most `most` per sample.
    pub fn new(count: usize, most: usize) -> Self {
        Self {
            most,
            lists: (0..count).map(|_| Mutex::default()).collect(),
        }
    }

    /// Links both samples to each other, if the pair's priority suffices; each link is there once.
    pub fn offer(&self, pair: [u32; 2], [seed, round]: [u64; 2]) {
        let [a, b] = pair;
        let priority = hash([seed, round, u64::from(a.min(b)), u64::from(a.max(b))]) as u32;
        for (from, to) in [(a, b), (b, a)] {
            let list = &mut *lock(&self.lists[from as usize]);
            if let Err(place) = list.binary_search(&(priority, to))
                && place < self.most
            {
                list.insert(place, (priority, to));
                list.truncate(self.most);
            }
        }
    }

    /// Whether the link from `from` to `to` was drawn.
    pub fn has(&self, from: usize, to: u32) -> bool {
        lock(&self.lists[from]).iter().any(|&(_, end)| end == to)
    }

    fn links(self) -> Result<Links> {
        let mut starts = reserved(self.lists.len() + 1, WHAT)?;
        starts.push(0);
        let mut sum = 0;
        for list in &self.lists {
            sum += lock(list).len();
            starts.push(sum);
        }
        let mut ends = reserved(sum, WHAT)?;
        for list in self.lists {
            let list = list.into_inner().unwrap_or_default();
            ends.extend(list.into_iter().map(|(_, end)| end));
        }
        Ok(Links { starts, ends })
    }
}

/// Which samples were proposed to the last one: memory of a thread, reused.
#[derive(Debug)]
pub struct Seen {
    /// Per sample, one more than the one that it was last proposed to.
    marks: Vec<u32>,
}

impl Seen {
    /// For `count` samples.
    pub fn new(count: usize) -> Self {
        Self {
            marks: vec![0; count],
        }
    }
}

/// What a round compares: of the links of a sample, every fresh one with every fresh and every known one.
#[derive(Debug)]
pub struct Proposals {
    fresh: Links,
    known: Links,
    to_fresh: Links,
    to_known: Links,
}

impl Proposals {
    /// Takes what was drawn.
    pub fn new(fresh: Draw, known: Draw) -> Result<Self> {
        let (fresh, known) = (fresh.links()?, known.links()?);
        Ok(Self {
            to_fresh: fresh.reversed()?,
            to_known: known.reversed()?,
            fresh,
            known,
        })
    }

    /// The partners of sample `a` in ascending order, each once however many samples propose the pair. Of the two
    /// samples of a pair one has the other as its partner. What is `known` to `a` is not proposed.
    pub fn partners(
        &self,
        a: u32,
        known: impl Iterator<Item = u32>,
        seen: &mut Seen,
        partners: &mut Vec<u32>,
    ) {
        partners.clear();
        // Not 0, with which the marks begin.
        let mark = a + 1;
        for b in known {
            seen.marks[b as usize] = mark;
        }
        let mut propose = |links: &[u32]| {
            // No processor foresees which of them stay: all are written, and those that do not stay are written over.
            let mut length = partners.len();
            partners.resize(length + links.len(), 0);
            for &b in links {
                let before = std::mem::replace(&mut seen.marks[b as usize], mark);
                partners[length] = b;
                length += usize::from(is_partner(a, b) & (before != mark));
            }
            partners.truncate(length);
        };
        for &i in self.to_fresh.of(a as usize) {
            propose(self.fresh.of(i as usize));
            propose(self.known.of(i as usize));
        }
        for &i in self.to_known.of(a as usize) {
            propose(self.fresh.of(i as usize));
        }
        partners.sort_unstable();
    }
}

/// Of (a, b) and (b, a) true for one, and for about as many b below a as above.
fn is_partner(a: u32, b: u32) -> bool {
    (a != b) & ((a < b) == ((a ^ b) & 1 == 0))
}
