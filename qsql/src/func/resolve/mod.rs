//! Which function, operator or cast a name means for arguments of given types.
//!
//! Pure functions over the registry, written after PostgreSQL manual, chapter 10 "Type Conversion": `function` (10.3),
//! `operator` (10.2), `common` (10.5), `coercion` (10.4 and the cast catalog), `polymorphic` (36.2.5). An untyped literal or
//! parameter has the type UNKNOWN. Errors carry no position; the binder adds it.

mod candidates;
mod coercion;
mod common;
mod function;
mod operator;
mod polymorphic;

pub use coercion::{Coercion, can_coerce, find_coercion};
pub use common::{CommonTypeError, select_common_type};
pub use function::{
    Among, ArgSource, Argument, CallShape, Callee, FunctionMatch, Resolution, UserCandidate, call_types,
    is_cast, resolve_among, resolve_function,
};
pub use operator::{
    OperatorCandidate, OperatorMatch, OperatorResolution, resolve_operator, resolve_operator_among,
};
pub use polymorphic::is_polymorphic;
