//! Calls of users' functions in SQL give way to their bodies, where nobody can tell (see `bind::routine`).

use std::sync::Arc;

use crate::bind::{BindContext, inline_scalar};
use crate::catalog::Routine;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::Logical;
use crate::types::Oid;

/// Bodies put in the place of calls in one expression, beyond which calls stay calls.
const MAX_INLINED: u32 = 1000;

/// Inlines in all expressions of a plan; what the bodies call is added to `called`.
pub(crate) fn inline_plan(plan: &mut Logical, cx: &BindContext<'_>, called: &mut Vec<Arc<Routine>>) {
    plan.each_expr_mut(&mut |e| inline(e, cx, called));
    plan.each_input_mut(&mut |input| inline_plan(input, cx, called));
}

/// Inlines in an expression, innermost calls first.
pub(crate) fn inline(e: &mut Expr, cx: &BindContext<'_>, called: &mut Vec<Arc<Routine>>) {
    if e.any(&mut |e| matches!(e.kind, ExprKind::Routine { .. })) {
        Inliner { cx, called, active: Vec::new(), left: MAX_INLINED }.expr(e);
    }
}

struct Inliner<'a> {
    cx: &'a BindContext<'a>,
    called: &'a mut Vec<Arc<Routine>>,
    /// Functions whose bodies surround the expression.
    active: Vec<Oid>,
    left: u32,
}

impl Inliner<'_> {
    fn expr(&mut self, e: &mut Expr) {
        e.each_child_mut(&mut |child| self.expr(child));
        let ExprKind::Routine { target, .. } = &e.kind else { return };
        let oid = target.routine.oid;
        if !self.called.iter().any(|known| known.oid == oid) {
            self.called.push(target.routine.clone());
        }
        if self.left == 0 || self.active.contains(&oid) {
            return;
        }
        if let Some(body) = inline_scalar(e, self.cx) {
            self.left -= 1;
            *e = body;
            self.active.push(oid);
            self.expr(e);
            self.active.pop();
        }
    }
}
