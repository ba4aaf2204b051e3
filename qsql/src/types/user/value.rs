//! Values of users' types from their text and binary forms.

use super::super::{Datum, IoContext, Oid, coerce, info, io_binary, io_text};
use super::{UserKind, UserType, check_domain, find, is_new_label};
use crate::error::Result;
use crate::sql_err;

/// Reads a value of a type that is no array; `None` when there is no such type.
pub(in crate::types) fn parse_text(oid: Oid, text: &str, cx: &IoContext<'_>) -> Result<Option<Datum>> {
    let Some(ty) = find(oid) else { return Ok(None) };
    Ok(Some(match &ty.kind {
        UserKind::Enum(_) => enum_value(&ty, text)?,
        UserKind::Domain(domain) => {
            let value = io_text::parse_text(domain.base.oid, domain.base.typmod, text, cx)?;
            domain_in(oid, value, cx)?
        }
        UserKind::Composite(relation) => super::parse_record(text, relation, cx)?,
        UserKind::Range(_) | UserKind::Multirange(_) | UserKind::Array => return Ok(None),
    }))
}

/// Reads a value of a type that is no array from its binary form; `None` when there is no such type.
pub(in crate::types) fn recv_binary(oid: Oid, bytes: &[u8]) -> Result<Option<Datum>> {
    let Some(ty) = find(oid) else { return Ok(None) };
    Ok(Some(match &ty.kind {
        UserKind::Enum(_) => {
            let text = io_binary::checked_text(bytes)?;
            enum_value(&ty, text)?
        }
        UserKind::Domain(domain) => {
            let value = io_binary::recv_binary(domain.base.oid, domain.base.typmod, bytes)?;
            domain_in(oid, value, &IoContext::default())?
        }
        UserKind::Composite(relation) => super::recv_record(bytes, relation)?,
        UserKind::Range(_) | UserKind::Multirange(_) | UserKind::Array => return Ok(None),
    }))
}

/// A value of a domain's base type as one of the domain: its modifier applied, its constraints checked.
///
/// # Errors
/// 23502, 23514, and those of the modifier.
pub fn domain_in(oid: Oid, value: Datum, cx: &IoContext<'_>) -> Result<Datum> {
    let base = info::base_type(oid);
    let typmod = find(oid).and_then(|ty| ty.domain().map(|d| d.base.typmod)).unwrap_or(-1);
    let value = coerce::apply_typmod(value, base, typmod, false)?;
    check_domain(oid, &value, cx)?;
    Ok(value)
}

/// The value of an enum with this label.
///
/// # Errors
/// 22P02 for a label that it does not have, 55P04 for one that this transaction has added.
pub fn enum_value(ty: &UserType, label: &str) -> Result<Datum> {
    let oid = ty.info.oid;
    let found = ty.enumeration().and_then(|labels| labels.named(label)).ok_or_else(|| {
        sql_err!(
            INVALID_TEXT_REPRESENTATION,
            "invalid input value for enum {}: \"{label}\"",
            info::type_name(oid)
        )
    })?;
    check_usable(oid, found.oid, &found.name)?;
    Ok(Datum::Enum(oid, found.oid))
}

/// The text of a value of an enum.
///
/// # Errors
/// 22P03 for a value that is none of the enum's.
pub fn enum_label(ty: Oid, label: Oid) -> Result<Box<str>> {
    find(ty)
        .and_then(|ty| ty.enumeration().and_then(|labels| Some(labels.label(label)?.1.name.clone())))
        .ok_or_else(|| sql_err!(INVALID_BINARY_REPRESENTATION, "invalid internal value for enum: {label}"))
}

/// # Errors
/// 55P04 for a label that the running transaction has added.
pub fn check_usable(ty: Oid, label: Oid, name: &str) -> Result<()> {
    match is_new_label(label) {
        false => Ok(()),
        true => {
            let shown = info::type_name(ty);
            Err(sql_err!(
                UNSAFE_NEW_ENUM_VALUE_USAGE,
                "unsafe use of new value \"{name}\" of enum type {shown}"
            )
            .hint("New enum values must be committed before they can be used."))
        }
    }
}
