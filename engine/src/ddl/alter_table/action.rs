//! The actions of ALTER TABLE: their order, their names, and which function carries out which.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{AlterTableCommand as Command, Ast, ConstraintKind};

use super::super::foreign_key::timing;
use super::Alteration;
use crate::session::Session;

/// When an action runs: all of a lower pass before any of a higher one.
pub(super) fn pass(command: &Command) -> u8 {
    match command {
        Command::DropColumn { .. }
        | Command::DropConstraint { .. }
        | Command::DropDefault { .. }
        | Command::DropNotNull { .. }
        | Command::DropExpression { .. }
        | Command::DropIdentity { .. } => 0,
        Command::AlterType { .. } => 1,
        Command::AddColumn { .. } => 2,
        Command::SetExpression { .. } => 3,
        Command::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::ForeignKey(_) => 8,
            ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } => 6,
            _ => 4,
        },
        Command::SetNotNull { .. }
        | Command::AddIdentity { .. }
        | Command::AlterIdentity { .. }
        | Command::SetStatistics { .. } => 5,
        Command::SetDefault { .. } => 7,
        _ => 9,
    }
}

/// Whether an action is one for materialized views.
pub(super) fn suits_materialized_view(command: &Command) -> bool {
    matches!(
        command,
        Command::SetStatistics { .. }
            | Command::SetColumnOptions { .. }
            | Command::SetStorage { .. }
            | Command::SetCompression { .. }
            | Command::SetOptions(_)
            | Command::ResetOptions(_)
            | Command::OwnerTo(_)
            | Command::SetTablespace(_)
            | Command::SetAccessMethod(_)
            | Command::ClusterOn(_)
            | Command::SetWithoutCluster
    )
}

/// What messages call an action.
pub(super) fn words(command: &Command) -> &'static str {
    match command {
        Command::AddColumn { .. } => "ADD COLUMN",
        Command::DropColumn { .. } => "DROP COLUMN",
        Command::AlterType { .. } => "ALTER COLUMN ... SET DATA TYPE",
        Command::SetDefault { .. } | Command::DropDefault { .. } => "ALTER COLUMN ... SET DEFAULT",
        Command::SetNotNull { .. } => "ALTER COLUMN ... SET NOT NULL",
        Command::DropNotNull { .. } => "ALTER COLUMN ... DROP NOT NULL",
        Command::SetExpression { .. } => "ALTER COLUMN ... SET EXPRESSION",
        Command::DropExpression { .. } => "ALTER COLUMN ... DROP EXPRESSION",
        Command::AddIdentity { .. } => "ALTER COLUMN ... ADD IDENTITY",
        Command::AlterIdentity { .. } => "ALTER COLUMN ... SET",
        Command::DropIdentity { .. } => "ALTER COLUMN ... DROP IDENTITY",
        Command::SetStatistics { .. } => "ALTER COLUMN ... SET STATISTICS",
        Command::SetColumnOptions { reset: false, .. } => "ALTER COLUMN ... SET",
        Command::SetColumnOptions { reset: true, .. } => "ALTER COLUMN ... RESET",
        Command::SetStorage { .. } => "ALTER COLUMN ... SET STORAGE",
        Command::SetCompression { .. } => "ALTER COLUMN ... SET COMPRESSION",
        Command::AddConstraint(_) => "ADD CONSTRAINT",
        Command::AlterConstraint { .. } => "ALTER CONSTRAINT",
        Command::ValidateConstraint(_) => "VALIDATE CONSTRAINT",
        Command::DropConstraint { .. } => "DROP CONSTRAINT",
        Command::SetOptions(_) => "SET",
        Command::ResetOptions(_) => "RESET",
        Command::SetTablespace(_) => "SET TABLESPACE",
        Command::SetAccessMethod(_) => "SET ACCESS METHOD",
        Command::SetLogged(true) => "SET LOGGED",
        Command::SetLogged(false) => "SET UNLOGGED",
        Command::SetWithoutOids => "SET WITHOUT OIDS",
        Command::SetWithoutCluster => "SET WITHOUT CLUSTER",
        Command::ClusterOn(_) => "CLUSTER ON",
        Command::Inherit(_) => "INHERIT",
        Command::NoInherit(_) => "NO INHERIT",
        Command::Of(_) => "OF",
        Command::NotOf => "NOT OF",
        Command::ReplicaIdentity(_) => "REPLICA IDENTITY",
        Command::RowSecurity { enable: true } => "ENABLE ROW SECURITY",
        Command::RowSecurity { enable: false } => "DISABLE ROW SECURITY",
        Command::ForceRowSecurity { force: true } => "FORCE ROW SECURITY",
        Command::ForceRowSecurity { force: false } => "NO FORCE ROW SECURITY",
        Command::OwnerTo(_) => "OWNER TO",
        Command::Trigger { .. } => "ENABLE/DISABLE TRIGGER",
        Command::AttachPartition { .. } => "ATTACH PARTITION",
        Command::DetachPartition { .. } => "DETACH PARTITION",
        Command::Unsupported(_) => "ALTER TABLE",
    }
}

impl Session {
    /// Carries out one action.
    pub(super) fn alter_action(
        &mut self,
        ast: &Ast,
        alteration: &mut Alteration,
        command: &Command,
    ) -> Result<()> {
        match command {
            Command::AddColumn { column, if_not_exists } => {
                self.add_column(ast, alteration, column, *if_not_exists)
            }
            Command::DropColumn { name, if_exists, cascade } => {
                self.drop_column(alteration, name, *if_exists, *cascade)
            }
            Command::AlterType { column, ty, collation, using, .. } => {
                self.alter_type(ast, alteration, column, ty, collation.as_ref(), *using)
            }
            Command::SetDefault { column, value } => self.set_default(ast, alteration, column, *value),
            Command::DropDefault { column } => self.drop_default(alteration, column),
            Command::SetNotNull { column } => self.set_not_null(alteration, column),
            Command::DropNotNull { column } => self.drop_not_null(alteration, column),
            Command::SetExpression { column, expr } => self.set_expression(ast, alteration, column, *expr),
            Command::DropExpression { column, if_exists } => {
                self.drop_expression(alteration, column, *if_exists)
            }
            Command::AddIdentity { column, always, options } => {
                self.add_identity(alteration, column, *always, options)
            }
            Command::AlterIdentity { column, options } => self.alter_identity(alteration, column, options),
            Command::DropIdentity { column, if_exists } => self.drop_identity(alteration, column, *if_exists),
            Command::SetStatistics { column, target } => self.set_statistics(alteration, column, *target),
            Command::SetColumnOptions { column, options, reset } => {
                Self::set_column_options(alteration, column, options, *reset)
            }
            Command::SetStorage { column, storage } => Self::set_storage(alteration, column, storage),
            Command::SetCompression { column, method } => Self::set_compression(alteration, column, method),
            Command::AddConstraint(constraint) => self.add_table_constraint(ast, alteration, constraint),
            Command::DropConstraint { name, if_exists, cascade } => {
                self.drop_constraint(alteration, name, *if_exists, *cascade)
            }
            Command::ValidateConstraint(name) => Self::validate_constraint(alteration, name),
            Command::AlterConstraint { name, deferrable, initially_deferred, enforced, inherit } => {
                let timing = (deferrable.is_some() || initially_deferred.is_some())
                    .then(|| timing(*deferrable, *initially_deferred));
                Self::alter_constraint(alteration, name, timing, *enforced, *inherit)
            }
            Command::Unsupported(what) => Err(SqlError::unsupported(what)),
            other => self.alter_whole(alteration, other),
        }
    }
}
