//! Limit: OFFSET, LIMIT and WITH TIES.

use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum};

use super::eval::Compiled;
use super::hash::equal_rows;
use super::{Batch, ExecCx, Operator};

/// Skips rows and stops early.
pub struct Limit {
    input: Box<dyn Operator>,
    offset: Option<Compiled>,
    count: Option<Compiled>,
    ties: Vec<(usize, DataType)>,
    state: Option<State>,
}

struct State {
    skip: u64,
    left: u64,
    /// Last row within the limit, alone in its batch, while ties are looked for.
    last: Option<Batch>,
    done: bool,
}

impl Limit {
    /// Limits `input`, whose slots have `types`.
    pub fn new(
        input: Box<dyn Operator>,
        offset: Option<&Expr>,
        count: Option<&Expr>,
        ties: &[u32],
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<Limit> {
        Ok(Limit {
            input,
            offset: offset.map(|e| Compiled::new(e, cx)).transpose()?,
            count: count.map(|e| Compiled::new(e, cx)).transpose()?,
            ties: ties.iter().map(|&s| (s as usize, types[s as usize])).collect(),
            state: None,
        })
    }

    fn start(&self, cx: &mut ExecCx<'_>) -> Result<State> {
        let amount = |expr: &Option<Compiled>, cx: &mut ExecCx<'_>| -> Result<Option<i64>> {
            match expr {
                Some(expr) => match expr.eval_alone(cx)? {
                    Datum::Int8(n) => Ok(Some(n)),
                    Datum::Int4(n) => Ok(Some(i64::from(n))),
                    _ => Ok(None),
                },
                None => Ok(None),
            }
        };
        let skip = u64::try_from(amount(&self.offset, cx)?.unwrap_or(0)).map_err(|_| {
            sql_err!(INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET must not be negative")
        })?;
        let left = match amount(&self.count, cx)? {
            None if self.count.is_some() && !self.ties.is_empty() => {
                return Err(sql_err!(
                    INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                    "row count cannot be null in FETCH FIRST ... WITH TIES clause"
                ));
            }
            None => u64::MAX,
            Some(n) => u64::try_from(n)
                .map_err(|_| sql_err!(INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative"))?,
        };
        Ok(State { skip, left, last: None, done: left == 0 })
    }

    /// Number of leading rows of `batch` that tie with `last`.
    fn tied(&self, last: &Batch, batch: &Batch) -> usize {
        let same = |row: usize| {
            self.ties
                .iter()
                .all(|&(slot, ty)| equal_rows(&last.columns[slot], 0, &batch.columns[slot], row, ty.oid))
        };
        batch.rows().iter().take_while(|&row| same(row)).count()
    }
}

impl Operator for Limit {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let mut state = match self.state.take() {
            Some(state) => state,
            None => self.start(cx)?,
        };
        let answer = self.advance(&mut state, cx);
        self.state = Some(state);
        answer
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.state = None;
        self.input.rescan(cx)
    }
}

impl Limit {
    fn advance(&mut self, state: &mut State, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while !state.done {
            let Some(batch) = self.input.next(cx)? else { break };
            let count = batch.count() as u64;
            if let Some(last) = &state.last {
                let tied = self.tied(last, &batch);
                state.done = (tied as u64) < count;
                return Ok((tied > 0).then(|| batch.slice(0, tied)));
            }
            if state.skip >= count {
                state.skip -= count;
                continue;
            }
            let from = std::mem::take(&mut state.skip) as usize;
            let to = from + state.left.min(count - from as u64) as usize;
            if state.left != u64::MAX {
                state.left -= (to - from) as u64;
            }
            if state.left > 0 {
                return Ok(Some(batch.slice(from, to)));
            }
            if self.ties.is_empty() {
                state.done = true;
                return Ok(Some(batch.slice(from, to)));
            }
            let last = batch.clone().slice(to - 1, to).compact();
            let tied = self.tied(&last, &batch.clone().slice(to, count as usize));
            state.done = to + tied < count as usize;
            state.last = Some(last);
            return Ok(Some(batch.slice(from, to + tied)));
        }
        state.done = true;
        Ok(None)
    }
}
