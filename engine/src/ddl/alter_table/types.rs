//! ALTER COLUMN ... TYPE: the column, and all stored text that speaks of it.

use std::sync::Arc;

use super::super::index::class_of;
use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{ConstraintKind, Generated, Index, IndexKey, Relation};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::access::{AccessMethod, class_by_oid};
use nq_qsql::parse::ast::{Ast, ExprId, Ident, ObjectName, TypeName};
use nq_qsql::plan::expr::Expr;
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Oid, info, oid};

use super::super::column::type_collation;
use super::super::constraint::check_indexable;
use super::super::stored::stored_text;
use super::Alteration;
use crate::catalog::object::RelationObject;
use crate::catalog::quote_identifier;
use crate::session::Session;

impl Session {
    /// ALTER COLUMN ... [SET DATA] TYPE.
    pub(super) fn alter_type(
        &mut self,
        ast: &Ast,
        alteration: &mut Alteration,
        name: &Ident,
        ty: &TypeName,
        collation: Option<&ObjectName>,
        using: Option<ExprId>,
    ) -> Result<()> {
        let i = alteration.column(name)?;
        let old = alteration.table.columns[i].clone();
        if old.generated.is_computed() && using.is_some() {
            return Err(sql_err!(
                INVALID_COLUMN_DEFINITION,
                "cannot specify USING when altering type of generated column"
            )
            .detail(format!("Column \"{}\" is a generated column.", old.name)));
        }
        let ty = self.column_type(ast, ty, name)?;
        self.check_row_type_unused(&alteration.table.clone())?;
        let collation = match collation {
            Some(written) => self.collation(written, ty)?,
            None => type_collation(ty.oid),
        };
        self.refuse_used_column(alteration, i)?;
        let shape = Relation {
            columns: alteration
                .before
                .relation
                .columns
                .iter()
                .zip(&alteration.table.columns)
                .map(|(then, now)| nq_qsql::catalog::Column { dropped: now.dropped, ..then.clone() })
                .collect(),
            ..alteration.table.clone()
        };
        let expr = match old.generated {
            Generated::Stored | Generated::Virtual => None,
            _ => Some(self.transform(ast, &shape, &old.name, ty, using)?),
        };
        let users = self.texts_with(&alteration.table, i)?;
        let default = self.changed_default(alteration, i, ty)?;
        let column = &mut alteration.table.columns[i];
        column.ty = ty;
        column.collation = collation;
        column.default = default;
        match expr {
            None if old.generated == Generated::Virtual => {}
            None => {
                alteration.generated.push(i);
                alteration.rewrite = true;
            }
            Some(_) if using.is_none() && same_bytes(old.ty, ty) => {}
            Some(expr) => {
                column.missing = None;
                alteration.computed.push((i, expr));
                alteration.rewrite = true;
            }
        }
        self.check_key_types(&alteration.table, i)?;
        self.ask_keys_again(alteration, i);
        self.rebind_users(alteration, i, &users)
    }

    /// Foreign keys over a column whose values are computed anew are asked of all rows again.
    fn ask_keys_again(&mut self, alteration: &mut Alteration, i: usize) {
        if !alteration.rewrite {
            return;
        }
        let table = &alteration.table;
        let own =
            table.constraints.iter().filter(|c| c.foreign_key().is_some_and(|k| k.columns.contains(&i)));
        let mut asked: Vec<(Oid, Oid)> = own.filter(|c| c.validated).map(|c| (table.oid, c.oid)).collect();
        for (child, constraint) in self.referencing(table) {
            let concerned = constraint.foreign_key().is_some_and(|k| k.ref_columns.contains(&i));
            if concerned && constraint.validated {
                asked.push((child.oid, constraint.oid));
            }
        }
        alteration.foreign.extend(asked);
    }

    /// Views and generated columns fix the type of what they read.
    fn refuse_used_column(&mut self, alteration: &Alteration, i: usize) -> Result<()> {
        let table = &alteration.table;
        let view = self.view().clone();
        for object in view.catalog.dependents(table.oid) {
            if object
                .depends
                .iter()
                .any(|d| d.relation == table.oid && d.column == Some(i) && d.from.is_none())
            {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "cannot alter type of a column used by a view or rule"
                )
                .detail(format!(
                    "rule _RETURN on view {} depends on column \"{}\"",
                    view.display_name(&object.relation),
                    table.columns[i].name
                )));
            }
        }
        let used = self.policies_using(|_, meaning| meaning.columns().contains(&(table.oid, i)))?;
        if let Some(policy) = used.first() {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "cannot alter type of a column used in a policy definition"
            )
            .detail(format!(
                "{} depends on column \"{}\"",
                self.describe_target(*policy),
                table.columns[i].name
            )));
        }
        for (other, column) in table.clone().live_columns() {
            if let (true, Some(text)) = (column.generated.is_computed(), &column.default)
                && other != i
                && self.mentions(text, table, StoredKind::Generated, i)?
            {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "cannot alter type of a column used by a generated column"
                )
                .detail(format!(
                    "Column \"{}\" is used by generated column \"{}\".",
                    table.columns[i].name, column.name
                )));
            }
        }
        Ok(())
    }

    /// The new value from the old row.
    fn transform(
        &mut self,
        ast: &Ast,
        shape: &Relation,
        name: &str,
        ty: DataType,
        using: Option<ExprId>,
    ) -> Result<Expr> {
        let shown = info::format_type(ty.oid, (ty.typmod >= 0).then_some(ty.typmod));
        let kind = StoredKind::Transform;
        match using {
            Some(expr) => self
                .with_bind_cx(|cx| {
                    nq_qsql::bind::bind_parsed_expression(ast, expr, Some(shape), Some(ty), kind, cx)
                })
                .map_err(|e| match cannot_assign(&e) {
                    true => sql_err!(
                        DATATYPE_MISMATCH,
                        "result of USING clause for column \"{name}\" cannot be cast automatically to type {shown}"
                    )
                    .hint("You might need to add an explicit cast."),
                    false => e,
                }),
            None => self.bind_stored(&quote_identifier(name), shape, kind, Some(ty)).map_err(|e| {
                match cannot_assign(&e) {
                    true => sql_err!(
                        DATATYPE_MISMATCH,
                        "column \"{name}\" cannot be cast automatically to type {shown}"
                    )
                    .hint(format!("You might need to specify \"USING {}::{shown}\".", quote_identifier(name))),
                    false => e,
                }
            }),
        }
    }

    /// The default under the new type.
    fn changed_default(
        &mut self,
        alteration: &Alteration,
        i: usize,
        ty: DataType,
    ) -> Result<Option<Arc<str>>> {
        let column = &alteration.table.columns[i];
        let Some(text) = column.default.clone() else { return Ok(None) };
        match column.generated {
            Generated::Stored | Generated::Virtual => {
                let kind = StoredKind::Generated;
                let expr = self.bind_stored(&text, &alteration.table, kind, Some(ty))?;
                return Ok(Some(stored_text(&expr, &alteration.table)));
            }
            Generated::IdentityAlways | Generated::IdentityByDefault => {
                if !matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
                    return Err(sql_err!(
                        INVALID_PARAMETER_VALUE,
                        "identity column type must be smallint, integer, or bigint"
                    ));
                }
                self.retype_identity(alteration.table.oid, i, ty.oid)?;
                return Ok(Some(text));
            }
            Generated::No => {}
        }
        let name = &column.name;
        let bound = self.bind_stored(&text, &alteration.table, StoredKind::Default, Some(ty));
        bound.map_err(|e| match cannot_assign(&e) {
            true => sql_err!(
                DATATYPE_MISMATCH,
                "default for column \"{name}\" cannot be cast automatically to type {}",
                info::format_type(ty.oid, (ty.typmod >= 0).then_some(ty.typmod))
            ),
            false => e,
        })?;
        // The text says what it said: its conversion to the column's type is implied, and the next type may be another.
        Ok(Some(text))
    }

    /// An identity column's sequence follows its type; bounds that were the old type's become the new one's.
    fn retype_identity(&mut self, table: Oid, column: usize, ty: Oid) -> Result<()> {
        let highest = |ty| match ty {
            oid::INT2 => i64::from(i16::MAX),
            oid::INT4 => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let view = self.view().clone();
        for sequence in view.catalog.owned_sequences(table, Some(column)) {
            let Some(mut options) = sequence.sequence else { continue };
            if options.max == highest(options.ty) {
                options.max = highest(ty);
            }
            options.ty = ty;
            self.put_relation(RelationObject { sequence: Some(options), ..(**sequence).clone() })?;
        }
        Ok(())
    }

    /// Indexes and checks that speak of a column.
    fn texts_with(&mut self, table: &Relation, i: usize) -> Result<Vec<Oid>> {
        let mut users = Vec::new();
        for index in &table.indexes {
            if self.index_mentions(table, index, i)? {
                users.push(index.oid);
            }
        }
        for constraint in &table.constraints {
            if matches!(constraint.kind, ConstraintKind::Check(_))
                && self.constraint_mentions(table, &constraint.kind, i)?
            {
                users.push(constraint.oid);
            }
        }
        Ok(users)
    }

    /// Binds them again, over the column's new type.
    fn rebind_users(&mut self, alteration: &mut Alteration, i: usize, users: &[Oid]) -> Result<()> {
        let table = alteration.table.clone();
        for (at, index) in table.indexes.iter().enumerate().filter(|(_, x)| users.contains(&x.oid)) {
            let mut changed = Index::clone(index);
            for key in &mut changed.columns {
                match key.key.clone() {
                    IndexKey::Column(c) if c == i => {
                        let column = &table.columns[i];
                        key.opclass = class_again(index.method, key.opclass, column.ty)?;
                        (key.ty, key.collation) = (column.ty, column.collation);
                    }
                    IndexKey::Column(_) => {}
                    IndexKey::Expression(text) => {
                        let expr = self.bind_stored(&text, &table, StoredKind::Index, None)?;
                        key.opclass = class_again(index.method, key.opclass, expr.ty)?;
                        (key.ty, key.collation) = (expr.ty, expr.collation);
                        key.key = IndexKey::Expression(stored_text(&expr, &table));
                    }
                }
            }
            if let Some(text) = &changed.predicate {
                let expr = self.bind_stored(text, &table, StoredKind::IndexPredicate, None)?;
                changed.predicate = Some(stored_text(&expr, &table));
            }
            alteration.table.indexes[at] = Arc::new(changed);
        }
        for (at, constraint) in table.constraints.iter().enumerate().filter(|(_, x)| users.contains(&x.oid)) {
            if let ConstraintKind::Check(text) = &constraint.kind {
                let expr = self.bind_stored(text, &table, StoredKind::Check, None)?;
                alteration.table.constraints[at].kind = ConstraintKind::Check(stored_text(&expr, &table));
                if constraint.validated {
                    alteration.checks.push(constraint.oid);
                }
            }
        }
        Ok(())
    }
}

/// The operator class of a key whose type changes.
fn class_again(method: AccessMethod, class: Oid, ty: DataType) -> Result<Oid> {
    if method == AccessMethod::Btree {
        return check_indexable(ty.oid).map(|()| class);
    }
    match class_by_oid(class) {
        Some(known) if known.takes(ty.oid) => Ok(class),
        _ => class_of(method, None, ty),
    }
}

/// Whether an error says that there is no assignment cast.
fn cannot_assign(error: &SqlError) -> bool {
    error.code() == SqlState::DATATYPE_MISMATCH && error.message().starts_with("column is of type ")
}

/// Whether every stored value of one type is a value of the other, byte for byte and in index keys.
fn same_bytes(from: DataType, to: DataType) -> bool {
    match (from.oid, to.oid) {
        (oid::TEXT | oid::VARCHAR, oid::TEXT) => true,
        (oid::TEXT, oid::VARCHAR) => to.typmod < 0,
        (oid::VARCHAR, oid::VARCHAR) => to.typmod < 0 || (from.typmod >= 0 && from.typmod <= to.typmod),
        (oid::NUMERIC, oid::NUMERIC) => {
            let scale = |ty: DataType| (ty.typmod - 4) & 0x7ff;
            to.typmod < 0
                || (from.typmod >= 0 && scale(from) == scale(to) && from.typmod >> 16 <= to.typmod >> 16)
        }
        _ => from == to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_needs_no_rewrite() {
        let varchar = |n: i32| DataType { oid: oid::VARCHAR, typmod: n + 4 };
        let text = DataType::of(oid::TEXT);
        assert!(same_bytes(varchar(10), varchar(20)) && !same_bytes(varchar(20), varchar(10)));
        assert!(same_bytes(varchar(10), text) && !same_bytes(text, varchar(10)));
        let numeric = |p: i32, s: i32| DataType { oid: oid::NUMERIC, typmod: ((p << 16) | s) + 4 };
        assert!(same_bytes(numeric(10, 2), numeric(12, 2)) && !same_bytes(numeric(10, 2), numeric(12, 3)));
        assert!(!same_bytes(DataType::of(oid::INT4), DataType::of(oid::INT8)));
    }
}
