//! The referencing side: values become keys of the parent's index, and what they refer to is looked up and held.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::physical::{BoundForeignKey, KeyCast};
use nq_qsql::types::compare::compare;
use nq_qsql::types::{DataType, Datum, Oid, oid};
use nq_storage::{Modified, Snapshot, TreeId};

use super::Event;
use crate::error::store_error;
use crate::exec::eval::Compiled;
use crate::exec::{Batch, ExecCx};
use crate::table::key::{self, row_key};
use crate::table::value::damaged;

/// How a referencing value becomes one of the referenced type.
enum Cast {
    Same,
    Integer(Oid),
    Convert { from: DataType, forth: Compiled, back: Option<Compiled> },
}

/// A foreign key as its referencing side asks it.
pub struct Probe {
    pub(crate) bound: BoundForeignKey,
    /// By column of the parent's index: which of the key's columns it is.
    order: Vec<usize>,
    casts: Vec<Cast>,
}

/// What a row's referencing columns say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// They refer to nothing.
    Absent,
    /// Some are NULL and some are not, against MATCH FULL.
    Mixed,
    /// No row of the parent can have such a key.
    Nowhere,
    /// The entry of the parent's index.
    Entry(Vec<u8>),
}

impl Probe {
    /// Prepares a foreign key of a table whose columns have `types`.
    pub(crate) fn new(bound: &BoundForeignKey, types: &[DataType], params: &[Datum]) -> Result<Probe> {
        let position = |column: &nq_qsql::catalog::IndexColumn| match column.key {
            nq_qsql::catalog::IndexKey::Column(c) => bound.key.ref_columns.iter().position(|r| *r == c),
            nq_qsql::catalog::IndexKey::Expression(_) => None,
        };
        let order: Option<Vec<usize>> = bound.index.columns.iter().map(position).collect();
        let mut casts = Vec::with_capacity(bound.casts.len());
        for (i, cast) in bound.casts.iter().enumerate() {
            let (from, to) = (bound.key.columns[i], bound.key.ref_columns[i]);
            casts.push(match cast {
                KeyCast::Same => Cast::Same,
                KeyCast::Integer => Cast::Integer(bound.parent.columns[to].ty.oid),
                KeyCast::Convert { forth, back } => Cast::Convert {
                    from: types[from],
                    forth: Compiled::with_params(forth, params)?,
                    back: back.as_ref().map(|e| Compiled::with_params(e, params)).transpose()?,
                },
            });
        }
        Ok(Probe { bound: bound.clone(), order: order.ok_or_else(damaged)?, casts })
    }

    /// The key of the parent's index that some values of the referencing columns name.
    ///
    /// # Errors
    /// What a conversion raises, but for values that the referenced type does not have.
    pub(crate) fn key_of(&self, values: &[Datum], cx: &mut ExecCx<'_>) -> Result<Key> {
        let nulls = values.iter().filter(|v| v.is_null()).count();
        if nulls > 0 {
            let mixed = self.bound.key.match_full && nulls < values.len();
            return Ok(if mixed { Key::Mixed } else { Key::Absent });
        }
        let mut ordered = Vec::with_capacity(values.len());
        for &at in &self.order {
            match convert(&self.casts[at], &values[at], cx)? {
                Some(value) => ordered.push(value),
                None => return Ok(Key::Nowhere),
            }
        }
        let mut entry = Vec::with_capacity(24);
        key::encode_prefix(&self.bound.index, &ordered, &mut entry)?;
        Ok(Key::Entry(entry))
    }

    /// The entry of the parent's index for a key of the parent's.
    pub(crate) fn entry_of(&self, parent: &[Datum]) -> Result<Vec<u8>> {
        let ordered: Vec<Datum> = self.order.iter().map(|&at| parent[at].clone()).collect();
        let mut entry = Vec::with_capacity(24);
        key::encode_prefix(&self.bound.index, &ordered, &mut entry)?;
        Ok(entry)
    }

    /// Whether the parent has a row with this key; `hold`: the row keeps it until the transaction ends. `snapshot` is renewed when
    /// others have been waited for.
    pub(crate) fn find(
        &self,
        entry: &[u8],
        hold: bool,
        snapshot: &mut Arc<Snapshot>,
        cx: &mut ExecCx<'_>,
    ) -> Result<bool> {
        let (index, table) = (TreeId(self.bound.index.tree), TreeId(self.bound.parent.tree));
        loop {
            let found = cx.txn.get_through(snapshot, index, entry, key::row_id).map_err(store_error)?;
            let Some(found) = found else { return Ok(false) };
            let id = found.ok_or_else(damaged)?;
            if !hold {
                return Ok(true);
            }
            match cx.txn.hold_key(snapshot, table, &row_key(id)).map_err(store_error)? {
                Some(Modified::Locked) => return Ok(true),
                _ => *snapshot = cx.txn.key_snapshot(),
            }
            cx.check_interrupt()?;
        }
    }
}

/// The value as the referenced type has it; `None` when it does not.
fn convert(cast: &Cast, value: &Datum, cx: &mut ExecCx<'_>) -> Result<Option<Datum>> {
    Ok(match cast {
        Cast::Same => Some(value.clone()),
        Cast::Integer(to) => as_integer(value, *to),
        Cast::Convert { from, forth, back } => {
            let Some(there) = apply(forth, value, *from, cx)? else { return Ok(None) };
            match back {
                None => Some(there),
                Some(back) => {
                    let again = apply(back, &there, forth.ty, cx)?;
                    again.is_some_and(|again| compare(&again, value, from.oid).is_eq()).then_some(there)
                }
            }
        }
    })
}

/// An integer as one of another width, where it fits.
pub(super) fn as_integer(value: &Datum, to: Oid) -> Option<Datum> {
    let wide = match value {
        Datum::Int2(v) => i64::from(*v),
        Datum::Int4(v) => i64::from(*v),
        Datum::Int8(v) => *v,
        _ => return None,
    };
    match to {
        oid::INT2 => i16::try_from(wide).ok().map(Datum::Int2),
        oid::INT4 => i32::try_from(wide).ok().map(Datum::Int4),
        _ => Some(Datum::Int8(wide)),
    }
}

/// Converts one value; `None` when it is out of the type's range or has no such form.
fn apply(expr: &Compiled, value: &Datum, from: DataType, cx: &mut ExecCx<'_>) -> Result<Option<Datum>> {
    let batch = Batch::from_rows(&[[value.clone()]], &[from]);
    match expr.eval_batch(&batch, cx) {
        Ok(values) => Ok(Some(values.datum(0, expr.ty.oid))),
        Err(error) if error.code().0.starts_with(b"22") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Looks for what written rows refer to. What is not found is left to the end of the statement; deferred constraints are left to the
/// end of the transaction.
///
/// `id` and `value` tell of each of `count` rows; `which` says whether a foreign key is concerned.
pub(crate) fn check_rows(
    probes: &[Probe],
    which: impl Fn(&Probe) -> bool,
    table: Oid,
    count: usize,
    id: impl Fn(usize) -> u64,
    value: impl Fn(usize, usize) -> Result<Datum>,
    cx: &mut ExecCx<'_>,
) -> Result<()> {
    let mut unmet: Vec<(usize, Oid)> = Vec::new();
    for probe in probes.iter().filter(|p| which(p)) {
        let constraint = probe.bound.oid;
        if cx.pending.modes.is_deferred(constraint, probe.bound.timing) {
            // In the stricter levels what is looked at later is what the transaction sees, from now on.
            cx.txn.key_snapshot();
            let events = (0..count).map(|row| Event::Row { constraint, table, row: id(row) });
            cx.pending.later.extend(events);
            continue;
        }
        let mut keys: Vec<(Vec<u8>, usize)> = Vec::with_capacity(count);
        let mut values = Vec::with_capacity(probe.bound.key.columns.len());
        for row in 0..count {
            values.clear();
            for &column in &probe.bound.key.columns {
                values.push(value(row, column)?);
            }
            match probe.key_of(&values, cx)? {
                Key::Absent => {}
                Key::Entry(entry) => keys.push((entry, row)),
                Key::Mixed | Key::Nowhere => unmet.push((row, constraint)),
            }
        }
        // In key order: equal ones are asked once, and everybody locks in the same order.
        keys.sort_unstable();
        let mut snapshot = cx.txn.key_snapshot();
        let mut found = false;
        for at in 0..keys.len() {
            if at == 0 || keys[at].0 != keys[at - 1].0 {
                found = probe.find(&keys[at].0, true, &mut snapshot, cx)?;
            }
            if !found {
                unmet.push((keys[at].1, constraint));
            }
        }
    }
    unmet.sort_unstable();
    let events = unmet.into_iter().map(|(row, constraint)| Event::Row { constraint, table, row: id(row) });
    cx.pending.now.extend(events);
    Ok(())
}
