//! ALTER FUNCTION, PROCEDURE and ROUTINE; DROP.

use std::sync::Arc;

use nq_qsql::catalog::Routine;
use nq_qsql::error::{Result, SqlState};
use nq_qsql::parse::ast::{AlterFunction, Ast, Drop, FunctionRef, Ident, ObjectId, ObjectKind};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};

use super::attributes::Attributes;
use super::find::Found;
use crate::catalog::object::{Class, Namespace, RoutineObject, routine_name};
use crate::catalog::system::data;
use crate::catalog::{FIRST_NORMAL_OID, PUBLIC_SCHEMA, acl};
use crate::ddl::dependency::Target;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// ALTER FUNCTION with options.
    pub(crate) fn alter_function(&mut self, ast: &Ast, alter: &AlterFunction) -> Result<Done> {
        let found = self.need_user_routine(ast, alter.kind, &alter.function)?;
        let object = self.reload(&found)?;
        let old = &object.routine;
        let attributes = Attributes::read(&alter.options, old.procedure)?;
        if attributes.leakproof == Some(true) {
            self.check_superuser("only superuser can define a leakproof function")?;
        }
        if attributes.rows.is_some() && !old.returns_set {
            bail!(INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set");
        }
        let config = self.routine_config(old.config.clone(), &attributes.set)?;
        let routine = Routine {
            volatility: attributes.volatility.unwrap_or(old.volatility),
            strict: attributes.strict.unwrap_or(old.strict),
            leakproof: attributes.leakproof.unwrap_or(old.leakproof),
            security_definer: attributes.security_definer.unwrap_or(old.security_definer),
            parallel: attributes.parallel.unwrap_or(old.parallel),
            cost: attributes.cost.unwrap_or(old.cost),
            rows: attributes.rows.unwrap_or(old.rows),
            config,
            ..(**old).clone()
        };
        self.put_routine(object.with_routine(routine))?;
        Done::tag(&format!("ALTER {}", alter.kind.words().to_uppercase()))
    }

    /// The object as it is once it is locked.
    fn reload(&mut self, object: &Arc<RoutineObject>) -> Result<Arc<RoutineObject>> {
        let oid = object.routine.oid;
        match self.lock_routine(oid)? {
            Some(now) => Ok(now),
            None => bail!(UNDEFINED_FUNCTION, "{} with OID {oid} does not exist", object.routine.word()),
        }
    }

    /// ALTER FUNCTION ... RENAME TO.
    pub(crate) fn rename_routine(
        &mut self,
        ast: &Ast,
        kind: ObjectKind,
        of: &FunctionRef,
        new: &Ident,
    ) -> Result<()> {
        let found = self.need_user_routine(ast, kind, of)?;
        let object = self.reload(&found)?;
        let namespace = self.view().catalog.namespace(object.routine.namespace).cloned();
        if let Some(namespace) = namespace {
            self.check_schema_privilege(&namespace, acl::CREATE)?;
        }
        self.move_routine(&object, |routine| Routine { name: new.name.clone(), ..routine })
    }

    /// ALTER FUNCTION ... OWNER TO.
    pub(crate) fn alter_routine_owner(
        &mut self,
        ast: &Ast,
        kind: ObjectKind,
        of: &FunctionRef,
        owner: Oid,
    ) -> Result<()> {
        let found = self.need_user_routine(ast, kind, of)?;
        let object = self.reload(&found)?;
        if owner == object.routine.owner {
            return Ok(());
        }
        self.check_may_become(owner)?;
        if !self.host.is_superuser()
            && let Some(namespace) = self.view().catalog.namespace(object.routine.namespace)
            && self.schema_privileges(namespace, owner) & acl::CREATE == 0
        {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        let routine = Routine { owner, ..(*object.routine).clone() };
        self.put_routine(object.with_routine(routine))
    }

    /// ALTER FUNCTION ... SET SCHEMA.
    pub(crate) fn alter_routine_schema(
        &mut self,
        ast: &Ast,
        kind: ObjectKind,
        of: &FunctionRef,
        schema: &Ident,
    ) -> Result<()> {
        let found = self.need_user_routine(ast, kind, of)?;
        let object = self.reload(&found)?;
        let oid = self.need_namespace(&Ident { pos: u32::MAX, ..schema.clone() })?;
        if oid == object.routine.namespace {
            return Ok(());
        }
        let Some(namespace) = self.view().catalog.namespace(oid).cloned() else {
            bail!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name)
        };
        if oid < FIRST_NORMAL_OID && oid != PUBLIC_SCHEMA {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        self.check_schema_privilege(&namespace, acl::CREATE)?;
        self.move_routine(&object, |routine| Routine {
            namespace: oid,
            schema: (&*namespace.name).into(),
            ..routine
        })
    }

    /// Gives a routine another name or schema, also in what is stored and names it.
    fn move_routine(
        &mut self,
        object: &RoutineObject,
        change: impl FnOnce(Routine) -> Routine,
    ) -> Result<()> {
        let old = &object.routine;
        let new = change((**old).clone());
        let inputs = old.input_types();
        let taken = self
            .view()
            .catalog
            .routines_named(&new.name)
            .any(|r| r.routine.namespace == new.namespace && r.routine.input_types() == inputs);
        let clash = |session: &Session| {
            let signature = session.routine_signature(&new, ", ");
            sql_err!(
                DUPLICATE_FUNCTION,
                "{} {signature} already exists in schema \"{}\"",
                if new.procedure { "procedure" } else { "function" },
                new.schema
            )
        };
        if taken {
            return Err(clash(self));
        }
        let held = self.hold_uses(old.oid)?;
        self.release_name(Class::Routine, old.namespace, &routine_name(&old.name, &inputs))?;
        if !self.claim_name(Class::Routine, new.namespace, &routine_name(&new.name, &inputs), old.oid)? {
            return Err(clash(self));
        }
        self.put_routine(object.with_routine(new))?;
        self.restore_uses(held)
    }

    /// The routines of a schema know its name.
    pub(crate) fn rename_schema_of_routines(&mut self, namespace: &Namespace, new: &str) -> Result<()> {
        let inside: Vec<Arc<RoutineObject>> = self
            .view()
            .catalog
            .routines()
            .into_iter()
            .filter(|r| r.routine.namespace == namespace.oid)
            .cloned()
            .collect();
        for object in inside {
            let held = self.hold_uses(object.routine.oid)?;
            let routine = Routine { schema: new.into(), ..(*object.routine).clone() };
            self.put_routine(object.with_routine(routine))?;
            self.restore_uses(held)?;
        }
        Ok(())
    }

    /// DROP FUNCTION, PROCEDURE and ROUTINE.
    pub(crate) fn drop_routines(&mut self, ast: &Ast, drop: &Drop) -> Result<Done> {
        let word = drop.kind.words();
        let mut roots = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            let ObjectId::Function(of) = &object.id else { continue };
            let named = match self.find_routine(ast, drop.kind, of) {
                Ok(named) => named,
                Err(error)
                    if drop.if_exists
                        && [SqlState::INVALID_SCHEMA_NAME, SqlState::UNDEFINED_OBJECT]
                            .contains(&error.code()) =>
                {
                    self.host.skipping(format!("{}, skipping", error.message()));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let found = match (named.found, &of.args) {
                (Some(found), _) => found,
                (None, _) if drop.if_exists => {
                    self.host.skipping(format!("{word} {} does not exist, skipping", named.shown));
                    continue;
                }
                (None, Some(_)) => bail!(UNDEFINED_FUNCTION, "{word} {} does not exist", named.shown),
                (None, None) => {
                    bail!(UNDEFINED_FUNCTION, "could not find a {word} named \"{}\"", of.name)
                }
            };
            if let Found::Builtin(oid) = found {
                let name = data::proc(oid).map_or("", |p| p.name());
                self.check_superuser(&format!("must be owner of function {name}"))?;
                bail!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop {} {} because it is required by the database system",
                    if drop.kind == ObjectKind::Aggregate { "function" } else { word },
                    named.shown
                );
            }
            let Found::User(object) = found else { continue };
            if drop.kind == ObjectKind::Function && object.routine.aggregate.is_some() {
                return Err(sql_err!(WRONG_OBJECT_TYPE, "\"{}\" is an aggregate function", of.name)
                    .hint("Use DROP AGGREGATE to drop aggregate functions."));
            }
            if object.routine.internal {
                let result = object.routine.result;
                let owner = self.describe_target(Target::Type(result));
                let function = self.describe_target(Target::Routine(object.routine.oid));
                return Err(sql_err!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop {function} because {owner} requires it"
                )
                .hint(format!("You can drop {owner} instead.")));
            }
            let schema = self.view().catalog.namespace(object.routine.namespace).map(|n| n.owner);
            let object = match schema.is_some_and(|owner| self.owns(owner)) {
                true => object,
                false => self.own_routine(Found::User(object))?,
            };
            let target = Target::Routine(object.routine.oid);
            if !roots.contains(&target) {
                roots.push(target);
            }
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, drop.cascade)?;
        self.carry_out_deletion(&deletion, None)?;
        Done::tag(&format!("DROP {}", word.to_uppercase()))
    }
}
