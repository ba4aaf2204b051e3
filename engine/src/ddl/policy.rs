//! CREATE, ALTER, DROP and RENAME of policies.
//!
//! A condition is stored as the text of a query, `SELECT condition FROM table`, with every name explicit, as views are: what
//! renames something prints it anew, and what is dropped finds it by its meaning.

use std::sync::Arc;

use nq_qsql::bind::{Resolution, bind_policy_condition, bind_stored_query, bind_view_query, explicit_text};
use nq_qsql::catalog::{Policy, PolicyCommand, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ParsedStatement;
use nq_qsql::parse::ast::{
    AlterPolicy, CreatePolicy, Ident, ObjectName, PolicyCondition, RoleKind, RoleSpec,
};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use super::dependency::Target;
use super::view::only_query;
use crate::catalog::object::RelationObject;
use crate::catalog::{class, quote_identifier};
use crate::session::Session;
use crate::session::prepared::Source;
use crate::session::utility::Done;

/// The stored condition of a policy.
pub(super) struct Condition {
    pub(super) table: Arc<Relation>,
    pub(super) policy: Oid,
    /// WITH CHECK; else USING.
    pub(super) is_check: bool,
    pub(super) parsed: ParsedStatement,
    pub(super) resolution: Resolution,
}

impl Session {
    /// CREATE POLICY.
    pub(crate) fn create_policy(&mut self, source: &Source, create: &CreatePolicy) -> Result<Done> {
        check_parts(create.command, create.using.is_some(), create.check.is_some())?;
        let roles = self.policy_roles(&create.roles)?;
        let object = self.open_secured(&create.table)?;
        let table = object.relation.clone();
        let using = self.policy_text(source, create.using, &table)?;
        let check = self.policy_text(source, create.check, &table)?;
        check_unused(&table, &create.name)?;
        let policy = Policy {
            oid: self.db.next_oid()?,
            name: create.name.name.clone(),
            command: create.command,
            permissive: create.permissive,
            roles,
            using,
            check,
        };
        let mut policies = table.security.policies.clone();
        policies.push(policy);
        self.put_policies(&object, policies)?;
        Done::tag("CREATE POLICY")
    }

    /// ALTER POLICY.
    pub(crate) fn alter_policy(&mut self, source: &Source, alter: &AlterPolicy) -> Result<Done> {
        let roles = alter.roles.as_deref().map(|roles| self.policy_roles(roles)).transpose()?;
        let object = self.open_secured(&alter.table)?;
        let table = object.relation.clone();
        let mut policies = table.security.policies.clone();
        let Some(policy) = policies.iter_mut().find(|p| *p.name == *alter.name.name) else {
            return Err(undefined_policy(&table, &alter.name));
        };
        check_parts(policy.command, alter.using.is_some(), alter.check.is_some())?;
        if let Some(roles) = roles {
            policy.roles = roles;
        }
        if let Some(text) = self.policy_text(source, alter.using, &table)? {
            policy.using = Some(text);
        }
        if let Some(text) = self.policy_text(source, alter.check, &table)? {
            policy.check = Some(text);
        }
        self.put_policies(&object, policies)?;
        Done::tag("ALTER POLICY")
    }

    /// ALTER POLICY ... RENAME TO.
    pub(crate) fn rename_policy(&mut self, table: &ObjectName, old: &Ident, new: &Ident) -> Result<()> {
        let object = self.open_secured(table)?;
        let mut policies = object.relation.security.policies.clone();
        check_unused(&object.relation, new)?;
        let Some(policy) = policies.iter_mut().find(|p| *p.name == *old.name) else {
            return Err(undefined_policy(&object.relation, old));
        };
        policy.name = new.name.clone();
        self.put_policies(&object, policies)
    }

    /// DROP POLICY.
    pub(crate) fn drop_policy(&mut self, table: &ObjectName, name: &Ident, if_exists: bool) -> Result<()> {
        if if_exists && self.find_relation(table)?.is_none() {
            self.host.skipping(format!("relation \"{table}\" does not exist, skipping"));
            return Ok(());
        }
        let object = self.open_secured(table)?;
        match object.relation.security.policy(name) {
            Some(policy) => self.remove_policy(object.relation.oid, policy.oid),
            None if if_exists => {
                let shown = &object.relation.name;
                self.host.skipping(format!(
                    "policy \"{}\" for relation \"{shown}\" does not exist, skipping",
                    name.name
                ));
                Ok(())
            }
            None => Err(undefined_policy(&object.relation, name)),
        }
    }

    /// Takes a policy off its table.
    pub(crate) fn remove_policy(&mut self, table: Oid, policy: Oid) -> Result<()> {
        self.lock_relation(table, LockMode::AccessExclusive)?;
        let Ok(object) = self.object(table) else { return Ok(()) };
        let mut policies = object.relation.security.policies.clone();
        policies.retain(|p| p.oid != policy);
        self.remove_comments(class::POLICY, policy)?;
        self.put_policies(&object, policies)
    }

    /// The policies whose conditions mean something that `uses` tells of.
    pub(super) fn policies_using(
        &mut self,
        uses: impl Fn(&Relation, &Resolution) -> bool,
    ) -> Result<Vec<Target>> {
        let mut found = Vec::new();
        for condition in self.policy_conditions()? {
            let target = Target::Policy(condition.table.oid, condition.policy);
            if !found.contains(&target) && uses(&condition.table, &condition.resolution) {
                found.push(target);
            }
        }
        Ok(found)
    }

    /// All conditions of policies, with what they mean.
    pub(super) fn policy_conditions(&mut self) -> Result<Vec<Condition>> {
        let view = self.view().clone();
        let mut all = Vec::new();
        for object in view.catalog.relations() {
            let table = &object.relation;
            for policy in &table.security.policies {
                for (is_check, text) in [(false, &policy.using), (true, &policy.check)] {
                    let Some(text) = text else { continue };
                    let (parsed, query) = only_query(text)?;
                    let (_, resolution) =
                        self.with_bind_cx(|cx| bind_stored_query(&parsed.ast, query, cx))?;
                    let (table, policy) = (table.clone(), policy.oid);
                    all.push(Condition { table, policy, is_check, parsed, resolution });
                }
            }
        }
        Ok(all)
    }

    /// Stores another text of a policy's condition.
    pub(super) fn replace_policy_text(
        &mut self,
        table: Oid,
        policy: Oid,
        is_check: bool,
        text: Arc<str>,
    ) -> Result<()> {
        let Ok(object) = self.object(table) else { return Ok(()) };
        let mut policies = object.relation.security.policies.clone();
        if let Some(policy) = policies.iter_mut().find(|p| p.oid == policy) {
            *(if is_check { &mut policy.check } else { &mut policy.using }) = Some(text);
        }
        self.put_policies(&object, policies)
    }

    fn put_policies(&mut self, object: &RelationObject, mut policies: Vec<Policy>) -> Result<()> {
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        let mut relation = (*object.relation).clone();
        relation.security.policies = policies;
        self.replace_relation(object, relation).map(|_| ())
    }

    fn open_secured(&mut self, name: &ObjectName) -> Result<Arc<RelationObject>> {
        self.open_for_ddl(name, LockMode::AccessExclusive, &[RelationKind::Table], "a table")
    }

    fn policy_roles(&mut self, roles: &[RoleSpec]) -> Result<Vec<Oid>> {
        if roles.iter().any(|role| role.kind == RoleKind::Public) {
            if roles.len() > 1 {
                self.host.warn(
                    SqlError::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "ignoring specified roles other than PUBLIC",
                    )
                    .hint("All roles are members of the PUBLIC role."),
                );
            }
            return Ok(vec![0]);
        }
        roles.iter().map(|role| self.need_role(role)).collect()
    }

    /// The text that stands for a condition in the catalog.
    fn policy_text(
        &mut self,
        source: &Source,
        condition: Option<PolicyCondition>,
        table: &Arc<Relation>,
    ) -> Result<Option<Arc<str>>> {
        let Some(PolicyCondition { start, end }) = condition else { return Ok(None) };
        let condition = &source.text[start as usize..end as usize];
        // As PostgreSQL does, errors do not tell the place.
        let unplaced = |mut e: SqlError| {
            e.0.byte_offset = None;
            e
        };
        self.with_bind_cx(|cx| bind_policy_condition(condition, table, cx)).map_err(unplaced)?;
        let (schema, name) = (quote_identifier(&table.schema), quote_identifier(&table.name));
        let (parsed, query) = only_query(&format!("SELECT {condition} FROM {schema}.{name}"))?;
        let (_, resolution) =
            self.with_bind_cx(|cx| bind_view_query(&parsed.ast, query, cx)).map_err(unplaced)?;
        let view = self.view().clone();
        explicit_text(&parsed.ast, query, &resolution, &*view).map(|text| Some(text.into()))
    }
}

/// Which conditions a policy for a command may have.
fn check_parts(command: PolicyCommand, using: bool, check: bool) -> Result<()> {
    if command == PolicyCommand::Insert && using {
        bail!(SYNTAX_ERROR, "only WITH CHECK expression allowed for INSERT");
    }
    if matches!(command, PolicyCommand::Select | PolicyCommand::Delete) && check {
        bail!(SYNTAX_ERROR, "WITH CHECK cannot be applied to SELECT or DELETE");
    }
    Ok(())
}

fn check_unused(table: &Relation, name: &Ident) -> Result<()> {
    match table.security.policy(name) {
        Some(_) => {
            bail!(DUPLICATE_OBJECT, "policy \"{}\" for table \"{}\" already exists", name.name, table.name)
        }
        None => Ok(()),
    }
}

pub(super) fn undefined_policy(table: &Relation, name: &Ident) -> SqlError {
    sql_err!(UNDEFINED_OBJECT, "policy \"{}\" for table \"{}\" does not exist", name.name, table.name)
}
