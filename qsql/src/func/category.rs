//! What resolution needs to know of a type: its category, whether it is preferred there, its array type, its name.
//!
//! Source: PostgreSQL manual, 10 "Type Conversion" and table 52.65 "typcategory Codes"; rows of PostgreSQL 18's `pg_type`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::types::Oid;
use crate::types::oid::{INT2, INT2VECTOR, OID, OIDVECTOR};

struct Facts {
    oid: Oid,
    array: Oid,
    category: u8,
    preferred: bool,
    name: &'static str,
    display: &'static str,
}

const fn t(
    oid: Oid,
    array: Oid,
    category: u8,
    preferred: bool,
    name: &'static str,
    display: &'static str,
) -> Facts {
    Facts { oid, array, category, preferred, name, display }
}

#[rustfmt::skip]
static FACTS: &[Facts] = &[
    t(16, 1000, b'B', true, "bool", "boolean"),
    t(17, 1001, b'U', false, "bytea", "bytea"),
    t(18, 1002, b'Z', false, "char", "\"char\""),
    t(19, 1003, b'S', false, "name", "name"),
    t(20, 1016, b'N', false, "int8", "bigint"),
    t(21, 1005, b'N', false, "int2", "smallint"),
    t(22, 1006, b'A', false, "int2vector", "int2vector"),
    t(23, 1007, b'N', false, "int4", "integer"),
    t(24, 1008, b'N', false, "regproc", "regproc"),
    t(25, 1009, b'S', true, "text", "text"),
    t(26, 1028, b'N', true, "oid", "oid"),
    t(27, 1010, b'U', false, "tid", "tid"),
    t(28, 1011, b'U', false, "xid", "xid"),
    t(29, 1012, b'U', false, "cid", "cid"),
    t(30, 1013, b'A', false, "oidvector", "oidvector"),
    t(114, 199, b'U', false, "json", "json"),
    t(142, 143, b'U', false, "xml", "xml"),
    t(194, 0, b'Z', false, "pg_node_tree", "pg_node_tree"),
    t(700, 1021, b'N', false, "float4", "real"),
    t(701, 1022, b'N', true, "float8", "double precision"),
    t(705, 0, b'X', false, "unknown", "unknown"),
    t(1042, 1014, b'S', false, "bpchar", "character"),
    t(1043, 1015, b'S', false, "varchar", "character varying"),
    t(1082, 1182, b'D', false, "date", "date"),
    t(1083, 1183, b'D', false, "time", "time without time zone"),
    t(1114, 1115, b'D', false, "timestamp", "timestamp without time zone"),
    t(1184, 1185, b'D', true, "timestamptz", "timestamp with time zone"),
    t(1186, 1187, b'T', true, "interval", "interval"),
    t(1266, 1270, b'D', false, "timetz", "time with time zone"),
    t(1700, 1231, b'N', false, "numeric", "numeric"),
    t(1790, 2201, b'U', false, "refcursor", "refcursor"),
    t(2202, 2207, b'N', false, "regprocedure", "regprocedure"),
    t(2203, 2208, b'N', false, "regoper", "regoper"),
    t(2204, 2209, b'N', false, "regoperator", "regoperator"),
    t(2205, 2210, b'N', false, "regclass", "regclass"),
    t(2206, 2211, b'N', false, "regtype", "regtype"),
    t(2249, 2287, b'P', false, "record", "record"),
    t(2275, 1263, b'P', false, "cstring", "cstring"),
    t(2276, 0, b'P', false, "any", "\"any\""),
    t(2277, 0, b'P', false, "anyarray", "anyarray"),
    t(2278, 0, b'P', false, "void", "void"),
    t(2283, 0, b'P', false, "anyelement", "anyelement"),
    t(2776, 0, b'P', false, "anynonarray", "anynonarray"),
    t(2950, 2951, b'U', false, "uuid", "uuid"),
    t(3500, 0, b'P', false, "anyenum", "anyenum"),
    t(3734, 3735, b'N', false, "regconfig", "regconfig"),
    t(3769, 3770, b'N', false, "regdictionary", "regdictionary"),
    t(3802, 3807, b'U', false, "jsonb", "jsonb"),
    t(4089, 4090, b'N', false, "regnamespace", "regnamespace"),
    t(4096, 4097, b'N', false, "regrole", "regrole"),
    t(4191, 4192, b'N', false, "regcollation", "regcollation"),
    t(5069, 271, b'U', false, "xid8", "xid8"),
    t(5077, 0, b'P', false, "anycompatible", "anycompatible"),
    t(5078, 0, b'P', false, "anycompatiblearray", "anycompatiblearray"),
    t(5079, 0, b'P', false, "anycompatiblenonarray", "anycompatiblenonarray"),
];

struct Index {
    by_oid: HashMap<Oid, &'static Facts>,
    by_array: HashMap<Oid, &'static Facts>,
    by_name: HashMap<&'static str, Oid>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| Index {
    by_oid: FACTS.iter().map(|f| (f.oid, f)).collect(),
    by_array: FACTS.iter().filter(|f| f.array != 0).map(|f| (f.array, f)).collect(),
    by_name: FACTS.iter().map(|f| (f.name, f.oid)).collect(),
});

/// `pg_type.typcategory`; `U` for types not known here.
pub fn category(oid: Oid) -> u8 {
    match INDEX.by_oid.get(&oid) {
        Some(_) if oid == INT2VECTOR || oid == OIDVECTOR => b'A',
        Some(facts) => facts.category,
        None if INDEX.by_array.contains_key(&oid) => b'A',
        None => b'U',
    }
}

/// `pg_type.typispreferred`.
pub fn preferred(oid: Oid) -> bool {
    INDEX.by_oid.get(&oid).is_some_and(|f| f.preferred)
}

/// The array type over `element`; `None` when there is none.
pub fn array_of(element: Oid) -> Option<Oid> {
    INDEX.by_oid.get(&element).map(|f| f.array).filter(|&a| a != 0)
}

/// The element type of an array type (also of the vectors); `None` for other types.
pub fn element_of(array: Oid) -> Option<Oid> {
    match array {
        INT2VECTOR => Some(INT2),
        OIDVECTOR => Some(OID),
        _ => INDEX.by_array.get(&array).map(|f| f.oid),
    }
}

/// Finds a type by its `pg_type.typname`.
pub fn by_name(name: &str) -> Option<Oid> {
    INDEX.by_name.get(name).copied()
}

/// The name that messages print for a type (`format_type(oid, NULL)`).
pub fn display(oid: Oid) -> String {
    match (INDEX.by_oid.get(&oid), INDEX.by_array.get(&oid)) {
        (Some(f), _) => f.display.to_owned(),
        (None, Some(f)) => format!("{}[]", f.display),
        (None, None) => format!("???{oid}"),
    }
}

/// `format_type(oid, typmod)`; `None` is a NULL modifier.
pub fn format_type(oid: Oid, typmod: Option<i32>) -> String {
    let _ = typmod;
    display(oid)
}

/// Reads a type name with its modifier, as `regtypein` does.
pub fn parse_type(name: &str) -> crate::error::Result<crate::types::DataType> {
    match by_name(name) {
        Some(oid) => Ok(crate::types::DataType::of(oid)),
        None => Err(crate::sql_err!(UNDEFINED_OBJECT, "type \"{name}\" does not exist")),
    }
}
