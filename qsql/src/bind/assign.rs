//! Columns that are assigned to: names, defaults, generated columns, and the SET list.

use std::sync::Arc;

use super::expr::literal;
use super::lens::{Lens, Verb};
use super::part::{is_part_assignment, no_default};
use super::scope::Clause;
use super::stored::{StoredKind, bind_expression};
use super::{BindContext, Binder};
use crate::catalog::{Generated, Relation, RelationKind, UserType};
use crate::error::Result;
use crate::func::NEXT_IDENTITY;
use crate::parse::ast::{Assignee, Assignment, ExprId, ExprKind as A, ObjectName};
use crate::plan::expr::{Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, Datum, info, oid};

/// Binds a column's default; NULL for a column without one.
///
/// # Errors
/// What binding the expression raises.
pub fn bind_default(table: &Relation, index: usize, cx: &BindContext<'_>) -> Result<Expr> {
    let column = &table.columns[index];
    let text = match column.generated {
        Generated::Stored | Generated::Virtual => None,
        _ => column.default.as_ref(),
    };
    match text {
        Some(text) if !column.dropped => {
            let mut e = bind_expression(text, None, Some(column.ty), StoredKind::Default, cx)?;
            forget_places(&mut e);
            if matches!(column.generated, Generated::IdentityAlways | Generated::IdentityByDefault) {
                take_identity(&mut e);
            }
            Ok(e)
        }
        None if !column.dropped && info::is_domain(column.ty.oid) => bind_domain_default(column.ty, cx),
        _ => {
            let ty = if column.dropped { oid::INT4 } else { column.ty.oid };
            let mut null = literal(Datum::Null, ty, u32::MAX);
            null.ty.typmod = column.ty.typmod;
            Ok(null)
        }
    }
}

/// The default of a domain; NULL where there is none, if the domain allows it.
fn bind_domain_default(ty: DataType, cx: &BindContext<'_>) -> Result<Expr> {
    let domain = cx.catalog.user_type_by_oid(ty.oid);
    let text = domain.as_deref().and_then(UserType::domain).and_then(|d| d.default.as_deref());
    let mut e = bind_expression(text.unwrap_or("NULL"), None, Some(ty), StoredKind::Default, cx)?;
    forget_places(&mut e);
    Ok(e)
}

impl Binder<'_> {
    /// Finds the table or view of an INSERT, UPDATE, DELETE or MERGE.
    pub(crate) fn find_target_table(&mut self, name: &ObjectName, merge: bool) -> Result<Arc<Relation>> {
        if name.schema().is_none() && self.find_cte(&name.object().name).is_some() {
            return Err(sql_err!(
                UNDEFINED_TABLE,
                "relation \"{name}\" cannot be the target of a modifying statement"
            )
            .at(name.pos()));
        }
        let table = self.find_table(name)?;
        let shown = &table.name;
        match table.kind {
            RelationKind::Table | RelationKind::View => Ok(table),
            RelationKind::MaterializedView if merge => {
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot execute MERGE on relation \"{shown}\"")
                    .detail("This operation is not supported for materialized views."))
            }
            RelationKind::Sequence => Err(sql_err!(WRONG_OBJECT_TYPE, "cannot change sequence \"{shown}\"")),
            RelationKind::MaterializedView => {
                Err(sql_err!(WRONG_OBJECT_TYPE, "cannot change materialized view \"{shown}\""))
            }
            RelationKind::Virtual => {
                Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied for table {shown}"))
            }
            RelationKind::Index | RelationKind::Composite => {
                let what = if table.kind == RelationKind::Index { "indexes" } else { "composite types" };
                Err(sql_err!(WRONG_OBJECT_TYPE, "cannot open relation \"{shown}\"")
                    .detail(format!("This operation is not supported for {what}."))
                    .at(name.pos()))
            }
        }
    }

    /// The index of the column that is assigned to.
    pub(crate) fn assigned_column(&self, table: &Relation, target: &Assignee) -> Result<usize> {
        let name = &target.column.name;
        let Some(index) = table.column(name) else {
            if matches!(&**name, "ctid" | "xmin" | "xmax" | "cmin" | "cmax" | "tableoid") {
                return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot assign to system column \"{name}\"")
                    .at(target.column.pos));
            }
            return Err(sql_err!(
                UNDEFINED_COLUMN,
                "column \"{name}\" of relation \"{}\" does not exist",
                table.name
            )
            .at(target.column.pos));
        };
        Ok(index)
    }

    /// A column's default: its expression, or NULL.
    pub(crate) fn default_of(&mut self, table: &Relation, index: usize) -> Result<Expr> {
        bind_default(table, index, self.cx)
    }

    /// Refuses a value for a column that computes its own. `overriding`: OVERRIDING SYSTEM VALUE was written.
    pub(crate) fn check_insertable(&self, table: &Relation, index: usize, overriding: bool) -> Result<()> {
        let column = &table.columns[index];
        let error = || {
            sql_err!(GENERATED_ALWAYS, "cannot insert a non-DEFAULT value into column \"{}\"", column.name)
        };
        match column.generated {
            Generated::IdentityAlways if !overriding => Err(error()
                .detail(format!(
                    "Column \"{}\" is an identity column defined as GENERATED ALWAYS.",
                    column.name
                ))
                .hint("Use OVERRIDING SYSTEM VALUE to override.")),
            Generated::Stored | Generated::Virtual => {
                Err(error().detail(format!("Column \"{}\" is a generated column.", column.name)))
            }
            _ => Ok(()),
        }
    }

    /// Binds a SET list: (column, value coerced to the column).
    pub(crate) fn bind_set(
        &mut self,
        lens: &Lens,
        set: &[Assignment],
        clause: Clause,
        verb: Verb,
    ) -> Result<Vec<(usize, Expr)>> {
        let mut out: Vec<(usize, Expr)> = Vec::with_capacity(set.len());
        for assignment in set {
            match assignment {
                Assignment::One { target, value } => {
                    let bound = self.bind_set_value(*value, clause)?;
                    self.add_assignment(lens, target, bound, verb, &mut out)?;
                }
                Assignment::Many { targets, source } => {
                    let values = self.bind_set_row(*source, targets.len(), clause)?;
                    for (target, value) in targets.iter().zip(values) {
                        self.add_assignment(lens, target, value, verb, &mut out)?;
                    }
                }
            }
        }
        Ok(out)
    }

    /// A value of SET; `None` is DEFAULT.
    fn bind_set_value(&mut self, id: ExprId, clause: Clause) -> Result<Option<Expr>> {
        match self.ast[id].kind {
            A::Default => Ok(None),
            _ => self.within(clause, |b| b.bind_expr(id)).map(Some),
        }
    }

    fn bind_set_row(&mut self, source: ExprId, count: usize, clause: Clause) -> Result<Vec<Option<Expr>>> {
        let ast = self.ast;
        let values: Vec<Option<Expr>> = match &ast[source].kind {
            A::Row { items, .. } => {
                let mut values = Vec::with_capacity(items.len());
                for &item in items {
                    values.push(self.bind_set_value(item, clause)?);
                }
                values
            }
            A::Subquery(query) => {
                self.within(clause, |b| b.bind_row_columns(*query))?.into_iter().map(Some).collect()
            }
            _ if count == 1 => vec![self.bind_set_value(source, clause)?],
            _ => {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression"
                )
                .at(ast[source].pos));
            }
        };
        if values.len() != count {
            return Err(sql_err!(SYNTAX_ERROR, "number of columns does not match number of values")
                .at(ast[source].pos));
        }
        Ok(values)
    }

    fn add_assignment(
        &mut self,
        lens: &Lens,
        target: &Assignee,
        value: Option<Expr>,
        verb: Verb,
        out: &mut Vec<(usize, Expr)>,
    ) -> Result<()> {
        let shown = self.assigned_column(lens.shown(), target)?;
        let index = lens.column(shown, verb)?;
        let (table, column) = (lens.shown(), &lens.table.columns[index]);
        let value = match value {
            // A view knows nothing of the table's default.
            None if lens.is_view() && target.path.is_empty() => Some(self.default_of(table, shown)?),
            given => given,
        };
        let part = !target.path.is_empty();
        let before = out.iter().position(|(i, _)| *i == index);
        if before.is_some_and(|at| !part || !is_part_assignment(&out[at].1)) {
            return Err(sql_err!(SYNTAX_ERROR, "multiple assignments to same column \"{}\"", column.name));
        }
        let refuse = |what: &str| {
            Err(sql_err!(GENERATED_ALWAYS, "column \"{}\" can only be updated to DEFAULT", column.name)
                .detail(format!("Column \"{}\" is {what}.", column.name)))
        };
        let value = match (value, column.generated) {
            (None, Generated::Stored | Generated::Virtual) => return Ok(()),
            (Some(_), Generated::Stored | Generated::Virtual) => return refuse("a generated column"),
            (Some(_), Generated::IdentityAlways) => {
                return refuse("an identity column defined as GENERATED ALWAYS");
            }
            (None, _) if part => return Err(no_default(target)),
            (Some(value), _) if part => {
                let before = before.map(|at| out.remove(at).1);
                self.assign_part(table, column, target, before, value)?
            }
            (None, _) => self.default_of(&lens.table, index)?,
            (Some(value), _) => self.assign(value, &target.column.name, column.ty, target.column.pos)?,
        };
        self.mark_written(lens, &[shown], |access| &mut access.update);
        out.push((index, value));
        Ok(())
    }
}

/// Makes the `nextval` of an identity column's default one that asks for no privilege.
fn take_identity(e: &mut Expr) {
    if let ExprKind::Call { func, .. } = &mut e.kind
        && func.oid == NEXT_IDENTITY.oid
    {
        *func = &NEXT_IDENTITY;
    }
    e.each_child_mut(&mut take_identity);
}

/// The attribute number of a column.
pub(crate) fn attribute(index: usize) -> i16 {
    i16::try_from(index + 1).unwrap_or(i16::MAX)
}

/// Places in a stored text mean nothing in the statement.
pub(crate) fn forget_places(e: &mut Expr) {
    e.at = u32::MAX;
    e.each_child_mut(&mut forget_places);
}
