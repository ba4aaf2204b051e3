//! Enums: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::enumeration;
use super::{I, S, absent, f};
use crate::types::oid::{ANYARRAY, ANYENUM, BOOL, BYTEA, CSTRING, INT4, INT8, OID};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(3414, "hashenumextended", &[ANYENUM, INT8], INT8, I, true, Scalar(absent!("hashenumextended"))),
    f(3505, "anyenum_out", &[ANYENUM], CSTRING, S, true, Scalar(enumeration::enum_out)),
    f(3506, "enum_in", &[CSTRING, OID], ANYENUM, S, true, Scalar(enumeration::enum_in)),
    f(3507, "enum_out", &[ANYENUM], CSTRING, S, true, Scalar(enumeration::enum_out)),
    f(3508, "enum_eq", &[ANYENUM, ANYENUM], BOOL, I, true, Scalar(enumeration::enum_eq)),
    f(3509, "enum_ne", &[ANYENUM, ANYENUM], BOOL, I, true, Scalar(enumeration::enum_ne)),
    f(3510, "enum_lt", &[ANYENUM, ANYENUM], BOOL, I, true, Scalar(enumeration::enum_lt)),
    f(3511, "enum_gt", &[ANYENUM, ANYENUM], BOOL, I, true, Scalar(enumeration::enum_gt)),
    f(3512, "enum_le", &[ANYENUM, ANYENUM], BOOL, I, true, Scalar(enumeration::enum_le)),
    f(3513, "enum_ge", &[ANYENUM, ANYENUM], BOOL, I, true, Scalar(enumeration::enum_ge)),
    f(3514, "enum_cmp", &[ANYENUM, ANYENUM], INT4, I, true, Scalar(enumeration::enum_cmp)),
    f(3515, "hashenum", &[ANYENUM], INT4, I, true, Scalar(enumeration::hashenum)),
    f(3524, "enum_smaller", &[ANYENUM, ANYENUM], ANYENUM, I, true, Scalar(enumeration::enum_smaller)),
    f(3525, "enum_larger", &[ANYENUM, ANYENUM], ANYENUM, I, true, Scalar(enumeration::enum_larger)),
    f(3528, "enum_first", &[ANYENUM], ANYENUM, S, false, Scalar(enumeration::enum_first)),
    f(3529, "enum_last", &[ANYENUM], ANYENUM, S, false, Scalar(enumeration::enum_last)),
    f(3530, "enum_range", &[ANYENUM, ANYENUM], ANYARRAY, S, false, Scalar(enumeration::enum_range)),
    f(3531, "enum_range", &[ANYENUM], ANYARRAY, S, false, Scalar(enumeration::enum_range_all)),
    f(3533, "enum_send", &[ANYENUM], BYTEA, S, true, Scalar(enumeration::enum_send)),
];
