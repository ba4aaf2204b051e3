//! The one registry of functions, operators, aggregates and casts.
//!
//! Everything callable is a row in a static table: signature, volatility, strictness, body. OIDs and names are those of
//! PostgreSQL's `pg_proc`, `pg_operator` and `pg_cast`, so that catalogs and drivers find what they expect. Resolution by
//! PostgreSQL's rules (manual, chapter 10 "Type Conversion") is in `resolve`; the executor's vector kernels are keyed by the same OIDs.

pub mod access;
mod aggregate;
mod args;
mod array;
pub(crate) mod array_assign;
mod bits;
mod boolean;
mod bytea;
pub mod category;
mod collate;
mod datetime;
mod domain;
mod enumeration;
pub mod eval;
#[cfg(test)]
mod expressions;
mod float;
mod format;
mod hash;
mod hash_any;
mod ident;
mod int;
mod json;
pub mod large;
pub mod leakproof;
mod money;
mod network;
mod numeric;
pub mod opclass;
pub(crate) mod pattern;
pub mod quote;
mod range;
mod record;
pub mod resolve;
mod session;
mod set;
mod table;
pub(crate) use aggregate::order_mask;
pub use array::stack;
pub use bytea::find_encoding;
pub use hash::hash_u32_seeded as hash_number_seeded;
pub(crate) use json::{sql as sql_json, table as json_table};
pub(crate) use table::{
    ARRAY_ASSIGN, CURRENT_OF, FIELD_ASSIGN, IS_JSON, JSON_PARSE, JSON_QUERY, JSON_TABLE, JSONB_ASSIGN,
    NAME_ELEMENT, NEXT_IDENTITY, RECORD_FIELD, SQL_JSON_ARRAY, SQL_JSON_OBJECT, TO_DOMAIN,
};
mod template;
mod text;
mod unicode;
mod uuid;

use std::fmt;
use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;

use crate::catalog::Catalog;
use crate::error::Result;
use crate::plan::expr::{Expr, ExprKind};
use crate::types::{DataType, Datum, IoContext, Oid};

/// `pg_proc.provolatile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Same arguments, same result, for ever.
    Immutable,
    /// Constant within one statement.
    Stable,
    /// May change at every call or has side effects.
    Volatile,
}

/// A body that maps one row of arguments to one value. For strict functions no argument is NULL.
pub type ScalarBody = fn(&mut EvalCx<'_>, &[Datum]) -> Result<Datum>;

/// A body that maps one row of arguments to rows; each row has one value per output column.
pub type SetBody = fn(&mut EvalCx<'_>, &[Datum]) -> Result<Box<dyn SetRows>>;

/// A set-returning function's rows, produced on demand.
pub trait SetRows: Send {
    /// Returns the next row, or `None` at the end.
    fn next(&mut self, cx: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>>;
}

/// How a function computes.
#[derive(Clone, Copy)]
pub enum Body {
    /// One value per call.
    Scalar(ScalarBody),
    /// Rows per call.
    Set {
        /// The body.
        body: SetBody,
        /// Names and type OIDs of the OUT columns; empty: one column named after the function.
        columns: &'static [(&'static str, Oid)],
    },
    /// An aggregate: makes the state of one group for arguments of the given types.
    Aggregate(fn(&[DataType]) -> Box<dyn Aggregate>),
    /// A window function, evaluated by the window operator by OID.
    Window,
}

/// [`Function::direct_args`] of a hypothetical-set aggregate: its arguments are a row, the sort keys, and the order of these.
pub(crate) const HYPOTHETICAL: u8 = u8::MAX;

/// A row of the registry (`pg_proc`).
pub struct Function {
    /// `pg_proc.oid`
    pub oid: Oid,
    /// `proname`
    pub name: &'static str,
    /// Argument type OIDs, pseudo-types included; a VARIADIC argument is last, as its array type.
    pub args: &'static [Oid],
    /// `provariadic`: element type of a VARIADIC last argument (`ANY` for VARIADIC "any"); 0 for none.
    pub variadic: Oid,
    /// SQL text of the defaults of the trailing arguments that may be left out.
    pub defaults: &'static [&'static str],
    /// Names of the arguments, where named notation may be used.
    pub arg_names: &'static [&'static str],
    /// Result type OID.
    pub result: Oid,
    /// Volatility.
    pub volatility: Volatility,
    /// NULL argument, NULL result, without a call. For aggregates: rows with a NULL argument are skipped.
    pub strict: bool,
    /// For ordered-set aggregates (`WITHIN GROUP`): how many of the arguments are direct ones; [`HYPOTHETICAL`] for those with
    /// as many direct arguments as sort keys.
    pub direct_args: Option<u8>,
    /// Some parameter takes any type: the body may look at [`EvalCx::arg_types`] and [`EvalCx::result`], which callers set.
    pub polymorphic: bool,
    /// The implementation.
    pub body: Body,
}

/// The built-in body of a routine that belongs to something a user has made, by its `prosrc`.
pub fn internal_body(name: &str) -> Option<ScalarBody> {
    Some(match name {
        "range_constructor2" => |cx, args| range::range2(args, range::made_type(cx)?),
        "range_constructor3" => |cx, args| range::range3(args, range::made_type(cx)?),
        "multirange_constructor0" => |cx, args| range::multirange0(args, range::made_type(cx)?),
        "multirange_constructor1" => |cx, args| range::multirange1(args, range::made_type(cx)?),
        "multirange_constructor2" => |cx, args| range::multirange2(args, range::made_type(cx)?),
        _ => return None,
    })
}

/// Stands for the aggregates that users have made, where a row of the registry is asked for.
pub static USER_AGGREGATE: Function = Function {
    oid: 0,
    name: "",
    args: &[],
    variadic: 0,
    defaults: &[],
    arg_names: &[],
    result: 0,
    volatility: Volatility::Volatile,
    strict: false,
    direct_args: None,
    polymorphic: false,
    body: Body::Aggregate(aggregate::user_aggregate),
};

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.oid)
    }
}

impl Function {
    /// Whether it returns rows.
    pub fn is_set(&self) -> bool {
        matches!(self.body, Body::Set { .. })
    }

    /// Whether it is an aggregate.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.body, Body::Aggregate(_))
    }

    /// Whether it is a window function proper (aggregates may serve as window functions, too).
    pub fn is_window(&self) -> bool {
        matches!(self.body, Body::Window)
    }
}

/// A row of `pg_operator`: an operator is a name for a function.
#[derive(Debug)]
pub struct Operator {
    /// `pg_operator.oid`
    pub oid: Oid,
    /// `oprname`
    pub name: &'static str,
    /// Left operand type; 0 for a prefix operator.
    pub left: Oid,
    /// Right operand type.
    pub right: Oid,
    /// Result type.
    pub result: Oid,
    /// `pg_proc.oid` of the implementation (`oprcode`).
    pub function: Oid,
    /// Commutator's OID, 0 for none.
    pub commutator: Oid,
    /// Negator's OID, 0 for none.
    pub negator: Oid,
    /// `oprcanhash`
    pub hashes: bool,
    /// `oprcanmerge`
    pub merges: bool,
}

/// `pg_cast.castcontext`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere.
    Implicit,
    /// In assignments to a column, and explicitly.
    Assignment,
    /// Only by CAST or `::`.
    Explicit,
}

/// How a cast is carried out (`pg_cast.castmethod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastMethod {
    /// By the function with this OID.
    Function(Oid),
    /// The representations are the same.
    Binary,
    /// By the text forms.
    InOut,
}

/// A row of `pg_cast`.
#[derive(Debug)]
pub struct Cast {
    /// `pg_cast.oid`
    pub oid: Oid,
    /// Source type.
    pub source: Oid,
    /// Target type.
    pub target: Oid,
    /// Where it applies.
    pub context: CastContext,
    /// How it works.
    pub method: CastMethod,
}

/// The running state of one aggregate over one group.
pub trait Aggregate: Send {
    /// Takes one row of arguments.
    fn add(&mut self, cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<()>;
    /// Takes over what another state of the same aggregate has seen.
    fn merge(&mut self, other: &mut dyn Aggregate) -> Result<()>;
    /// Returns the result. The state stays usable.
    fn finish(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum>;
    /// Returns the result of a state that is not asked again: what it holds may go into it.
    fn take_result(&mut self, cx: &mut EvalCx<'_>) -> Result<Datum> {
        self.finish(cx)
    }
    /// Heap bytes held, for the memory budget; called per row, so it must be quick.
    fn bytes(&self) -> usize {
        0
    }
    /// For `merge`: the concrete state.
    fn as_any(&mut self) -> &mut dyn std::any::Any;
}

/// What a body may see beside its arguments.
pub struct EvalCx<'a> {
    /// How values are read and written: DateStyle, TimeZone, ...
    pub io: &'a IoContext<'a>,
    /// The session.
    pub host: &'a mut dyn Host,
    /// Types of the call's arguments, for polymorphic bodies; empty where not supplied.
    pub arg_types: &'a [DataType],
    /// Result type of the call.
    pub result: DataType,
}

/// The session behind [`EvalCx`]: what functions do that is not a pure function of values.
///
/// Times are microseconds since 2000-01-01 UTC.
pub trait Host {
    /// `now()`: start of the transaction.
    fn transaction_time(&self) -> i64;
    /// Start of the statement.
    fn statement_time(&self) -> i64;
    /// The wall clock.
    fn clock_time(&self) -> i64;
    /// `current_user`
    fn current_user(&self) -> Arc<str>;
    /// `session_user`
    fn session_user(&self) -> Arc<str>;
    /// The catalog under the statement's snapshot.
    fn catalog(&self) -> &dyn Catalog;
    /// `nextval` of the sequence with this OID.
    fn nextval(&mut self, sequence: Oid) -> Result<i64>;
    /// The next value of the sequence behind an identity column: whoever may insert may take it.
    fn next_identity(&mut self, sequence: Oid) -> Result<i64> {
        self.nextval(sequence)
    }
    /// Whether the user may read a column of a table, so that errors may show its values.
    fn may_read(&self, _relation: Oid, _column: usize) -> bool {
        true
    }
    /// `currval`
    fn currval(&mut self, sequence: Oid) -> Result<i64>;
    /// `lastval`
    fn lastval(&mut self) -> Result<i64>;
    /// `setval`
    fn setval(&mut self, sequence: Oid, value: i64, called: bool) -> Result<i64>;
    /// `current_setting`; `None` for an unknown name.
    fn setting(&self, name: &str) -> Option<String>;
    /// `set_config`; returns the value as stored.
    fn set_setting(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String>;
    /// A uniformly distributed 64-bit number from the session's generator (`setseed` seeds it).
    fn random(&mut self) -> u64;
    /// `setseed`
    fn seed(&mut self, seed: f64);
    /// `pg_backend_pid()`
    fn backend_pid(&self) -> i32;
    /// Sleeps, interruptibly.
    fn sleep(&mut self, micros: i64) -> Result<()>;
    /// A system function whose answer only the engine knows (`pg_relation_size`, `pg_cancel_backend`, `txid_current`,
    /// advisory locks, `pg_get_indexdef`, ...), by the name it is registered under.
    fn system(&mut self, name: &str, args: &[Datum]) -> Result<Datum>;
    /// As [`Host::system`], of a function that returns rows.
    fn system_rows(&mut self, name: &str, args: &[Datum]) -> Result<Vec<Vec<Datum>>>;
    /// The session itself, for those who know what it is.
    fn as_any(&mut self) -> Option<&mut dyn std::any::Any> {
        None
    }
    /// Fails with 57014 (or another code) when the statement is to stop; long loops call it now and then.
    fn check_interrupt(&self) -> Result<()>;
    /// Sets memory aside for a large value that is about to be made; see [`EvalCx::reserve`].
    ///
    /// # Errors
    /// 53200 when there is not so much.
    fn reserve(&mut self, bytes: usize) -> Result<()>;
    /// Gives back what was set aside: the values have been handed over to whoever counts them, or dropped.
    fn release(&mut self);
}

/// The registry's indexes, made at first use.
struct Registry {
    by_name: HashMap<&'static str, Vec<&'static Function>>,
    by_oid: HashMap<Oid, &'static Function>,
    operators: HashMap<&'static str, Vec<&'static Operator>>,
    operators_by_oid: HashMap<Oid, &'static Operator>,
    casts: HashMap<(Oid, Oid), &'static Cast>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for function in all_functions() {
        by_name.entry(function.name).or_default().push(function);
    }
    let mut operators: HashMap<_, Vec<_>> = HashMap::new();
    for operator in table::OPERATORS {
        operators.entry(operator.name).or_default().push(operator);
    }
    Registry {
        by_name,
        by_oid: all_functions().map(|f| (f.oid, f)).collect(),
        operators,
        operators_by_oid: table::OPERATORS.iter().map(|o| (o.oid, o)).collect(),
        casts: table::CASTS.iter().map(|c| ((c.source, c.target), c)).collect(),
    }
});

/// Every function, for `pg_proc` and `pg_aggregate`.
pub fn all_functions() -> impl Iterator<Item = &'static Function> {
    table::FUNCTIONS.iter().flat_map(|topic| topic.iter())
}

/// Every operator, for `pg_operator`.
pub fn all_operators() -> impl Iterator<Item = &'static Operator> {
    table::OPERATORS.iter()
}

/// Every cast, for `pg_cast`.
pub fn all_casts() -> impl Iterator<Item = &'static Cast> {
    table::CASTS.iter()
}

/// The functions of this name, in the order of the tables.
pub fn functions(name: &str) -> &'static [&'static Function] {
    REGISTRY.by_name.get(name).map_or(&[], Vec::as_slice)
}

/// Finds a function by `pg_proc.oid`.
pub fn function_by_oid(oid: Oid) -> Option<&'static Function> {
    REGISTRY.by_oid.get(&oid).copied()
}

/// The operators of this name.
pub fn operators(name: &str) -> &'static [&'static Operator] {
    REGISTRY.operators.get(name).map_or(&[], Vec::as_slice)
}

/// Finds an operator by `pg_operator.oid`.
pub fn operator_by_oid(oid: Oid) -> Option<&'static Operator> {
    REGISTRY.operators_by_oid.get(&oid).copied()
}

/// Finds the catalogued cast between two types.
pub fn cast(source: Oid, target: Oid) -> Option<&'static Cast> {
    REGISTRY.casts.get(&(source, target)).copied()
}

/// Whether a function is one that SQL/JSON's grammar makes, and whose calls are printed in its words.
pub(crate) fn is_sql_json(func: &'static Function) -> bool {
    [&SQL_JSON_OBJECT, &SQL_JSON_ARRAY, &JSON_PARSE, &JSON_QUERY, &JSON_TABLE]
        .iter()
        .any(|own| std::ptr::eq(*own, func))
}

/// Whether a call is `JSON_EXISTS`, `JSON_QUERY` or `JSON_VALUE` whose path is known and asks for no time of the session's zone.
pub fn is_fixed_json_query(expr: &Expr) -> bool {
    const TIMES: [&str; 6] = [".datetime(", ".date(", ".time(", ".time_tz(", ".timestamp(", ".timestamp_tz("];
    match &expr.kind {
        ExprKind::Call { func, args, .. } if std::ptr::eq(*func, &JSON_QUERY) => match args.get(1) {
            Some(Expr { kind: ExprKind::Const(Datum::Text(path)), .. }) => {
                !TIMES.iter().any(|method| path.contains(method))
            }
            _ => false,
        },
        _ => false,
    }
}

/// The form of a VARIADIC "any" function that a call with the keyword VARIADIC means: its last argument is an array of
/// the arguments. The function itself when it has no such form.
pub fn spread_form(func: &'static Function) -> &'static Function {
    table::SPREAD.iter().find(|form| form.oid == func.oid).unwrap_or(func)
}
