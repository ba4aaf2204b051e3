//! Which plans take microseconds: a server runs those without moving its other connections out of the way first.
//!
//! An estimate may be wrong, so a plan that is short by its cost only must also ask for interrupts as it goes, as all operators do:
//! the environment's pulse notices one that is not short after all. What an operator does between two pulses is bounded by a batch;
//! what an expression does is not (`repeat('x', 100000000)`), so plans whose expressions could take long are never short.

use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{Command, Node, Op, PhysicalPlan};
use nq_qsql::types::{Oid, oid};

use super::depends;
use super::vector::{Kind, is_oid};

/// Highest estimated cost of a short plan: about a millisecond.
const SHORT_COST: f64 = 250.0;

/// Whether a plan reads a little and computes nothing that could take long.
pub fn is_short(plan: &PhysicalPlan) -> bool {
    if plan.command != Command::Select || !plan.read_only || plan.root.cost.total > SHORT_COST {
        return false;
    }
    let mut nodes =
        std::iter::once(&plan.root).chain(&plan.subplans).chain(plan.ctes.iter().map(|c| &c.plan));
    let mut seen = Seen::default();
    nodes.all(|node| is_short_node(node, &mut seen))
}

fn is_short_node(node: &Node, seen: &mut Seen) -> bool {
    if matches!(node.op, Op::FunctionScan { .. } | Op::ProjectSet { .. } | Op::RecursiveUnion { .. }) {
        return false;
    }
    seen.all(depends::exprs(node));
    !seen.long && node.cost.total <= SHORT_COST && node.inputs().into_iter().all(|n| is_short_node(n, seen))
}

/// What the expressions of a plan are like.
#[derive(Default)]
pub(super) struct Seen {
    /// Some cannot be evaluated without the executor.
    pub(super) complex: bool,
    /// Some could take long.
    pub(super) long: bool,
}

impl Seen {
    /// Looks at expressions.
    pub(super) fn all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        exprs.into_iter().for_each(|e| self.expr(e));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::SubPlan { .. }
            | ExprKind::Subquery { .. }
            | ExprKind::ExecParam(_)
            | ExprKind::Aggregate(_)
            | ExprKind::Window(_)
            | ExprKind::Grouping(_) => self.complex = true,
            ExprKind::Call { func, args, operator, .. } => {
                self.complex |= func.is_set() || func.is_aggregate() || func.is_window();
                let types = || args.iter().map(|a| a.ty.oid).chain([expr.ty.oid]);
                // Operations on short texts and numbers are quick, too, unless they match patterns.
                let quick = |ty: Oid| is_fixed(ty) || matches!(ty, oid::NUMERIC | oid::TEXT | oid::VARCHAR);
                let matches_pattern = expr.ty.oid == oid::BOOL && !is_comparison(func.name);
                let operation = *operator != 0 && types().all(quick) && !matches_pattern;
                self.long |= !types().all(is_fixed) && !operation;
            }
            ExprKind::Routine { .. } => {
                self.complex = true;
                self.long = true;
            }
            ExprKind::ScalarArray { .. } | ExprKind::ArrayCoerce { .. } => self.long = true,
            _ => {}
        }
        depends::children(expr, &mut |child| self.expr(child));
    }
}

/// Whether values of the type are of one small size, so that operations on them are quick.
fn is_fixed(ty: Oid) -> bool {
    is_oid(ty)
        || !matches!(Kind::of(ty), Kind::Str | Kind::Decimal | Kind::Datum)
        || matches!(ty, oid::UUID | oid::INTERVAL | oid::TIMETZ)
}

/// Whether a function that answers a Boolean compares, rather than matches a pattern.
fn is_comparison(name: &str) -> bool {
    ["eq", "ne", "lt", "le", "gt", "ge"].iter().any(|suffix| name.ends_with(suffix))
}
