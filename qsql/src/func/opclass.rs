//! The operators that sort, group and hash a type: its default B-tree and hash operator classes.
//!
//! Source: PostgreSQL manual 36.16 "Interfacing Extensions to Indexes"; rows of PostgreSQL 18's `pg_opclass` and `pg_amop`.

use super::category::{display, element_of};
use super::resolve::find_coercion;
use super::{CastContext, Operator, operator_by_oid, operators};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::oid::{
    ANYARRAY, ANYENUM, ANYMULTIRANGE, ANYRANGE, BIT, BOOL, BPCHAR, BYTEA, CHAR, CID, CIDR, DATE, FLOAT4,
    FLOAT8, INET, INT2, INT2VECTOR, INT4, INT8, INTERVAL, JSONB, MACADDR, MACADDR8, MONEY, NAME, NUMERIC,
    OID, OIDVECTOR, PG_LSN, PG_NODE_TREE, RECORD, REGCLASS, REGCOLLATION, REGCONFIG, REGDICTIONARY,
    REGNAMESPACE, REGOPER, REGOPERATOR, REGPROC, REGPROCEDURE, REGROLE, REGTYPE, TEXT, TID, TIME, TIMESTAMP,
    TIMESTAMPTZ, TIMETZ, UUID, VARBIT, VARCHAR, XID, XID8,
};
use crate::types::{Oid, info, range};

/// Type, `<`, `=` and `>` of its default B-tree operator class.
#[rustfmt::skip]
static BTREE: &[(Oid, Oid, Oid, Oid)] = &[
    (BOOL, 58, 91, 59),
    (BYTEA, 1957, 1955, 1959),
    (CHAR, 631, 92, 633),
    (NAME, 660, 93, 662),
    (INT8, 412, 410, 413),
    (INT2, 95, 94, 520),
    (INT4, 97, 96, 521),
    (TEXT, 664, 98, 666),
    (OID, 609, 607, 610),
    (TID, 2799, 387, 2800),
    (OIDVECTOR, 645, 649, 646),
    (FLOAT4, 622, 620, 623),
    (FLOAT8, 672, 670, 674),
    (BPCHAR, 1058, 1054, 1060),
    (DATE, 1095, 1093, 1097),
    (TIME, 1110, 1108, 1112),
    (TIMESTAMP, 2062, 2060, 2064),
    (TIMESTAMPTZ, 1322, 1320, 1324),
    (INTERVAL, 1332, 1330, 1334),
    (TIMETZ, 1552, 1550, 1554),
    (NUMERIC, 1754, 1752, 1756),
    (RECORD, 2990, 2988, 2991),
    (ANYARRAY, 1072, 1070, 1073),
    (ANYENUM, 3518, 3516, 3519),
    (UUID, 2974, 2972, 2975),
    (JSONB, 3242, 3240, 3243),
    (XID8, 5073, 5068, 5074),
    (PG_LSN, 3224, 3222, 3225),
    (ANYRANGE, 3884, 3882, 3887),
    (ANYMULTIRANGE, 2862, 2860, 2865),
    (BIT, 1786, 1784, 1787),
    (VARBIT, 1806, 1804, 1807),
    (INET, 1203, 1201, 1205),
    (MACADDR, 1222, 1220, 1224),
    (MACADDR8, 3364, 3362, 3366),
    (MONEY, 902, 900, 903),
];

/// The operators of a type's default order.
#[derive(Clone, Copy, Debug)]
pub struct OrderingOperators {
    /// `<`
    pub lt: &'static Operator,
    /// `=`
    pub eq: &'static Operator,
    /// `>`
    pub gt: &'static Operator,
}

/// The type whose operator class serves `ty`: itself, or what it is binary-coercible to.
pub fn opclass_input(ty: Oid) -> Oid {
    let ty = info::base_type(ty);
    match ty {
        VARCHAR | PG_NODE_TREE => TEXT,
        CIDR => INET,
        REGPROC | REGPROCEDURE | REGOPER | REGOPERATOR | REGCLASS | REGTYPE | REGROLE | REGNAMESPACE
        | REGCOLLATION | REGCONFIG | REGDICTIONARY => OID,
        OIDVECTOR => OIDVECTOR,
        INT2VECTOR => ANYARRAY,
        _ if element_of(ty).is_some() => ANYARRAY,
        _ if range::of_range(ty).is_some() => ANYRANGE,
        _ if range::of_multirange(ty).is_some() => ANYMULTIRANGE,
        _ => match info::by_oid(ty).map(|t| t.kind) {
            Some(info::TypeKind::Enum) => ANYENUM,
            Some(info::TypeKind::Composite) => RECORD,
            _ => ty,
        },
    }
}

/// Whether a class serves many types, which are not comparable with each other.
fn is_family(input: Oid) -> bool {
    matches!(input, ANYARRAY | ANYRANGE | ANYMULTIRANGE)
}

fn btree(ty: Oid) -> Option<&'static (Oid, Oid, Oid, Oid)> {
    let ty = info::base_type(ty);
    if let (Some(element), true) = (element_of(ty), ty != OIDVECTOR)
        && element != RECORD
    {
        btree(element)?;
    }
    if let Some(info) = range::of_range(ty).or_else(|| range::of_multirange(ty)) {
        btree(info.element)?;
    }
    let input = opclass_input(ty);
    BTREE.iter().find(|row| row.0 == input)
}

/// The operators that ORDER BY, merge joins and B-trees use for `ty`.
///
/// # Errors
/// 42883 `could not identify an ordering operator for type xid`.
pub fn ordering_operators(ty: Oid) -> Result<OrderingOperators> {
    let row = btree(ty).ok_or_else(|| {
        missing("an ordering", ty).hint("Use an explicit ordering operator or modify the query.")
    })?;
    let find =
        |oid| operator_by_oid(oid).ok_or_else(|| SqlError::internal("operator class without operator"));
    Ok(OrderingOperators { lt: find(row.1)?, eq: find(row.2)?, gt: find(row.3)? })
}

/// The equality that GROUP BY, DISTINCT and hash joins use for `ty`.
///
/// # Errors
/// 42883 `could not identify an equality operator for type json`.
pub fn equality_operator(ty: Oid) -> Result<&'static Operator> {
    let oid = match (btree(ty), ty) {
        (Some(row), _) => row.2,
        (None, XID) => 352,
        (None, CID) => 385,
        (None, _) => return Err(missing("an equality", ty)),
    };
    operator_by_oid(oid).ok_or_else(|| SqlError::internal("operator class without operator"))
}

/// The equalities of a foreign key's column, as `pg_constraint` has them.
#[derive(Clone, Copy, Debug)]
pub struct KeyOperators {
    /// Referenced = referencing.
    pub both: &'static Operator,
    /// Referenced = referenced.
    pub referenced: &'static Operator,
    /// Referencing = referencing.
    pub referencing: &'static Operator,
    /// Whether the referencing value is first converted, by an implicit cast, to the referenced type.
    pub cast: bool,
}

/// Finds how a column of type `referencing` is compared with a unique one of type `referenced`: by an equality of the latter's
/// operator family, or after an implicit cast. `None` when it cannot be.
pub fn key_operators(referenced: Oid, referencing: Oid) -> Option<KeyOperators> {
    let own = equality_operator(referenced).ok()?;
    let other = equality_operator(referencing).ok();
    let (left, right) = (opclass_input(referenced), opclass_input(referencing));
    if referenced == referencing || left == right && !is_family(left) {
        return Some(KeyOperators { both: own, referenced: own, referencing: own, cast: false });
    }
    let exact = operators("=").iter().copied().find(|o| o.left == left && o.right == right);
    if let (Some(both), Some(other)) = (exact, other)
        && !is_family(left)
    {
        return Some(KeyOperators { both, referenced: own, referencing: other, cast: false });
    }
    find_coercion(referencing, referenced, CastContext::Implicit)?;
    Some(KeyOperators { both: own, referenced: own, referencing: own, cast: true })
}

/// Whether values of `ty` can be hashed consistently with its equality.
pub fn hashable(ty: Oid) -> bool {
    equality_operator(ty).is_ok()
}

fn missing(what: &str, ty: Oid) -> SqlError {
    sql_err!(UNDEFINED_FUNCTION, "could not identify {what} operator for type {}", display(ty))
}
