//! `json_agg`, `json_object_agg` and their relatives: JSON out of the rows of a group.

use std::collections::HashSet;

use super::State;
use crate::error::{Result, SqlError};
use crate::func::json::make::{Class, add_value, key_text, null_key, write_json};
use crate::func::large::{MAX_BYTES, buffer_full};
use crate::func::{Aggregate, EvalCx};
use crate::sql_err;
use crate::types::jsonb::{Builder, Node};
use crate::types::{DataType, Datum, oid};

/// What an aggregate does beside collecting.
#[derive(Clone, Copy, Default)]
struct Ways {
    /// NULL values are left out.
    strict: bool,
    /// Equal keys are an error.
    unique: bool,
}

/// Types of the arguments; literals without a type are text.
fn types_of(types: &[DataType]) -> Vec<DataType> {
    let known = |ty: &DataType| if ty.oid == oid::UNKNOWN { DataType::of(oid::TEXT) } else { *ty };
    types.iter().map(known).collect()
}

#[cold]
fn duplicate(key: Option<&str>) -> SqlError {
    let shown = key.map_or(String::new(), |key| {
        let mut out = Vec::new();
        crate::types::json::quote(key, &mut out);
        format!(": {}", String::from_utf8(out).unwrap_or_default())
    });
    sql_err!(DUPLICATE_JSON_OBJECT_KEY_VALUE, "duplicate JSON object key value{shown}")
}

/// `json_agg` and `json_object_agg`: the text grows.
struct JsonText {
    object: bool,
    ways: Ways,
    types: Vec<DataType>,
    any: bool,
    parts: bool,
    out: Vec<u8>,
    keys: HashSet<String>,
}

impl JsonText {
    fn check(&self) -> Result<()> {
        if self.out.len() > MAX_BYTES {
            Err(buffer_full(MAX_BYTES, self.out.len() - MAX_BYTES))
        } else {
            Ok(())
        }
    }

    fn ty(&self, i: usize) -> DataType {
        self.types.get(i).copied().unwrap_or(DataType::of(oid::TEXT))
    }
}

impl State for JsonText {
    fn take(&mut self, cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        self.any = true;
        let (key, value, ty) = match (self.object, args) {
            (true, [key, value, ..]) => (Some(key), value, self.ty(1)),
            (_, [value, ..]) => (None, value, self.ty(0)),
            _ => return Ok(()),
        };
        let key = match key {
            Some(Datum::Null) => return Err(null_key()),
            Some(key) => Some(key_text(key, self.ty(0), cx.io)?),
            None => None,
        };
        let skipped = self.ways.strict && value.is_null();
        if skipped && !self.ways.unique {
            return Ok(());
        }
        if let (Some(key), true) = (&key, self.ways.unique)
            && !self.keys.insert(key.clone())
        {
            return Err(duplicate(Some(key)));
        }
        if skipped {
            return Ok(());
        }
        if self.parts {
            self.out.extend_from_slice(b", ");
            if !self.object && !value.is_null() && matches!(Class::of(ty), Class::Array | Class::Row) {
                self.out.extend_from_slice(b"\n ");
            }
        }
        self.parts = true;
        if let Some(key) = key {
            crate::types::json::quote(&key, &mut self.out);
            self.out.extend_from_slice(b" : ");
        }
        write_json(value, ty, false, cx.io, &mut self.out)?;
        self.check()
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        for key in other.keys.drain() {
            if let Some(key) = self.keys.replace(key) {
                return Err(duplicate(Some(&key)));
            }
        }
        if self.parts && other.parts {
            self.out.extend_from_slice(b", ");
            if !self.object && matches!(Class::of(self.ty(0)), Class::Array | Class::Row) {
                self.out.extend_from_slice(b"\n ");
            }
        }
        self.out.append(&mut other.out);
        self.any |= other.any;
        self.parts |= other.parts;
        self.check()
    }

    fn result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if !self.any {
            return Ok(Datum::Null);
        }
        cx.reserve(self.out.len())?;
        let (open, close): (&[u8], &[u8]) = if self.object { (b"{ ", b" }") } else { (b"[", b"]") };
        Ok(Datum::text(crate::func::text::utf8([open, &self.out, close].concat())?))
    }

    fn heap_bytes(&self) -> usize {
        self.out.capacity() + self.keys.iter().map(|key| key.len() + 48).sum::<usize>()
    }
}

/// `jsonb_agg` and `jsonb_object_agg`: the value grows, its container open.
struct JsonbValue {
    object: bool,
    ways: Ways,
    types: Vec<DataType>,
    any: bool,
    builder: Builder,
    keys: HashSet<String>,
}

impl State for JsonbValue {
    fn take(&mut self, cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        self.any = true;
        let ty = |i: usize| self.types.get(i).copied().unwrap_or(DataType::of(oid::TEXT));
        if !self.object {
            let [value, ..] = args else { return Ok(()) };
            if self.ways.strict && value.is_null() {
                return Ok(());
            }
            return add_value(value, ty(0), cx.io, &mut self.builder);
        }
        let [key, value, ..] = args else { return Ok(()) };
        if key.is_null() {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "field name must not be null"));
        }
        let key = key_text(key, ty(0), cx.io)?;
        if self.ways.unique && !self.keys.insert(key.clone()) {
            return Err(duplicate(None));
        }
        if self.ways.strict && value.is_null() {
            return Ok(());
        }
        self.builder.key(&key);
        add_value(value, ty(1), cx.io, &mut self.builder)
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        let bytes = std::mem::take(&mut other.builder).finish()?;
        let node = Node::new(&bytes);
        node.array().iter().for_each(|item| self.builder.node(item));
        for (key, value) in node.object().iter() {
            self.builder.key(key);
            self.builder.node(value);
        }
        if other.keys.drain().any(|key| !self.keys.insert(key)) {
            return Err(duplicate(None));
        }
        self.any |= other.any;
        Ok(())
    }

    fn result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if !self.any {
            return Ok(Datum::Null);
        }
        cx.reserve(self.builder.len())?;
        Ok(Datum::Jsonb(self.builder.clone().finish()?))
    }

    fn last_result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        if !self.any {
            return Ok(Datum::Null);
        }
        cx.reserve(self.builder.len())?;
        Ok(Datum::Jsonb(std::mem::take(&mut self.builder).finish()?))
    }

    fn heap_bytes(&self) -> usize {
        self.builder.len() + self.keys.iter().map(|key| key.len() + 48).sum::<usize>()
    }
}

fn text(types: &[DataType], object: bool, ways: Ways) -> Box<dyn Aggregate> {
    let types = types_of(types);
    Box::new(JsonText {
        object,
        ways,
        types,
        any: false,
        parts: false,
        out: Vec::new(),
        keys: HashSet::new(),
    })
}

fn value(types: &[DataType], object: bool, ways: Ways) -> Box<dyn Aggregate> {
    let mut builder = Builder::new();
    if object {
        builder.begin_object()
    } else {
        builder.begin_array()
    }
    Box::new(JsonbValue { object, ways, types: types_of(types), any: false, builder, keys: HashSet::new() })
}

macro_rules! aggregates {
    ($($name:ident = $make:ident($object:literal, $strict:literal, $unique:literal);)*) => {
        $(
            pub(in crate::func) fn $name(types: &[DataType]) -> Box<dyn Aggregate> {
                $make(types, $object, Ways { strict: $strict, unique: $unique })
            }
        )*
    };
}

aggregates! {
    json_agg = text(false, false, false);
    json_agg_strict = text(false, true, false);
    json_object_agg = text(true, false, false);
    json_object_agg_strict = text(true, true, false);
    json_object_agg_unique = text(true, false, true);
    json_object_agg_unique_strict = text(true, true, true);
    jsonb_agg = value(false, false, false);
    jsonb_agg_strict = value(false, true, false);
    jsonb_object_agg = value(true, false, false);
    jsonb_object_agg_strict = value(true, true, false);
    jsonb_object_agg_unique = value(true, false, true);
    jsonb_object_agg_unique_strict = value(true, true, true);
}
