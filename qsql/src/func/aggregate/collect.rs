//! `array_agg`, `string_agg`, `any_value`: aggregates that keep values.

use std::sync::Arc;

use super::{State, first_type, value_bytes};
use crate::error::Result;
use crate::func::args::arg;
use crate::func::array::{MAX_DIMS, vector};
use crate::func::category::element_of;
use crate::func::text::MAX_BYTES;
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
        self.heap += value_bytes(value);
        self.items.push(value.clone());
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.items.append(&mut other.items);
        self.heap += other.heap;
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        if self.items.is_empty() {
            return Ok(Datum::Null);
        }
        Ok(Datum::Array(Arc::new(vector(self.element, self.items.clone()))))
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
        self.push(&array.dims, 1)?;
        self.items.extend_from_slice(&array.items);
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if other.rows > 0 {
            self.push(&other.dims, other.rows)?;
            self.items.append(&mut other.items);
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        if self.rows == 0 {
            return Ok(Datum::Null);
        }
        let mut dims = vec![(self.rows, 1)];
        dims.extend_from_slice(&self.dims);
        Ok(Datum::Array(Arc::new(Array { element: self.element, dims, items: self.items.clone() })))
    }

    fn heap_bytes(&self) -> usize {
        self.items.capacity() * std::mem::size_of::<Datum>()
    }
}

/// `string_agg` of text or bytea: the first delimiter is kept apart, for it is not printed.
struct Joined {
    bytea: bool,
    any: bool,
    first_delimiter: usize,
    bytes: Vec<u8>,
}

impl State for Joined {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let value: &[u8] = match args.first() {
            Some(Datum::Text(text)) => text.as_bytes(),
            Some(Datum::Bytea(bytes)) => bytes,
            _ => return Ok(()),
        };
        let delimiter: &[u8] = match args.get(1) {
            Some(Datum::Text(text)) => text.as_bytes(),
            Some(Datum::Bytea(bytes)) => bytes,
            _ => &[],
        };
        if self.bytes.len() + delimiter.len() + value.len() > MAX_BYTES {
            return Err(sql_err!(PROGRAM_LIMIT_EXCEEDED, "out of memory").detail(format!(
                "Cannot enlarge string buffer containing {} bytes by {} more bytes.",
                self.bytes.len(),
                delimiter.len() + value.len()
            )));
        }
        if !self.any {
            self.first_delimiter = delimiter.len();
        }
        self.any = true;
        self.bytes.extend_from_slice(delimiter);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if !self.any {
            self.first_delimiter = other.first_delimiter;
        }
        self.any |= other.any;
        self.bytes.append(&mut other.bytes);
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        if !self.any {
            return Ok(Datum::Null);
        }
        let bytes = &self.bytes[self.first_delimiter..];
        Ok(if self.bytea {
            Datum::Bytea(bytes.into())
        } else {
            Datum::text(crate::func::text::utf8(bytes.to_vec())?)
        })
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
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
        Some(element) => Box::new(Rows { element, dims: Vec::new(), rows: 0, items: Vec::new() }),
        None => Box::new(Elements { element: ty, items: Vec::new(), heap: 0 }),
    }
}

/// `string_agg`
pub(in crate::func) fn agg_string_agg(types: &[DataType]) -> Box<dyn Aggregate> {
    let bytea = first_type(types) == BYTEA;
    Box::new(Joined { bytea, any: false, first_delimiter: 0, bytes: Vec::new() })
}

/// `any_value`
pub(in crate::func) fn agg_any_value(_: &[DataType]) -> Box<dyn Aggregate> {
    Box::new(First(Datum::Null))
}
