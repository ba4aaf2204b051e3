//! Booleans: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::{boolean, hash, int};
use super::{I, V, absent, f};
use crate::types::oid::{BOOL, INT4, TEXT};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(56, "boollt", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::boollt)),
    f(57, "boolgt", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::boolgt)),
    f(60, "booleq", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::booleq)),
    f(84, "boolne", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::boolne)),
    f(1691, "boolle", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::boolle)),
    f(1692, "boolge", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::boolge)),
    f(1693, "btboolcmp", &[BOOL, BOOL], INT4, I, true, Scalar(boolean::btboolcmp)),
    f(2558, "int4", &[BOOL], INT4, I, true, Scalar(int::bool_int4)),
    f(2971, "text", &[BOOL], TEXT, I, true, Scalar(boolean::booltext)),
    f(3436, "pg_promote", &[BOOL, INT4], BOOL, V, true, Scalar(absent!("pg_promote"))).defaults(&["true", "60"]).names(&["wait", "wait_seconds"]),
    f(6417, "hashbool", &[BOOL], INT4, I, true, Scalar(hash::hashbool)),
    f(2515, "booland_statefunc", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::booland_statefunc)),
    f(2516, "boolor_statefunc", &[BOOL, BOOL], BOOL, I, true, Scalar(boolean::boolor_statefunc)),
];
