//! What is known of each type: its `pg_type` row, its SQL name, its modifier. Types of users are asked from the running session
//! (see [`user`]).

use super::info_table::TYPES;
use super::numeric::{precision_and_scale, typmod_of};
use super::user::{self, UserType};
use super::{DataType, Oid, oid};
use crate::error::Result;
use crate::sql_err;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

/// `pg_type.typtype`, with true arrays told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "PostgreSQL's own words")]
pub enum TypeKind {
    Base,
    Array,
    Pseudo,
    Range,
    Multirange,
    Enum,
    Domain,
    Composite,
}

/// The facts of one type, as `pg_type` has them.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    /// `oid`.
    pub oid: Oid,
    /// `typname`.
    pub name: Cow<'static, str>,
    /// `typarray`; 0 when there is no array type over this one.
    pub array_oid: Oid,
    /// `typelem`, also of fixed-length types such as `point`; 0 otherwise.
    pub element_oid: Oid,
    /// `typlen`: bytes, -1 variable, -2 a C string.
    pub len: i16,
    /// `typbyval`.
    pub by_value: bool,
    /// `typcategory`.
    pub category: u8,
    /// `typispreferred`.
    pub preferred: bool,
    /// `typalign`.
    pub align: u8,
    /// `typdelim`.
    pub delim: u8,
    /// `typtype`.
    pub kind: TypeKind,
}

/// Names of the SQL standard and PostgreSQL's parser for types of another `typname`.
const ALIASES: [(&str, Oid); 22] = [
    ("bigint", oid::INT8),
    ("bit varying", oid::VARBIT),
    ("boolean", oid::BOOL),
    ("char", oid::BPCHAR),
    ("char varying", oid::VARCHAR),
    ("character", oid::BPCHAR),
    ("character varying", oid::VARCHAR),
    ("dec", oid::NUMERIC),
    ("decimal", oid::NUMERIC),
    ("double precision", oid::FLOAT8),
    ("float", oid::FLOAT8),
    ("int", oid::INT4),
    ("integer", oid::INT4),
    ("national char", oid::BPCHAR),
    ("national character", oid::BPCHAR),
    ("nchar", oid::BPCHAR),
    ("real", oid::FLOAT4),
    ("smallint", oid::INT2),
    ("time with time zone", oid::TIMETZ),
    ("time without time zone", oid::TIME),
    ("timestamp with time zone", oid::TIMESTAMPTZ),
    ("timestamp without time zone", oid::TIMESTAMP),
];

/// Longest `varchar(n)` and `char(n)`.
const CHAR_LENGTH_MAX: i32 = 10 * 1024 * 1024;
/// Longest `bit(n)` and `bit varying(n)`.
pub(crate) const BIT_LENGTH_MAX: i32 = CHAR_LENGTH_MAX * 8;
/// Most fractional digits of a second.
const SECOND_PRECISION_MAX: i32 = 6;

/// All built-in types by OID.
pub fn all() -> &'static [TypeInfo] {
    &TYPES
}

/// The facts of a type, built in or of a user.
#[derive(Clone, Debug)]
pub enum TypeRef {
    /// A built-in type.
    BuiltIn(&'static TypeInfo),
    /// A type that a user has made.
    User(Arc<UserType>),
}

impl Deref for TypeRef {
    type Target = TypeInfo;

    fn deref(&self) -> &TypeInfo {
        match self {
            TypeRef::BuiltIn(info) => info,
            TypeRef::User(ty) => &ty.info,
        }
    }
}

/// Finds a type by OID.
#[inline]
pub fn by_oid(oid: Oid) -> Option<TypeRef> {
    match user::may_be(oid) {
        false => built_in(oid).map(TypeRef::BuiltIn),
        true => user::find(oid).map(TypeRef::User),
    }
}

/// Finds a built-in type by OID.
#[inline]
pub fn built_in(oid: Oid) -> Option<&'static TypeInfo> {
    TYPES.binary_search_by_key(&oid, |t| t.oid).ok().map(|at| &TYPES[at])
}

/// The type that values of a type are of: for a domain the one at its bottom.
#[inline]
pub fn base_type(oid: Oid) -> Oid {
    match oid < user::FIRST_USER_OID {
        true => oid,
        false => user::find(oid).and_then(|ty| ty.domain().map(|d| d.base.oid)).unwrap_or(oid),
    }
}

/// The type and modifier that values of a type have.
pub fn base_of(ty: DataType) -> DataType {
    match ty.oid < user::FIRST_USER_OID {
        true => ty,
        false => user::find(ty.oid).and_then(|ty| ty.domain().map(|d| d.base)).unwrap_or(ty),
    }
}

/// Whether a type is a domain.
#[inline]
pub fn is_domain(oid: Oid) -> bool {
    oid >= user::FIRST_USER_OID && user::find(oid).is_some_and(|ty| ty.domain().is_some())
}

/// Whether a type is one of rows: `record`, a composite, a domain over one.
#[inline]
pub fn is_row(oid: Oid) -> bool {
    oid == oid::RECORD || user::may_be(oid) && user::row_relation(oid).is_some()
}

/// Whether a type is a composite, or a domain over one.
#[inline]
pub fn is_composite(oid: Oid) -> bool {
    user::may_be(oid) && user::row_relation(oid).is_some()
}

/// Finds a built-in type by its `typname`, exactly.
pub fn by_name(name: &str) -> Option<&'static TypeInfo> {
    TYPES.iter().find(|t| t.name == name)
}

/// Finds a type by the name a statement uses: `typname` or an SQL name such as `double precision`, in lower case.
/// (`char` is SQL's `character`; the one-byte `"char"` is found by [`by_name`].)
pub fn by_sql_name(name: &str) -> Option<&'static TypeInfo> {
    match ALIASES.binary_search_by_key(&name, |(alias, _)| alias) {
        Ok(at) => built_in(ALIASES[at].1),
        Err(_) => by_name(name),
    }
}

/// The array type over `element`; 0 when there is none.
pub fn array_of(element: Oid) -> Oid {
    by_oid(element).map_or(0, |t| t.array_oid)
}

/// The element type of a true array type (also `int2vector` and `oidvector`); `None` for other types.
#[inline]
pub fn element_of(array: Oid) -> Option<Oid> {
    match !user::may_be(array) {
        true => built_in(array).filter(|t| t.kind == TypeKind::Array).map(|t| t.element_oid),
        false => by_oid(array).filter(|t| t.kind == TypeKind::Array).map(|t| t.element_oid),
    }
}

/// Whether the type is one of the `reg*` aliases of `oid`.
pub fn is_reg(oid: Oid) -> bool {
    use super::oid::*;
    matches!(
        oid,
        REGPROC
            | REGPROCEDURE
            | REGOPER
            | REGOPERATOR
            | REGCLASS
            | REGTYPE
            | REGROLE
            | REGNAMESPACE
            | REGCOLLATION
            | REGCONFIG
            | REGDICTIONARY
    )
}

/// SQL's name of a type with its modifier: `format_type(oid, typmod)`; without modifier `None`.
///
/// A modifier of -1 is not the same as none: `char` without a length is then `bpchar`.
pub fn format_type(oid: Oid, typmod: Option<i32>) -> String {
    if oid == 0 {
        return "-".to_owned();
    }
    let Some(info) = by_oid(oid) else { return "???".to_owned() };
    if info.kind == TypeKind::Array && oid != oid::INT2VECTOR && oid != oid::OIDVECTOR {
        return format!("{}[]", format_type(info.element_oid, typmod));
    }
    if let TypeRef::User(ty) = &info {
        return user::shown_name(ty);
    }
    let modifier = typmod.filter(|m| *m >= 0).map(|m| typmod_out(oid, m)).unwrap_or_default();
    let bare_length = typmod == Some(-1);
    let name = match oid {
        oid::BIT if bare_length => "\"bit\"",
        oid::BIT => "bit",
        oid::BOOL => "boolean",
        oid::BPCHAR if bare_length => "bpchar",
        oid::BPCHAR => "character",
        oid::CHAR => "\"char\"",
        oid::ANY => "\"any\"",
        oid::FLOAT4 => "real",
        oid::FLOAT8 => "double precision",
        oid::INT2 => "smallint",
        oid::INT4 => "integer",
        oid::INT8 => "bigint",
        oid::TIME => return format!("time{modifier} without time zone"),
        oid::TIMETZ => return format!("time{modifier} with time zone"),
        oid::TIMESTAMP => return format!("timestamp{modifier} without time zone"),
        oid::TIMESTAMPTZ => return format!("timestamp{modifier} with time zone"),
        oid::VARBIT => "bit varying",
        oid::VARCHAR => "character varying",
        _ => &info.name,
    };
    format!("{name}{modifier}")
}

/// SQL's name of a type without modifier, as error messages have it.
pub fn type_name(oid: Oid) -> String {
    format_type(oid, None)
}

/// The text of a type modifier: `(10,2)`, ` day to second(3)`; empty for -1.
pub fn typmod_out(oid: Oid, typmod: i32) -> String {
    if typmod < 0 {
        return String::new();
    }
    match oid {
        oid::VARCHAR | oid::BPCHAR if typmod >= 4 => format!("({})", typmod - 4),
        oid::NUMERIC if typmod >= 4 => {
            let (precision, scale) = precision_and_scale(typmod);
            format!("({precision},{scale})")
        }
        oid::INTERVAL => interval_typmod_out(typmod),
        oid::VARCHAR | oid::BPCHAR | oid::NUMERIC => String::new(),
        _ => format!("({typmod})"),
    }
}

/// Bit of a field in the range part of an interval modifier.
const MONTH: i32 = 1 << 1;
const YEAR: i32 = 1 << 2;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;
/// Range of an interval modifier that allows all fields.
pub(super) const INTERVAL_FULL_RANGE: i32 = 0x7fff;
/// Precision of an interval modifier that allows all digits.
pub(super) const INTERVAL_FULL_PRECISION: i32 = 0xffff;

const INTERVAL_RANGES: [(&str, i32); 13] = [
    ("year", YEAR),
    ("month", MONTH),
    ("day", DAY),
    ("hour", HOUR),
    ("minute", MINUTE),
    ("second", SECOND),
    ("year to month", YEAR | MONTH),
    ("day to hour", DAY | HOUR),
    ("day to minute", DAY | HOUR | MINUTE),
    ("day to second", DAY | HOUR | MINUTE | SECOND),
    ("hour to minute", HOUR | MINUTE),
    ("hour to second", HOUR | MINUTE | SECOND),
    ("minute to second", MINUTE | SECOND),
];

fn interval_typmod_out(typmod: i32) -> String {
    let (range, precision) = ((typmod >> 16) & INTERVAL_FULL_RANGE, typmod & INTERVAL_FULL_PRECISION);
    let mut text = INTERVAL_RANGES
        .iter()
        .find(|(_, mask)| *mask == range)
        .map(|(name, _)| format!(" {name}"))
        .unwrap_or_default();
    if precision != INTERVAL_FULL_PRECISION {
        text += &format!("({precision})");
    }
    text
}

/// The modifier of `interval FIELDS (precision)`; `fields` in lower case, empty for none.
///
/// # Errors
/// 22023 for a negative precision, 42601 for unknown fields. A precision above 6 counts as 6.
pub fn interval_typmod(fields: &str, precision: Option<i32>) -> Result<i32> {
    let range = match fields {
        "" if precision.is_none() => return Ok(-1),
        "" => INTERVAL_FULL_RANGE,
        _ => INTERVAL_RANGES
            .iter()
            .find(|(name, _)| *name == fields)
            .map(|(_, mask)| *mask)
            .ok_or_else(|| sql_err!(SYNTAX_ERROR, "syntax error at or near \"{fields}\""))?,
    };
    let precision = match precision {
        None => INTERVAL_FULL_PRECISION,
        Some(p) if p < 0 => {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "INTERVAL({p}) precision must not be negative"));
        }
        Some(p) => p.min(SECOND_PRECISION_MAX),
    };
    Ok((range << 16) | precision)
}

/// The modifier that `type(args)` means.
///
/// # Errors
/// 22023 with the type's own text, 42601 for a type without modifiers.
pub fn typmod_in(oid: Oid, args: &[i32]) -> Result<i32> {
    let invalid = || sql_err!(INVALID_PARAMETER_VALUE, "invalid type modifier");
    match oid {
        oid::VARCHAR | oid::BPCHAR | oid::BIT | oid::VARBIT => {
            let [n] = args[..] else { return Err(invalid()) };
            let name = match oid {
                oid::VARCHAR => "varchar",
                oid::BPCHAR => "char",
                oid::BIT => "bit",
                _ => "varbit",
            };
            if n < 1 {
                return Err(sql_err!(INVALID_PARAMETER_VALUE, "length for type {name} must be at least 1"));
            }
            let bits = oid == oid::BIT || oid == oid::VARBIT;
            let limit = if bits { BIT_LENGTH_MAX } else { CHAR_LENGTH_MAX };
            if n > limit {
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "length for type {name} cannot exceed {limit}"
                ));
            }
            Ok(if bits { n } else { n + 4 })
        }
        oid::NUMERIC => numeric_typmod(args),
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            let [n] = args[..] else { return Err(invalid()) };
            if n < 0 {
                let (word, zone) = match oid {
                    oid::TIME => ("TIME", ""),
                    oid::TIMETZ => ("TIME", " WITH TIME ZONE"),
                    oid::TIMESTAMP => ("TIMESTAMP", ""),
                    _ => ("TIMESTAMP", " WITH TIME ZONE"),
                };
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "{word}({n}){zone} precision must not be negative"
                ));
            }
            Ok(n.min(SECOND_PRECISION_MAX))
        }
        oid::INTERVAL => match args[..] {
            [n] => interval_typmod("", Some(n)),
            _ => Err(invalid()),
        },
        _ => match element_of(oid) {
            Some(element) => typmod_in(element, args),
            None => Err(sql_err!(
                SYNTAX_ERROR,
                "type modifier is not allowed for type \"{}\"",
                by_oid(oid).map_or_else(|| "???".to_owned(), |t| t.name.to_string())
            )),
        },
    }
}

fn numeric_typmod(args: &[i32]) -> Result<i32> {
    let (precision, scale) = match args[..] {
        [precision] => (precision, 0),
        [precision, scale] => (precision, scale),
        _ => return Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier")),
    };
    if !(1..=1000).contains(&precision) {
        return Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "NUMERIC precision {precision} must be between 1 and 1000"
        ));
    }
    if !(-1000..=1000).contains(&scale) {
        return Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "NUMERIC scale {scale} must be between -1000 and 1000"
        ));
    }
    Ok(typmod_of(precision, scale))
}

/// Reads a built-in type as a cast writes it: `varchar(5)[]`, `timestamp(3) with time zone`, `"char"`; `None` when the text
/// names no built-in type, so that the catalog may look further.
///
/// # Errors
/// 22023 for a bad modifier.
pub fn parse_type(text: &str) -> Result<Option<DataType>> {
    let mut text = text.trim();
    let mut is_array = false;
    while let Some(rest) = text.strip_suffix(']') {
        let Some((rest, length)) = rest.rsplit_once('[') else { return Ok(None) };
        if !length.trim().bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        text = rest.trim_end();
        is_array = true;
    }
    let text = text.strip_prefix("pg_catalog.").unwrap_or(text);
    let (before, args, after) = match text.split_once('(') {
        None => (text, None, ""),
        Some((before, rest)) => match rest.split_once(')') {
            Some((args, after)) => (before, Some(args), after),
            None => return Ok(None),
        },
    };
    let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
    let name = words.join(" ");
    let info = match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(quoted) => by_name(quoted),
        None => by_sql_name(&name.to_ascii_lowercase()),
    };
    let lower = name.to_ascii_lowercase();
    let fields = lower.strip_prefix("interval ").unwrap_or("");
    let info = info
        .or_else(|| built_in(oid::INTERVAL).filter(|_| INTERVAL_RANGES.iter().any(|(n, _)| *n == fields)));
    let Some(info) = info else { return Ok(None) };
    let args: Option<Vec<i32>> = match args.map(|a| a.split(',').map(|n| n.trim().parse().ok()).collect()) {
        None => Some(Vec::new()),
        Some(list) => list,
    };
    let Some(args) = args else { return Ok(None) };
    let typmod = match (info.oid, &args[..]) {
        (oid::INTERVAL, args) => interval_typmod(fields, args.first().copied())?,
        // SQL's char is char(1), its bit is bit(1).
        (oid::BIT, []) if !name.starts_with('"') => 1,
        (oid::BPCHAR, []) if lower != "bpchar" => typmod_in(oid::BPCHAR, &[1])?,
        (oid::FLOAT8, [1..=24]) if lower == "float" => {
            return Ok(Some(DataType::of(if is_array { array_of(oid::FLOAT4) } else { oid::FLOAT4 })));
        }
        (oid::FLOAT8, [25..=53]) if lower == "float" => -1,
        (_, []) => -1,
        (oid, args) => typmod_in(oid, args)?,
    };
    Ok(Some(DataType { oid: if is_array { info.array_oid } else { info.oid }, typmod }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(TYPES.is_sorted_by(|a, b| a.oid < b.oid));
        assert!(ALIASES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn arrays_and_elements_point_at_each_other() {
        for t in all().iter().filter(|t| t.array_oid != 0) {
            assert_eq!(element_of(t.array_oid), Some(t.oid), "{}", t.name);
        }
    }

    #[test]
    fn type_names_are_postgresqls() {
        for (oid, typmod, want) in [
            (1042, Some(-1), "bpchar"),
            (1042, None, "character"),
            (1042, Some(9), "character(5)"),
            (18, Some(-1), "\"char\""),
            (2276, None, "\"any\""),
            (1115, Some(3), "timestamp(3) without time zone[]"),
            (99999, None, "???"),
            (0, None, "-"),
            (1700, Some(655366), "numeric(10,2)"),
            (1700, Some(typmod_of(5, -2)), "numeric(5,-2)"),
            (1015, Some(9), "character varying(5)[]"),
            (22, Some(-1), "int2vector"),
            (1186, Some(327679), "interval year"),
            (1186, Some(470286339), "interval day to second(3)"),
            (1186, Some(2147418116), "interval(4)"),
            (2287, Some(-1), "record[]"),
        ] {
            assert_eq!(format_type(oid, typmod), want);
        }
    }

    #[test]
    fn type_texts_are_read_back() {
        for text in [
            "integer",
            "character varying(5)[]",
            "timestamp(3) with time zone",
            "numeric(10,-2)",
            "interval day to second(3)",
            "interval(2)",
            "double precision[]",
            "\"char\"",
            "bpchar",
            "character(3)",
        ] {
            let t = parse_type(text).unwrap().unwrap();
            assert_eq!(format_type(t.oid, Some(t.typmod)), text);
        }
        assert_eq!(parse_type("nosuch").unwrap(), None);
        assert_eq!(parse_type("float(10)").unwrap(), Some(DataType::of(oid::FLOAT4)));
    }
}
