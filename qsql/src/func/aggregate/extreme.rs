//! `min`, `max`, and the bitwise and Boolean aggregates: folds of the values by a binary operation.

use super::{State, first_type};
use crate::error::{Result, SqlError};
use crate::func::{Aggregate, EvalCx};
use crate::types::bits::BitOperation;
use crate::types::compare::compare;
use crate::types::{DataType, Datum, Oid};

/// `min` and `max`: of equal values the last one stays.
struct Extreme {
    best: Datum,
    ty: Oid,
    max: bool,
}

impl Extreme {
    #[inline]
    fn offer(&mut self, value: &Datum) {
        let keep = !self.best.is_null() && {
            let order = compare(&self.best, value, self.ty);
            if self.max { order.is_gt() } else { order.is_lt() }
        };
        if !keep {
            self.best = value.clone();
        }
    }
}

impl State for Extreme {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        if let Some(value) = args.first().filter(|v| !v.is_null()) {
            self.offer(value);
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if !other.best.is_null() {
            self.offer(&other.best);
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.best.clone())
    }

    fn heap_bytes(&self) -> usize {
        self.best.heap_bytes()
    }
}

/// A fold over Booleans, integers or bit strings.
struct Fold {
    value: Datum,
    with: Operation,
}

#[derive(Clone, Copy)]
enum Operation {
    And,
    Or,
    Xor,
}

impl Operation {
    fn bits(self, a: i64, b: i64) -> i64 {
        match self {
            Operation::And => a & b,
            Operation::Or => a | b,
            Operation::Xor => a ^ b,
        }
    }

    fn of_strings(self) -> BitOperation {
        match self {
            Operation::And => BitOperation::And,
            Operation::Or => BitOperation::Or,
            Operation::Xor => BitOperation::Xor,
        }
    }

    fn apply(self, a: &Datum, b: &Datum) -> Result<Datum> {
        Ok(match (a, b) {
            (Datum::Null, value) => value.clone(),
            (Datum::Bool(a), Datum::Bool(b)) => Datum::Bool(self.bits((*a).into(), (*b).into()) != 0),
            (Datum::Int2(a), Datum::Int2(b)) => Datum::Int2(self.bits((*a).into(), (*b).into()) as i16),
            (Datum::Int4(a), Datum::Int4(b)) => Datum::Int4(self.bits((*a).into(), (*b).into()) as i32),
            (Datum::Bits(a), Datum::Bits(b)) => Datum::Bits(a.combine(b, self.of_strings())?),
            (Datum::Int8(a), Datum::Int8(b)) => Datum::Int8(self.bits(*a, *b)),
            _ => return Err(SqlError::internal("bitwise aggregate of a value without bits")),
        })
    }
}

impl State for Fold {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        if let Some(value) = args.first().filter(|v| !v.is_null()) {
            self.value = self.with.apply(&self.value, value)?;
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if !other.value.is_null() {
            self.value = self.with.apply(&self.value, &other.value)?;
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.value.clone())
    }
}

fn extreme(types: &[DataType], max: bool) -> Box<dyn Aggregate> {
    Box::new(Extreme { best: Datum::Null, ty: first_type(types), max })
}

fn fold(with: Operation) -> Box<dyn Aggregate> {
    Box::new(Fold { value: Datum::Null, with })
}

/// `max`
pub(in crate::func) fn agg_max(types: &[DataType]) -> Box<dyn Aggregate> {
    extreme(types, true)
}

/// `min`
pub(in crate::func) fn agg_min(types: &[DataType]) -> Box<dyn Aggregate> {
    extreme(types, false)
}

/// `bit_and`
pub(in crate::func) fn agg_bit_and(_: &[DataType]) -> Box<dyn Aggregate> {
    fold(Operation::And)
}

/// `bit_or`
pub(in crate::func) fn agg_bit_or(_: &[DataType]) -> Box<dyn Aggregate> {
    fold(Operation::Or)
}

/// `bit_xor`
pub(in crate::func) fn agg_bit_xor(_: &[DataType]) -> Box<dyn Aggregate> {
    fold(Operation::Xor)
}

/// `bool_and`
pub(in crate::func) fn agg_bool_and(_: &[DataType]) -> Box<dyn Aggregate> {
    fold(Operation::And)
}

/// `every`
pub(in crate::func) fn agg_every(_: &[DataType]) -> Box<dyn Aggregate> {
    fold(Operation::And)
}

/// `bool_or`
pub(in crate::func) fn agg_bool_or(_: &[DataType]) -> Box<dyn Aggregate> {
    fold(Operation::Or)
}
