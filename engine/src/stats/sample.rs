//! A random sample of a table's rows, in storage order.
//!
//! A table of up to a few times the sample is read as a whole (reservoir sampling: Vitter 1985, algorithm R). Of a larger one, the row
//! ids are cut into as many strata as places are visited; at a random place of each a run of neighbouring rows is read.
//!
//! Difference to PostgreSQL: it reads up to one page per sampled row; a run of rows costs one page and is less random, which matters
//! where neighbours resemble each other. [`RUN`] is the compromise.

use std::ops::{Bound, ControlFlow};

use nq_qsql::error::Result;
use nq_storage::env::Env;
use nq_storage::{Direction, KeyRange, TreeId, Txn};

use crate::error::store_error;
use crate::table::key::{row_id, row_key};

/// Rows read at one place.
const RUN: usize = 16;
/// Tables of up to so many times the sample are read as a whole.
const WHOLE: u64 = 4;
/// Memory for sampled rows; the sample shrinks to stay below it.
const BYTES_MAX: usize = 32 << 20;

/// Sampled rows.
pub(crate) struct Sample {
    /// Row ids and stored rows, ascending.
    pub(crate) rows: Vec<(u64, Box<[u8]>)>,
    /// Rows in the table: exact when all of it was read.
    pub(crate) table_rows: f64,
}

/// Collects rows, keeping at most `wanted`.
struct Reservoir {
    rows: Vec<(u64, Box<[u8]>)>,
    bytes: usize,
    wanted: usize,
    seen: u64,
    random: u64,
}

impl Reservoir {
    fn new(wanted: usize, env: &dyn Env) -> Reservoir {
        let mut seed = [0; 8];
        env.random(&mut seed);
        Reservoir { rows: Vec::new(), bytes: 0, wanted, seen: 0, random: u64::from_le_bytes(seed) }
    }

    /// splitmix64 (Steele, Lea & Flood 2014), reduced to `0..below`.
    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * u128::from(below)) >> 64) as u64
    }

    fn offer(&mut self, id: u64, row: &[u8]) {
        self.seen += 1;
        if self.rows.len() < self.wanted {
            self.bytes += row.len();
            self.rows.push((id, row.into()));
        } else {
            let place = self.random(self.seen) as usize;
            if place < self.wanted {
                self.bytes = self.bytes - self.rows[place].1.len() + row.len();
                self.rows[place] = (id, row.into());
            }
        }
        while self.bytes > BYTES_MAX && self.rows.len() > 1 {
            let drop = self.random(self.rows.len() as u64) as usize;
            self.bytes -= self.rows.swap_remove(drop).1.len();
            self.wanted = self.rows.len();
        }
    }
}

/// Takes a sample of about `wanted` rows that the transaction sees.
pub(crate) fn sample(txn: &Txn, env: &dyn Env, tree: TreeId, records: u64, wanted: usize) -> Result<Sample> {
    let mut reservoir = Reservoir::new(wanted, env);
    let whole = records <= wanted as u64 * WHOLE;
    match ends(txn, tree)? {
        Some((first, last)) if !whole => visit_places(txn, tree, (first, last), wanted, &mut reservoir)?,
        Some(_) => {
            read(txn, tree, KeyRange::all(), usize::MAX, &mut reservoir)?;
        }
        None => {}
    }
    let table_rows = if whole { reservoir.seen as f64 } else { records as f64 };
    let mut rows = reservoir.rows;
    rows.sort_unstable_by_key(|(id, _)| *id);
    Ok(Sample { rows, table_rows })
}

/// The least and the greatest row id.
fn ends(txn: &Txn, tree: TreeId) -> Result<Option<(u64, u64)>> {
    let end = |direction| -> Result<Option<u64>> {
        let mut cursor = txn.cursor(tree, KeyRange::all(), direction).map_err(store_error)?;
        let mut found = None;
        loop {
            let more = cursor
                .next_batch(txn, 1, &mut |key: &[u8], _: &[u8]| {
                    found = row_id(key);
                    ControlFlow::Break(())
                })
                .map_err(store_error)?;
            if found.is_some() || !more {
                return Ok(found);
            }
        }
    };
    Ok(end(Direction::Forward)?.zip(end(Direction::Backward)?))
}

fn visit_places(
    txn: &Txn,
    tree: TreeId,
    (first, last): (u64, u64),
    wanted: usize,
    reservoir: &mut Reservoir,
) -> Result<()> {
    let places = (wanted / RUN).max(1) as u64;
    let span = (last - first).saturating_add(1);
    let start = |place: u64| first + (u128::from(span) * u128::from(place) / u128::from(places)) as u64;
    for place in 0..places {
        let (from, to) = (start(place), start(place + 1));
        if from >= to {
            continue;
        }
        // A run that would reach beyond its stratum starts so early that it ends with it.
        let room = (to - from).saturating_sub(RUN as u64 - 1).max(1);
        let at = from + reservoir.random(room);
        let range = KeyRange {
            lower: Bound::Included(row_key(at).to_vec()),
            upper: Bound::Excluded(row_key(to).to_vec()),
        };
        read(txn, tree, range, RUN, reservoir)?;
    }
    Ok(())
}

/// Reads up to `max` rows of a range into the reservoir.
fn read(txn: &Txn, tree: TreeId, range: KeyRange, max: usize, reservoir: &mut Reservoir) -> Result<()> {
    let mut cursor = txn.cursor(tree, range, Direction::Forward).map_err(store_error)?;
    let mut left = max;
    while left > 0 {
        let more = cursor
            .next_batch(txn, left, &mut |key: &[u8], row: &[u8]| {
                if let Some(id) = row_id(key) {
                    reservoir.offer(id, row);
                    left -= 1;
                }
                ControlFlow::Continue(())
            })
            .map_err(store_error)?;
        if !more {
            break;
        }
    }
    Ok(())
}
