//! Length and precision coercion: what a type modifier does to a value of its type.

use super::datetime::{interval, timestamp};
use super::{Array, Datum, Oid, info, oid};
use crate::error::Result;
use crate::sql_err;
use std::sync::Arc;

/// Fits `value` to `typmod`: `varchar(n)`, `char(n)`, `bit(n)`, `bit varying(n)`, `numeric(p,s)`, the precision of time types, interval fields.
///
/// `explicit` is true for a cast written by the user, which truncates text silently.
///
/// # Errors
/// 22001 for text too long, 22026 for bits of another length, 22003 for a numeric too large, 22008 for a time that rounds out of its range.
#[inline]
pub fn apply_typmod(value: Datum, type_oid: Oid, typmod: i32, explicit: bool) -> Result<Datum> {
    if typmod < 0 {
        return Ok(value);
    }
    Ok(match value {
        Datum::Text(text) => match type_oid {
            oid::VARCHAR if text.len() + 4 <= typmod as usize => Datum::Text(text),
            oid::VARCHAR | oid::BPCHAR => fit_text(&text, type_oid, typmod, explicit)?,
            _ => Datum::Text(text),
        },
        Datum::Bits(bits) if type_oid == oid::VARBIT => Datum::Bits(bits.fit_varying(typmod, explicit)?),
        Datum::Bits(bits) => Datum::Bits(bits.fit_fixed(typmod, explicit)?),
        Datum::Numeric(n) => Datum::Numeric(n.apply_typmod(typmod)?),
        Datum::Time(t) => Datum::Time(timestamp::round_time(t, typmod)),
        Datum::TimeTz(t, zone) => Datum::TimeTz(timestamp::round_time(t, typmod), zone),
        Datum::Timestamp(t) => Datum::Timestamp(timestamp::round_timestamp(t, typmod)?),
        Datum::TimestampTz(t) => Datum::TimestampTz(timestamp::round_timestamp(t, typmod)?),
        Datum::Interval(iv) => Datum::Interval(Arc::new(interval::fit(&iv, typmod)?)),
        Datum::Array(array) => {
            let items = array
                .items
                .iter()
                .map(|item| apply_typmod(item.clone(), array.element, typmod, explicit))
                .collect::<Result<_>>()?;
            Datum::Array(Arc::new(Array { element: array.element, dims: array.dims.clone(), items }))
        }
        other => other,
    })
}

/// Cuts or pads `text` to the length of a `varchar(n)` or `char(n)` modifier.
pub(super) fn fit_text(text: &str, type_oid: Oid, typmod: i32, explicit: bool) -> Result<Datum> {
    let limit = (typmod - 4).max(0) as usize;
    if text.len() <= limit && (type_oid == oid::VARCHAR || text.len() == limit && text.is_ascii()) {
        return Ok(Datum::text(text));
    }
    // Length counts characters; `end` is where the character after the last allowed one begins.
    let Some((end, _)) = text.char_indices().nth(limit) else {
        if type_oid == oid::VARCHAR {
            return Ok(Datum::text(text));
        }
        let missing = limit - text.chars().count();
        let mut padded = String::with_capacity(text.len() + missing);
        padded.push_str(text);
        padded.extend(std::iter::repeat_n(' ', missing));
        return Ok(Datum::text(padded));
    };
    let (kept, excess) = text.split_at(end);
    if !explicit && excess.bytes().any(|b| b != b' ') {
        return Err(too_long(type_oid, typmod));
    }
    Ok(Datum::text(kept))
}

#[cold]
fn too_long(type_oid: Oid, typmod: i32) -> crate::SqlError {
    let name = info::format_type(type_oid, Some(typmod));
    sql_err!(STRING_DATA_RIGHT_TRUNCATION, "value too long for type {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(text: &str, type_oid: Oid, length: i32, explicit: bool) -> String {
        match apply_typmod(Datum::text(text), type_oid, length + 4, explicit) {
            Ok(Datum::Text(t)) => t.to_string(),
            Ok(other) => format!("{other:?}"),
            Err(e) => e.message().to_owned(),
        }
    }

    #[test]
    fn text_is_cut_and_padded_by_characters() {
        for (text, type_oid, length, explicit, want) in [
            ("\u{e4}\u{e4}", oid::VARCHAR, 2, false, "\u{e4}\u{e4}"),
            ("abc", oid::VARCHAR, 2, true, "ab"),
            ("ab  ", oid::VARCHAR, 2, false, "ab"),
            ("abc", oid::VARCHAR, 2, false, "value too long for type character varying(2)"),
            ("\u{e4}", oid::BPCHAR, 3, false, "\u{e4}  "),
            ("\u{e4}\u{20ac}", oid::BPCHAR, 5, false, "\u{e4}\u{20ac}   "),
            ("abcd", oid::BPCHAR, 3, false, "value too long for type character(3)"),
            ("abcd", oid::BPCHAR, 3, true, "abc"),
            ("any length", oid::TEXT, 1, false, "any length"),
        ] {
            assert_eq!(fitted(text, type_oid, length, explicit), want);
        }
    }
}
