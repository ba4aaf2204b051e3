//! Statements that are not planned: which function carries out which.

use std::sync::Arc;

use nq_qsql::catalog::RelationKind;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, ObjectKind, Statement};
use nq_qsql::parse::qsql::QsqlStatement;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, oid};
use nq_qsql::{bail, sql_err};

use super::portal::Portal;
use super::prepared::{Source, has_into};
use super::{Format, Outcome, Session};
use crate::catalog::acl;
use crate::catalog::bootstrap::CHECKPOINT;
use crate::exec::row_store::RowStore;

/// What a utility statement answers with.
pub(crate) enum Done {
    /// A command tag.
    Tag(String),
    /// Rows; `{}` in the tag is replaced by their number.
    Rows { columns: Arc<[OutputColumn]>, rows: Vec<Vec<Datum>>, tag: String },
    /// Many rows, with the format that a binary cursor gives them.
    Stored { columns: Arc<[OutputColumn]>, format: Option<Format>, store: RowStore, tag: String },
    /// A COPY that waits for data, or has read a file.
    Copy(Outcome),
}

impl Done {
    /// A fixed tag.
    pub(crate) fn tag(tag: &str) -> Result<Done> {
        Ok(Done::Tag(tag.to_owned()))
    }
}

/// There are no extensions but what is built in.
pub(crate) fn no_extension(name: &str) -> SqlError {
    nq_qsql::sql_err!(FEATURE_NOT_SUPPORTED, "extension \"{name}\" is not available")
        .hint("The extension must first be installed on the system where PostgreSQL is running.")
}

impl Session {
    /// The columns a utility statement will return; `None` for none.
    pub(crate) fn describe_utility(&mut self, source: &Source) -> Result<Option<Arc<[OutputColumn]>>> {
        let text = |name: &str| Session::result_column(name, oid::TEXT);
        Ok(match source.statement() {
            Some(Statement::Show(nq_qsql::parse::ast::ShowTarget::Name(name))) => {
                let label = crate::settings::definition::find(name).map_or(&**name, |d| d.name);
                Some([text(label)].into())
            }
            Some(Statement::Show(nq_qsql::parse::ast::ShowTarget::All)) => {
                Some([text("name"), text("setting"), text("description")].into())
            }
            Some(Statement::Qsql(statement)) => crate::check::columns(statement),
            Some(Statement::Explain(explain)) => Some(crate::explain::columns(explain)?),
            Some(Statement::Fetch(fetch)) if !fetch.is_move => {
                self.portals.get(&*fetch.cursor.name).and_then(|p| p.columns.clone())
            }
            Some(Statement::Execute(execute)) => self.find_statement(&execute.name)?.columns.clone(),
            _ => None,
        })
    }

    /// Runs a statement that is not planned.
    pub(crate) fn run_utility(&mut self, portal: &mut Portal) -> Result<Done> {
        let source = portal.source.clone();
        let Some(parsed) = &source.parsed else {
            return Err(SqlError::internal("an empty statement was run"));
        };
        let ast = &parsed.ast;
        self.note_command(&ast.statement)?;
        let done = match &ast.statement {
            Statement::DeclareCursor(declare) => self.declare_cursor(&source, declare, &portal.params),
            Statement::Explain(explain) => self.explain(&source, ast, explain, &portal.params),
            Statement::Call(call) => {
                let (params, types) = (portal.params.clone(), portal.types.clone().unwrap_or_default());
                self.call_procedure(&source, ast, *call, &params, &types)
            }
            statement => self.dispatch(&source, ast, statement),
        };
        if self.transaction.txn.is_some() {
            self.txn().next_command();
        }
        done
    }

    /// Prepares the transaction for a utility statement: most need a snapshot of their own, some must not start one.
    fn note_command(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Begin(_)
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Set(_)
            | Statement::Show(_)
            | Statement::Savepoint(_)
            | Statement::ReleaseSavepoint(_)
            | Statement::RollbackTo(_)
            | Statement::Prepare(_)
            | Statement::Deallocate(_)
            | Statement::Fetch(_)
            | Statement::CloseCursor(_)
            | Statement::Discard(_) => {}
            _ => {
                self.begin_statement();
            }
        }
        if self.read_only()
            && let Some(word) = writing_word(statement)
        {
            self.check_writable(word)?;
        }
        Ok(())
    }

    /// Carries out one statement; also called for the elements of CREATE SCHEMA.
    pub(crate) fn dispatch(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        statement: &Statement,
    ) -> Result<Done> {
        match statement {
            Statement::Begin(modes) => {
                self.begin_block(*modes)?;
                Done::tag("BEGIN")
            }
            Statement::Commit { chain } => self.commit_block(*chain).map(Done::Tag),
            Statement::Rollback { chain } => self.rollback_block(*chain).map(Done::Tag),
            Statement::Savepoint(name) => {
                self.savepoint(name)?;
                Done::tag("SAVEPOINT")
            }
            Statement::ReleaseSavepoint(name) => {
                self.release_savepoint(name)?;
                Done::tag("RELEASE")
            }
            Statement::RollbackTo(name) => {
                self.rollback_to_savepoint(name)?;
                Done::tag("ROLLBACK")
            }
            Statement::Set(set) => self.set_variable(set),
            Statement::Show(target) => self.show(target),
            Statement::Discard(target) => self.discard(*target),
            Statement::Prepare(prepare) => self.sql_prepare(source, ast, prepare),
            Statement::Deallocate(name) => self.deallocate(name.as_deref()),
            Statement::Fetch(fetch) => self.fetch(fetch),
            Statement::CloseCursor(name) => self.close_cursor(name.as_deref()),
            Statement::Explain(explain) => self.explain(source, ast, explain, &[]),
            Statement::Copy(copy) => self.copy_from(ast, copy).map(Done::Copy),
            Statement::Query(query) if has_into(ast, *query) => self.select_into(source, ast, *query),
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::Execute(_)
            | Statement::DeclareCursor(_) => {
                Err(SqlError::internal("a portal's statement was run as a utility"))
            }
            Statement::SetConstraints { names, deferred } => {
                self.set_constraints(names.as_deref().unwrap_or_default(), *deferred)
            }
            Statement::Lock(lock) => self.lock_tables(lock),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::CreateTable(create) => self.create_table(source, ast, create),
            Statement::CreateTableAs(create) => self.create_table_as(source, ast, create),
            Statement::AlterTable(alter) if alter.kind == ObjectKind::Type => {
                self.alter_composite(ast, alter)
            }
            Statement::AlterTable(alter) => self.alter_table(ast, alter),
            Statement::CreateIndex(create) => self.create_index(ast, create),
            Statement::CreateSequence(create) => self.create_sequence(create),
            Statement::AlterSequence(alter) => self.alter_sequence(alter),
            Statement::CreateDatabase(create) => self.create_database(create),
            Statement::AlterDatabase(alter) => self.alter_database(alter),
            Statement::DropDatabase(drop) => self.drop_database(drop),
            Statement::CreateView(create) => self.create_view(source, ast, create),
            Statement::CreateSchema(create) => self.create_schema(source, ast, create),
            Statement::CreateRole(create) => self.create_role(create),
            Statement::AlterRole(alter) => self.alter_role(alter),
            Statement::AlterRoleSet(alter) => self.alter_role_set(alter),
            Statement::DropRole(drop) => self.drop_roles(drop),
            Statement::Grant(grant) => self.grant(ast, grant),
            Statement::GrantRole(grant) => self.grant_roles(grant),
            Statement::Drop(drop) => self.drop_objects(ast, drop),
            Statement::Rename(rename) if rename.object.kind == ObjectKind::Role => self.rename_role(rename),
            Statement::Rename(rename) if rename.object.kind == ObjectKind::Database => {
                self.rename_database(rename)
            }
            Statement::AlterOwner(alter) if alter.object.kind == ObjectKind::Database => {
                self.alter_database_owner(alter)
            }
            Statement::Rename(rename) => self.rename(ast, rename),
            Statement::AlterOwner(alter) => self.alter_owner(ast, alter),
            Statement::AlterObjectSchema(alter) => self.alter_schema(ast, alter),
            Statement::Comment(comment) => self.comment(ast, comment),
            Statement::Vacuum(vacuum) => self.vacuum(vacuum),
            Statement::Checkpoint { .. } => {
                self.check_may_checkpoint()?;
                self.db.store.checkpoint().map_err(crate::error::store_error)?;
                Done::tag("CHECKPOINT")
            }
            Statement::Reindex(reindex) => self.reindex(reindex),
            Statement::Cluster(_) => Err(SqlError::unsupported("CLUSTER")),
            Statement::CreateExtension(create) => self.create_extension(create),
            Statement::Qsql(statement) => self.run_qsql(statement),
            Statement::Unsupported { what } => Err(SqlError::unsupported(what)),
            Statement::Listen(channel) => {
                self.host.mailbox.listen(&channel.name);
                Done::tag("LISTEN")
            }
            Statement::Unlisten(channel) => {
                self.host.mailbox.unlisten(channel.as_ref().map(|name| &*name.name));
                Done::tag("UNLISTEN")
            }
            Statement::Notify { channel, payload } => {
                self.host.mailbox.notify(&channel.name, payload.as_deref().unwrap_or_default())?;
                Done::tag("NOTIFY")
            }
            Statement::PrepareTransaction(_) => {
                self.abandon();
                bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transactions are disabled")
            }
            Statement::CommitPrepared(name) | Statement::RollbackPrepared(name) => {
                bail!(UNDEFINED_OBJECT, "prepared transaction with identifier \"{name}\" does not exist")
            }
            Statement::RefreshMaterializedView(refresh) => self.refresh_materialized_view(refresh),
            Statement::CreatePolicy(create) => self.create_policy(source, create),
            Statement::AlterPolicy(alter) => self.alter_policy(source, alter),
            Statement::AlterDefaultPrivileges(alter) => self.alter_default_privileges(alter),
            Statement::CreateType(create) => self.create_type(ast, create),
            Statement::AlterEnum(alter) => self.alter_enum(alter),
            Statement::CreateDomain(create) => self.create_domain(ast, create),
            Statement::AlterDomain(alter) => self.alter_domain(ast, alter),
            Statement::CreateFunction(create) => self.create_function(source, ast, create),
            Statement::AlterFunction(alter) => self.alter_function(ast, alter),
            Statement::CreateAggregate(create) => self.create_aggregate(ast, create),
            Statement::CreateOperator(create) => self.create_operator(ast, create),
            Statement::CreateCast(create) => self.create_cast(ast, create),
            Statement::AlterExtension(_) => Err(SqlError::unsupported("ALTER EXTENSION")),
            Statement::SecurityLabel(_) => Err(SqlError::unsupported("SECURITY LABEL")),
            Statement::ReassignOwned { roles, to } => self.reassign_owned(roles, to),
            Statement::DropOwned { roles, cascade } => self.drop_owned(roles, *cascade),
            Statement::AlterSystem(set) => self.alter_system(set),
            Statement::Do { .. } => Err(SqlError::unsupported("DO")),
            Statement::Call(call) => self.call_procedure(source, ast, *call, &[], &[]),
            Statement::Load(_) => Err(SqlError::unsupported("LOAD")),
        }
    }

    /// # Errors
    /// 42501 for those without the privileges of `pg_checkpoint`.
    fn check_may_checkpoint(&self) -> Result<()> {
        match self.owns(CHECKPOINT) {
            true => Ok(()),
            false => Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied to execute CHECKPOINT command")
                .detail(
                    "Only roles with privileges of the \"pg_checkpoint\" role may execute this command.",
                )),
        }
    }

    /// LOCK TABLE.
    fn lock_tables(&mut self, lock: &nq_qsql::parse::ast::Lock) -> Result<Done> {
        use nq_qsql::parse::ast::LockMode as Mode;
        use nq_storage::txn::lock::LockMode;
        self.check_inside_block("LOCK TABLE")?;
        let mode = match lock.mode {
            Mode::AccessShare => LockMode::AccessShare,
            Mode::RowShare => LockMode::RowShare,
            Mode::RowExclusive => LockMode::RowExclusive,
            Mode::ShareUpdateExclusive => LockMode::ShareUpdateExclusive,
            Mode::Share => LockMode::Share,
            Mode::ShareRowExclusive => LockMode::ShareRowExclusive,
            Mode::Exclusive => LockMode::Exclusive,
            Mode::AccessExclusive => LockMode::AccessExclusive,
        };
        let writes = acl::UPDATE | acl::DELETE | acl::TRUNCATE | acl::MAINTAIN;
        for table in &lock.tables {
            let relation = self.need_relation(&table.name)?;
            if relation.kind == RelationKind::MaterializedView {
                return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot lock relation \"{}\"", relation.name)
                    .detail("This operation is not supported for materialized views."));
            }
            let wanted = match mode {
                LockMode::AccessShare => writes | acl::INSERT | acl::SELECT,
                LockMode::RowShare | LockMode::RowExclusive => writes | acl::INSERT,
                _ => writes,
            };
            self.check_any_privilege(&relation, wanted)?;
            let wait =
                if lock.nowait { nq_storage::WaitPolicy::NoWait } else { nq_storage::WaitPolicy::Wait };
            self.lock_relation_waiting(relation.oid, mode, wait).map_err(|e| {
                match lock.nowait && e.code() == nq_qsql::error::SqlState::LOCK_NOT_AVAILABLE {
                    true => nq_qsql::sql_err!(
                        LOCK_NOT_AVAILABLE,
                        "could not obtain lock on relation \"{}\"",
                        relation.name
                    ),
                    false => e,
                }
            })?;
        }
        Done::tag("LOCK TABLE")
    }

    /// CREATE EXTENSION: what clients ask for by habit is there already.
    fn create_extension(&mut self, create: &nq_qsql::parse::ast::CreateExtension) -> Result<Done> {
        match &*create.name.name {
            "plpgsql" if create.if_not_exists => {
                self.host.notice(nq_qsql::sql_err!(
                    DUPLICATE_OBJECT,
                    "extension \"plpgsql\" already exists, skipping"
                ));
                Done::tag("CREATE EXTENSION")
            }
            name => Err(no_extension(name)),
        }
    }

    /// The statements of QSQL.
    fn run_qsql(&mut self, statement: &QsqlStatement) -> Result<Done> {
        match statement {
            QsqlStatement::ShowCompressionStats { table } => {
                self.show_compression_stats(statement, table.as_ref())
            }
            QsqlStatement::CheckTable { table, repair } => self.check_table(statement, table, *repair),
            QsqlStatement::CheckDatabase => self.check_database(statement),
            QsqlStatement::CompressTable { .. } => Err(SqlError::unsupported("COMPRESS TABLE")),
            QsqlStatement::DecompressTable { .. } => Err(SqlError::unsupported("DECOMPRESS TABLE")),
            QsqlStatement::Named(name) => Err(SqlError::unsupported(name)),
        }
    }
}

/// The word a statement that writes is named by in read-only errors; `None` for those that may run.
fn writing_word(statement: &Statement) -> Option<&'static str> {
    Some(match statement {
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::CreateTableAs(create) if create.materialized => "CREATE MATERIALIZED VIEW",
        Statement::CreateTableAs(_) => "CREATE TABLE AS",
        Statement::AlterTable(_) => "ALTER TABLE",
        Statement::CreateIndex(_) => "CREATE INDEX",
        Statement::CreateSequence(_) => "CREATE SEQUENCE",
        Statement::AlterSequence(_) => "ALTER SEQUENCE",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateType(_) => "CREATE TYPE",
        Statement::AlterEnum(_) => "ALTER TYPE",
        Statement::CreateDomain(_) => "CREATE DOMAIN",
        Statement::AlterDomain(_) => "ALTER DOMAIN",
        Statement::CreateFunction(create) if create.is_procedure => "CREATE PROCEDURE",
        Statement::CreateFunction(_) => "CREATE FUNCTION",
        Statement::AlterFunction(_) => "ALTER FUNCTION",
        Statement::CreateSchema(_) => "CREATE SCHEMA",
        Statement::CreateDatabase(_) => "CREATE DATABASE",
        Statement::AlterDatabase(_) => "ALTER DATABASE",
        Statement::DropDatabase(_) => "DROP DATABASE",
        Statement::CreateRole(_) => "CREATE ROLE",
        Statement::AlterRole(_) | Statement::AlterRoleSet(_) => "ALTER ROLE",
        Statement::DropRole(_) => "DROP ROLE",
        Statement::Grant(grant) => {
            if grant.is_grant {
                "GRANT"
            } else {
                "REVOKE"
            }
        }
        Statement::GrantRole(grant) => {
            if grant.is_grant {
                "GRANT ROLE"
            } else {
                "REVOKE ROLE"
            }
        }
        Statement::Drop(_) => "DROP",
        Statement::Rename(_) | Statement::AlterOwner(_) | Statement::AlterObjectSchema(_) => "ALTER",
        Statement::Comment(_) => "COMMENT",
        Statement::Truncate(_) => "TRUNCATE TABLE",
        _ => return None,
    })
}
