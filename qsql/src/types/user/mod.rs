//! Types that users have made: enums, domains, composites with the row types of tables, and the arrays over them.
//!
//! ```text
//!   info::by_oid(16400) ---> [thread: ambient source] ---> catalog snapshot of the session ---> Arc<UserType>
//! ```
//!
//! 1. All facts of types are asked by functions with an OID. For a built-in type a table answers, for a type of a user the source
//!    that the running session has made the ambient one of its thread ([`enter`]). An OID means nothing by itself: two databases may
//!    use one differently, and a transaction sees types that no other sees.
//! 2. A [`UserType`] never changes; a change of a type makes a new one.
//! 3. A value of a domain is one of its base type. A value of an enum knows its type and label. A row of a composite type has one
//!    field for each attribute, dropped ones too, as far as there were attributes when it was made.

mod enumeration;
mod record;
mod value;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use super::info::{TypeInfo, TypeKind};
use super::range::RangeInfo;
use super::rowtype::Field;
use super::{DataType, Datum, IoContext, Oid};
use crate::catalog::{Relation, UserCast, UserOperator};
use crate::error::Result;
use crate::sql_err;

pub use enumeration::{Enum, Label};
pub(super) use enumeration::{compare as compare_enums, decode_position, encode_position, position_length};
pub(super) use record::{
    parse as parse_record, recv as recv_record, send as send_record, write as write_record,
};
pub use value::{check_usable, domain_in, enum_label, enum_value};
pub(super) use value::{parse_text, recv_binary};

/// The first OID of users' objects.
pub const FIRST_USER_OID: Oid = 16384;

/// From here on PostgreSQL's initdb gives numbers: to the row types of most system catalogs, among others.
const FIRST_UNPINNED_OID: Oid = 10000;

/// The row types of the system catalogs that have numbers of their own.
const CATALOG_ROWS: [Oid; 9] = [71, 75, 81, 83, 1248, 2842, 2843, 4066, 6101];

/// The array types over four of them.
const CATALOG_ROW_ARRAYS: [Oid; 4] = [210, 270, 272, 273];

/// Whether a type may be one that the ambient source knows: a user's, or the type of a system relation's rows.
#[inline]
pub fn may_be(oid: Oid) -> bool {
    oid >= FIRST_UNPINNED_OID
        || oid < 6102 && (CATALOG_ROWS.contains(&oid) || CATALOG_ROW_ARRAYS.contains(&oid))
}

/// A type that a user has made, or that of a system relation's rows.
#[derive(Clone, Debug)]
pub struct UserType {
    /// Its row in `pg_type`.
    pub info: TypeInfo,
    /// `typnamespace`
    pub namespace: Oid,
    /// Name of the schema.
    pub schema: Box<str>,
    /// `typowner`
    pub owner: Oid,
    /// What it is.
    pub kind: UserKind,
    /// The fields of a composite, once they were asked for: see [`UserType::fields`].
    pub listed: OnceLock<Arc<[Field]>>,
}

/// What a user's type is.
#[derive(Clone, Debug)]
pub enum UserKind {
    /// CREATE TYPE ... AS ENUM
    Enum(Enum),
    /// CREATE DOMAIN
    Domain(Domain),
    /// CREATE TYPE ... AS (...), and the type of a relation's rows.
    Composite(Arc<Relation>),
    /// CREATE TYPE ... AS RANGE
    Range(RangeType),
    /// The multirange type over a range type.
    Multirange(RangeInfo),
    /// The array type over another one.
    Array,
}

/// A range type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeType {
    /// What values need to know.
    pub info: RangeInfo,
    /// `rngcollation`
    pub collation: Oid,
    /// `rngsubdiff`: 0 for none.
    pub subdiff: Oid,
}

/// A domain.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The type it is made over, which may be a domain, too.
    pub over: DataType,
    /// The type at the bottom, which is none, with the modifier that values have.
    pub base: DataType,
    /// `typcollation`
    pub collation: Oid,
    /// The NOT NULL constraint.
    pub not_null: Option<DomainConstraint>,
    /// SQL text of the default.
    pub default: Option<Arc<str>>,
    /// The CHECK constraints, by name.
    pub checks: Vec<DomainCheck>,
}

/// What constraints of domains have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainConstraint {
    /// `pg_constraint.oid`
    pub oid: Oid,
    /// `conname`
    pub name: Box<str>,
}

/// A CHECK of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCheck {
    /// OID and name.
    pub constraint: DomainConstraint,
    /// SQL text of the condition over `VALUE`.
    pub text: Arc<str>,
    /// Whether stored values are known to satisfy it.
    pub validated: bool,
}

impl UserType {
    /// A new enum, domain or composite.
    #[allow(clippy::too_many_arguments, reason = "one for each field that a caller decides")]
    pub fn new(
        oid: Oid,
        name: &str,
        array_oid: Oid,
        namespace: Oid,
        schema: Box<str>,
        owner: Oid,
        kind: UserKind,
    ) -> UserType {
        let blank = TypeInfo {
            oid,
            name: Cow::Owned(name.to_owned()),
            array_oid,
            element_oid: 0,
            len: -1,
            by_value: false,
            category: b'U',
            preferred: false,
            align: b'd',
            delim: b',',
            kind: TypeKind::Base,
        };
        let info = match &kind {
            UserKind::Enum(_) => TypeInfo {
                len: 4,
                by_value: true,
                category: b'E',
                align: b'i',
                kind: TypeKind::Enum,
                ..blank
            },
            UserKind::Composite(_) => TypeInfo { category: b'C', kind: TypeKind::Composite, ..blank },
            UserKind::Domain(domain) => {
                let kind = TypeKind::Domain;
                match super::info::by_oid(domain.over.oid) {
                    Some(base) => TypeInfo {
                        len: base.len,
                        by_value: base.by_value,
                        category: base.category,
                        align: base.align,
                        delim: base.delim,
                        kind,
                        ..blank
                    },
                    None => TypeInfo { kind, ..blank },
                }
            }
            UserKind::Range(RangeType { info: of, .. }) | UserKind::Multirange(of) => {
                let wide = super::info::by_oid(of.element).is_some_and(|t| t.align == b'd');
                let many = matches!(kind, UserKind::Multirange(_));
                TypeInfo {
                    category: b'R',
                    align: if wide { b'd' } else { b'i' },
                    kind: if many { TypeKind::Multirange } else { TypeKind::Range },
                    ..blank
                }
            }
            UserKind::Array => TypeInfo { category: b'A', kind: TypeKind::Array, ..blank },
        };
        UserType { info, namespace, schema, owner, kind, listed: OnceLock::new() }
    }

    /// The array type over this one, under the name that it was given.
    pub fn array(&self, name: &str) -> UserType {
        let align = if self.info.align == b'd' { b'd' } else { b'i' };
        let info = TypeInfo {
            oid: self.info.array_oid,
            name: Cow::Owned(name.to_owned()),
            array_oid: 0,
            element_oid: self.info.oid,
            len: -1,
            by_value: false,
            category: b'A',
            preferred: false,
            align,
            delim: self.info.delim,
            kind: TypeKind::Array,
        };
        UserType {
            info,
            namespace: self.namespace,
            schema: self.schema.clone(),
            owner: self.owner,
            kind: UserKind::Array,
            listed: OnceLock::new(),
        }
    }

    /// The domain that it is.
    pub fn domain(&self) -> Option<&Domain> {
        match &self.kind {
            UserKind::Domain(domain) => Some(domain),
            _ => None,
        }
    }

    /// The enum that it is.
    pub fn enumeration(&self) -> Option<&Enum> {
        match &self.kind {
            UserKind::Enum(labels) => Some(labels),
            _ => None,
        }
    }

    /// The fields of a composite, one for each attribute; a dropped one has a name that [`is_dropped`] knows.
    pub fn fields(&self) -> Option<Arc<[Field]>> {
        let relation = self.relation()?;
        let fields = self.listed.get_or_init(|| {
            let field = |(i, column): (usize, &crate::catalog::Column)| -> Field {
                let name = match column.dropped {
                    true => format!("{DROPPED_NAME}{}........", i + 1).into(),
                    false => Arc::from(&*column.name),
                };
                (name, column.ty)
            };
            relation.columns.iter().enumerate().map(field).collect()
        });
        Some(fields.clone())
    }

    /// The relation whose rows it describes.
    pub fn relation(&self) -> Option<&Arc<Relation>> {
        match &self.kind {
            UserKind::Composite(relation) => Some(relation),
            _ => None,
        }
    }
}

/// How the name of a dropped attribute begins.
const DROPPED_NAME: &str = "........pg.dropped.";

/// Whether a field of a composite has been dropped.
pub fn is_dropped(field: &Field) -> bool {
    field.0.starts_with(DROPPED_NAME)
}

/// The fields of a row that have not been dropped.
pub fn live_fields(ty: Oid, values: &[Datum]) -> Vec<Datum> {
    match row_relation(ty) {
        Some(relation) => {
            relation.live_columns().map(|(i, _)| values.get(i).cloned().unwrap_or(Datum::Null)).collect()
        }
        None => values.to_vec(),
    }
}

/// Where a session's types come from.
pub trait TypeSource {
    /// Finds a type by OID.
    fn by_oid(&self, oid: Oid) -> Option<Arc<UserType>>;
    /// The name by which statements of the session find it: with its schema where the bare name would not; quoted where needed.
    fn shown_name(&self, ty: &UserType) -> String;
    /// Finds a cast that a user has made.
    fn cast(&self, _from: Oid, _to: Oid) -> Option<Arc<UserCast>> {
        None
    }
    /// Finds an operator that a user has made.
    fn operator(&self, _oid: Oid) -> Option<Arc<UserOperator>> {
        None
    }
    /// Whether a label was added by the transaction that is running, so that it may not be used yet.
    fn is_new_label(&self, _label: Oid) -> bool {
        false
    }
    /// The first CHECK constraint, by name, of a domain that a value, which may be NULL, does not satisfy; those of the domains
    /// that it is made over do not count.
    ///
    /// # Errors
    /// Those of the conditions.
    fn violated(&self, domain: &UserType, value: &Datum, io: &IoContext<'_>) -> Result<Option<Box<str>>>;
}

/// The session that a thread works for, and its types.
#[derive(Clone)]
struct Ambient {
    owner: usize,
    source: Option<Arc<dyn TypeSource>>,
}

thread_local! {
    static AMBIENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

/// While it lives, the thread works for a session.
pub struct Entered {
    before: Option<Ambient>,
    owner: usize,
}

/// Makes a session's types, as far as it knows them yet, those of the thread, until the guard is dropped. `owner` tells sessions
/// apart.
#[must_use]
pub fn enter(owner: usize, source: Option<Arc<dyn TypeSource>>) -> Entered {
    AMBIENT.with_borrow_mut(|ambient| {
        let before = ambient.take();
        let known = before.as_ref().filter(|b| b.owner == owner).and_then(|b| b.source.clone());
        *ambient = Some(Ambient { owner, source: source.or(known) });
        Entered { before, owner }
    })
}

/// Replaces the types of a session, if it is the one that the thread works for.
pub fn replace(owner: usize, source: Arc<dyn TypeSource>) {
    AMBIENT.with_borrow_mut(|ambient| {
        if let Some(ambient) = ambient.as_mut().filter(|ambient| ambient.owner == owner) {
            ambient.source = Some(source);
        }
    });
}

impl Drop for Entered {
    fn drop(&mut self) {
        AMBIENT.with_borrow_mut(|ambient| {
            // A nested entry of one session leaves what it has learnt to the outer one.
            if self.before.as_ref().is_none_or(|before| before.owner != self.owner) {
                *ambient = self.before.take();
            }
        });
    }
}

/// The source of the running session.
fn source() -> Option<Arc<dyn TypeSource>> {
    AMBIENT.with_borrow(|ambient| ambient.as_ref()?.source.clone())
}

/// Finds a type of a user.
pub fn find(oid: Oid) -> Option<Arc<UserType>> {
    if !may_be(oid) {
        return None;
    }
    AMBIENT.with_borrow(|ambient| ambient.as_ref()?.source.as_ref()?.by_oid(oid))
}

/// Finds a user's cast between two types.
pub fn cast(from: Oid, to: Oid) -> Option<Arc<UserCast>> {
    AMBIENT.with_borrow(|ambient| ambient.as_ref()?.source.as_ref()?.cast(from, to))
}

/// Finds a user's operator.
pub fn operator(oid: Oid) -> Option<Arc<UserOperator>> {
    if oid < FIRST_USER_OID {
        return None;
    }
    AMBIENT.with_borrow(|ambient| ambient.as_ref()?.source.as_ref()?.operator(oid))
}

/// The name of a user's type as statements of the session write it.
pub fn shown_name(ty: &UserType) -> String {
    match source() {
        Some(source) => source.shown_name(ty),
        None => ty.info.name.to_string(),
    }
}

/// Whether a type is an enum.
pub fn is_enum(oid: Oid) -> bool {
    find(oid).is_some_and(|ty| ty.enumeration().is_some())
}

/// The relation whose rows a composite type describes; of a domain over one, too.
pub fn row_relation(oid: Oid) -> Option<Arc<Relation>> {
    find(super::info::base_type(oid))?.relation().cloned()
}

/// Whether a label was added by the running transaction.
fn is_new_label(label: Oid) -> bool {
    AMBIENT.with_borrow(|ambient| {
        ambient.as_ref().and_then(|a| a.source.as_ref()).is_some_and(|source| source.is_new_label(label))
    })
}

/// Checks a value, NULL too, by all constraints of a domain: those of the types it is made over first.
///
/// # Errors
/// 23502 and 23514 that name the domain that is asked for.
pub fn check_domain(oid: Oid, value: &Datum, io: &IoContext<'_>) -> Result<()> {
    let Some(ty) = find(oid) else { return Err(unknown(oid)) };
    let Some(source) = source() else { return Err(unknown(oid)) };
    let mut chain = vec![ty.clone()];
    while let Some(under) = chain.last().and_then(|ty| ty.domain()).and_then(|d| find(d.over.oid))
        && under.domain().is_some()
    {
        chain.push(under);
    }
    let refused = |error: crate::SqlError| error.datatype(&ty.schema, &ty.info.name);
    if value.is_null() && chain.iter().any(|ty| ty.domain().is_some_and(|d| d.not_null.is_some())) {
        let name = super::info::type_name(oid);
        return Err(refused(sql_err!(NOT_NULL_VIOLATION, "domain {name} does not allow null values")));
    }
    for part in chain.iter().rev() {
        if part.domain().is_some_and(|d| !d.checks.is_empty())
            && let Some(constraint) = source.violated(part, value, io)?
        {
            let name = super::info::type_name(oid);
            return Err(refused(
                sql_err!(
                    CHECK_VIOLATION,
                    "value for domain {name} violates check constraint \"{constraint}\""
                )
                .object("", "", "", &constraint),
            ));
        }
    }
    Ok(())
}

#[cold]
fn unknown(oid: Oid) -> crate::SqlError {
    crate::SqlError::internal(format_args!("cache lookup failed for type {oid}"))
}
