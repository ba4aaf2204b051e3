//! Set-returning functions: series, elements of arrays, parts of strings. Rows are made on demand.

use super::args::{TsTz, arg};
use super::array::split;
use super::{EvalCx, SetRows};
use crate::error::Result;
use crate::sql_err;
use crate::types::datetime::arith::{timestamp_add, timestamptz_add};
use crate::types::datetime::interval;
use crate::types::datetime::zone::Zone;
use crate::types::{Array, Datum, Interval, Multirange, Numeric, Range};

/// Rows of one column out of an iterator.
struct Column<I>(I);

impl<I: Iterator<Item = Datum> + Send> SetRows for Column<I> {
    fn next(&mut self, _: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        Ok(self.0.next().map(|value| vec![value]))
    }
}

/// Rows that are there already.
struct Given(std::vec::IntoIter<Vec<Datum>>);

impl SetRows for Given {
    fn next(&mut self, _: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        Ok(self.0.next())
    }
}

/// Hands out rows that were made at once.
pub(super) fn given(rows: Vec<Vec<Datum>>) -> Box<dyn SetRows> {
    Box::new(Given(rows.into_iter()))
}

fn zero_step() -> crate::error::SqlError {
    sql_err!(INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}

/// The integers from `start` to `stop`; the end of the type ends the series.
fn integers(start: i64, stop: i64, step: i64) -> Result<impl Iterator<Item = i64> + Send> {
    if step == 0 {
        return Err(zero_step());
    }
    let mut next = Some(start);
    Ok(std::iter::from_fn(move || {
        let value = next.filter(|&v| if step > 0 { v <= stop } else { v >= stop })?;
        next = value.checked_add(step);
        Some(value)
    }))
}

fn int4_series(start: i32, stop: i32, step: i32) -> Result<Box<dyn SetRows>> {
    let rows = integers(start.into(), stop.into(), step.into())?;
    Ok(Box::new(Column(rows.map(|v| Datum::Int4(v as i32)))))
}

fn int8_series(start: i64, stop: i64, step: i64) -> Result<Box<dyn SetRows>> {
    Ok(Box::new(Column(integers(start, stop, step)?.map(Datum::Int8))))
}

/// `unnest(multirange)`
pub(super) fn multirange_unnest(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let value: &Multirange = arg(args, 0)?;
    let (info, spans) = (value.info, value.spans.clone());
    let range = move |span| Datum::Range(Range { info, span: Some(span) }.into());
    Ok(Box::new(Column(spans.into_iter().map(range))))
}

pub(super) fn generate_series_int4(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    int4_series(arg(args, 0)?, arg(args, 1)?, 1)
}

pub(super) fn generate_series_step_int4(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    int4_series(arg(args, 0)?, arg(args, 1)?, arg(args, 2)?)
}

pub(super) fn generate_series_int8(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    int8_series(arg(args, 0)?, arg(args, 1)?, 1)
}

pub(super) fn generate_series_step_int8(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    int8_series(arg(args, 0)?, arg(args, 1)?, arg(args, 2)?)
}

/// Numbers in equal steps.
struct Numbers {
    /// The next number; none behind the largest that there is.
    next: Option<Numeric>,
    stop: Numeric,
    step: Numeric,
    up: bool,
}

impl SetRows for Numbers {
    fn next(&mut self, _: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        let Some(now) = self.next.take() else { return Ok(None) };
        if if self.up { now > self.stop } else { now < self.stop } {
            return Ok(None);
        }
        self.next = now.add(&self.step).ok();
        Ok(Some(vec![Datum::Numeric(now)]))
    }
}

fn numeric_series(start: &Numeric, stop: &Numeric, step: Numeric) -> Result<Box<dyn SetRows>> {
    for (what, value) in [("start", start), ("stop", stop), ("step", &step)] {
        let name = if what == "step" { "step size" } else { what };
        let noun = if what == "step" { "" } else { " value" };
        if value.is_nan() {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "{name}{noun} cannot be NaN"));
        }
        if value.scale().is_none() {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "{name}{noun} cannot be infinity"));
        }
    }
    let zero = Numeric::from_i64(0);
    if step == zero {
        return Err(zero_step());
    }
    let up = step > zero;
    Ok(Box::new(Numbers { next: Some(start.clone()), stop: stop.clone(), step, up }))
}

pub(super) fn generate_series_numeric(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    numeric_series(arg(args, 0)?, arg(args, 1)?, Numeric::from_i64(1))
}

pub(super) fn generate_series_step_numeric(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    numeric_series(arg(args, 0)?, arg(args, 1)?, arg::<&Numeric>(args, 2)?.clone())
}

/// Timestamps in equal steps; with a zone, days and months are that zone's.
struct Times {
    next: i64,
    stop: i64,
    step: Interval,
    up: bool,
    zone: Option<Zone>,
}

impl SetRows for Times {
    fn next(&mut self, _: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        if if self.up { self.next > self.stop } else { self.next < self.stop } {
            return Ok(None);
        }
        let now = self.next;
        Ok(Some(match &self.zone {
            None => {
                self.next = timestamp_add(now, &self.step)?;
                vec![Datum::Timestamp(now)]
            }
            Some(zone) => {
                self.next = timestamptz_add(now, &self.step, zone)?;
                vec![Datum::TimestampTz(now)]
            }
        }))
    }
}

fn time_series(args: &[Datum], zone: Option<Zone>) -> Result<Box<dyn SetRows>> {
    let TsTz(start) = arg(args, 0)?;
    let TsTz(stop) = arg(args, 1)?;
    let step: &Interval = arg(args, 2)?;
    let order = interval::compare(step, &Interval { months: 0, days: 0, micros: 0 });
    if order.is_eq() {
        return Err(zero_step());
    }
    if matches!(
        (step.months, step.days, step.micros),
        (i32::MAX, i32::MAX, i64::MAX) | (i32::MIN, i32::MIN, i64::MIN)
    ) {
        return Err(sql_err!(INVALID_PARAMETER_VALUE, "step size cannot be infinite"));
    }
    Ok(Box::new(Times { next: start, stop, step: *step, up: order.is_gt(), zone }))
}

pub(super) fn generate_series_timestamp(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    time_series(args, None)
}

pub(super) fn generate_series_timestamptz(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    time_series(args, Some(cx.io.time_zone.clone()))
}

pub(super) fn generate_series_timestamptz_at_zone(
    cx: &mut EvalCx<'_>,
    args: &[Datum],
) -> Result<Box<dyn SetRows>> {
    time_series(args, Some(Zone::find_whole(arg(args, 3)?, &cx.io.time_zone)?))
}

fn subscripts(args: &[Datum], reverse: bool) -> Result<Box<dyn SetRows>> {
    let array: &Array = arg(args, 0)?;
    let n: i32 = arg(args, 1)?;
    let dimension = usize::try_from(n).ok().and_then(|n| array.dims.get(n.checked_sub(1)?));
    let (length, low) = dimension.copied().unwrap_or((0, 1));
    let rows = (0..length).map(move |i| Datum::Int4(if reverse { low + length - 1 - i } else { low + i }));
    Ok(Box::new(Column(rows)))
}

pub(super) fn generate_subscripts(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    subscripts(args, arg(args, 2)?)
}

pub(super) fn generate_subscripts_nodir(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    subscripts(args, false)
}

/// `unnest(array)`: the elements in storage order, shared with the array.
pub(super) fn array_unnest(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let items = arg::<&Array>(args, 0)?.items.clone();
    Ok(Box::new(Column(items.into_iter())))
}

fn text_rows(text: Option<&str>, separator: Option<&str>, null: Option<&str>) -> Box<dyn SetRows> {
    let parts = text.map_or_else(Vec::new, |text| split(text, separator, null));
    Box::new(Column(parts.into_iter()))
}

pub(super) fn text_to_table(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    Ok(text_rows(arg(args, 0)?, arg(args, 1)?, None))
}

pub(super) fn text_to_table_null(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    Ok(text_rows(arg(args, 0)?, arg(args, 1)?, arg(args, 2)?))
}

/// Rows of one column that are known already.
pub(super) fn rows_of(values: Vec<Datum>) -> Box<dyn SetRows> {
    Box::new(Column(values.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_end_at_the_end_of_the_type() {
        assert_eq!(integers(1, 5, 2).map(Iterator::collect::<Vec<_>>).ok(), Some(vec![1, 3, 5]));
        assert_eq!(integers(5, 1, -2).map(Iterator::collect::<Vec<_>>).ok(), Some(vec![5, 3, 1]));
        assert_eq!(integers(i64::MAX - 1, i64::MAX, 1).map(Iterator::count).ok(), Some(2));
        assert_eq!(integers(2, 1, 1).map(Iterator::count).ok(), Some(0));
        assert!(integers(1, 2, 0).is_err());
    }
}
