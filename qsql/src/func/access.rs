//! Index access methods, and their operator classes: which operators an index answers, and what form its keys have.
//!
//! B-tree classes other than the types' defaults are named by the engine; their operators are those of [`super::opclass`].
//!
//! Source: PostgreSQL manual chapter 65 "Built-in Index Access Methods"; rows of PostgreSQL 18's `pg_am`, `pg_opclass` and `pg_amop`.

use super::opclass::opclass_input;
use super::{Operator, operator_by_oid};
use crate::types::Oid;
use crate::types::oid::{ANYARRAY, ANYMULTIRANGE, ANYRANGE, INET, JSONB, TEXT};

/// `pg_am`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs, reason = "PostgreSQL's own words")]
pub enum AccessMethod {
    #[default]
    Btree,
    Hash,
    Gist,
    Gin,
    Spgist,
}

impl AccessMethod {
    /// All of them.
    pub const ALL: [AccessMethod; 5] = [
        AccessMethod::Btree,
        AccessMethod::Hash,
        AccessMethod::Gist,
        AccessMethod::Gin,
        AccessMethod::Spgist,
    ];

    /// Finds a method by name.
    pub fn by_name(name: &str) -> Option<AccessMethod> {
        AccessMethod::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Finds a method by OID.
    pub fn by_oid(oid: Oid) -> Option<AccessMethod> {
        AccessMethod::ALL.into_iter().find(|m| m.oid() == oid)
    }

    /// `pg_am.oid`
    pub fn oid(self) -> Oid {
        match self {
            AccessMethod::Btree => 403,
            AccessMethod::Hash => 405,
            AccessMethod::Gist => 783,
            AccessMethod::Gin => 2742,
            AccessMethod::Spgist => 4000,
        }
    }

    /// `amname`
    pub fn name(self) -> &'static str {
        match self {
            AccessMethod::Btree => "btree",
            AccessMethod::Hash => "hash",
            AccessMethod::Gist => "gist",
            AccessMethod::Gin => "gin",
            AccessMethod::Spgist => "spgist",
        }
    }

    /// `amhandler`
    pub fn handler(self) -> Oid {
        match self {
            AccessMethod::Btree => 330,
            AccessMethod::Hash => 331,
            AccessMethod::Gist => 332,
            AccessMethod::Gin => 333,
            AccessMethod::Spgist => 334,
        }
    }

    /// Whether there is an order to ask for: ASC, NULLS FIRST.
    pub fn orders(self) -> bool {
        self == AccessMethod::Btree
    }

    /// Whether UNIQUE may be said of an index.
    pub fn is_unique(self) -> bool {
        self == AccessMethod::Btree
    }

    /// Whether an index may have several columns.
    pub fn takes_columns(self) -> bool {
        matches!(self, AccessMethod::Btree | AccessMethod::Gist | AccessMethod::Gin)
    }

    /// Whether an index may have INCLUDE columns.
    pub fn takes_include(self) -> bool {
        matches!(self, AccessMethod::Btree | AccessMethod::Gist | AccessMethod::Spgist)
    }

    /// Whether exclusion constraints may use it.
    pub fn excludes(self) -> bool {
        self != AccessMethod::Gin
    }

    /// Whether rows come one by one: else only all at once, as a bitmap.
    pub fn scans(self) -> bool {
        self != AccessMethod::Gin
    }
}

/// What an operator asks of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the operators' own words")]
pub enum Search {
    Equal,
    Less,
    LessEqual,
    GreaterEqual,
    Greater,
    /// `^@`
    Prefix,
    /// `<<`
    Before,
    /// `&<`
    NotAfter,
    /// `&&`
    Overlaps,
    /// `&>`
    NotBefore,
    /// `>>`
    After,
    /// `-|-`
    Adjacent,
    /// `@>`
    Contains,
    /// `<@`
    Within,
    /// `?`
    Key,
    /// `?|`
    AnyKey,
    /// `?&`
    AllKeys,
    /// `@?`
    PathExists,
    /// `@@`
    PathHolds,
}

/// What the keys of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyForm {
    /// The value, in its order.
    Ordered,
    /// A hash of the value.
    Hashed,
    /// Where a range, multirange or network begins and ends.
    Interval,
    /// Each element of an array.
    Elements,
    /// Each key and each scalar of a `jsonb`.
    JsonKeys,
    /// Each scalar of a `jsonb` with the keys that lead to it.
    JsonPaths,
}

/// An operator class.
#[derive(Debug)]
pub struct OperatorClass {
    /// The method that it belongs to.
    pub method: AccessMethod,
    /// `opcname`
    pub name: &'static str,
    /// `pg_opclass.oid`
    pub oid: Oid,
    /// `opcfamily`
    pub family: Oid,
    /// `opfname`
    pub family_name: &'static str,
    /// `opcintype`
    pub input: Oid,
    /// `opcdefault`
    pub default: bool,
    /// The form of its keys.
    pub form: KeyForm,
    /// Its operators, and what each asks.
    pub operators: &'static [(Oid, Search)],
}

use AccessMethod::{Gin, Gist, Spgist};
use KeyForm::{Elements, Hashed, Interval, JsonKeys, JsonPaths, Ordered};
use Search::{
    Adjacent, After, AllKeys, AnyKey, Before, Contains, Equal, Greater, GreaterEqual, Key, Less, LessEqual,
    NotAfter, NotBefore, Overlaps, PathExists, PathHolds, Prefix, Within,
};

const HASH: AccessMethod = AccessMethod::Hash;

const RANGES: &[(Oid, Search)] = &[
    (3893, Before),
    (4395, Before),
    (2875, NotAfter),
    (3895, NotAfter),
    (2866, Overlaps),
    (3888, Overlaps),
    (3585, NotBefore),
    (3896, NotBefore),
    (3894, After),
    (4398, After),
    (3897, Adjacent),
    (4179, Adjacent),
    (3890, Contains),
    (4539, Contains),
    (2873, Within),
    (3892, Within),
    (3889, Contains),
    (3882, Equal),
];
const MULTIRANGES: &[(Oid, Search)] = &[
    (4396, Before),
    (4397, Before),
    (2876, NotAfter),
    (2877, NotAfter),
    (2867, Overlaps),
    (2868, Overlaps),
    (4035, NotBefore),
    (4142, NotBefore),
    (4399, After),
    (4400, After),
    (4180, Adjacent),
    (4198, Adjacent),
    (2870, Contains),
    (2871, Contains),
    (2874, Within),
    (4540, Within),
    (2869, Contains),
    (2860, Equal),
];
const NETWORKS: &[(Oid, Search)] =
    &[(3552, Overlaps), (1201, Equal), (931, Within), (932, Within), (933, Contains), (934, Contains)];
const TEXTS: &[(Oid, Search)] = &[
    (2314, Less),
    (2315, LessEqual),
    (98, Equal),
    (2317, GreaterEqual),
    (2318, Greater),
    (664, Less),
    (665, LessEqual),
    (667, GreaterEqual),
    (666, Greater),
    (3877, Prefix),
];
const ARRAYS: &[(Oid, Search)] = &[(2750, Overlaps), (2751, Contains), (2752, Within), (1070, Equal)];
const JSON_KEYS: &[(Oid, Search)] =
    &[(3246, Contains), (3247, Key), (3248, AnyKey), (3249, AllKeys), (4012, PathExists), (4013, PathHolds)];
const JSON_PATHS: &[(Oid, Search)] = &[(3246, Contains), (4012, PathExists), (4013, PathHolds)];

#[allow(clippy::too_many_arguments, reason = "a row of a table")]
const fn class(
    method: AccessMethod,
    name: &'static str,
    oid: Oid,
    family: Oid,
    family_name: &'static str,
    input: Oid,
    default: bool,
    form: KeyForm,
    operators: &'static [(Oid, Search)],
) -> OperatorClass {
    OperatorClass { method, name, oid, family, family_name, input, default, form, operators }
}

/// All classes but those of `btree`.
#[rustfmt::skip]
static CLASSES: &[OperatorClass] = &[
    class(Gin, "array_ops", 10064, 2745, "array_ops", ANYARRAY, true, Elements, ARRAYS),
    class(Gin, "jsonb_ops", 10090, 4036, "jsonb_ops", JSONB, true, JsonKeys, JSON_KEYS),
    class(Gin, "jsonb_path_ops", 10091, 4037, "jsonb_path_ops", JSONB, false, JsonPaths, JSON_PATHS),
    class(Gist, "inet_ops", 10017, 3550, "network_ops", INET, false, Interval, NETWORKS),
    class(Gist, "range_ops", 10078, 3919, "range_ops", ANYRANGE, true, Interval, RANGES),
    class(Gist, "multirange_ops", 10082, 6158, "multirange_ops", ANYMULTIRANGE, true, Interval, MULTIRANGES),
    class(Spgist, "inet_ops", 10018, 3794, "network_ops", INET, true, Interval, NETWORKS),
    class(Spgist, "range_ops", 10079, 3474, "range_ops", ANYRANGE, true, Interval, RANGES),
    class(Spgist, "text_ops", 10086, 4017, "text_ops", TEXT, true, Ordered, TEXTS),
    class(HASH, "array_ops", 10001, 627, "array_ops", 2277, true, Hashed, &[(1070, Equal)]),
    class(HASH, "bpchar_ops", 10005, 427, "bpchar_ops", 1042, true, Hashed, &[(1054, Equal)]),
    class(HASH, "char_ops", 10008, 431, "char_ops", 18, true, Hashed, &[(92, Equal)]),
    class(HASH, "cidr_ops", 10010, 1975, "network_ops", 869, false, Hashed, &[(1201, Equal)]),
    class(HASH, "date_ops", 10011, 435, "date_ops", 1082, true, Hashed, &[(1093, Equal)]),
    class(HASH, "float4_ops", 10013, 1971, "float_ops", 700, true, Hashed, &[(620, Equal)]),
    class(HASH, "float8_ops", 10014, 1971, "float_ops", 701, true, Hashed, &[(670, Equal)]),
    class(HASH, "inet_ops", 10016, 1975, "network_ops", 869, true, Hashed, &[(1201, Equal)]),
    class(HASH, "int2_ops", 10019, 1977, "integer_ops", 21, true, Hashed, &[(94, Equal)]),
    class(HASH, "int4_ops", 10020, 1977, "integer_ops", 23, true, Hashed, &[(96, Equal)]),
    class(HASH, "int8_ops", 10021, 1977, "integer_ops", 20, true, Hashed, &[(410, Equal)]),
    class(HASH, "interval_ops", 10023, 1983, "interval_ops", 1186, true, Hashed, &[(1330, Equal)]),
    class(HASH, "macaddr_ops", 10025, 1985, "macaddr_ops", 829, true, Hashed, &[(1220, Equal)]),
    class(HASH, "macaddr8_ops", 10027, 3372, "macaddr8_ops", 774, true, Hashed, &[(3362, Equal)]),
    class(HASH, "name_ops", 10029, 1995, "text_ops", 19, true, Hashed, &[(93, Equal)]),
    class(HASH, "numeric_ops", 10030, 1998, "numeric_ops", 1700, true, Hashed, &[(1752, Equal)]),
    class(HASH, "oid_ops", 10031, 1990, "oid_ops", 26, true, Hashed, &[(607, Equal)]),
    class(HASH, "oidvector_ops", 10033, 1992, "oidvector_ops", 30, true, Hashed, &[(649, Equal)]),
    class(HASH, "record_ops", 10035, 6194, "record_ops", 2249, true, Hashed, &[(2988, Equal)]),
    class(HASH, "text_ops", 10037, 1995, "text_ops", 25, true, Hashed, &[(98, Equal)]),
    class(HASH, "time_ops", 10039, 1997, "time_ops", 1083, true, Hashed, &[(1108, Equal)]),
    class(HASH, "timestamptz_ops", 10040, 1999, "timestamptz_ops", 1184, true, Hashed, &[(1320, Equal)]),
    class(HASH, "timetz_ops", 10042, 2001, "timetz_ops", 1266, true, Hashed, &[(1550, Equal)]),
    class(HASH, "varchar_ops", 10045, 1995, "text_ops", 25, false, Hashed, &[(98, Equal)]),
    class(HASH, "timestamp_ops", 10046, 2040, "timestamp_ops", 1114, true, Hashed, &[(2060, Equal)]),
    class(HASH, "bool_ops", 10048, 2222, "bool_ops", 16, true, Hashed, &[(91, Equal)]),
    class(HASH, "bytea_ops", 10049, 2223, "bytea_ops", 17, true, Hashed, &[(1955, Equal)]),
    class(HASH, "xid8_ops", 10052, 5032, "xid8_ops", 5069, true, Hashed, &[(5068, Equal)]),
    class(HASH, "tid_ops", 10055, 2227, "tid_ops", 27, true, Hashed, &[(387, Equal)]),
    class(HASH, "text_pattern_ops", 10056, 2229, "text_pattern_ops", 25, false, Hashed, &[(98, Equal)]),
    class(HASH, "varchar_pattern_ops", 10057, 2229, "text_pattern_ops", 25, false, Hashed, &[(98, Equal)]),
    class(HASH, "bpchar_pattern_ops", 10058, 2231, "bpchar_pattern_ops", 1042, false, Hashed, &[(1054, Equal)]),
    class(HASH, "uuid_ops", 10066, 2969, "uuid_ops", 2950, true, Hashed, &[(2972, Equal)]),
    class(HASH, "pg_lsn_ops", 10068, 3254, "pg_lsn_ops", 3220, true, Hashed, &[(3222, Equal)]),
    class(HASH, "enum_ops", 10070, 3523, "enum_ops", 3500, true, Hashed, &[(3516, Equal)]),
    class(HASH, "range_ops", 10077, 3903, "range_ops", 3831, true, Hashed, &[(3882, Equal)]),
    class(HASH, "multirange_ops", 10081, 4225, "multirange_ops", 4537, true, Hashed, &[(2860, Equal)]),
    class(HASH, "jsonb_ops", 10089, 4034, "jsonb_ops", 3802, true, Hashed, &[(3240, Equal)]),
];

/// Finds an operator class by OID.
pub fn class_by_oid(oid: Oid) -> Option<&'static OperatorClass> {
    CLASSES.iter().find(|c| c.oid == oid)
}

/// Finds an operator class of a method by name.
pub fn class_by_name(method: AccessMethod, name: &str) -> Option<&'static OperatorClass> {
    CLASSES.iter().find(|c| c.method == method && c.name == name)
}

/// The default class of a method for a type.
pub fn default_class(method: AccessMethod, ty: Oid) -> Option<&'static OperatorClass> {
    CLASSES.iter().find(|c| c.method == method && c.default && c.takes(ty))
}

impl OperatorClass {
    /// Whether values of a type can be its keys.
    pub fn takes(&self, ty: Oid) -> bool {
        self.input == ty || self.input == opclass_input(ty)
    }

    /// What an operator asks.
    pub fn search(&self, operator: Oid) -> Option<Search> {
        self.operators.iter().find(|o| o.0 == operator).map(|o| o.1)
    }

    /// What an operator with the key on its right asks, and the operator that has it on its left.
    pub fn commuted(&self, operator: Oid) -> Option<(&'static Operator, Search)> {
        let commutator = operator_by_oid(operator_by_oid(operator)?.commutator)?;
        Some((commutator, self.search(commutator.oid)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    #[test]
    fn classes_have_operators_that_are_there() {
        for class in CLASSES {
            for (operator, _) in class.operators {
                assert!(operator_by_oid(*operator).is_some(), "{} {operator}", class.name);
            }
            assert!(std::ptr::eq(class_by_oid(class.oid).unwrap(), class));
        }
    }

    #[test]
    fn defaults_follow_what_a_type_is_coerced_to() {
        let name = |m, t| default_class(m, t).map(|c| c.name);
        assert_eq!(name(HASH, oid::VARCHAR), Some("text_ops"));
        assert_eq!(name(Gin, crate::func::category::array_of(oid::INT4).unwrap()), Some("array_ops"));
        assert_eq!(name(Gist, oid::INT4RANGE), Some("range_ops"));
        assert_eq!(name(Gist, oid::INET), None);
        assert_eq!(name(Spgist, oid::CIDR), Some("inet_ops"));
        assert_eq!(class_by_name(Gin, "jsonb_path_ops").map(|c| c.form), Some(JsonPaths));
    }
}
