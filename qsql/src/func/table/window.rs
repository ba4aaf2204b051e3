//! Window functions: rows of `pg_proc`.

use super::super::Body::Window;
use super::super::Function;
use super::{I, f};
use crate::types::oid::{ANYCOMPATIBLE, ANYELEMENT, FLOAT8, INT4, INT8};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(3100, "row_number", &[], INT8, I, false, Window),
    f(3101, "rank", &[], INT8, I, false, Window),
    f(3102, "dense_rank", &[], INT8, I, false, Window),
    f(3103, "percent_rank", &[], FLOAT8, I, false, Window),
    f(3104, "cume_dist", &[], FLOAT8, I, false, Window),
    f(3105, "ntile", &[INT4], INT4, I, true, Window),
    f(3106, "lag", &[ANYELEMENT], ANYELEMENT, I, true, Window),
    f(3107, "lag", &[ANYELEMENT, INT4], ANYELEMENT, I, true, Window),
    f(3108, "lag", &[ANYCOMPATIBLE, INT4, ANYCOMPATIBLE], ANYCOMPATIBLE, I, true, Window),
    f(3109, "lead", &[ANYELEMENT], ANYELEMENT, I, true, Window),
    f(3110, "lead", &[ANYELEMENT, INT4], ANYELEMENT, I, true, Window),
    f(3111, "lead", &[ANYCOMPATIBLE, INT4, ANYCOMPATIBLE], ANYCOMPATIBLE, I, true, Window),
    f(3112, "first_value", &[ANYELEMENT], ANYELEMENT, I, true, Window),
    f(3113, "last_value", &[ANYELEMENT], ANYELEMENT, I, true, Window),
    f(3114, "nth_value", &[ANYELEMENT, INT4], ANYELEMENT, I, true, Window),
];
