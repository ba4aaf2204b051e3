//! Columns come, go, and change what is demanded of them.

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{ConstraintKind, Generated, Relation};
use nq_qsql::error::Result;
use nq_qsql::func::Volatility;
use nq_qsql::parse::ast::{
    Ast, ColumnDef, ColumnSelector, Def, ExprId, Ident, IdentityChange, SequenceOption, SequenceOptionKind,
};
use nq_qsql::types::{Datum, Oid, info, oid};
use nq_qsql::{bail, sql_err};

use super::super::column::SYSTEM_COLUMNS;
use super::super::constraint::not_null_of;
use super::super::dependency::Target;
use super::super::options::{merge_options, read_column_options};
use super::super::stored::{default_dependencies, name_column, volatility};
use super::super::table::{MAX_COLUMNS, next_value};
use super::Alteration;
use crate::catalog::class;
use crate::session::Session;

impl Session {
    /// ADD COLUMN.
    pub(super) fn add_column(
        &mut self,
        ast: &Ast,
        alteration: &mut Alteration,
        def: &ColumnDef,
        if_not_exists: bool,
    ) -> Result<()> {
        let table = &alteration.table;
        if table.column(&def.name).is_some() {
            let exists = sql_err!(
                DUPLICATE_COLUMN,
                "column \"{}\" of relation \"{}\" already exists",
                &*def.name,
                table.name
            );
            if !if_not_exists {
                return Err(exists);
            }
            let mut notice = exists;
            notice.0.message = format!("{}, skipping", notice.0.message).into();
            self.host.notice(notice);
            return Ok(());
        }
        if table.columns.len() >= MAX_COLUMNS {
            bail!(TOO_MANY_COLUMNS, "tables can have at most {MAX_COLUMNS} columns");
        }
        let name = table.name.clone();
        let new = self.read_column(ast, def, &name)?;
        let i = table.columns.len();
        alteration.table.columns.push(new.column.clone());
        alteration.added.push(def.name.name.clone());
        let constraints = alteration.table.constraints.len();
        self.finish_column(ast, &mut alteration.table, &mut alteration.depends, &new)?;
        for constraint in &alteration.table.constraints[constraints..] {
            if matches!(constraint.kind, ConstraintKind::Check(_)) && constraint.validated {
                alteration.checks.push(constraint.oid);
            }
        }
        if alteration.table.columns[i].not_null {
            alteration.not_null.push(i);
        }
        self.fill_new_column(alteration, i)?;
        // One value for all rows that is not NULL: there is nothing to look at.
        if alteration.table.columns[i].missing.is_some() {
            alteration.not_null.retain(|c| *c != i);
        }
        Ok(())
    }

    /// Decides where the values of a new column come from.
    fn fill_new_column(&mut self, alteration: &mut Alteration, i: usize) -> Result<()> {
        let column = &alteration.table.columns[i];
        let (ty, generated) = (column.ty, column.generated);
        let Some(text) = column.default.clone() else {
            return match info::is_domain(ty.oid) {
                true => self.fill_with_domain_default(alteration, i),
                false => Ok(()),
            };
        };
        self.check_row_type_unused(&alteration.table)?;
        if generated == Generated::Virtual {
            return Ok(());
        }
        if generated == Generated::Stored {
            alteration.generated.push(i);
            alteration.rewrite = true;
            return Ok(());
        }
        let table = alteration.table.clone();
        let expr = self.bind_stored(&text, &table, StoredKind::Default, Some(ty))?;
        if volatility(&expr) == Volatility::Volatile {
            alteration.computed.push((i, expr));
            alteration.rewrite = true;
            return Ok(());
        }
        let value = self.evaluate(&expr, &[])?;
        if !value.is_null() {
            alteration.table.columns[i].missing = Some(value);
        }
        Ok(())
    }

    /// The values of a new column of a domain without a default of its own: the domain's, or NULL if the domain allows it.
    fn fill_with_domain_default(&mut self, alteration: &mut Alteration, i: usize) -> Result<()> {
        let table = alteration.table.clone();
        let expr = self.with_bind_cx(|cx| nq_qsql::bind::bind_default(&table, i, cx))?;
        let value = match volatility(&expr) {
            Volatility::Volatile => None,
            _ => self.evaluate(&expr, &[]).ok(),
        };
        match value {
            Some(Datum::Null) => {}
            Some(value) => {
                self.check_row_type_unused(&table)?;
                alteration.table.columns[i].missing = Some(value);
            }
            None => {
                self.check_row_type_unused(&table)?;
                alteration.computed.push((i, expr));
                alteration.rewrite = true;
            }
        }
        Ok(())
    }

    /// Refuses a change of rows that values of their type, elsewhere, would not follow.
    pub(super) fn check_row_type_unused(&mut self, table: &Relation) -> Result<()> {
        let row = self.view().catalog.object(table.oid).and_then(|o| o.row_type.as_ref()).map(|row| row.oid);
        match row {
            Some(row) => self.check_not_inside_columns(row, false),
            None => Ok(()),
        }
    }

    /// DROP COLUMN.
    pub(super) fn drop_column(
        &mut self,
        alteration: &mut Alteration,
        name: &Ident,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        if SYSTEM_COLUMNS.contains(&&**name) {
            bail!(FEATURE_NOT_SUPPORTED, "cannot drop system column \"{}\"", &**name);
        }
        if if_exists && alteration.table.column(name).is_none() {
            let table = &alteration.table.name;
            let text = format!("column \"{}\" of relation \"{table}\" does not exist, skipping", &**name);
            self.host.skipping(text);
            return Ok(());
        }
        let i = alteration.column(name)?;
        let oid = alteration.table.oid;
        let deletion = self.plan_deletion(&[Target::Column(oid, i)], Some(&alteration.table))?;
        self.announce_deletion(&deletion, cascade)?;
        // Aliases in views are by position.
        let captured = self.capture_views(&[oid])?;
        self.carry_out_deletion(&deletion, Some(oid))?;
        alteration.views.extend(captured);
        alteration.forget_foreign_keys(&deletion);
        for target in deletion.targets() {
            match target {
                Target::Column(table, column) if table == oid => self.remove_column(alteration, column)?,
                Target::Policy(table, policy) if table == oid => {
                    alteration.table.security.policies.retain(|p| p.oid != policy);
                    self.remove_comments(class::POLICY, policy)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Drops a column of a table by itself: the dependent of something that has been dropped.
    pub(in crate::ddl) fn remove_stored_column(&mut self, table: Oid, column: usize) -> Result<()> {
        self.lock_relation(table, nq_storage::txn::lock::LockMode::AccessExclusive)?;
        let mut alteration = Alteration::new(self.object(table)?);
        self.remove_column(&mut alteration, column)?;
        self.finish_alteration(alteration)
    }

    /// Takes a column out of the working copy, with the indexes and constraints that use it.
    fn remove_column(&mut self, alteration: &mut Alteration, i: usize) -> Result<()> {
        let table = alteration.table.clone();
        if table.columns[i].dropped {
            return Ok(());
        }
        let mut indexes = Vec::with_capacity(table.indexes.len());
        let mut constraints = Vec::with_capacity(table.constraints.len());
        let mut gone: Vec<Oid> = Vec::new();
        for index in &table.indexes {
            match self.index_mentions(&table, index, i)? {
                true => gone.push(index.constraint),
                false => indexes.push(index.clone()),
            }
        }
        for constraint in &table.constraints {
            if !gone.contains(&constraint.oid) && !self.constraint_mentions(&table, &constraint.kind, i)? {
                constraints.push(constraint.clone());
            }
        }
        alteration.checks.retain(|c| constraints.iter().any(|k| k.oid == *c));
        alteration.foreign.retain(|(t, c)| *t != table.oid || constraints.iter().any(|k| k.oid == *c));
        alteration.not_null.retain(|c| *c != i);
        alteration.generated.retain(|c| *c != i);
        alteration.computed.retain(|(c, _)| *c != i);
        alteration.depends.retain(|d| d.from != Some(i));
        alteration.table.indexes = indexes;
        alteration.table.constraints = constraints;
        let column = &mut alteration.table.columns[i];
        column.name = format!("........pg.dropped.{}........", i + 1).into();
        column.not_null = false;
        column.default = None;
        column.generated = Generated::No;
        column.missing = None;
        column.dropped = true;
        self.remove_column_comment(table.oid, i)
    }

    /// SET DEFAULT.
    pub(super) fn set_default(
        &mut self,
        ast: &Ast,
        alteration: &mut Alteration,
        name: &Ident,
        value: ExprId,
    ) -> Result<()> {
        let i = alteration.column(name)?;
        self.check_plain(alteration, i, false)?;
        let ty = alteration.table.columns[i].ty;
        let stored = self
            .store_expression(ast, value, &alteration.table, StoredKind::Default, Some(ty))
            .map_err(|e| name_column(e, name))?;
        alteration.depends.retain(|d| d.from != Some(i));
        alteration.depends.extend(default_dependencies(&stored.expr, i));
        let is_null = matches!(stored.expr.kind, nq_qsql::plan::expr::ExprKind::Const(Datum::Null));
        alteration.table.columns[i].default = (!is_null).then_some(stored.text);
        Ok(())
    }

    /// DROP DEFAULT.
    pub(super) fn drop_default(&mut self, alteration: &mut Alteration, name: &Ident) -> Result<()> {
        let i = alteration.column(name)?;
        self.check_plain(alteration, i, true)?;
        alteration.depends.retain(|d| d.from != Some(i));
        alteration.table.columns[i].default = None;
        Ok(())
    }

    /// Refuses to touch the default of an identity or generated column.
    fn check_plain(&self, alteration: &Alteration, i: usize, dropping: bool) -> Result<()> {
        let (table, column) = (&alteration.table.name, &alteration.table.columns[i]);
        let name = &column.name;
        let (kind, hint) = match column.generated {
            Generated::No => return Ok(()),
            Generated::IdentityAlways | Generated::IdentityByDefault => {
                ("an identity column", "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
            }
            Generated::Stored | Generated::Virtual => match dropping {
                true => {
                    ("a generated column", "Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.")
                }
                false => {
                    ("a generated column", "Use ALTER TABLE ... ALTER COLUMN ... SET EXPRESSION instead.")
                }
            },
        };
        let error = sql_err!(SYNTAX_ERROR, "column \"{name}\" of relation \"{table}\" is {kind}");
        let identity = kind.starts_with("an ");
        Err(if identity && !dropping { error } else { error.hint(hint) })
    }

    /// SET NOT NULL.
    pub(super) fn set_not_null(&mut self, alteration: &mut Alteration, name: &Ident) -> Result<()> {
        let i = alteration.column(name)?;
        if !alteration.table.never_null(i) {
            alteration.not_null.push(i);
        }
        if let Some(has) = not_null_of(&alteration.table.constraints, i).filter(|c| c.no_inherit) {
            let (has, table) = (&has.name, &alteration.table.name);
            bail!(
                FEATURE_NOT_SUPPORTED,
                "cannot change NO INHERIT status of NOT NULL constraint \"{has}\" on relation \"{table}\""
            );
        }
        for constraint in &mut alteration.table.constraints {
            constraint.validated |= matches!(constraint.kind, ConstraintKind::NotNull(k) if k == i);
        }
        self.add_not_null(&mut alteration.table, i, None, false)
    }

    /// DROP NOT NULL.
    pub(super) fn drop_not_null(&mut self, alteration: &mut Alteration, name: &Ident) -> Result<()> {
        let i = alteration.column(name)?;
        let table = &mut alteration.table;
        let in_key = table.indexes.iter().any(|index| {
            index.primary
                && index
                    .columns
                    .iter()
                    .any(|c| matches!(c.key, nq_qsql::catalog::IndexKey::Column(k) if k == i))
        });
        if in_key {
            bail!(INVALID_TABLE_DEFINITION, "column \"{}\" is in a primary key", &**name);
        }
        if matches!(table.columns[i].generated, Generated::IdentityAlways | Generated::IdentityByDefault) {
            let table = &table.name;
            bail!(SYNTAX_ERROR, "column \"{}\" of relation \"{table}\" is an identity column", &**name);
        }
        table.columns[i].not_null = false;
        table.constraints.retain(|c| !matches!(c.kind, ConstraintKind::NotNull(k) if k == i));
        alteration.not_null.retain(|c| *c != i);
        Ok(())
    }

    /// SET EXPRESSION of a generated column: all its values are computed again.
    pub(super) fn set_expression(
        &mut self,
        ast: &Ast,
        alteration: &mut Alteration,
        name: &Ident,
        expr: ExprId,
    ) -> Result<()> {
        let i = alteration.column(name)?;
        let generated = alteration.table.columns[i].generated;
        if !generated.is_computed() {
            let table = &alteration.table.name;
            bail!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "column \"{}\" of relation \"{table}\" is not a generated column",
                &**name
            );
        }
        let is_check = |c: &nq_qsql::catalog::Constraint| matches!(c.kind, ConstraintKind::Check(_));
        if generated == Generated::Virtual && alteration.table.constraints.iter().any(is_check) {
            return Err(super::super::generated::not_for_virtual(
                "ALTER TABLE / SET EXPRESSION is not supported for virtual generated columns in tables with check constraints",
                &alteration.table,
                name,
            ));
        }
        let ty = alteration.table.columns[i].ty;
        let stored = self
            .store_expression(ast, expr, &alteration.table, StoredKind::Generated, Some(ty))
            .map_err(|e| name_column(e, name))?;
        if generated == Generated::Virtual {
            super::super::generated::check_expression(&stored.expr)?;
        }
        alteration.depends.retain(|d| d.from != Some(i));
        alteration.depends.extend(default_dependencies(&stored.expr, i));
        alteration.table.columns[i].default = Some(stored.text);
        if generated == Generated::Virtual {
            if alteration.table.columns[i].not_null {
                alteration.not_null.push(i);
            }
            return Ok(());
        }
        alteration.generated.push(i);
        alteration.rewrite = true;
        Ok(())
    }

    /// DROP EXPRESSION: a generated column becomes an ordinary one.
    pub(super) fn drop_expression(
        &mut self,
        alteration: &mut Alteration,
        name: &Ident,
        if_exists: bool,
    ) -> Result<()> {
        let i = alteration.column(name)?;
        let table = alteration.table.name.clone();
        if alteration.table.columns[i].generated == Generated::Virtual {
            return Err(super::super::generated::not_for_virtual(
                "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns",
                &alteration.table,
                name,
            ));
        }
        let column = &mut alteration.table.columns[i];
        if column.generated != Generated::Stored {
            let text = format!("column \"{}\" of relation \"{table}\" is not a generated column", &**name);
            if if_exists {
                self.host.skipping(format!("{text}, skipping"));
                return Ok(());
            }
            bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}");
        }
        column.generated = Generated::No;
        column.default = None;
        Ok(())
    }

    /// ADD GENERATED ... AS IDENTITY.
    pub(super) fn add_identity(
        &mut self,
        alteration: &mut Alteration,
        name: &Ident,
        always: bool,
        options: &[SequenceOption],
    ) -> Result<()> {
        let i = alteration.column(name)?;
        let table = alteration.table.name.clone();
        let column = &alteration.table.columns[i];
        let shown = format!("column \"{}\" of relation \"{table}\"", &**name);
        let ty = column.ty.oid;
        if !matches!(ty, oid::INT2 | oid::INT4 | oid::INT8) {
            bail!(INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint");
        }
        if !column.not_null {
            bail!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "{shown} must be declared NOT NULL before identity can be added"
            );
        }
        if matches!(column.generated, Generated::IdentityAlways | Generated::IdentityByDefault) {
            bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{shown} is already an identity column");
        }
        if column.default.is_some() {
            bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{shown} already has a default value");
        }
        let sequence = self.create_owned_sequence(&alteration.table, i, ty, options, true)?;
        let column = &mut alteration.table.columns[i];
        column.default = Some(next_value(sequence.oid));
        column.generated = if always { Generated::IdentityAlways } else { Generated::IdentityByDefault };
        Ok(())
    }

    /// SET of an identity column's options.
    pub(super) fn alter_identity(
        &mut self,
        alteration: &mut Alteration,
        name: &Ident,
        changes: &[IdentityChange],
    ) -> Result<()> {
        let i = self.need_identity(alteration, name)?;
        let mut options = Vec::new();
        for change in changes {
            match change {
                IdentityChange::SetGenerated { always: true } => {
                    alteration.table.columns[i].generated = Generated::IdentityAlways;
                }
                IdentityChange::SetGenerated { always: false } => {
                    alteration.table.columns[i].generated = Generated::IdentityByDefault;
                }
                IdentityChange::Option(option) => options.push(copy_option(option)?),
            }
        }
        let view = self.view().clone();
        if let Some(sequence) = view.catalog.owned_sequences(alteration.table.oid, Some(i)).first()
            && !options.is_empty()
        {
            self.change_sequence(sequence, &options)?;
        }
        Ok(())
    }

    /// DROP IDENTITY.
    pub(super) fn drop_identity(
        &mut self,
        alteration: &mut Alteration,
        name: &Ident,
        if_exists: bool,
    ) -> Result<()> {
        let i = match self.need_identity(alteration, name) {
            Err(error) if if_exists && alteration.table.column(name).is_some() => {
                self.host.skipping(format!("{}, skipping", error.message()));
                return Ok(());
            }
            found => found?,
        };
        let column = &mut alteration.table.columns[i];
        column.generated = Generated::No;
        column.default = None;
        let view = self.view().clone();
        for sequence in view.catalog.owned_sequences(alteration.table.oid, Some(i)) {
            if sequence.owned_by.is_some_and(|o| o.internal) {
                self.drop_relation_cascade(sequence.relation.oid)?;
            }
        }
        Ok(())
    }

    fn need_identity(&self, alteration: &Alteration, name: &Ident) -> Result<usize> {
        let i = alteration.column(name)?;
        match alteration.table.columns[i].generated {
            Generated::IdentityAlways | Generated::IdentityByDefault => Ok(i),
            _ => {
                let table = &alteration.table.name;
                bail!(
                    OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "column \"{}\" of relation \"{table}\" is not an identity column",
                    &**name
                )
            }
        }
    }

    /// SET STATISTICS is accepted for columns that are there: samples are taken whole.
    pub(super) fn set_statistics(
        &mut self,
        alteration: &mut Alteration,
        column: &ColumnSelector,
        target: Option<i32>,
    ) -> Result<()> {
        let target = match target {
            None | Some(-1) => None,
            Some(target) if target < 0 => {
                bail!(INVALID_PARAMETER_VALUE, "statistics target {target} is too low")
            }
            Some(target) if target > MAX_STATISTICS_TARGET => {
                self.host.warn(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "lowering statistics target to {MAX_STATISTICS_TARGET}"
                ));
                Some(MAX_STATISTICS_TARGET as i16)
            }
            Some(target) => Some(target as i16),
        };
        let ColumnSelector::Name(name) = column else {
            bail!(FEATURE_NOT_SUPPORTED, "cannot refer to non-index column by number")
        };
        let i = alteration.column(name)?;
        alteration.table.columns[i].settings.statistics = target;
        Ok(())
    }

    /// SET STORAGE. Values are stored as ever: here a page is compressed, not a value.
    pub(super) fn set_storage(alteration: &mut Alteration, name: &Ident, storage: &Ident) -> Result<()> {
        let i = alteration.column(name)?;
        let column = &mut alteration.table.columns[i];
        let own = crate::catalog::system::storage(column.ty.oid);
        let wanted = match storage.to_ascii_lowercase().as_str() {
            "plain" => b'p',
            "external" => b'e',
            "extended" => b'x',
            "main" => b'm',
            "default" => own,
            _ => bail!(INVALID_PARAMETER_VALUE, "invalid storage type \"{}\"", &**storage),
        };
        if own == b'p' && wanted != b'p' {
            bail!(
                FEATURE_NOT_SUPPORTED,
                "column data type {} can only have storage PLAIN",
                info::format_type(column.ty.oid, None)
            );
        }
        column.settings.storage = (wanted != own).then_some(wanted);
        Ok(())
    }

    /// SET COMPRESSION.
    pub(super) fn set_compression(alteration: &mut Alteration, name: &Ident, method: &Ident) -> Result<()> {
        let i = alteration.column(name)?;
        let column = &mut alteration.table.columns[i];
        if crate::catalog::system::storage(column.ty.oid) == b'p' {
            bail!(
                FEATURE_NOT_SUPPORTED,
                "column data type {} does not support compression",
                info::format_type(column.ty.oid, None)
            );
        }
        column.settings.compression = match &**method {
            "default" => None,
            "pglz" => Some(b'p'),
            "lz4" => Some(b'l'),
            other => bail!(INVALID_PARAMETER_VALUE, "invalid compression method \"{other}\""),
        };
        Ok(())
    }

    /// SET (option = value, ..) and RESET (option, ..) of a column.
    pub(super) fn set_column_options(
        alteration: &mut Alteration,
        name: &Ident,
        options: &[Def],
        reset: bool,
    ) -> Result<()> {
        let i = alteration.column(name)?;
        let new = if reset { Vec::new() } else { read_column_options(options)? };
        let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
        let settings = &mut alteration.table.columns[i].settings;
        settings.options = merge_options(&settings.options, &new, &names);
        Ok(())
    }
}

/// Highest target of ANALYZE for a column.
const MAX_STATISTICS_TARGET: i32 = 10_000;

/// An option that belongs to another tree's statement, for a sequence's own list.
fn copy_option(option: &SequenceOption) -> Result<SequenceOption> {
    use SequenceOptionKind as Kind;
    let kind = match &option.kind {
        Kind::Cache(v) => Kind::Cache(v.clone()),
        Kind::Cycle(v) => Kind::Cycle(*v),
        Kind::Increment(v) => Kind::Increment(v.clone()),
        Kind::MaxValue(v) => Kind::MaxValue(v.clone()),
        Kind::MinValue(v) => Kind::MinValue(v.clone()),
        Kind::Start(v) => Kind::Start(v.clone()),
        Kind::Restart(v) => Kind::Restart(v.clone()),
        Kind::Logged(v) => Kind::Logged(*v),
        Kind::As(_) | Kind::OwnedBy(_) | Kind::Name(_) => {
            return Err(sql_err!(SYNTAX_ERROR, "sequence option not supported here").at(option.pos));
        }
    };
    Ok(SequenceOption { kind, pos: option.pos })
}
