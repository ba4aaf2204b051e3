//! Arrays in expressions: constructors, element-wise casts, subscripts and slices.

use std::sync::Arc;

use super::Evaluator;
use crate::error::{Result, SqlError};
use crate::func::EvalCx;
use crate::func::array::{MAX_DIMS, vector};
use crate::func::category::{display, element_of};
use crate::plan::expr::Expr;
use crate::sql_err;
use crate::types::{Array, DataType, Datum, Oid};

fn element_type(ty: DataType) -> Result<Oid> {
    element_of(ty.oid)
        .ok_or_else(|| SqlError::internal(format_args!("type {} is not an array", display(ty.oid))))
}

/// Bounds of one subscript as they are evaluated.
type Bounds = (Option<i32>, Option<i32>);

impl Evaluator<'_> {
    pub(super) fn array(
        &mut self,
        items: &[Expr],
        nested: bool,
        ty: DataType,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let element = element_type(ty)?;
        let values = items.iter().map(|item| self.eval(item, cx)).collect::<Result<Vec<_>>>()?;
        let array = if nested { stacked(element, &values)? } else { vector(element, values) };
        Ok(Datum::Array(Arc::new(array)))
    }

    pub(super) fn array_coerce(
        &mut self,
        array: &Expr,
        element: &Expr,
        ty: DataType,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let Datum::Array(array) = self.eval(array, cx)? else { return Ok(Datum::Null) };
        let outer = std::mem::replace(&mut self.case, Datum::Null);
        let mut items = Vec::with_capacity(array.items.len());
        let mut failed = None;
        for item in &array.items {
            self.case = item.clone();
            match self.eval(element, cx) {
                Ok(value) => items.push(value),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        self.case = outer;
        match failed {
            Some(error) => Err(error),
            None => {
                let dims = array.dims.clone();
                Ok(Datum::Array(Arc::new(Array { element: element_type(ty)?, dims, items })))
            }
        }
    }

    pub(super) fn subscript(
        &mut self,
        array: &Expr,
        subscripts: &[(Option<Expr>, Option<Expr>)],
        slice: bool,
        cx: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        let Datum::Array(array) = self.eval(array, cx)? else { return Ok(Datum::Null) };
        if subscripts.len() > MAX_DIMS {
            return Err(sql_err!(
                PROGRAM_LIMIT_EXCEEDED,
                "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})",
                subscripts.len()
            ));
        }
        let mut bounds: Vec<Bounds> = Vec::with_capacity(subscripts.len());
        for (lower, upper) in subscripts {
            let mut pair = (None, None);
            for (bound, expr) in [(&mut pair.0, lower), (&mut pair.1, upper)] {
                let Some(expr) = expr else { continue };
                match self.eval(expr, cx)? {
                    Datum::Int4(v) => *bound = Some(v),
                    Datum::Null => return Ok(Datum::Null),
                    other => {
                        return Err(SqlError::internal(format_args!(
                            "array subscript is not an integer: {other:?}"
                        )));
                    }
                }
            }
            bounds.push(pair);
        }
        Ok(if slice { sliced(&array, &bounds) } else { item(&array, &bounds) })
    }
}

/// `ARRAY[a, b]` of arrays: one more dimension.
fn stacked(element: Oid, rows: &[Datum]) -> Result<Array> {
    let mismatch = || {
        sql_err!(
            ARRAY_SUBSCRIPT_ERROR,
            "multidimensional arrays must have array expressions with matching dimensions"
        )
    };
    let mut dims: Option<Vec<(i32, i32)>> = None;
    let mut items = Vec::new();
    let mut empty = false;
    for row in rows {
        let row = match row {
            Datum::Array(row) if !row.dims.is_empty() => row,
            _ => {
                empty = true;
                continue;
            }
        };
        match &dims {
            None => dims = Some(row.dims.clone()),
            Some(seen) if *seen != row.dims => return Err(mismatch()),
            Some(_) => {}
        }
        items.extend_from_slice(&row.items);
    }
    match dims {
        None => Ok(vector(element, Vec::new())),
        Some(_) if empty => Err(mismatch()),
        Some(inner) if inner.len() >= MAX_DIMS => Err(sql_err!(
            PROGRAM_LIMIT_EXCEEDED,
            "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})",
            inner.len() + 1
        )),
        Some(inner) => {
            let mut dims = vec![(rows.len() as i32, 1)];
            dims.extend(inner);
            Ok(Array { element, dims, items })
        }
    }
}

/// One element; NULL outside the bounds or for another number of subscripts than dimensions.
fn item(array: &Array, at: &[Bounds]) -> Datum {
    if at.len() != array.dims.len() {
        return Datum::Null;
    }
    let mut offset = 0_usize;
    for (&(length, low), bounds) in array.dims.iter().zip(at) {
        let index = match bounds.1 {
            Some(v) => i64::from(v) - i64::from(low),
            None => return Datum::Null,
        };
        if !(0..i64::from(length)).contains(&index) {
            return Datum::Null;
        }
        offset = offset * length as usize + index as usize;
    }
    array.items.get(offset).cloned().unwrap_or(Datum::Null)
}

/// A slice, with lower bounds 1; missing subscripts take the whole dimension, anything outside is cut off.
fn sliced(array: &Array, at: &[Bounds]) -> Datum {
    let empty = || Datum::Array(Arc::new(vector(array.element, Vec::new())));
    if at.len() > array.dims.len() {
        return empty();
    }
    let mut ranges = Vec::with_capacity(array.dims.len());
    for (n, &(length, low)) in array.dims.iter().enumerate() {
        let (lower, upper) = at.get(n).copied().unwrap_or((None, None));
        let from = lower.unwrap_or(low).max(low);
        let to = upper.unwrap_or(low + length - 1).min(low + length - 1);
        if from > to {
            return empty();
        }
        ranges.push(((from - low) as usize, (to - low) as usize));
    }
    let mut offsets = vec![0_usize];
    for (&(length, _), &(from, to)) in array.dims.iter().zip(&ranges) {
        offsets =
            offsets.iter().flat_map(|base| (from..=to).map(move |i| base * length as usize + i)).collect();
    }
    let items = offsets.iter().map(|&offset| array.items[offset].clone()).collect();
    let dims = ranges.iter().map(|(from, to)| ((to - from + 1) as i32, 1)).collect();
    Datum::Array(Arc::new(Array { element: array.element, dims, items }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid::INT4;

    fn matrix() -> Array {
        Array { element: INT4, dims: vec![(2, 1), (3, 1)], items: (1..=6).map(Datum::Int4).collect() }
    }

    #[test]
    fn elements_and_slices() {
        assert!(matches!(item(&matrix(), &[(None, Some(2)), (None, Some(3))]), Datum::Int4(6)));
        assert!(item(&matrix(), &[(None, Some(2))]).is_null());
        assert!(item(&matrix(), &[(None, Some(3)), (None, Some(1))]).is_null());
        let Datum::Array(cut) = sliced(&matrix(), &[(Some(2), Some(9)), (None, Some(2))]) else {
            panic!("an array")
        };
        assert_eq!(cut.dims, [(1, 1), (2, 1)]);
        assert!(matches!(cut.items.as_slice(), [Datum::Int4(4), Datum::Int4(5)]));
    }

    #[test]
    fn rows_of_one_shape_stack() {
        let row = |items: &[i32]| {
            Datum::Array(Arc::new(vector(INT4, items.iter().map(|&v| Datum::Int4(v)).collect())))
        };
        assert_eq!(
            stacked(INT4, &[row(&[1, 2]), row(&[3, 4])]).ok().map(|a| a.dims),
            Some(vec![(2, 1), (2, 1)])
        );
        assert!(stacked(INT4, &[row(&[1, 2]), row(&[3])]).is_err());
        assert!(stacked(INT4, &[row(&[1]), row(&[])]).is_err());
        assert_eq!(stacked(INT4, &[row(&[]), row(&[])]).ok().map(|a| a.items.len()), Some(0));
    }
}
