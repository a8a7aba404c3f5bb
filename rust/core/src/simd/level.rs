//! The instruction set that is used: the best of the processor, or a lower one if the caller caps it.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(pub(super) Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Set {
    /// As portable; MultiMatch compares one pair at a time.
    Scalar,
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// With the instructions of Ice Lake and Zen 4.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An upper limit of the instruction sets that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cap {
    /// MultiMatch compares one pair at a time; all else is as with [`Cap::Portable`].
    Scalar,
    /// Plain loops over eight numbers, for the instructions that every processor of the target has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 with the instructions of Ice Lake and Zen 4.
    Avx512,
}

impl Cap {
    /// All caps, the lowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Portable, Self::Avx2, Self::Avx512];

    /// Its name in settings and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// The cap of this process, as a number of [`Cap::ALL`].
static CAP: AtomicU8 = AtomicU8::new(Cap::Avx512 as u8);

/// Caps the level of all kernels that are made from now on. Results have the same bits at every level.
pub fn set_cap(cap: Cap) {
    CAP.store(cap as u8, Ordering::Relaxed);
}

impl Level {
    /// Every level of this processor, the slowest first, whatever the cap.
    pub fn all() -> Vec<Self> {
        Cap::ALL.into_iter().filter_map(Self::of).collect()
    }

    /// The fastest level of this processor that [`set_cap`] allows.
    pub fn best() -> Self {
        let most = usize::from(CAP.load(Ordering::Relaxed));
        let allowed = Cap::ALL.into_iter().take(most + 1).rev();
        allowed.filter_map(Self::of).next().unwrap_or(Self(Set::Scalar))
    }

    /// What the level uses.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => Cap::Scalar,
            Set::Portable => Cap::Portable,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Cap::Avx2,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => Cap::Avx512,
        }
        .name()
    }

    /// Whether a scheme with an engine for one pair at a time uses it.
    pub fn is_scalar(self) -> bool {
        self.0 == Set::Scalar
    }

    /// Whether [`Lanes::count_nibbles`](super::Lanes::count_nibbles) is the fastest way to count bits.
    pub fn counts_by_nibbles(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.0 == Set::Avx2;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// The level that uses exactly what `cap` allows, if the processor has it.
    fn of(cap: Cap) -> Option<Self> {
        match cap {
            Cap::Scalar => Some(Self(Set::Scalar)),
            Cap::Portable => Some(Self(Set::Portable)),
            #[cfg(target_arch = "x86_64")]
            Cap::Avx2 => (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"))
                .then_some(Self(Set::Avx2)),
            #[cfg(target_arch = "x86_64")]
            Cap::Avx512 => (is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vpopcntdq"))
            .then_some(Self(Set::Avx512)),
            #[cfg(not(target_arch = "x86_64"))]
            Cap::Avx2 | Cap::Avx512 => None,
        }
    }
}
