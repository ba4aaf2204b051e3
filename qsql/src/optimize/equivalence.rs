//! Columns that conditions of inner joins make equal.
//!
//! From `a = b` and `b = c` follows `a = c`: a join may be made by an equality that nobody wrote. Only equalities by the same
//! function over plain columns are taken together, so that the equality is transitive. PostgreSQL's equivalence classes
//! (src/backend/optimizer/README, "EquivalenceClasses") are the model.

use super::estimate::{operator_name, plain_column};
use crate::plan::expr::{ColumnId, Expr, ExprKind};

/// Three or more columns that are equal.
pub(super) struct Class {
    /// The columns, with the expressions by which they are compared.
    pub(super) members: Vec<(ColumnId, Expr)>,
    /// The conditions that say so.
    pub(super) conditions: Vec<usize>,
}

impl Class {
    /// The condition that two members are equal; `like` is one of the class's conditions.
    pub(super) fn equality(&self, like: &Expr, left: usize, right: usize) -> Option<Expr> {
        let ExprKind::Call { func, operator, form, .. } = &like.kind else { return None };
        let args = vec![self.members[left].1.clone(), self.members[right].1.clone()];
        let kind = ExprKind::Call { func, args, operator: *operator, form: *form };
        Some(Expr { kind, at: u32::MAX, ..like.clone() })
    }

    fn member(&self, column: ColumnId) -> bool {
        self.members.iter().any(|m| m.0 == column)
    }
}

/// The classes of three and more columns that a conjunction of conditions makes.
pub(super) fn classes<'e>(conditions: impl Iterator<Item = &'e Expr>) -> Vec<Class> {
    // Classes of one equality function each, by its OID.
    let mut found: Vec<(u32, Class)> = Vec::new();
    for (i, e) in conditions.enumerate() {
        let (Some("="), ExprKind::Call { func, args, .. }) = (operator_name(e), &e.kind) else { continue };
        let [a, b] = args.as_slice() else { continue };
        let (Some(x), Some(y)) = (plain_column(a), plain_column(b)) else { continue };
        if x == y || a.ty.oid != b.ty.oid || a.collation != b.collation {
            continue;
        }
        let mut merged = Class { members: vec![(x, a.clone()), (y, b.clone())], conditions: vec![i] };
        let (joined, mut others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(oid, class)| *oid == func.oid && (class.member(x) || class.member(y)));
        for (_, class) in joined {
            for (column, expr) in class.members {
                if !merged.member(column) {
                    merged.members.push((column, expr));
                }
            }
            merged.conditions.extend(class.conditions);
        }
        others.push((func.oid, merged));
        found = others;
    }
    found.into_iter().map(|(_, class)| class).filter(|class| class.members.len() > 2).collect()
}
