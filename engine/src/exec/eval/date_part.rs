//! `extract(year|month|day from date|timestamp)`.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::datetime::USECS_PER_DAY;
use nq_qsql::types::oid;

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::{Values, Vector};
use super::Node;
use super::call::Call;

#[derive(Clone, Copy)]
enum Field {
    Year,
    Month,
    Day,
}

/// An extract with a constant field.
pub(in crate::exec) struct DatePart {
    field: Field,
    call: Call,
}

/// Takes over extracts that have a kernel.
pub(super) fn recognise(call: Call) -> Result<DatePart, Call> {
    let [Node::Const(field), _] = &call.args[..] else { return Err(call) };
    let typed = call.func.name == "extract" && matches!(call.arg_types[1].oid, oid::DATE | oid::TIMESTAMP);
    let field = match &field.values {
        Values::Str(s) if typed && !field.nulls.is_null(0) => s.get(0).to_ascii_lowercase(),
        _ => return Err(call),
    };
    let field = match &field[..] {
        b"year" => Field::Year,
        b"month" => Field::Month,
        b"day" => Field::Day,
        _ => return Err(call),
    };
    Ok(DatePart { field, call })
}

/// Days either side of 2000-01-01 whose years are positive: others have BC and infinities to think of.
const SAFE: std::ops::Range<i64> = -700_000..100_000_000;

impl DatePart {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let value = self.call.args[1].eval(batch, rows, cx)?;
        let len = if value.constant { 1 } else { batch.len };
        let rows = if value.constant { Rows::All(1) } else { rows };
        let days: Option<Vec<i64>> = match &value.values {
            Values::I32(v) => self.parts(rows, len, &value, |i| i64::from(v[i])),
            Values::I64(v) => self.parts(rows, len, &value, |i| v[i].div_euclid(USECS_PER_DAY)),
            _ => None,
        };
        match days {
            Some(parts) => {
                let values = Values::Decimal(0, parts);
                Ok(Arc::new(Vector { values, nulls: value.nulls.clone(), constant: value.constant }))
            }
            None => {
                let field = self.call.args[0].eval(batch, rows, cx)?;
                self.call.apply_rows(&[&field, &value], rows, len, cx)
            }
        }
    }

    fn parts(
        &self,
        rows: Rows<'_>,
        len: usize,
        value: &Vector,
        day: impl Fn(usize) -> i64,
    ) -> Option<Vec<i64>> {
        let mut out = vec![0; len];
        for row in rows.iter() {
            if value.nulls.is_null(row) {
                continue;
            }
            let day = day(row);
            if !SAFE.contains(&day) {
                return None;
            }
            let (year, month, dom) = civil(day);
            out[row] = match self.field {
                Field::Year => year,
                Field::Month => month,
                Field::Day => dom,
            };
        }
        Some(out)
    }
}

/// Year, month and day of the day that many days after 2000-01-01 in the proleptic Gregorian calendar.
///
/// Years begin in March, so that the leap day is the last: day 0 of the era is 0000-03-01, 730425 days before 2000-01-01.
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 730_425;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let dom = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, dom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar() {
        for (day, expected) in [
            (0, (2000, 1, 1)),
            (-1, (1999, 12, 31)),
            (59, (2000, 2, 29)),
            (60, (2000, 3, 1)),
            (-2922, (1992, 1, 1)),
            (9131, (2024, 12, 31)),
            (-10957, (1970, 1, 1)),
        ] {
            assert_eq!(civil(day), expected);
        }
    }
}
