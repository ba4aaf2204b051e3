//! Conditions by which indexes of other methods than B-tree are searched: containment, overlap, existence.
//!
//! What statistics there are, the most common values and the bounds of the histogram, is asked itself, as PostgreSQL's `matchingsel`
//! does; else its defaults stand.

use super::{DEFAULT_INEQUALITY, Estimator, operator_name, plain_column};
use crate::optimize::fold::simplify;
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::types::{Datum, oid};

/// `DEFAULT_CONTAIN_SEL`
const DEFAULT_CONTAIN: f64 = 0.005;
/// `DEFAULT_MATCHING_SEL`, and that of ranges that overlap.
const DEFAULT_MATCHING: f64 = 0.01;
/// Bounds of histograms below which they say nothing.
const HISTOGRAM_MIN: usize = 10;

impl Estimator<'_> {
    /// The fraction of rows that satisfies such a condition; `None` when it is none.
    pub(super) fn containment(&self, e: &Expr, args: &[Expr]) -> Option<f64> {
        let default = match operator_name(e)? {
            "@>" | "<@" | "<<=" | ">>=" => DEFAULT_CONTAIN,
            "&&" | "?" | "?|" | "?&" | "@?" | "@@" => DEFAULT_MATCHING,
            "<<" | ">>" if args[0].ty.oid == oid::INET => DEFAULT_CONTAIN,
            "<<" | ">>" | "&<" | "&>" | "-|-" => DEFAULT_INEQUALITY,
            _ => return None,
        };
        Some(self.asked_of_statistics(e, args).unwrap_or(default))
    }

    fn asked_of_statistics(&self, e: &Expr, args: &[Expr]) -> Option<f64> {
        let [left, right] = args else { return None };
        let (column, constant) = match (plain_column(left), plain_column(right)) {
            (Some(id), None) => (id, right),
            (None, Some(id)) => (id, left),
            _ => return None,
        };
        if !matches!(constant.kind, ExprKind::Const(_)) {
            return None;
        }
        let stats = self.stats(column)?;
        let holds = |value: &Datum| -> Option<bool> {
            let mut asked = e.clone();
            put(&mut asked, column, value);
            simplify(&mut asked, self.cx);
            match asked.kind {
                ExprKind::Const(Datum::Bool(is)) => Some(is),
                ExprKind::Const(Datum::Null) => Some(false),
                _ => None,
            }
        };
        let (mut common, mut of_common) = (0.0, 0.0);
        for (value, frequency) in &stats.common {
            common += frequency;
            if holds(value)? {
                of_common += frequency;
            }
        }
        let rest = (1.0 - stats.null_fraction - common).max(0.0);
        let of_rest = match stats.histogram.len() {
            n if n >= HISTOGRAM_MIN => {
                let met = stats.histogram.iter().map(&holds).collect::<Option<Vec<bool>>>()?;
                let share = met.iter().filter(|m| **m).count() as f64 / n as f64;
                // A few bounds do not tell what is rare.
                share.clamp(0.0001, 0.9999)
            }
            _ if stats.common.is_empty() => return None,
            _ => of_common / common.max(f64::MIN_POSITIVE),
        };
        Some((of_common + rest * of_rest).clamp(1e-7, 1.0))
    }
}

/// Puts a value in the place of a column.
fn put(e: &mut Expr, column: ColumnId, value: &Datum) {
    if matches!(e.kind, ExprKind::Column(id) if id == column) {
        e.kind = ExprKind::Const(value.clone());
        return;
    }
    e.each_child_mut(&mut |child| put(child, column, value));
}
