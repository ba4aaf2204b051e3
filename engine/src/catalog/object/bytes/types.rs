//! The bytes of enums and domains.

use std::borrow::Cow;
use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::info::{TypeInfo, TypeKind};
use nq_qsql::types::range::RangeInfo;
use nq_qsql::types::user::{
    Domain, DomainCheck, DomainConstraint, Enum, Label, RangeType, UserKind, UserType,
};

use super::super::TypeObject;
use super::{Reader, Writer, damaged, read_acl, read_type, write_acl, write_type};

pub(super) fn write(w: &mut Writer, object: &TypeObject) -> Result<()> {
    let (ty, info) = (&object.ty, &object.ty.info);
    w.u32(info.oid);
    w.str(&info.name);
    w.u32(info.array_oid);
    w.u32(u32::from(info.len as u16));
    w.flag(info.by_value);
    for byte in [info.category, info.align, info.delim] {
        w.byte(byte);
    }
    w.u32(ty.namespace);
    w.str(&ty.schema);
    w.u32(ty.owner);
    w.str(&object.array_name);
    w.option(object.acl.as_ref(), write_acl);
    match &ty.kind {
        UserKind::Enum(labels) => {
            w.byte(b'e');
            w.list(labels.labels(), |w, label| {
                w.u32(label.oid);
                w.str(&label.name);
                w.u32(label.order.to_bits());
                w.blob(&label.position);
            });
        }
        UserKind::Domain(domain) => {
            w.byte(b'd');
            write_type(w, domain.over);
            write_type(w, domain.base);
            w.u32(domain.collation);
            w.option(domain.not_null.as_ref(), write_constraint);
            w.option(domain.default.as_deref(), Writer::str);
            w.list(&domain.checks, |w, check| {
                write_constraint(w, &check.constraint);
                w.str(&check.text);
                w.flag(check.validated);
            });
        }
        UserKind::Range(RangeType { info, collation, subdiff }) => {
            w.byte(b'r');
            write_range(w, info);
            w.u32(*collation);
            w.u32(*subdiff);
        }
        UserKind::Multirange(info) => {
            w.byte(b'm');
            write_range(w, info);
        }
        UserKind::Composite(_) | UserKind::Array => return Err(damaged("is a type that is not stored")),
    }
    Ok(())
}

pub(super) fn read(r: &mut Reader<'_>) -> Result<TypeObject> {
    let (oid, name, array_oid) = (r.u32()?, r.boxed()?, r.u32()?);
    let (len, by_value) = (r.u32()? as u16 as i16, r.flag()?);
    let (category, align, delim) = (r.byte()?, r.byte()?, r.byte()?);
    let (namespace, schema, owner) = (r.u32()?, r.boxed()?, r.u32()?);
    let (array_name, acl) = (r.boxed()?, r.option(read_acl)?);
    let (kind, user) = match r.byte()? {
        b'e' => {
            let labels = r.list(|r| {
                Ok(Label {
                    oid: r.u32()?,
                    name: r.boxed()?,
                    order: f32::from_bits(r.u32()?),
                    position: r.blob()?.into(),
                })
            })?;
            (TypeKind::Enum, UserKind::Enum(Enum::new(labels)))
        }
        b'd' => {
            let domain = Domain {
                over: read_type(r)?,
                base: read_type(r)?,
                collation: r.u32()?,
                not_null: r.option(read_constraint)?,
                default: r.option(Reader::shared)?,
                checks: r.list(|r| {
                    Ok(DomainCheck {
                        constraint: read_constraint(r)?,
                        text: r.shared()?,
                        validated: r.flag()?,
                    })
                })?,
            };
            (TypeKind::Domain, UserKind::Domain(domain))
        }
        b'r' => {
            let range = RangeType { info: read_range(r)?, collation: r.u32()?, subdiff: r.u32()? };
            (TypeKind::Range, UserKind::Range(range))
        }
        b'm' => (TypeKind::Multirange, UserKind::Multirange(read_range(r)?)),
        _ => return Err(damaged("is a type of an unknown kind")),
    };
    let mut ty = UserType::new(oid, &name, array_oid, namespace, schema, owner, user);
    // What a domain has of its base type was found when it was made.
    ty.info = TypeInfo {
        oid,
        name: Cow::Owned(name.into()),
        array_oid,
        element_oid: 0,
        len,
        by_value,
        category,
        preferred: false,
        align,
        delim,
        kind,
    };
    Ok(TypeObject { ty: Arc::new(ty), array_name, acl })
}

fn write_range(w: &mut Writer, info: &RangeInfo) {
    w.u32(info.range);
    w.u32(info.multirange);
    w.u32(info.element);
    w.flag(info.discrete);
}

fn read_range(r: &mut Reader<'_>) -> Result<RangeInfo> {
    Ok(RangeInfo { range: r.u32()?, multirange: r.u32()?, element: r.u32()?, discrete: r.flag()? })
}

fn write_constraint(w: &mut Writer, constraint: &DomainConstraint) {
    w.u32(constraint.oid);
    w.str(&constraint.name);
}

fn read_constraint(r: &mut Reader<'_>) -> Result<DomainConstraint> {
    Ok(DomainConstraint { oid: r.u32()?, name: r.boxed()? })
}
