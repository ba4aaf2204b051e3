//! The rows of the registry, by topic: what `pg_proc`, `pg_operator` and `pg_cast` of PostgreSQL 18 say, and the body of each.

mod aggregate;
mod array;
mod bits;
mod boolean;
mod bytea;
mod casts;
mod catalog;
mod datetime;
mod enumeration;
mod float;
mod hash;
mod ident;
mod int;
mod io;
mod json;
mod jsonb;
mod jsonpath;
mod money;
mod monitor;
mod network;
mod numeric;
mod operators;
mod pattern;
mod privilege;
mod range;
mod session;
mod set;
mod statistics;
mod system;
mod text;
mod uuid;
mod window;
mod wire;

pub(crate) use ident::{CURRENT_OF, NAME_ELEMENT, NEXT_IDENTITY, RECORD_FIELD};

/// An element or a slice of an array is replaced: the array, what goes there, which bounds are written (see `Shape`), the bounds.
/// The binder makes such calls for `SET a[1] = ..`; they are no row of `pg_proc`.
pub(crate) static ARRAY_ASSIGN: Function = f(
    0,
    "array_assign",
    &[ANYARRAY, ANY, INT4],
    ANYARRAY,
    I,
    false,
    Body::Scalar(super::array_assign::array_assign),
)
.variadic(INT4);

/// A part of a `jsonb` is replaced: the value, the path to the part, what goes there, and whether a value that is NULL becomes an
/// array (else an object). The binder makes such calls for `SET j['a'] = ..`; they are no row of `pg_proc`.
pub(crate) static JSONB_ASSIGN: Function = f(
    0,
    "jsonb_assign",
    &[JSONB, TEXT_A, JSONB, BOOL],
    JSONB,
    I,
    false,
    Body::Scalar(super::json::edit::jsonb_assign),
);

use super::{Body, Cast, CastContext, CastMethod, Function, Operator, Volatility};
use crate::types::Oid;
use crate::types::oid::{
    ANY, ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYELEMENT, ANYENUM, ANYMULTIRANGE, ANYNONARRAY,
    ANYRANGE, BOOL, INT4, JSON, JSONB, JSONPATH, OID, RECORD, TEXT,
};

const NAME_A: Oid = 1003;
const INT4_A: Oid = 1007;
const TEXT_A: Oid = 1009;
const FLOAT8_A: Oid = 1022;
const INTERVAL_A: Oid = 1187;

const I: Volatility = Volatility::Immutable;
const S: Volatility = Volatility::Stable;
const V: Volatility = Volatility::Volatile;

/// A function of the engine: forwarded under its name.
macro_rules! forward {
    ($name:literal) => {
        |cx, args| cx.host.system($name, args)
    };
}
use forward;

/// As `forward`, for a function that returns rows.
macro_rules! rows {
    ($name:literal) => {
        |cx, args| Ok(super::super::set::given(cx.host.system_rows($name, args)?))
    };
}
use rows;

/// A function that is listed but has no body.
macro_rules! absent {
    ($name:literal) => {
        |_, _| Err(crate::error::SqlError::unsupported(concat!("function ", $name)))
    };
}
use absent;

/// The input function of a type: from its text form (a cstring is held as text).
macro_rules! input {
    ($oid:ident) => {
        |cx, args| super::super::text::type_input(cx, args, crate::types::oid::$oid)
    };
}
use input;

/// The output function of a type.
macro_rules! output {
    ($oid:ident) => {
        |cx, args| super::super::text::type_output(cx, args, crate::types::oid::$oid)
    };
}
use output;

/// A value becomes one of a domain, which is the type of the result: its constraints are checked. The binder makes such calls; they
/// are no row of `pg_proc`.
pub(crate) static TO_DOMAIN: Function =
    f(0, "to_domain", &[ANY], ANY, S, false, Body::Scalar(super::domain::to_domain));

/// A field of a row is replaced: the row, of the type of the result, the field's index, the value. The binder makes such calls for
/// `SET c.f = ..`; they are no row of `pg_proc`.
pub(crate) static FIELD_ASSIGN: Function =
    f(0, "field_assign", &[ANY, INT4, ANY], ANY, I, false, Body::Scalar(super::record::assign));

/// `JSON_OBJECT`: see `json::sql`. What SQL/JSON's grammar makes is no row of `pg_proc`.
pub(crate) static SQL_JSON_OBJECT: Function =
    f(0, "json_object", &[BOOL, BOOL, ANY], JSON, S, false, Body::Scalar(super::json::sql::object))
        .variadic(ANY);
/// `JSON_ARRAY`
pub(crate) static SQL_JSON_ARRAY: Function =
    f(0, "json_array", &[BOOL, BOOL, ANY], JSON, S, false, Body::Scalar(super::json::sql::array))
        .variadic(ANY);
/// `JSON(text)`
pub(crate) static JSON_PARSE: Function =
    f(0, "json", &[TEXT, BOOL], JSON, I, true, Body::Scalar(super::json::sql::parse));
/// `IS JSON`
pub(crate) static IS_JSON: Function =
    f(0, "is_json", &[ANY, INT4, BOOL], BOOL, I, true, Body::Scalar(super::json::sql::is_json));
/// `JSON_EXISTS`, `JSON_QUERY`, `JSON_VALUE`
pub(crate) static JSON_QUERY: Function = f(
    0,
    "json_query",
    &[JSONB, JSONPATH, INT4, ANY, ANY, ANY, ANY],
    JSONB,
    S,
    false,
    Body::Scalar(super::json::sql::query),
)
.variadic(ANY);

/// `JSON_TABLE`
pub(crate) static JSON_TABLE: Function = f(
    0,
    "json_table",
    &[JSONB, INT4, INT4, ANY],
    RECORD,
    S,
    false,
    Body::Set { body: super::json::table::rows, columns: &[] },
)
.variadic(ANY);

/// Every function, in tables by topic.
pub(super) static FUNCTIONS: &[&[Function]] = &[
    aggregate::FUNCTIONS,
    array::FUNCTIONS,
    bits::FUNCTIONS,
    boolean::FUNCTIONS,
    bytea::FUNCTIONS,
    catalog::FUNCTIONS,
    datetime::FUNCTIONS,
    enumeration::FUNCTIONS,
    float::FUNCTIONS,
    hash::FUNCTIONS,
    ident::FUNCTIONS,
    int::FUNCTIONS,
    io::FUNCTIONS,
    json::FUNCTIONS,
    jsonb::FUNCTIONS,
    jsonpath::FUNCTIONS,
    money::FUNCTIONS,
    monitor::FUNCTIONS,
    network::FUNCTIONS,
    numeric::FUNCTIONS,
    pattern::FUNCTIONS,
    privilege::FUNCTIONS,
    range::FUNCTIONS,
    session::FUNCTIONS,
    set::FUNCTIONS,
    statistics::FUNCTIONS,
    system::FUNCTIONS,
    text::FUNCTIONS,
    uuid::FUNCTIONS,
    window::FUNCTIONS,
    wire::FUNCTIONS,
];

/// Every operator.
pub(super) static OPERATORS: &[Operator] = operators::OPERATORS;

/// Forms of VARIADIC "any" functions whose last argument is one array of the arguments.
#[rustfmt::skip]
pub(super) static SPREAD: &[Function] = &[
    f(438, "num_nulls", &[ANY], INT4, I, false, Body::Scalar(super::format::spread_num_nulls)).variadic(ANY),
    f(440, "num_nonnulls", &[ANY], INT4, I, false, Body::Scalar(super::format::spread_num_nonnulls)).variadic(ANY),
    f(3058, "concat", &[ANY], TEXT, S, false, Body::Scalar(super::format::spread_concat)).variadic(ANY),
    f(3059, "concat_ws", &[TEXT, ANY], TEXT, S, false, Body::Scalar(super::format::spread_concat_ws)).variadic(ANY),
    f(3198, "json_build_array", &[ANY], JSON, S, false, Body::Scalar(super::json::make::spread_json_build_array)).variadic(ANY),
    f(3200, "json_build_object", &[ANY], JSON, S, false, Body::Scalar(super::json::make::spread_json_build_object)).variadic(ANY),
    f(3271, "jsonb_build_array", &[ANY], JSONB, S, false, Body::Scalar(super::json::make::spread_jsonb_build_array)).variadic(ANY),
    f(3273, "jsonb_build_object", &[ANY], JSONB, S, false, Body::Scalar(super::json::make::spread_jsonb_build_object)).variadic(ANY),
    f(3539, "format", &[TEXT, ANY], TEXT, S, false, Body::Scalar(super::format::spread_format)).variadic(ANY),
];

/// `integer` to and from `oid` and the reg* types. PostgreSQL relabels; here the two have different forms.
pub(super) static INT4_TO_OID: Function =
    f(0, "oid", &[INT4], OID, I, true, Body::Scalar(super::ident::int4_oid));
/// See [`INT4_TO_OID`].
pub(super) static OID_TO_INT4: Function =
    f(0, "int4", &[OID], INT4, I, true, Body::Scalar(super::ident::oid_int4));

/// Every cast.
pub(super) static CASTS: &[Cast] = casts::CASTS;

/// One row of `pg_proc`.
const fn f(
    oid: Oid,
    name: &'static str,
    args: &'static [Oid],
    result: Oid,
    volatility: Volatility,
    strict: bool,
    body: Body,
) -> Function {
    let mut polymorphic = result == RECORD;
    let mut i = 0;
    while i < args.len() {
        polymorphic |= matches!(
            args[i],
            ANY | ANYELEMENT
                | ANYNONARRAY
                | ANYARRAY
                | ANYCOMPATIBLE
                | ANYCOMPATIBLEARRAY
                | ANYRANGE
                | ANYMULTIRANGE
                | RECORD
                | ANYENUM
        );
        i += 1;
    }
    Function {
        oid,
        name,
        args,
        variadic: 0,
        defaults: &[],
        arg_names: &[],
        result,
        volatility,
        strict,
        direct_args: None,
        polymorphic,
        body,
    }
}

impl Function {
    const fn variadic(mut self, element: Oid) -> Function {
        self.variadic = element;
        self
    }

    const fn defaults(mut self, texts: &'static [&'static str]) -> Function {
        self.defaults = texts;
        self
    }

    const fn names(mut self, names: &'static [&'static str]) -> Function {
        self.arg_names = names;
        self
    }

    const fn ordered_set(mut self, direct: u8) -> Function {
        self.direct_args = Some(direct);
        self
    }
}

/// One row of `pg_operator`.
#[allow(clippy::too_many_arguments, reason = "a table row")]
const fn o(
    oid: Oid,
    name: &'static str,
    left: Oid,
    right: Oid,
    result: Oid,
    function: Oid,
    commutator: Oid,
    negator: Oid,
    hashes: bool,
    merges: bool,
) -> Operator {
    Operator { oid, name, left, right, result, function, commutator, negator, hashes, merges }
}

/// One row of `pg_cast`.
const fn c(oid: Oid, source: Oid, target: Oid, context: CastContext, method: CastMethod) -> Cast {
    Cast { oid, source, target, context, method }
}
