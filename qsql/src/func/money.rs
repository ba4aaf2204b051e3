//! `money`.

use super::args::{Money, larger, order, scalar};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Numeric;
use crate::types::money::{from_cents, from_integer, from_numeric, in_words, out_of_range, to_numeric};

order!(|a: Money, b: Money| a.cmp(&b), Money, Money; cash_eq, cash_ne, cash_lt, cash_le, cash_gt, cash_ge, cash_cmp);
larger!(|a: Money, b: Money| a.cmp(&b), Money; cashlarger, cashsmaller);

#[cold]
fn division_by_zero() -> SqlError {
    sql_err!(DIVISION_BY_ZERO, "division by zero")
}

fn times(a: Money, by: i64) -> Result<Money> {
    a.0.checked_mul(by).map(Money).ok_or_else(out_of_range)
}

fn divided(a: Money, by: i64) -> Result<Money> {
    if by == 0 {
        return Err(division_by_zero());
    }
    a.0.checked_div(by).map(Money).ok_or_else(out_of_range)
}

fn times_float(a: Money, by: f64) -> Result<Money> {
    from_cents(a.0 as f64 * by).map(Money)
}

fn divided_float(a: Money, by: f64) -> Result<Money> {
    if by == 0.0 {
        return Err(division_by_zero());
    }
    from_cents(a.0 as f64 / by).map(Money)
}

scalar! {
    cash_pl(a: Money, b: Money) -> Money = Money(a.0.checked_add(b.0).ok_or_else(out_of_range)?);
    cash_mi(a: Money, b: Money) -> Money = Money(a.0.checked_sub(b.0).ok_or_else(out_of_range)?);
    cash_div_cash(a: Money, b: Money) -> f64 = {
        if b.0 == 0 {
            return Err(division_by_zero());
        }
        a.0 as f64 / b.0 as f64
    };
    cash_mul_int2(a: Money, by: i16) -> Money = times(a, by.into())?;
    cash_mul_int4(a: Money, by: i32) -> Money = times(a, by.into())?;
    cash_mul_int8(a: Money, by: i64) -> Money = times(a, by)?;
    int2_mul_cash(by: i16, a: Money) -> Money = times(a, by.into())?;
    int4_mul_cash(by: i32, a: Money) -> Money = times(a, by.into())?;
    int8_mul_cash(by: i64, a: Money) -> Money = times(a, by)?;
    cash_div_int2(a: Money, by: i16) -> Money = divided(a, by.into())?;
    cash_div_int4(a: Money, by: i32) -> Money = divided(a, by.into())?;
    cash_div_int8(a: Money, by: i64) -> Money = divided(a, by)?;
    cash_mul_flt4(a: Money, by: f32) -> Money = times_float(a, by.into())?;
    cash_mul_flt8(a: Money, by: f64) -> Money = times_float(a, by)?;
    flt4_mul_cash(by: f32, a: Money) -> Money = times_float(a, by.into())?;
    flt8_mul_cash(by: f64, a: Money) -> Money = times_float(a, by)?;
    cash_div_flt4(a: Money, by: f32) -> Money = divided_float(a, by.into())?;
    cash_div_flt8(a: Money, by: f64) -> Money = divided_float(a, by)?;
    cash_words(a: Money) -> String = in_words(a.0);
    cash_numeric(a: Money) -> Numeric = to_numeric(a.0)?;
    numeric_cash(a: &Numeric) -> Money = Money(from_numeric(a)?);
    int4_cash(a: i32) -> Money = Money(from_integer(a.into())?);
    int8_cash(a: i64) -> Money = Money(from_integer(a)?);
}
