//! Which operands need no parentheses in the pretty form.

use crate::plan::expr::{CallForm, Expr, ExprKind, RoutineForm};

/// What an operand is an operand of, as far as its parentheses depend on it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Parent<'a> {
    /// An operator; the operand is its first.
    Operator {
        name: &'a str,
        first: bool,
    },
    And,
    Or,
    Not,
    /// A field is taken of the operand.
    Field,
    /// A cast, and whatever else binds tighter than any operator.
    Other,
}

impl Parent<'_> {
    pub(super) fn is_logic(self) -> bool {
        matches!(self, Parent::And | Parent::Or | Parent::Not)
    }
}

/// `+ -` are 0, `* / %` 1; no other operator is known to bind tighter or looser.
fn rank(name: &str) -> Option<u8> {
    match name {
        "+" | "-" => Some(0),
        "*" | "/" | "%" => Some(1),
        _ => None,
    }
}

/// Whether an operand needs no parentheses.
pub(super) fn is_simple(e: &Expr, parent: Parent<'_>) -> bool {
    match &e.kind {
        // A collation.
        ExprKind::Relabel(inner) if inner.ty.oid == e.ty.oid => false,
        ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => is_simple(inner, Parent::Other),
        ExprKind::ArrayCoerce { array, .. } => is_simple(array, Parent::Other),
        ExprKind::Routine { form: RoutineForm::Operator(_), .. } => {
            !matches!(parent, Parent::Operator { .. }) && parent.is_logic()
        }
        ExprKind::Routine { .. } => true,
        ExprKind::Call { operator: 0, func, form, .. } => {
            parent != Parent::Field || *form != CallForm::Plain || func.name != "record_field"
        }
        ExprKind::Call { operator, args, .. } => match parent {
            Parent::Operator { name, first } => {
                let own = crate::func::operator_by_oid(*operator).filter(|_| args.len() == 2);
                match (own.and_then(|o| rank(o.name)), rank(name)) {
                    (Some(own), Some(outer)) => own > outer || own == outer && first,
                    _ => false,
                }
            }
            _ => parent.is_logic(),
        },
        ExprKind::Subquery { .. }
        | ExprKind::SubPlan { .. }
        | ExprKind::IsNull { .. }
        | ExprKind::IsTruth { .. }
        | ExprKind::IsDistinct { negated: false, .. } => parent.is_logic(),
        ExprKind::Not(_) | ExprKind::And(_) | ExprKind::IsDistinct { negated: true, .. } => {
            matches!(parent, Parent::And | Parent::Or)
        }
        ExprKind::Or(_) => parent == Parent::Or,
        ExprKind::ScalarArray { .. } => false,
        _ => true,
    }
}
