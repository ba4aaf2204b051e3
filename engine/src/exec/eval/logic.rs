//! AND, OR, NOT, tests of NULL and truth, CASE, COALESCE: everything that decides which operands run for which rows.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::Oid;

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::{Kind, Nulls, Values, Vector};
use super::Node;

/// `IS [NOT] TRUE|FALSE|UNKNOWN`.
pub(in crate::exec) struct IsTruth {
    pub value: Node,
    pub truth: Option<bool>,
    pub negated: bool,
}

/// CASE; with an operand its value is `case_tests[depth]` while the conditions run.
pub(in crate::exec) struct Case {
    pub operand: Option<Node>,
    pub depth: usize,
    pub arms: Vec<(Node, Node)>,
    pub otherwise: Option<Node>,
    pub oid: Oid,
}

/// COALESCE.
pub(in crate::exec) struct Coalesce {
    pub args: Vec<Node>,
    pub oid: Oid,
}

/// n-ary AND (`winner` false) or OR (`winner` true): a row is settled by the first operand that equals `winner`.
pub(super) fn junction(
    operands: &[Node],
    winner: bool,
    batch: &Batch,
    rows: Rows<'_>,
    cx: &mut ExecCx<'_>,
) -> Result<Arc<Vector>> {
    let mut out = vec![!winner; batch.len];
    let mut nulls = Nulls::default();
    let mut open: Vec<u16> = rows.iter().map(|r| r as u16).collect();
    for operand in operands {
        if open.is_empty() {
            break;
        }
        let value = operand.eval(batch, Rows::Some(&open), cx)?;
        let Values::Bool(v) = &value.values else { continue };
        open.retain(|&row| {
            let row = usize::from(row);
            let at = value.at(row);
            if value.nulls.is_null(at) {
                nulls.set(row);
            } else if v[at] == winner {
                out[row] = winner;
                nulls.clear(row);
                return false;
            }
            true
        });
    }
    Ok(Arc::new(Vector { values: Values::Bool(out), nulls, constant: false }))
}

/// Rows for which all operands are true.
pub(super) fn select_all(
    operands: &[Node],
    batch: &Batch,
    rows: Rows<'_>,
    cx: &mut ExecCx<'_>,
    out: &mut Vec<u16>,
) -> Result<()> {
    let mut left: Vec<u16> = rows.iter().map(|r| r as u16).collect();
    for operand in operands {
        if left.is_empty() {
            break;
        }
        let mut passed = Vec::with_capacity(left.len());
        operand.select(batch, Rows::Some(&left), cx, &mut passed)?;
        left = passed;
    }
    *out = left;
    Ok(())
}

/// Rows for which some operand is true; an operand runs only for rows that no earlier one has taken.
pub(super) fn select_any(
    operands: &[Node],
    batch: &Batch,
    rows: Rows<'_>,
    cx: &mut ExecCx<'_>,
    out: &mut Vec<u16>,
) -> Result<()> {
    let mut taken = vec![false; batch.len];
    let mut open: Vec<u16> = rows.iter().map(|r| r as u16).collect();
    let mut passed = Vec::new();
    for operand in operands {
        if open.is_empty() {
            break;
        }
        operand.select(batch, Rows::Some(&open), cx, &mut passed)?;
        passed.iter().for_each(|&r| taken[usize::from(r)] = true);
        open.retain(|&r| !taken[usize::from(r)]);
    }
    out.clear();
    out.extend(rows.iter().filter(|&r| taken[r]).map(|r| r as u16));
    Ok(())
}

/// NOT.
pub(super) fn not(operand: &Node, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
    let value = operand.eval(batch, rows, cx)?;
    let Values::Bool(v) = &value.values else { return Ok(value) };
    let values = Values::Bool(v.iter().map(|b| !b).collect());
    Ok(Arc::new(Vector { values, nulls: value.nulls.clone(), constant: value.constant }))
}

/// `IS NULL`, `IS NOT NULL`.
pub(super) fn is_null(
    operand: &Node,
    negated: bool,
    batch: &Batch,
    rows: Rows<'_>,
    cx: &mut ExecCx<'_>,
) -> Result<Arc<Vector>> {
    let value = operand.eval(batch, rows, cx)?;
    if value.constant {
        let values = Values::Bool(vec![value.nulls.is_null(0) != negated]);
        return Ok(Arc::new(Vector { values, nulls: Nulls::default(), constant: true }));
    }
    let values = (0..batch.len).map(|row| value.nulls.is_null(row) != negated).collect();
    Ok(Arc::new(Vector::of(Values::Bool(values))))
}

impl IsTruth {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let value = self.value.eval(batch, rows, cx)?;
        let Values::Bool(v) = &value.values else { return Ok(value) };
        let test = |at: usize| {
            let truth = (!value.nulls.is_null(at)).then(|| v[at]);
            (truth == self.truth) != self.negated
        };
        let values = Values::Bool((0..v.len()).map(test).collect());
        Ok(Arc::new(Vector { values, nulls: Nulls::default(), constant: value.constant }))
    }
}

/// Collects a vector from the answers of several arms.
struct Scatter {
    out: Vec<(Arc<Vector>, Vec<u16>)>,
    oid: Oid,
}

impl Scatter {
    /// `rows` take their values from `value`.
    fn put(&mut self, value: Arc<Vector>, rows: Vec<u16>) {
        if !rows.is_empty() {
            self.out.push((value, rows));
        }
    }

    /// Joins the arms; rows of no arm are NULL.
    fn join(mut self, asked: Rows<'_>, len: usize) -> Arc<Vector> {
        let covered: usize = self.out.iter().map(|(_, rows)| rows.len()).sum();
        if let (1, true) = (self.out.len(), covered == asked.count())
            && let Some((only, _)) = self.out.pop()
        {
            return only;
        }
        if self.out.is_empty() {
            return super::null_constant(self.oid);
        }
        // Each arm's values are appended in its own order; then every row takes its own.
        let mut all = Vector::new(Kind::of(self.oid));
        let mut from = vec![u32::MAX; len];
        for (value, rows) in &self.out {
            let start = all.len();
            rows.iter().enumerate().for_each(|(k, &r)| from[usize::from(r)] = (start + k) as u32);
            all.append(value, rows.iter().map(|&r| usize::from(r)));
        }
        Arc::new(all.gather(&from))
    }
}

impl Case {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let test = match &self.operand {
            Some(operand) => Some(operand.eval(batch, rows, cx)?),
            None => None,
        };
        let mut open: Vec<u16> = rows.iter().map(|r| r as u16).collect();
        let mut scatter = Scatter { out: Vec::new(), oid: self.oid };
        let mut matched = Vec::new();
        for (condition, result) in &self.arms {
            if open.is_empty() {
                break;
            }
            if let Some(test) = &test {
                cx.run.case_tests.truncate(self.depth);
                cx.run.case_tests.push(Arc::clone(test));
            }
            let outcome = condition.select(batch, Rows::Some(&open), cx, &mut matched);
            if test.is_some() {
                cx.run.case_tests.truncate(self.depth);
            }
            outcome?;
            if matched.is_empty() {
                continue;
            }
            subtract(&mut open, &matched);
            let value = result.eval(batch, Rows::Some(&matched), cx)?;
            scatter.put(value, std::mem::take(&mut matched));
        }
        if let (Some(otherwise), false) = (&self.otherwise, open.is_empty()) {
            let value = otherwise.eval(batch, Rows::Some(&open), cx)?;
            scatter.put(value, open);
        }
        Ok(scatter.join(rows, batch.len))
    }
}

/// Removes the ascending `taken` from the ascending `open`.
fn subtract(open: &mut Vec<u16>, taken: &[u16]) {
    let mut next = taken.iter().peekable();
    open.retain(|row| match next.peek() {
        Some(&t) if t == row => {
            next.next();
            false
        }
        _ => true,
    });
}

impl Coalesce {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let mut open: Vec<u16> = rows.iter().map(|r| r as u16).collect();
        let mut scatter = Scatter { out: Vec::new(), oid: self.oid };
        for arg in &self.args {
            if open.is_empty() {
                break;
            }
            let value = arg.eval(batch, Rows::Some(&open), cx)?;
            let (missing, found): (Vec<u16>, Vec<u16>) =
                open.iter().partition(|&&r| value.is_null(usize::from(r)));
            scatter.put(value, found);
            open = missing;
        }
        Ok(scatter.join(rows, batch.len))
    }
}
