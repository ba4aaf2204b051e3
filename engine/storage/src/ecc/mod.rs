//! Finding and mending damaged sectors: CRC32C says which are bad, an erasure code rebuilds them.
//!
//! A stripe is `k` data shards followed by `m` parity shards. With `m = 1` parity is the exclusive or of the data, which is
//! what every Reed-Solomon code with one parity shard computes up to a factor; with `m > 1` it is a Reed-Solomon code over
//! GF(2^8) with a Vandermonde-derived matrix (crate `reed-solomon-erasure`). Either rebuilds any `m` shards whose places are
//! known; neither can tell *which* shard is wrong, that is the checksum's part.

use reed_solomon_erasure::galois_8::ReedSolomon;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The most shards of one stripe.
pub const SHARDS_MAX: usize = 32;

/// The CRC32C (Castagnoli) of some bytes.
#[inline]
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// The shards of a stripe inside one buffer: shard `i` is `bytes[i * stride + skip..][..width]`.
pub struct Stripe<'a> {
    bytes: &'a mut [u8],
    stride: usize,
    skip: usize,
    width: usize,
}

impl<'a> Stripe<'a> {
    /// Describes a buffer. `skip + width <= stride`, and `bytes` holds whole strides.
    pub fn new(bytes: &'a mut [u8], stride: usize, skip: usize, width: usize) -> Stripe<'a> {
        debug_assert!(skip + width <= stride && bytes.len().is_multiple_of(stride));
        Stripe { bytes, stride, skip, width }
    }

    fn shards(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let (skip, width) = (self.skip, self.width);
        self.bytes.chunks_exact_mut(self.stride).map(move |stride| &mut stride[skip..skip + width])
    }

    /// Sets shard `target` to the exclusive or of the other shards of `0..count`.
    fn xor_into(&mut self, target: usize, count: usize) {
        let (skip, width, stride) = (self.skip, self.width, self.stride);
        let (before, rest) = self.bytes[..count * stride].split_at_mut(target * stride);
        let (this, after) = rest.split_at_mut(stride);
        let this = &mut this[skip..skip + width];
        let mut others = before
            .chunks_exact(stride)
            .chain(after.chunks_exact(stride))
            .map(|shard| &shard[skip..skip + width]);
        match others.next() {
            Some(first) => this.copy_from_slice(first),
            None => this.fill(0),
        }
        for other in others {
            for (a, b) in this.iter_mut().zip(other) {
                *a ^= b;
            }
        }
    }
}

/// Makes parity, and rebuilds what is known to be missing.
pub trait ErasureCode: Send + Sync {
    /// Data shards of a stripe.
    fn data_shards(&self) -> usize;
    /// Parity shards of a stripe: as many may be missing.
    fn parity_shards(&self) -> usize;
    /// Computes the parity shards from the data shards.
    fn encode(&self, stripe: &mut Stripe<'_>);
    /// Rebuilds the shards whose bit is set in `missing`; `false`, and nothing changed, when there are too many.
    fn rebuild(&self, stripe: &mut Stripe<'_>, missing: u32) -> bool;
}

/// One parity shard: exclusive or. With one data shard this is a mirror.
struct Xor {
    data: usize,
}

impl ErasureCode for Xor {
    fn data_shards(&self) -> usize {
        self.data
    }

    fn parity_shards(&self) -> usize {
        1
    }

    fn encode(&self, stripe: &mut Stripe<'_>) {
        stripe.xor_into(self.data, self.data + 1);
    }

    fn rebuild(&self, stripe: &mut Stripe<'_>, missing: u32) -> bool {
        match missing.count_ones() {
            0 => true,
            1 => {
                stripe.xor_into(missing.trailing_zeros() as usize, self.data + 1);
                true
            }
            _ => false,
        }
    }
}

impl ErasureCode for ReedSolomon {
    fn data_shards(&self) -> usize {
        self.data_shard_count()
    }

    fn parity_shards(&self) -> usize {
        self.parity_shard_count()
    }

    fn encode(&self, stripe: &mut Stripe<'_>) {
        let mut shards: Vec<&mut [u8]> = stripe.shards().take(self.total_shard_count()).collect();
        ReedSolomon::encode(self, &mut shards).expect("the stripe has the code's shape");
    }

    fn rebuild(&self, stripe: &mut Stripe<'_>, missing: u32) -> bool {
        if missing.count_ones() as usize > self.parity_shard_count() {
            return false;
        }
        let mut shards: Vec<(&mut [u8], bool)> = stripe
            .shards()
            .take(self.total_shard_count())
            .enumerate()
            .map(|(i, shard)| (shard, missing & (1 << i) == 0))
            .collect();
        self.reconstruct(&mut shards).is_ok()
    }
}

/// The codes of 1 to 16 data shards and 1 to 4 parity shards.
static CODES: LazyLock<HashMap<(usize, usize), Arc<dyn ErasureCode>>> = LazyLock::new(|| {
    let mut codes: HashMap<(usize, usize), Arc<dyn ErasureCode>> = HashMap::new();
    for data in 1..=DATA_SHARDS_MAX {
        codes.insert((data, 1), Arc::new(Xor { data }));
        for parity in 2..=PARITY_SHARDS_MAX {
            codes.insert(
                (data, parity),
                Arc::new(ReedSolomon::new(data, parity).expect("the shape is within GF(2^8)")),
            );
        }
    }
    codes
});

/// The most data shards of [`code`].
pub const DATA_SHARDS_MAX: usize = 16;
/// The most parity shards of [`code`].
pub const PARITY_SHARDS_MAX: usize = 4;

/// Returns the code of a shape; `None` beyond [`DATA_SHARDS_MAX`] and [`PARITY_SHARDS_MAX`], or when one is zero.
pub fn code(data: usize, parity: usize) -> Option<&'static dyn ErasureCode> {
    CODES.get(&(data, parity)).map(|code| &**code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checksum_is_castagnoli() {
        assert_eq!(checksum(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn shapes_out_of_range_have_no_code() {
        assert!(
            code(0, 1).is_none() && code(1, 0).is_none() && code(17, 1).is_none() && code(4, 5).is_none()
        );
        let code = code(3, 2).unwrap();
        assert_eq!((code.data_shards(), code.parity_shards()), (3, 2));
    }

    proptest! {
        #[test]
        fn any_m_missing_shards_come_back(data in 1usize..=16, parity in 1usize..=4, seed: u64, erase: u32) {
            let (stride, skip, width) = (48, 8, 33);
            let mut rng = crate::env::sim::Rng::new(seed);
            let mut bytes = vec![0u8; (data + parity) * stride];
            rng.fill(&mut bytes);
            let code = code(data, parity).unwrap();
            code.encode(&mut Stripe::new(&mut bytes, stride, skip, width));
            let good = bytes.clone();
            let mut missing = 0u32;
            let mut bits = erase;
            while (missing.count_ones() as usize) < parity {
                missing |= 1 << (bits as usize % (data + parity));
                bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223).rotate_right(7);
                if missing.count_ones() as usize == data + parity {
                    break;
                }
            }
            for shard in (0..data + parity).filter(|shard| missing & (1 << shard) != 0) {
                bytes[shard * stride + skip..shard * stride + skip + width].fill(0xAA);
            }
            prop_assert!(code.rebuild(&mut Stripe::new(&mut bytes, stride, skip, width), missing));
            prop_assert_eq!(&bytes, &good);
            let too_many = if data + parity > parity + 1 { (1u32 << (parity + 1)) - 1 } else { return Ok(()) };
            prop_assert!(!code.rebuild(&mut Stripe::new(&mut bytes, stride, skip, width), too_many));
        }
    }
}
