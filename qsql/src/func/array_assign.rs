//! `a[1] = ..`, `a[1:2] = ..`: an array with an element or a slice replaced.
//!
//! Source: PostgreSQL manual 8.15.4 "Modifying Arrays".

use std::sync::Arc;

use super::EvalCx;
use super::args::arg;
use super::array::{MAX_ITEMS, reserve_items, too_many_items, vector};
use super::category::{display, element_of};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::{Array, Datum};

/// Where a [`Shape`] has the number of dimensions.
const DIMENSIONS: u32 = 16;

/// Which bounds of an assignment are written: what the third argument of `array_assign` says.
///
/// Bit 0: a slice is assigned to. Bits 2n+1 and 2n+2: dimension n has a lower, an upper bound. Bits 16 and on: the number of
/// dimensions, for all bounds of a slice may be left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape(pub i32);

impl Shape {
    /// An element or slice of as many dimensions, no bound noted yet. The subscript of an element is its upper bound.
    pub(crate) fn new(slice: bool, dimensions: usize) -> Self {
        Shape(i32::from(slice) | (dimensions as i32) << DIMENSIONS)
    }

    /// Notes that dimension `n` has a lower (`upper`: an upper) bound.
    pub(crate) fn give(&mut self, n: usize, upper: bool) {
        self.0 |= 1 << (2 * n + 1 + usize::from(upper));
    }

    fn is_slice(self) -> bool {
        self.0 & 1 != 0
    }

    fn dimensions(self) -> usize {
        (self.0 >> DIMENSIONS) as usize
    }

    fn has(self, n: usize, upper: bool) -> bool {
        self.0 & 1 << (2 * n + 1 + usize::from(upper)) != 0
    }
}

/// The bounds of one dimension.
type Bounds = (Option<i32>, Option<i32>);

/// `array_assign`: the array before, the value, the shape, the bounds that are written.
pub(in crate::func) fn array_assign(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let (before, value, shape): (Option<&Array>, &Datum, i32) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    let shape = Shape(shape);
    let mut given = args[3..].iter();
    let mut next = |is_given: bool| match is_given.then(|| given.next()) {
        None => Ok(None),
        Some(Some(Datum::Int4(v))) => Ok(Some(*v)),
        Some(Some(Datum::Null)) => {
            Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null"))
        }
        Some(_) => Err(SqlError::internal("array subscript is not an integer")),
    };
    let mut bounds = Vec::with_capacity(shape.dimensions());
    for n in 0..shape.dimensions() {
        bounds.push((next(shape.has(n, false))?, next(shape.has(n, true))?));
    }
    let empty;
    let before = match before {
        Some(array) => array,
        None => {
            let element = element_of(cx.result.oid).ok_or_else(|| {
                SqlError::internal(format_args!("{} is not an array type", display(cx.result.oid)))
            })?;
            empty = vector(element, Vec::new());
            &empty
        }
    };
    reserve_items(cx, before.items.len() + 1)?;
    let array = match (shape.is_slice(), value) {
        (false, _) => set_element(before, &bounds, value)?,
        (true, Datum::Array(source)) => set_slice(before, &bounds, source)?,
        (true, _) => before.clone(),
    };
    Ok(Datum::Array(Arc::new(array)))
}

fn wrong_number() -> SqlError {
    sql_err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
}

fn out_of_range() -> SqlError {
    sql_err!(ARRAY_SUBSCRIPT_ERROR, "array subscript out of range")
}

fn too_small() -> SqlError {
    sql_err!(ARRAY_SUBSCRIPT_ERROR, "source array too small")
}

/// Checks the dimensions of a result: (length, lower bound) each. Returns the number of elements.
fn check(dims: &[(i64, i64)]) -> Result<usize> {
    let mut count = 1i64;
    for &(length, lower) in dims {
        if length < 0 || length > i64::from(i32::MAX) {
            return Err(too_many_items());
        }
        count = count.saturating_mul(length);
        if count > MAX_ITEMS as i64 {
            return Err(too_many_items());
        }
        if lower + length > i64::from(i32::MAX) {
            return Err(sql_err!(PROGRAM_LIMIT_EXCEEDED, "array lower bound is too large: {lower}"));
        }
    }
    Ok(count as usize)
}

/// A one-dimensional array that reaches from `from` to `to` at least: what is added is NULL.
fn stretched(array: &Array, from: i64, to: i64) -> Result<Array> {
    let (length, lower) = array.dims.first().map_or((0, from), |d| (i64::from(d.0), i64::from(d.1)));
    let low = lower.min(from);
    let high = (lower + length - 1).max(to);
    let count = check(&[(high - low + 1, low)])?;
    let mut items = Vec::with_capacity(count);
    items.resize((lower - low) as usize, Datum::Null);
    items.extend_from_slice(&array.items);
    items.resize(count, Datum::Null);
    Ok(Array { element: array.element, dims: vec![(count as i32, low as i32)], items })
}

fn set_element(before: &Array, bounds: &[Bounds], value: &Datum) -> Result<Array> {
    let at: Vec<i64> = bounds.iter().map(|b| i64::from(b.1.unwrap_or(1))).collect();
    if before.dims.is_empty() {
        let dims: Vec<(i64, i64)> = at.iter().map(|&lower| (1, lower)).collect();
        check(&dims)?;
        let dims = dims.iter().map(|&(length, lower)| (length as i32, lower as i32)).collect();
        return Ok(Array { element: before.element, dims, items: vec![value.clone()] });
    }
    match at.as_slice() {
        _ if at.len() != before.dims.len() => Err(wrong_number()),
        [index] => {
            let mut array = stretched(before, *index, *index)?;
            let lower = i64::from(array.dims[0].1);
            array.items[(index - lower) as usize] = value.clone();
            Ok(array)
        }
        _ => {
            let mut offset = 0;
            for (&index, &(length, lower)) in at.iter().zip(&before.dims) {
                let place = index - i64::from(lower);
                if !(0..i64::from(length)).contains(&place) {
                    return Err(out_of_range());
                }
                offset = offset * length as usize + place as usize;
            }
            let mut array = before.clone();
            array.items[offset] = value.clone();
            Ok(array)
        }
    }
}

fn set_slice(before: &Array, bounds: &[Bounds], source: &Array) -> Result<Array> {
    if before.dims.is_empty() {
        return first_slice(before, bounds, source);
    }
    if before.dims.len() < bounds.len() {
        return Err(wrong_number());
    }
    let mut ranges = Vec::with_capacity(before.dims.len());
    for (n, &(length, lower)) in before.dims.iter().enumerate() {
        let (from, to) = bounds.get(n).copied().unwrap_or((None, None));
        let last = i64::from(lower) + i64::from(length) - 1;
        let (from, to) = (from.map_or(i64::from(lower), i64::from), to.map_or(last, i64::from));
        if from > to {
            return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound"));
        }
        if before.dims.len() > 1 && (from < i64::from(lower) || to > last) {
            return Err(out_of_range());
        }
        ranges.push((from, to));
    }
    let mut array = match ranges.as_slice() {
        [(from, to)] => stretched(before, *from, *to)?,
        _ => before.clone(),
    };
    let count: i64 = ranges.iter().map(|(from, to)| to - from + 1).product();
    if count > source.items.len() as i64 {
        return Err(too_small());
    }
    let mut offsets = vec![0_usize];
    for (&(length, lower), &(from, to)) in array.dims.iter().zip(&ranges) {
        let places = (from - i64::from(lower)) as usize..=(to - i64::from(lower)) as usize;
        offsets = offsets
            .iter()
            .flat_map(|base| places.clone().map(move |place| base * length as usize + place))
            .collect();
    }
    for (offset, item) in offsets.into_iter().zip(&source.items) {
        array.items[offset] = item.clone();
    }
    Ok(array)
}

/// A slice of an empty array: it is the array.
fn first_slice(before: &Array, bounds: &[Bounds], source: &Array) -> Result<Array> {
    let mut dims = Vec::with_capacity(bounds.len());
    for bound in bounds {
        let (Some(from), Some(to)) = *bound else {
            return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "array slice subscript must provide both boundaries")
                .detail(
                    "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
                ));
        };
        dims.push((i64::from(to) - i64::from(from) + 1, i64::from(from)));
    }
    let count = check(&dims)?;
    if count > source.items.len() {
        return Err(too_small());
    }
    if count == 0 {
        return Ok(vector(before.element, Vec::new()));
    }
    let dims = dims.iter().map(|&(length, lower)| (length as i32, lower as i32)).collect();
    Ok(Array { element: before.element, dims, items: source.items[..count].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid::INT4;

    fn ints(items: &[i32]) -> Array {
        vector(INT4, items.iter().copied().map(Datum::Int4).collect())
    }

    #[test]
    fn elements_stretch_the_array() {
        for (at, dims, nulls) in [(2, (3, 1), 0), (6, (6, 1), 2), (-1, (5, -1), 1)] {
            let array = set_element(&ints(&[1, 2, 3]), &[(None, Some(at))], &Datum::Int4(9)).unwrap();
            assert_eq!(array.dims, [dims]);
            assert_eq!(array.items.iter().filter(|item| item.is_null()).count(), nulls);
            assert!(matches!(array.items[(at - dims.1) as usize], Datum::Int4(9)));
        }
        assert!(set_element(&ints(&[1]), &[(None, Some(i32::MAX))], &Datum::Null).is_err());
        assert!(set_element(&ints(&[1]), &[(None, Some(1)), (None, Some(1))], &Datum::Null).is_err());
    }

    #[test]
    fn slices_take_the_source_in_order() {
        let matrix = Array { dims: vec![(2, 1), (2, 1)], ..ints(&[1, 2, 3, 4]) };
        let array = set_slice(&matrix, &[(None, None), (Some(2), Some(2))], &ints(&[8, 9])).unwrap();
        let items: Vec<String> = array.items.iter().map(|item| format!("{item:?}")).collect();
        assert_eq!(items, ["Int4(1)", "Int4(8)", "Int4(3)", "Int4(9)"]);
        assert!(set_slice(&matrix, &[(None, None)], &ints(&[1])).is_err());
        assert!(set_slice(&ints(&[]), &[(None, Some(1))], &ints(&[1])).is_err());
        assert_eq!(set_slice(&ints(&[]), &[(Some(0), Some(1))], &ints(&[1, 2])).unwrap().dims, [(2, 0)]);
    }
}
