//! `array_agg`, `string_agg`, `any_value`: aggregates that keep values.

use std::sync::Arc;

use super::{State, first_type};
use crate::error::Result;
use crate::func::args::arg;
use crate::func::array::{MAX_DIMS, MAX_ITEMS, reserve_items, too_many_items, vector};
use crate::func::category::element_of;
use crate::func::large::{LARGE_BYTES, MAX_BYTES, buffer_full};
use crate::func::{Aggregate, EvalCx};
use crate::sql_err;
use crate::types::oid::BYTEA;
use crate::types::{Array, DataType, Datum, Oid};

/// `array_agg` of elements.
struct Elements {
    element: Oid,
    items: Vec<Datum>,
    heap: usize,
}

impl State for Elements {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let value: &Datum = arg(args, 0)?;
        if self.items.len() >= MAX_ITEMS {
            return Err(too_many_items());
        }
        self.heap += value.heap_bytes();
        self.items.push(value.clone());
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.items.append(&mut other.items);
        self.heap += other.heap;
        Ok(())
    }

    fn result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if self.items.is_empty() {
            return Ok(Datum::Null);
        }
        reserve_items(cx, self.items.len())?;
        Ok(Datum::Array(Arc::new(vector(self.element, self.items.clone()))))
    }

    fn last_result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        if self.items.is_empty() {
            return Ok(Datum::Null);
        }
        Ok(Datum::Array(Arc::new(vector(self.element, std::mem::take(&mut self.items)))))
    }

    fn heap_bytes(&self) -> usize {
        self.heap + self.items.capacity() * std::mem::size_of::<Datum>()
    }
}

/// `array_agg` of arrays of one shape: an array with one more dimension.
struct Rows {
    element: Oid,
    dims: Vec<(i32, i32)>,
    rows: i32,
    items: Vec<Datum>,
    heap: usize,
}

impl Rows {
    fn push(&mut self, dims: &[(i32, i32)], rows: i32) -> Result<()> {
        if self.rows == 0 {
            if dims.len() >= MAX_DIMS {
                return Err(sql_err!(
                    PROGRAM_LIMIT_EXCEEDED,
                    "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})",
                    dims.len() + 1
                ));
            }
            self.dims = dims.to_vec();
        } else if self.dims != dims {
            return Err(sql_err!(
                ARRAY_SUBSCRIPT_ERROR,
                "cannot accumulate arrays of different dimensionality"
            ));
        }
        self.rows += rows;
        Ok(())
    }
}

impl State for Rows {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let Some(array) = arg::<Option<&Array>>(args, 0)? else {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
        };
        if array.dims.is_empty() {
            return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays"));
        }
        if self.items.len() + array.items.len() > MAX_ITEMS {
            return Err(too_many_items());
        }
        self.push(&array.dims, 1)?;
        self.heap += array.items.iter().map(Datum::heap_bytes).sum::<usize>();
        self.items.extend_from_slice(&array.items);
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if other.rows > 0 {
            self.push(&other.dims, other.rows)?;
            self.items.append(&mut other.items);
            self.heap += other.heap;
        }
        Ok(())
    }

    fn result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if self.rows == 0 {
            return Ok(Datum::Null);
        }
        reserve_items(cx, self.items.len())?;
        let mut dims = vec![(self.rows, 1)];
        dims.extend_from_slice(&self.dims);
        Ok(Datum::Array(Arc::new(Array { element: self.element, dims, items: self.items.clone() })))
    }

    fn heap_bytes(&self) -> usize {
        self.heap + self.items.capacity() * std::mem::size_of::<Datum>()
    }
}

/// `string_agg` of text or bytea: the first delimiter is kept apart, for it is not printed.
#[derive(Default)]
struct Joined {
    bytea: bool,
    any: bool,
    first_delimiter: usize,
    /// Pieces that are full; a long text is put together once, at the end.
    full: Vec<Vec<u8>>,
    /// The piece that grows.
    last: Vec<u8>,
    /// Bytes in all pieces.
    len: usize,
}

impl Joined {
    fn push(&mut self, bytes: &[u8]) {
        if self.last.len() + bytes.len() > LARGE_BYTES && !self.last.is_empty() {
            self.full
                .push(std::mem::replace(&mut self.last, Vec::with_capacity(LARGE_BYTES.max(bytes.len()))));
        }
        self.last.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    fn datum(&self, bytes: Vec<u8>) -> Result<Datum> {
        Ok(match self.bytea {
            true => Datum::Bytea(bytes.into()),
            false => Datum::text(crate::func::text::utf8(bytes)?),
        })
    }
}

/// The bytes of a text or bytea.
fn bytes_of(value: Option<&Datum>) -> Option<&[u8]> {
    match value {
        Some(Datum::Text(text)) => Some(text.as_bytes()),
        Some(Datum::Bytea(bytes)) => Some(bytes),
        _ => None,
    }
}

impl State for Joined {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let Some(value) = bytes_of(args.first()) else { return Ok(()) };
        let delimiter = bytes_of(args.get(1)).unwrap_or_default();
        if self.len + delimiter.len() + value.len() > MAX_BYTES {
            return Err(buffer_full(self.len, delimiter.len() + value.len()));
        }
        if !self.any {
            self.first_delimiter = delimiter.len();
        }
        self.any = true;
        self.push(delimiter);
        self.push(value);
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if self.len + other.len > MAX_BYTES {
            return Err(buffer_full(self.len, other.len));
        }
        if !self.any {
            self.first_delimiter = other.first_delimiter;
        }
        self.any |= other.any;
        for piece in other.full.drain(..).chain([std::mem::take(&mut other.last)]) {
            self.push(&piece);
        }
        other.len = 0;
        Ok(())
    }

    fn result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if !self.any {
            return Ok(Datum::Null);
        }
        cx.reserve(self.len)?;
        let mut bytes = Vec::with_capacity(self.len);
        for (i, piece) in self.full.iter().chain([&self.last]).enumerate() {
            bytes.extend_from_slice(&piece[if i == 0 { self.first_delimiter } else { 0 }..]);
        }
        self.datum(bytes)
    }

    fn last_result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if self.full.is_empty() && self.any {
            let mut bytes = std::mem::take(&mut self.last);
            bytes.drain(..self.first_delimiter);
            return self.datum(bytes);
        }
        let result = self.result(cx);
        self.full = Vec::new();
        result
    }

    fn heap_bytes(&self) -> usize {
        self.len + self.last.capacity() - self.last.len()
    }
}

/// `any_value`: the first one.
struct First(Datum);

impl State for First {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        if self.0.is_null() {
            self.0 = arg::<&Datum>(args, 0)?.clone();
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if self.0.is_null() {
            self.0 = other.0.clone();
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.0.clone())
    }
}

/// `array_agg`
pub(in crate::func) fn agg_array_agg(types: &[DataType]) -> Box<dyn Aggregate> {
    let ty = first_type(types);
    match element_of(ty) {
        Some(element) => Box::new(Rows { element, dims: Vec::new(), rows: 0, items: Vec::new(), heap: 0 }),
        None => Box::new(Elements { element: ty, items: Vec::new(), heap: 0 }),
    }
}

/// `string_agg`
pub(in crate::func) fn agg_string_agg(types: &[DataType]) -> Box<dyn Aggregate> {
    Box::new(Joined { bytea: first_type(types) == BYTEA, ..Joined::default() })
}

/// `any_value`
pub(in crate::func) fn agg_any_value(_: &[DataType]) -> Box<dyn Aggregate> {
    Box::new(First(Datum::Null))
}
