//! Amounts of money: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::money;
use super::{I, S, f, input, output};
use crate::types::oid::{BOOL, CSTRING, FLOAT4, FLOAT8, INT2, INT4, INT8, MONEY, NUMERIC, TEXT};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(377, "cash_cmp", &[MONEY, MONEY], INT4, I, true, Scalar(money::cash_cmp)),
    f(846, "cash_mul_flt4", &[MONEY, FLOAT4], MONEY, I, true, Scalar(money::cash_mul_flt4)),
    f(847, "cash_div_flt4", &[MONEY, FLOAT4], MONEY, I, true, Scalar(money::cash_div_flt4)),
    f(848, "flt4_mul_cash", &[FLOAT4, MONEY], MONEY, I, true, Scalar(money::flt4_mul_cash)),
    f(862, "int4_mul_cash", &[INT4, MONEY], MONEY, I, true, Scalar(money::int4_mul_cash)),
    f(863, "int2_mul_cash", &[INT2, MONEY], MONEY, I, true, Scalar(money::int2_mul_cash)),
    f(864, "cash_mul_int4", &[MONEY, INT4], MONEY, I, true, Scalar(money::cash_mul_int4)),
    f(865, "cash_div_int4", &[MONEY, INT4], MONEY, I, true, Scalar(money::cash_div_int4)),
    f(866, "cash_mul_int2", &[MONEY, INT2], MONEY, I, true, Scalar(money::cash_mul_int2)),
    f(867, "cash_div_int2", &[MONEY, INT2], MONEY, I, true, Scalar(money::cash_div_int2)),
    f(886, "cash_in", &[CSTRING], MONEY, S, true, Scalar(input!(MONEY))),
    f(887, "cash_out", &[MONEY], CSTRING, S, true, Scalar(output!(MONEY))),
    f(888, "cash_eq", &[MONEY, MONEY], BOOL, I, true, Scalar(money::cash_eq)),
    f(889, "cash_ne", &[MONEY, MONEY], BOOL, I, true, Scalar(money::cash_ne)),
    f(890, "cash_lt", &[MONEY, MONEY], BOOL, I, true, Scalar(money::cash_lt)),
    f(891, "cash_le", &[MONEY, MONEY], BOOL, I, true, Scalar(money::cash_le)),
    f(892, "cash_gt", &[MONEY, MONEY], BOOL, I, true, Scalar(money::cash_gt)),
    f(893, "cash_ge", &[MONEY, MONEY], BOOL, I, true, Scalar(money::cash_ge)),
    f(894, "cash_pl", &[MONEY, MONEY], MONEY, I, true, Scalar(money::cash_pl)),
    f(895, "cash_mi", &[MONEY, MONEY], MONEY, I, true, Scalar(money::cash_mi)),
    f(896, "cash_mul_flt8", &[MONEY, FLOAT8], MONEY, I, true, Scalar(money::cash_mul_flt8)),
    f(897, "cash_div_flt8", &[MONEY, FLOAT8], MONEY, I, true, Scalar(money::cash_div_flt8)),
    f(898, "cashlarger", &[MONEY, MONEY], MONEY, I, true, Scalar(money::cashlarger)),
    f(899, "cashsmaller", &[MONEY, MONEY], MONEY, I, true, Scalar(money::cashsmaller)),
    f(919, "flt8_mul_cash", &[FLOAT8, MONEY], MONEY, I, true, Scalar(money::flt8_mul_cash)),
    f(935, "cash_words", &[MONEY], TEXT, I, true, Scalar(money::cash_words)),
    f(3344, "cash_mul_int8", &[MONEY, INT8], MONEY, I, true, Scalar(money::cash_mul_int8)),
    f(3345, "cash_div_int8", &[MONEY, INT8], MONEY, I, true, Scalar(money::cash_div_int8)),
    f(3399, "int8_mul_cash", &[INT8, MONEY], MONEY, I, true, Scalar(money::int8_mul_cash)),
    f(3811, "money", &[INT4], MONEY, S, true, Scalar(money::int4_cash)),
    f(3812, "money", &[INT8], MONEY, S, true, Scalar(money::int8_cash)),
    f(3822, "cash_div_cash", &[MONEY, MONEY], FLOAT8, I, true, Scalar(money::cash_div_cash)),
    f(3823, "numeric", &[MONEY], NUMERIC, S, true, Scalar(money::cash_numeric)),
    f(3824, "money", &[NUMERIC], MONEY, S, true, Scalar(money::numeric_cash)),
];
