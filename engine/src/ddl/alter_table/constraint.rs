//! Constraints of a table that is there already.

use std::sync::Arc;

use nq_qsql::catalog::{Constraint, ConstraintKind, Index, IndexKey, Timing};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{self, Ast, Ident};
use nq_qsql::{bail, sql_err};

use super::super::dependency::{Deletion, Target};
use super::super::table::column_foreign_keys;
use super::Alteration;
use crate::session::Session;

impl Session {
    /// ADD CONSTRAINT.
    pub(super) fn add_table_constraint(
        &mut self,
        ast: &Ast,
        alteration: &mut Alteration,
        constraint: &ast::Constraint,
    ) -> Result<()> {
        if let ast::ConstraintKind::ForeignKey(key) = &constraint.kind {
            return self.add_reference(alteration, constraint, key, None);
        }
        let was_required: Vec<bool> = alteration.table.columns.iter().map(|c| c.not_null).collect();
        let before = alteration.table.constraints.len();
        let existing = match &constraint.kind {
            ast::ConstraintKind::PrimaryKey { index, .. } => index.existing.as_ref().map(|name| (name, true)),
            ast::ConstraintKind::Unique { index, .. } => index.existing.as_ref().map(|name| (name, false)),
            _ => None,
        };
        match existing {
            Some(_) if constraint.deferrable == Some(true) || constraint.initially_deferred == Some(true) => {
                return Err(SqlError::unsupported("a deferrable constraint USING INDEX"));
            }
            Some((index, primary)) => {
                self.adopt_index(alteration, constraint.name.as_ref(), index, primary)?;
            }
            None => {
                self.add_constraint(ast, &mut alteration.table, constraint, None)?;
            }
        }
        let unproved = constraint.not_valid && matches!(constraint.kind, ast::ConstraintKind::NotNull { .. });
        for (i, column) in alteration.table.columns.iter().enumerate() {
            if column.not_null && !was_required[i] && !unproved {
                alteration.not_null.push(i);
            }
        }
        if unproved && let Some(added) = alteration.table.constraints.get_mut(before) {
            added.validated = false;
        }
        for added in &alteration.table.constraints[before..] {
            if matches!(added.kind, ConstraintKind::Check(_)) && added.validated {
                alteration.checks.push(added.oid);
            }
        }
        Ok(())
    }

    /// ADD FOREIGN KEY.
    fn add_reference(
        &mut self,
        alteration: &mut Alteration,
        constraint: &ast::Constraint,
        key: &ast::ForeignKey,
        column: Option<&Ident>,
    ) -> Result<()> {
        let made = self.make_foreign_key(&alteration.table, constraint, key, column)?;
        if made.validated {
            alteration.foreign.push((alteration.table.oid, made.oid));
        }
        alteration.table.constraints.push(made);
        Ok(())
    }

    /// REFERENCES in the definitions of added columns.
    pub(super) fn add_column_references(
        &mut self,
        alteration: &mut Alteration,
        commands: &[ast::AlterTableCommand],
    ) -> Result<()> {
        let added = std::mem::take(&mut alteration.added);
        for command in commands {
            if let ast::AlterTableCommand::AddColumn { column, .. } = command
                && added.contains(&column.name.name)
            {
                for (constraint, key, name) in column_foreign_keys(column) {
                    self.add_reference(alteration, constraint, key, name)?;
                }
            }
        }
        Ok(())
    }

    /// ALTER CONSTRAINT.
    pub(super) fn alter_constraint(
        alteration: &mut Alteration,
        name: &Ident,
        timing: Option<Timing>,
        enforced: Option<bool>,
        inherit: Option<bool>,
    ) -> Result<()> {
        let table = &mut alteration.table;
        let (oid, shown) = (table.oid, table.name.clone());
        let Some(constraint) = table.constraints.iter_mut().find(|c| *c.name == **name) else {
            bail!(UNDEFINED_OBJECT, "constraint \"{}\" of relation \"{shown}\" does not exist", &**name);
        };
        let words = format!("constraint \"{}\" of relation \"{shown}\"", &**name);
        let foreign = constraint.foreign_key().is_some();
        if timing.is_some() && !foreign {
            bail!(WRONG_OBJECT_TYPE, "{words} is not a foreign key constraint");
        }
        if enforced.is_some() && !foreign {
            bail!(WRONG_OBJECT_TYPE, "cannot alter enforceability of {words}");
        }
        if inherit.is_some() && !matches!(constraint.kind, ConstraintKind::NotNull(_)) {
            bail!(WRONG_OBJECT_TYPE, "{words} is not a not-null constraint");
        }
        constraint.timing = timing.unwrap_or(constraint.timing);
        constraint.no_inherit = inherit.map_or(constraint.no_inherit, |inherit| !inherit);
        if let Some(enforced) = enforced
            && enforced != constraint.enforced
        {
            (constraint.enforced, constraint.validated) = (enforced, enforced);
            if enforced {
                alteration.foreign.push((oid, constraint.oid));
            }
        }
        Ok(())
    }

    /// ADD ... USING INDEX: a unique index becomes a constraint's.
    fn adopt_index(
        &mut self,
        alteration: &mut Alteration,
        name: Option<&Ident>,
        written: &Ident,
        primary: bool,
    ) -> Result<()> {
        let table = &mut alteration.table;
        let Some(at) = table.indexes.iter().position(|i| *i.name == **written) else {
            return Err(sql_err!(UNDEFINED_OBJECT, "index \"{}\" does not exist", &**written).at(written.pos));
        };
        let index = table.indexes[at].clone();
        let refused = |text: String| {
            Err(sql_err!(WRONG_OBJECT_TYPE, "{text}")
                .detail("Cannot create a primary key or unique constraint using such an index.")
                .at(written.pos))
        };
        if index.constraint != 0 {
            return Err(sql_err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "index \"{}\" is already associated with a constraint",
                index.name
            )
            .at(written.pos));
        }
        if !index.unique {
            return refused(format!("\"{}\" is not a unique index", index.name));
        }
        if index.columns.iter().any(|c| matches!(c.key, IndexKey::Expression(_))) {
            return refused(format!("index \"{}\" contains expressions", index.name));
        }
        if index.predicate.is_some() {
            return refused(format!("\"{}\" is a partial index", index.name));
        }
        if index.columns.iter().any(|c| c.descending || c.nulls_first || c.opclass != 0) {
            return refused(format!(
                "index \"{}\" column number 1 does not have default sorting behavior",
                index.name
            ));
        }
        if primary && table.indexes.iter().any(|i| i.primary) {
            bail!(
                INVALID_TABLE_DEFINITION,
                "multiple primary keys for table \"{}\" are not allowed",
                table.name
            );
        }
        let name: Box<str> = name.map_or_else(|| index.name.clone(), |n| n.name.clone());
        if name != index.name {
            if self.name_taken(table, &name) {
                bail!(DUPLICATE_TABLE, "relation \"{name}\" already exists");
            }
            self.host.skipping(format!(
                "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"{}\" to \"{name}\"",
                index.name
            ));
        }
        if primary {
            for column in &index.columns {
                if let IndexKey::Column(i) = column.key {
                    super::super::constraint::check_proved(table, i)?;
                    self.add_not_null(table, i, None, false)?;
                }
            }
        }
        let oid = self.db.next_oid()?;
        let kind =
            if primary { ConstraintKind::Primary(index.oid) } else { ConstraintKind::Unique(index.oid) };
        table.constraints.push(Constraint::new(oid, name.clone(), kind));
        let adopted = Arc::new(Index { name, primary, constraint: oid, ..(*index).clone() });
        table.indexes.remove(at);
        table.indexes.insert(if primary { 0 } else { at }, adopted);
        Ok(())
    }

    /// DROP CONSTRAINT.
    pub(super) fn drop_constraint(
        &mut self,
        alteration: &mut Alteration,
        name: &Ident,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let table = &mut alteration.table;
        let Some(at) = table.constraints.iter().position(|c| *c.name == **name) else {
            let text = format!("constraint \"{}\" of relation \"{}\" does not exist", &**name, table.name);
            if if_exists {
                self.host.skipping(format!("{text}, skipping"));
                return Ok(());
            }
            bail!(UNDEFINED_OBJECT, "{text}");
        };
        if let ConstraintKind::NotNull(i) = table.constraints[at].kind {
            let column = Ident { name: table.columns[i].name.clone(), ..name.clone() };
            return self.drop_not_null(alteration, &column);
        }
        let (oid, gone) = (table.oid, table.constraints[at].oid);
        if matches!(
            table.constraints[at].kind,
            ConstraintKind::Primary(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_)
        ) {
            let deletion = self.plan_deletion(&[Target::Constraint(oid, gone)], Some(table))?;
            self.announce_deletion(&deletion, cascade)?;
            self.carry_out_deletion(&deletion, Some(oid))?;
            alteration.forget_foreign_keys(&deletion);
        }
        let table = &mut alteration.table;
        table.constraints.retain(|c| c.oid != gone);
        table.indexes.retain(|i| i.constraint != gone);
        alteration.checks.retain(|c| *c != gone);
        alteration.foreign.retain(|(_, c)| *c != gone);
        Ok(())
    }

    /// VALIDATE CONSTRAINT.
    pub(super) fn validate_constraint(alteration: &mut Alteration, name: &Ident) -> Result<()> {
        let table = &mut alteration.table;
        let Some(constraint) = table.constraints.iter_mut().find(|c| *c.name == **name) else {
            bail!(
                UNDEFINED_OBJECT,
                "constraint \"{}\" of relation \"{}\" does not exist",
                &**name,
                table.name
            );
        };
        match constraint.kind {
            ConstraintKind::ForeignKey(_) | ConstraintKind::Check(_) if !constraint.enforced => {
                bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot validate NOT ENFORCED constraint")
            }
            ConstraintKind::Check(_) => {
                if !constraint.validated {
                    constraint.validated = true;
                    alteration.checks.push(constraint.oid);
                }
                Ok(())
            }
            ConstraintKind::ForeignKey(_) => {
                if !constraint.validated {
                    constraint.validated = true;
                    alteration.foreign.push((table.oid, constraint.oid));
                }
                Ok(())
            }
            ConstraintKind::NotNull(column) => {
                if !constraint.validated {
                    constraint.validated = true;
                    alteration.not_null.push(column);
                }
                Ok(())
            }
            ConstraintKind::Primary(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => {
                let text = format!("constraint \"{}\" of relation \"{}\"", &**name, table.name);
                Err(sql_err!(WRONG_OBJECT_TYPE, "cannot validate {text}")
                    .detail("This operation is not supported for this type of constraint."))
            }
        }
    }
}

impl Alteration {
    /// Takes foreign keys that have been dropped with something out of the working copy.
    pub(super) fn forget_foreign_keys(&mut self, deletion: &Deletion) {
        for target in deletion.targets() {
            if let Target::Constraint(table, constraint) = target {
                if table == self.table.oid {
                    self.table.constraints.retain(|c| c.oid != constraint || c.foreign_key().is_none());
                }
                self.table.referenced_by.retain(|r| r.constraint != constraint);
                self.foreign.retain(|(_, c)| *c != constraint);
            }
        }
    }
}
