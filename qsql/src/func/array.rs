//! Arrays: comparison, containment, construction, search, rearrangement, text.
//!
//! An array knows its element type; bodies take it from there, or from the call's result type where the array is NULL.

use std::cmp::Ordering;
use std::sync::Arc;

use super::EvalCx;
use super::args::{larger, order, scalar};
use super::category::{display, element_of};
use super::large::LARGE_BYTES;
use super::opclass::equality_operator;
use super::text::utf8;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::compare::{compare, sort_order};
use crate::types::oid::{INT4, TEXT};
use crate::types::{Array, Datum, Oid, io_binary, io_text};

/// Most elements of an array (`MaxArraySize`).
pub(super) const MAX_ITEMS: usize = 0x3fff_ffff / 8;

/// Most dimensions of an array.
pub(super) const MAX_DIMS: usize = 6;

/// The array of arrays of one shape: one more dimension than they have.
///
/// # Errors
/// 22004 for a NULL array, 2202E for an empty one or another shape, 54000 beyond the limits.
pub fn stack(element: Oid, rows: Vec<Datum>) -> Result<Datum> {
    let mut dims: Option<&[(i32, i32)]> = None;
    let mut items = Vec::new();
    for row in &rows {
        let Datum::Array(row) = row else {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
        };
        if row.dims.is_empty() {
            return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays"));
        }
        if row.dims.len() >= MAX_DIMS {
            return Err(sql_err!(
                PROGRAM_LIMIT_EXCEEDED,
                "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})",
                row.dims.len() + 1
            ));
        }
        if dims.is_some_and(|dims| dims != row.dims) {
            return Err(sql_err!(
                ARRAY_SUBSCRIPT_ERROR,
                "cannot accumulate arrays of different dimensionality"
            ));
        }
        if items.len() + row.items.len() > MAX_ITEMS {
            return Err(too_many_items());
        }
        dims = Some(&row.dims);
        items.extend_from_slice(&row.items);
    }
    let outer = dims.map(|dims| [&[(rows.len() as i32, 1)], dims].concat()).unwrap_or_default();
    Ok(Datum::Array(Arc::new(Array { element, dims: outer, items })))
}

/// A one-dimensional array with lower bound 1, or the empty array.
pub(super) fn vector(element: Oid, items: Vec<Datum>) -> Array {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Array { element, dims, items }
}

scalar! {
    array_ndims(a: &Array) -> Option<i32> = (!a.dims.is_empty()).then_some(a.dims.len() as i32);
    array_dims(a: &Array) -> Option<String> = (!a.dims.is_empty()).then(|| {
        a.dims.iter().map(|(len, low)| format!("[{low}:{}]", low + len - 1)).collect()
    });
    array_length(a: &Array, n: i32) -> Option<i32> = dimension(a, n).map(|(len, _)| len);
    array_lower(a: &Array, n: i32) -> Option<i32> = dimension(a, n).map(|(_, low)| low);
    array_upper(a: &Array, n: i32) -> Option<i32> = dimension(a, n).map(|(len, low)| low + len - 1);
    array_cardinality(a: &Array) -> i32 = a.items.len() as i32;

    array_append[cx](a: Option<&Array>, item: &Datum) -> Array = pushed(cx, a, item, false)?;
    array_prepend[cx](item: &Datum, a: Option<&Array>) -> Array = pushed(cx, a, item, true)?;
    array_cat[cx](a: Option<&Array>, b: Option<&Array>) -> Option<Array> = match (a, b) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (Some(a), Some(b)) => {
            reserve_items(cx, a.items.len() + b.items.len())?;
            Some(joined(a, b)?)
        }
    };
    array_position(a: Option<&Array>, what: &Datum) -> Option<i32> = match a {
        None => None,
        Some(a) => position(a, what, None)?,
    };
    array_position_start(a: Option<&Array>, what: &Datum, start: Option<i32>) -> Option<i32> = match a {
        None => None,
        Some(a) => {
            let start = start.ok_or_else(|| sql_err!(NULL_VALUE_NOT_ALLOWED, "initial position must not be null"))?;
            position(a, what, Some(start))?
        }
    };
    array_positions(a: Option<&Array>, what: &Datum) -> Option<Array> = match a {
        None => None,
        Some(a) => {
            searchable(a, "searching for elements in multidimensional arrays is not supported")?;
            let low = a.dims.first().map_or(1, |d| d.1);
            let found = a.items.iter().zip(low..).filter(|(item, _)| same(item, what, a.element)).map(|(_, at)| Datum::Int4(at));
            Some(vector(INT4, found.collect()))
        }
    };
    array_remove(a: Option<&Array>, what: &Datum) -> Option<Array> = match a {
        None => None,
        Some(a) => {
            searchable(a, "removing elements from multidimensional arrays is not supported")?;
            let items: Vec<Datum> = a.items.iter().filter(|item| !same(item, what, a.element)).cloned().collect();
            let low = a.dims.first().map_or(1, |d| d.1);
            let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, low)] };
            Some(Array { element: a.element, dims, items })
        }
    };
    array_replace(a: Option<&Array>, from: &Datum, to: &Datum) -> Option<Array> = a.map(|a| {
        let items = a.items.iter().map(|item| if same(item, from, a.element) { to.clone() } else { item.clone() });
        Array { element: a.element, dims: a.dims.clone(), items: items.collect() }
    });
    array_fill[cx](value: &Datum, dims: Option<&Array>) -> Array = filled(cx, value, dims, None)?;
    array_fill_with_lower_bounds[cx](value: &Datum, dims: Option<&Array>, lows: Option<&Array>) -> Array = {
        let lows = lows.ok_or_else(|| sql_err!(NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null"))?;
        filled(cx, value, dims, Some(lows))?
    };
    trim_array(a: &Array, n: i32) -> Array = {
        let (rows, _) = a.dims.first().copied().unwrap_or((0, 1));
        if n < 0 || n > rows {
            return Err(sql_err!(ARRAY_ELEMENT_ERROR, "number of elements to trim must be between 0 and {rows}"));
        }
        let mut rest = taken(a, (0..(rows - n) as usize).collect());
        rest.dims.iter_mut().for_each(|d| d.1 = 1);
        rest
    };
    array_reverse(a: &Array) -> Array = {
        let rows = a.dims.first().map_or(0, |d| d.0) as usize;
        taken(a, (0..rows).rev().collect())
    };
    array_shuffle[cx](a: &Array) -> Array = {
        let rows = a.dims.first().map_or(0, |d| d.0) as usize;
        taken(a, shuffled(cx, rows, rows))
    };
    array_sample[cx](a: &Array, n: i32) -> Array = {
        let rows = a.dims.first().map_or(0, |d| d.0);
        if n < 0 || n > rows {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "sample size must be between 0 and {rows}"));
        }
        let mut picked = taken(a, shuffled(cx, rows as usize, n as usize));
        picked.dims.iter_mut().take(1).for_each(|d| d.1 = 1);
        picked
    };
    array_sort(a: &Array) -> Array = sorted(a, false, false)?;
    array_sort_order(a: &Array, descending: bool) -> Array = sorted(a, descending, descending)?;
    array_sort_order_nulls_first(a: &Array, descending: bool, nulls_first: bool) -> Array = sorted(a, descending, nulls_first)?;

    arrayoverlap(a: &Array, b: &Array) -> bool = {
        comparable(a, b)?;
        b.items.iter().any(|item| !item.is_null() && a.items.iter().any(|have| !have.is_null() && same(have, item, a.element)))
    };
    arraycontains(a: &Array, b: &Array) -> bool = contains(a, b)?;
    arraycontained(a: &Array, b: &Array) -> bool = contains(b, a)?;
    width_bucket_array(value: &Datum, thresholds: &Array) -> i32 = {
        if thresholds.dims.len() > 1 {
            return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "thresholds must be one-dimensional array"));
        }
        if thresholds.items.iter().any(Datum::is_null) {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs"));
        }
        thresholds.items.partition_point(|t| compare(t, value, thresholds.element).is_le()) as i32
    };

    array_to_text[cx](a: &Array, separator: &str) -> String = text_of(cx, a, separator, None)?;
    array_to_text_null[cx](a: Option<&Array>, separator: Option<&str>, null: Option<&str>) -> Option<String> = match (a, separator) {
        (Some(a), Some(separator)) => Some(text_of(cx, a, separator, null)?),
        _ => None,
    };
    text_to_array[cx](text: Option<&str>, separator: Option<&str>) -> Option<Array> = match text {
        Some(text) => Some(parts(cx, text, separator, None)?),
        None => None,
    };
    text_to_array_null[cx](text: Option<&str>, separator: Option<&str>, null: Option<&str>) -> Option<Array> = match text {
        Some(text) => Some(parts(cx, text, separator, null)?),
        None => None,
    };
    array_send(a: &Datum) -> Datum = {
        let mut out = Vec::new();
        io_binary::send_binary(a, a.natural_type(), &mut out)?;
        Datum::Bytea(out.into())
    };
}

order!(ordering, &Array, &Array; array_eq, array_ne, array_lt, array_le, array_gt, array_ge, btarraycmp);
order!(ordering, &Array, &Array; oidvectoreq, oidvectorne, oidvectorlt, oidvectorle, oidvectorgt, oidvectorge, btoidvectorcmp);
larger!(ordering, &Array; array_larger, array_smaller);

/// Element by element, then fewer elements first, then fewer dimensions, then dimensions.
fn ordering(a: &Array, b: &Array) -> Ordering {
    a.items.iter().zip(&b.items).map(|(x, y)| compare(x, y, a.element)).find(|o| o.is_ne()).unwrap_or_else(
        || {
            (a.items.len().cmp(&b.items.len()))
                .then_with(|| a.dims.len().cmp(&b.dims.len()))
                .then_with(|| a.dims.cmp(&b.dims))
        },
    )
}

fn dimension(a: &Array, n: i32) -> Option<(i32, i32)> {
    a.dims.get(usize::try_from(n.checked_sub(1)?).ok()?).copied()
}

/// Equality in which NULL equals NULL.
fn same(a: &Datum, b: &Datum, element: Oid) -> bool {
    match (a.is_null(), b.is_null()) {
        (false, false) => compare(a, b, element).is_eq(),
        (x, y) => x && y,
    }
}

fn comparable(a: &Array, b: &Array) -> Result<()> {
    if a.element != b.element {
        return Err(sql_err!(DATATYPE_MISMATCH, "cannot compare arrays of different element types"));
    }
    equality_operator(a.element).map(|_| ())
}

fn contains(a: &Array, b: &Array) -> Result<bool> {
    comparable(a, b)?;
    Ok(b.items.iter().all(|item| {
        !item.is_null() && a.items.iter().any(|have| !have.is_null() && same(have, item, a.element))
    }))
}

fn searchable(a: &Array, message: &'static str) -> Result<()> {
    equality_operator(a.element)?;
    if a.dims.len() > 1 { Err(sql_err!(FEATURE_NOT_SUPPORTED, "{message}")) } else { Ok(()) }
}

fn position(a: &Array, what: &Datum, start: Option<i32>) -> Result<Option<i32>> {
    searchable(a, "searching for elements in multidimensional arrays is not supported")?;
    let low = a.dims.first().map_or(1, |d| d.1);
    let from = start.unwrap_or(low);
    Ok(a.items
        .iter()
        .zip(low..)
        .find(|(item, at)| *at >= from && same(item, what, a.element))
        .map(|(_, at)| at))
}

/// The element type of a call's result.
fn result_element(cx: &EvalCx<'_>) -> Result<Oid> {
    element_of(cx.result.oid).ok_or_else(|| {
        SqlError::internal(format_args!("result type {} is not an array", display(cx.result.oid)))
    })
}

/// 54000 for an array of more than [`MAX_ITEMS`] elements.
#[cold]
pub(super) fn too_many_items() -> SqlError {
    sql_err!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_ITEMS})")
}

/// Asks for the memory of an array of `count` elements.
pub(super) fn reserve_items(cx: &mut EvalCx<'_>, count: usize) -> Result<()> {
    let bytes = count.saturating_mul(size_of::<Datum>());
    if bytes < LARGE_BYTES { Ok(()) } else { cx.host.reserve(bytes) }
}

/// `array || element` and `element || array`.
fn pushed(cx: &mut EvalCx<'_>, a: Option<&Array>, item: &Datum, front: bool) -> Result<Array> {
    let (element, dims, items) = match a {
        None => (result_element(cx)?, &[][..], &[][..]),
        Some(a) => (a.element, a.dims.as_slice(), a.items.as_slice()),
    };
    let low = match dims {
        [] => 1,
        [(_, low)] => *low,
        _ => return Err(sql_err!(DATA_EXCEPTION, "argument must be empty or one-dimensional array")),
    };
    reserve_items(cx, items.len() + 1)?;
    let mut all = Vec::with_capacity(items.len() + 1);
    if front {
        all.push(item.clone());
    }
    all.extend_from_slice(items);
    if !front {
        all.push(item.clone());
    }
    Ok(Array { element, dims: vec![(all.len() as i32, low)], items: all })
}

/// `array || array`: along the first dimension; one of N dimensions takes one of N-1 as a row.
fn joined(a: &Array, b: &Array) -> Result<Array> {
    if a.items.is_empty() {
        return Ok(b.clone());
    }
    if b.items.is_empty() {
        return Ok(a.clone());
    }
    let incompatible = |detail: String| {
        Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays").detail(detail))
    };
    if a.element != b.element {
        return Err(sql_err!(DATATYPE_MISMATCH, "cannot concatenate incompatible arrays").detail(format!(
            "Arrays with element types {} and {} are not compatible for concatenation.",
            display(a.element),
            display(b.element)
        )));
    }
    let lengths = |dims: &[(i32, i32)]| dims.iter().map(|d| d.0).collect::<Vec<_>>();
    let (rows_a, rows_b) = (a.dims.len(), b.dims.len());
    let mut dims = match rows_a.cmp(&rows_b) {
        Ordering::Equal => {
            if lengths(&a.dims[1..]) != lengths(&b.dims[1..]) {
                return incompatible(
                    "Arrays with differing element dimensions are not compatible for concatenation.".into(),
                );
            }
            let mut dims = a.dims.clone();
            dims[0].0 += b.dims[0].0;
            dims
        }
        Ordering::Greater if rows_a == rows_b + 1 => {
            if lengths(&a.dims[1..]) != lengths(&b.dims) {
                return incompatible(
                    "Arrays with differing dimensions are not compatible for concatenation.".into(),
                );
            }
            let mut dims = a.dims.clone();
            dims[0].0 += 1;
            dims
        }
        Ordering::Less if rows_b == rows_a + 1 => {
            if lengths(&b.dims[1..]) != lengths(&a.dims) {
                return incompatible(
                    "Arrays with differing dimensions are not compatible for concatenation.".into(),
                );
            }
            let mut dims = b.dims.clone();
            dims[0].0 += 1;
            dims
        }
        _ => {
            return incompatible(format!(
                "Arrays of {rows_a} and {rows_b} dimensions are not compatible for concatenation."
            ));
        }
    };
    dims.truncate(MAX_DIMS);
    let items = a.items.iter().chain(&b.items).cloned().collect();
    Ok(Array { element: a.element, dims, items })
}

fn filled(cx: &mut EvalCx<'_>, value: &Datum, dims: Option<&Array>, lows: Option<&Array>) -> Result<Array> {
    let dims = dims.ok_or_else(|| {
        sql_err!(NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null")
    })?;
    let element = result_element(cx)?;
    let numbers = |a: &Array| -> Result<Vec<i32>> {
        if a.dims.len() > 1 {
            return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
                .detail("Dimension array must be one dimensional."));
        }
        a.items
            .iter()
            .map(|d| match d {
                Datum::Int4(n) => Ok(*n),
                _ => Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null")),
            })
            .collect()
    };
    let lengths = numbers(dims)?;
    if lengths.len() > MAX_DIMS {
        return Err(sql_err!(
            PROGRAM_LIMIT_EXCEEDED,
            "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})",
            lengths.len()
        ));
    }
    let lows = match lows {
        None => vec![1; lengths.len()],
        Some(lows) => numbers(lows)?,
    };
    if lows.len() != lengths.len() {
        return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
            .detail("Low bound array has different size than dimensions array."));
    }
    let total = lengths.iter().try_fold(1_i64, |n, &len| {
        let n = n.checked_mul(i64::from(len)).filter(|_| len >= 0)?;
        (n <= MAX_ITEMS as i64).then_some(n)
    });
    let total = total.ok_or_else(too_many_items)?;
    if total == 0 || lengths.is_empty() {
        return Ok(vector(element, Vec::new()));
    }
    reserve_items(cx, total as usize)?;
    Ok(Array {
        element,
        dims: lengths.into_iter().zip(lows).collect(),
        items: vec![value.clone(); total as usize],
    })
}

/// The rows (slices along the first dimension) with these indexes, in this order.
fn taken(a: &Array, rows: Vec<usize>) -> Array {
    if rows.is_empty() {
        return vector(a.element, Vec::new());
    }
    let width: usize = a.dims.iter().skip(1).map(|d| d.0 as usize).product();
    let mut dims = a.dims.clone();
    dims.iter_mut().take(1).for_each(|d| d.0 = rows.len() as i32);
    let items = rows.iter().flat_map(|row| a.items[row * width..(row + 1) * width].iter().cloned()).collect();
    Array { element: a.element, dims, items }
}

/// The first `count` of a random permutation of `0..rows` (Fisher and Yates).
fn shuffled(cx: &mut EvalCx<'_>, rows: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    for i in 0..count.min(rows) {
        let j = i + (cx.host.random() % (rows - i) as u64) as usize;
        order.swap(i, j);
    }
    order.truncate(count);
    order
}

fn sorted(a: &Array, descending: bool, nulls_first: bool) -> Result<Array> {
    let rows = a.dims.first().map_or(0, |d| d.0) as usize;
    if rows > 1 && super::opclass::ordering_operators(a.element).is_err() {
        return Err(sql_err!(
            FEATURE_NOT_SUPPORTED,
            "could not identify a comparison function for type {}",
            display(a.element)
        ));
    }
    let width: usize = a.dims.iter().skip(1).map(|d| d.0 as usize).product();
    let mut order: Vec<usize> = (0..rows).collect();
    let row = |i: usize| &a.items[i * width..(i + 1) * width];
    order.sort_by(|&i, &j| {
        let mut pairs =
            row(i).iter().zip(row(j)).map(|(x, y)| sort_order(x, y, a.element, descending, nulls_first));
        pairs.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    });
    Ok(taken(a, order))
}

fn text_of(cx: &mut EvalCx<'_>, a: &Array, separator: &str, null: Option<&str>) -> Result<String> {
    let mut out = Vec::new();
    let mut first = true;
    for item in &a.items {
        if item.is_null() && null.is_none() {
            continue;
        }
        let text = if let Datum::Text(text) = item { text.len() } else { 0 };
        cx.enlarge(out.len(), separator.len() + text)?;
        if !first {
            out.extend_from_slice(separator.as_bytes());
        }
        first = false;
        match (item, null) {
            (Datum::Null, Some(text)) => out.extend_from_slice(text.as_bytes()),
            _ => io_text::write_text(item, a.element, cx.io, &mut out)?,
        }
    }
    utf8(out)
}

/// [`split`] into an array, in memory that was asked for.
fn parts(cx: &mut EvalCx<'_>, text: &str, separator: Option<&str>, null: Option<&str>) -> Result<Array> {
    // A part takes a datum and, on the heap, a count of its users.
    const PART_BYTES: usize = size_of::<Datum>() + 24;
    if text.len() * PART_BYTES >= LARGE_BYTES {
        let count = separator.map_or(text.len(), |s| if s.is_empty() { 1 } else { text.matches(s).count() });
        cx.host.reserve(text.len() + count * PART_BYTES)?;
    }
    Ok(vector(TEXT, split(text, separator, null)))
}

/// The parts of a string: between separators, or single characters for a NULL one; a part that equals `null` is NULL.
pub(super) fn split(text: &str, separator: Option<&str>, null: Option<&str>) -> Vec<Datum> {
    let item = |part: &str| if Some(part) == null { Datum::Null } else { Datum::text(part) };
    if text.is_empty() {
        return Vec::new();
    }
    match separator {
        None => text.chars().map(|c| item(c.encode_utf8(&mut [0; 4]))).collect(),
        Some("") => vec![item(text)],
        Some(separator) => text.split(separator).map(item).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(items: &[i32]) -> Array {
        vector(INT4, items.iter().map(|&v| Datum::Int4(v)).collect())
    }

    #[test]
    fn splitting_text() {
        assert_eq!(split("a,b,,c", Some(","), Some("")).len(), 4);
        assert!(matches!(split("a,b,,c", Some(","), Some(""))[2], Datum::Null));
        assert_eq!(split("abc", None, None).len(), 3);
        assert_eq!(split("", Some(","), None).len(), 0);
        assert_eq!(split("a,b", Some(""), None).len(), 1);
    }

    #[test]
    fn rows_are_appended_along_the_first_dimension() {
        let matrix = Array { element: INT4, dims: vec![(1, 1), (2, 1)], items: ints(&[1, 2]).items };
        let joined = joined(&matrix, &ints(&[3, 4])).ok().map(|a| a.dims);
        assert_eq!(joined, Some(vec![(2, 1), (2, 1)]));
        assert!(super::joined(&matrix, &ints(&[3])).is_err());
    }
}
