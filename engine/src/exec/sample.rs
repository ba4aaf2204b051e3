//! TABLESAMPLE: which rows of a scan are looked at.
//!
//! A row is chosen by a hash of its id and the seed, so that a sample with REPEATABLE is the same as long as the rows are. SYSTEM chooses
//! stretches of [`STRETCH`] neighbouring ids, as many as rows of middling width fit a page of PostgreSQL's.

use nq_qsql::error::Result;
use nq_qsql::plan::physical::{SampleMethod, Sampling};
use nq_qsql::sql_err;
use nq_qsql::types::Datum;

use super::ExecCx;
use super::eval::Compiled;

/// Ids that SYSTEM takes or leaves together.
const STRETCH: u64 = 64;

/// The sample clause of a scan.
pub(super) struct Sampler {
    method: SampleMethod,
    percent: Compiled,
    repeatable: Option<Compiled>,
    /// Of a scan without REPEATABLE: one for all its runs.
    random: u64,
}

/// A sample that is being read.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    method: SampleMethod,
    seed: u64,
    /// Hashes below this are chosen.
    cutoff: u64,
}

impl Sampler {
    pub(super) fn new(sampling: &Sampling, cx: &mut ExecCx<'_>) -> Result<Sampler> {
        Ok(Sampler {
            method: sampling.method,
            percent: Compiled::new(&sampling.percent, cx)?,
            repeatable: sampling.seed.as_ref().map(|e| Compiled::new(e, cx)).transpose()?,
            random: cx.host.random(),
        })
    }

    /// Asks for the percentage and the seed.
    pub(super) fn start(&self, cx: &mut ExecCx<'_>) -> Result<Sample> {
        let Datum::Float4(percent) = self.percent.eval_alone(cx)? else {
            return Err(sql_err!(INVALID_TABLESAMPLE_ARGUMENT, "TABLESAMPLE parameter cannot be null"));
        };
        let seed = match &self.repeatable {
            None => self.random,
            Some(seed) => match seed.eval_alone(cx)? {
                // Zero has two signs.
                Datum::Float8(seed) => (seed + 0.0).to_bits(),
                _ => {
                    return Err(sql_err!(
                        INVALID_TABLESAMPLE_REPEAT,
                        "TABLESAMPLE REPEATABLE parameter cannot be null"
                    ));
                }
            },
        };
        if !(0.0..=100.0).contains(&percent) {
            return Err(sql_err!(
                INVALID_TABLESAMPLE_ARGUMENT,
                "sample percentage must be between 0 and 100"
            ));
        }
        let cutoff = (f64::from(percent) / 100.0 * (1_u64 << 32) as f64).round() as u64;
        Ok(Sample { method: self.method, seed: mixed(seed), cutoff })
    }
}

impl Sample {
    /// Whether the row with this id is in the sample.
    #[inline]
    pub(super) fn takes(&self, id: u64) -> bool {
        let unit = match self.method {
            SampleMethod::Bernoulli => id,
            SampleMethod::System => id / STRETCH,
        };
        mixed(unit ^ self.seed) >> 32 < self.cutoff
    }
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the input.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(method: SampleMethod, percent: f64, seed: u64) -> Vec<u64> {
        let cutoff = (percent / 100.0 * (1_u64 << 32) as f64) as u64;
        let sample = Sample { method, seed: mixed(seed), cutoff };
        (0..100_000).filter(|&id| sample.takes(id)).collect()
    }

    #[test]
    fn shares() {
        for method in [SampleMethod::Bernoulli, SampleMethod::System] {
            assert_eq!(chosen(method, 100.0, 1).len(), 100_000);
            assert_eq!(chosen(method, 0.0, 1).len(), 0);
            for seed in 0..20 {
                let n = chosen(method, 20.0, seed).len();
                assert!((16_000..24_000).contains(&n), "{method:?} {seed}: {n}");
            }
            assert_eq!(chosen(method, 10.0, 3), chosen(method, 10.0, 3));
            assert_ne!(chosen(method, 10.0, 3), chosen(method, 10.0, 4));
        }
        let system = chosen(SampleMethod::System, 10.0, 3);
        assert!(system.chunks(STRETCH as usize).take(3).all(|c| c[0] / STRETCH == c[c.len() - 1] / STRETCH));
    }
}
