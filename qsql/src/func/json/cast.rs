//! `jsonb` to numbers and Booleans. JSON's null is NULL.

use super::access::invalid;
use crate::error::{Result, SqlError};
use crate::func::args::scalar;
use crate::types::Numeric;
use crate::types::jsonb::{Kind, Node};

#[cold]
fn cannot_cast(value: Node<'_>, to: &str) -> SqlError {
    let from = match value.kind() {
        Kind::Number => "numeric",
        kind => super::access::type_name(kind),
    };
    invalid(format!("cannot cast jsonb {from} to type {to}"))
}

fn number(value: Node<'_>, to: &str) -> Result<Option<Numeric>> {
    match (value.kind(), value.number()) {
        (Kind::Null, _) => Ok(None),
        (_, Some(number)) => Ok(Some(number)),
        _ => Err(cannot_cast(value, to)),
    }
}

scalar! {
    jsonb_bool(value: Node<'_>) -> Option<bool> = match (value.kind(), value.bool()) {
        (Kind::Null, _) => None,
        (_, Some(truth)) => Some(truth),
        _ => return Err(cannot_cast(value, "boolean")),
    };
    jsonb_numeric(value: Node<'_>) -> Option<Numeric> = number(value, "numeric")?;
    jsonb_int2(value: Node<'_>) -> Option<i16> = number(value, "smallint")?.map(|n| n.to_i16()).transpose()?;
    jsonb_int4(value: Node<'_>) -> Option<i32> = number(value, "integer")?.map(|n| n.to_i32()).transpose()?;
    jsonb_int8(value: Node<'_>) -> Option<i64> = number(value, "bigint")?.map(|n| n.to_i64()).transpose()?;
    jsonb_float4(value: Node<'_>) -> Option<f32> = number(value, "real")?.map(|n| n.to_f32()).transpose()?;
    jsonb_float8(value: Node<'_>) -> Option<f64> = number(value, "double precision")?.map(|n| n.to_f64()).transpose()?;
}
