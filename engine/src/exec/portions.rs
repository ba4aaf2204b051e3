//! Portions: hands on the input's batches in smaller pieces when the node above makes long values of them.
//!
//! A batch of 1024 rows is a good unit as long as values are short. `repeat(x, 1000000)` over a whole batch would hold a gigabyte
//! at once, of which a row-at-a-time executor needs a thousandth. So the first piece is small, and each one decides by what it has
//! cost how large the next may be: expressions over short values soon run over whole batches again.

use nq_qsql::error::Result;
use nq_qsql::func::Volatility;
use nq_qsql::plan::expr::{Expr, ExprKind};

use super::batch::BATCH_ROWS;
use super::vector::Kind;
use super::{Batch, ExecCx, Operator};

/// Rows of the first piece.
const FIRST_ROWS: usize = 16;
/// Bytes of long values that one piece should not exceed by much.
pub(super) const PIECE_BYTES: usize = 4 << 20;

/// Cuts the input's batches.
pub struct Portions {
    input: Box<dyn Operator>,
    rows: Pace,
    /// Most rows of a piece.
    most: usize,
    /// The batch at work and how many of its rows have been handed on.
    current: Option<(Batch, usize)>,
    /// What had been made when the last piece was handed on, and how many rows it had.
    last: (usize, usize),
}

impl Portions {
    /// Cuts the batches of `input` if one of `exprs`, which the node above computes over them, may make long values.
    pub fn below<'e>(input: Box<dyn Operator>, exprs: impl Iterator<Item = &'e Expr>) -> Box<dyn Operator> {
        let exprs: Vec<&Expr> = exprs.collect();
        // What a body writes, the next row's call may read.
        if exprs.iter().any(|e| calls_volatile_body(e)) {
            return Box::new(Portions { input, rows: Pace(1), most: 1, current: None, last: (0, 0) });
        }
        if !exprs.into_iter().any(makes_long_values) {
            return input;
        }
        Box::new(Portions { input, rows: Pace::default(), most: BATCH_ROWS, current: None, last: (0, 0) })
    }
}

impl Operator for Portions {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let (made, rows) = self.last;
        if rows > 0 {
            self.rows.adapt(rows, cx.run.made.saturating_sub(made));
        }
        let (batch, from) = match self.current.take() {
            Some(current) => current,
            None => match self.input.next(cx)? {
                Some(batch) => (batch, 0),
                None => return Ok(None),
            },
        };
        let to = batch.count().min(from + self.rows.0.min(self.most));
        self.last = (cx.run.made, to - from);
        if to < batch.count() {
            self.current = Some((batch.clone(), to));
        }
        Ok(Some(batch.slice(from, to)))
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.current = None;
        self.last = (0, 0);
        self.input.rescan(cx)
    }
}

/// How many rows to take at a time.
pub(super) struct Pace(pub(super) usize);

impl Default for Pace {
    fn default() -> Pace {
        Pace(FIRST_ROWS)
    }
}

impl Pace {
    /// Takes note of what `rows` rows have cost.
    pub(super) fn adapt(&mut self, rows: usize, bytes: usize) {
        let fitting = rows.saturating_mul(PIECE_BYTES) / bytes.max(1);
        self.0 = fitting.clamp(1, (self.0 * 4).min(BATCH_ROWS));
    }
}

/// Whether the expression calls a volatile function of a user's.
fn calls_volatile_body(expr: &Expr) -> bool {
    expr.any(&mut |e| {
        matches!(e.kind, ExprKind::Routine { .. })
            && e.called().is_some_and(|(v, _)| v == Volatility::Volatile)
    })
}

/// Whether the expression calls anything that makes strings, arrays or the like.
pub(super) fn makes_long_values(expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Call { .. }
        | ExprKind::Routine { .. }
        | ExprKind::Array { .. }
        | ExprKind::CoerceViaIo(_) => {
            matches!(Kind::of(expr.ty.oid), Kind::Str | Kind::Datum)
        }
        ExprKind::SubPlan { .. } => true,
        _ => false,
    };
    let mut found = own;
    expr.each_child(&mut |child| found = found || makes_long_values(child));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_the_cost() {
        let mut pace = Pace::default();
        for expected in [64, 256, 1024, 1024] {
            pace.adapt(pace.0, 0);
            assert_eq!(pace.0, expected);
        }
        pace.adapt(1024, 1 << 30);
        assert_eq!(pace.0, 4);
        pace.adapt(4, 1 << 30);
        assert_eq!(pace.0, 1);
        pace.adapt(1, 100);
        assert_eq!(pace.0, 4);
    }
}
