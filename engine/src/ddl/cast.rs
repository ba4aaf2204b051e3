//! CREATE and DROP CAST.
//!
//! Source: PostgreSQL's `functioncmds.c` (`CreateCast`).

use std::sync::Arc;

use nq_qsql::catalog::{UserCast, UserCastMethod};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::CastContext;
use nq_qsql::parse::ast::{
    self, Ast, CastMethod, CreateCast, Drop, FunctionRef, ObjectId, ObjectKind, TypeName,
};
use nq_qsql::types::info::TypeKind;
use nq_qsql::types::{Oid, info, oid};
use nq_qsql::{bail, sql_err};

use super::define::is_binary_coercible;
use super::dependency::Target;
use super::routine::Found;
use crate::catalog::class;
use crate::catalog::object::{Class, Object, ObjectKey};
use crate::session::Session;
use crate::session::utility::Done;

/// What a statement that names a cast has found.
pub(crate) enum FoundCast {
    User(Arc<UserCast>),
    Builtin(Oid),
}

fn invalid(text: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, text.to_owned())
}

impl Session {
    /// CREATE CAST.
    pub(crate) fn create_cast(&mut self, ast: &Ast, create: &CreateCast) -> Result<Done> {
        let source = self.written_type(ast, &create.source)?;
        let target = self.written_type(ast, &create.target)?;
        let kind = |ty: Oid| info::by_oid(ty).map(|t| t.kind);
        for (ty, word) in [(source, "source"), (target, "target")] {
            if kind(ty) == Some(TypeKind::Pseudo) {
                let name = self.view().type_name(ty);
                bail!(WRONG_OBJECT_TYPE, "{word} data type {name} is a pseudo-type");
            }
        }
        self.check_owner_of_either(source, target)?;
        self.check_type_usage(source)?;
        self.check_type_usage(target)?;
        for (ty, word) in [(source, "source"), (target, "target")] {
            if kind(ty) == Some(TypeKind::Domain) {
                self.host.warn(sql_err!(
                    WRONG_OBJECT_TYPE,
                    "cast will be ignored because the {word} data type is a domain"
                ));
            }
        }
        let (method, arguments) = match &create.method {
            CastMethod::Function(of) => self.cast_function(ast, of, source, target)?,
            CastMethod::InOut => (UserCastMethod::InOut, 1),
            CastMethod::WithoutFunction => {
                self.check_superuser("must be superuser to create a cast WITHOUT FUNCTION")?;
                check_same_bits(source, target)?;
                return Err(SqlError::unsupported("CREATE CAST WITHOUT FUNCTION"));
            }
        };
        if source == target && arguments < 2 {
            return Err(invalid("source data type and target data type are the same"));
        }
        let taken = || {
            let (from, to) = (self.view().type_name(source), self.view().type_name(target));
            sql_err!(DUPLICATE_OBJECT, "cast from type {from} to type {to} already exists")
        };
        if nq_qsql::func::cast(source, target).is_some()
            || self.view().catalog.operations().cast_between(source, target).is_some()
        {
            return Err(taken());
        }
        let context = match create.context {
            ast::CastContext::Explicit => CastContext::Explicit,
            ast::CastContext::Assignment => CastContext::Assignment,
            ast::CastContext::Implicit => CastContext::Implicit,
        };
        let cast = UserCast { oid: self.db.next_oid()?, source, target, context, method };
        if !self.claim_name(Class::Cast, source, &target.to_string(), cast.oid)? {
            let (from, to) = (self.view().type_name(source), self.view().type_name(target));
            bail!(DUPLICATE_OBJECT, "cast from type {from} to type {to} already exists");
        }
        self.put_object(ObjectKey::new(Class::Cast, cast.oid), Object::Cast(Arc::new(cast)))?;
        Done::tag("CREATE CAST")
    }

    /// # Errors
    /// 42501 for who owns neither of the types.
    fn check_owner_of_either(&self, source: Oid, target: Oid) -> Result<()> {
        let owns = |ty: Oid| match self.view().catalog.user_type(ty) {
            Some(found) => self.owns(found.owner),
            None => self.host.is_superuser(),
        };
        match owns(source) || owns(target) {
            true => Ok(()),
            false => bail!(
                INSUFFICIENT_PRIVILEGE,
                "must be owner of type {} or type {}",
                self.view().type_name(source),
                self.view().type_name(target)
            ),
        }
    }

    /// The function of a cast with the number of its arguments.
    fn cast_function(
        &mut self,
        ast: &Ast,
        of: &FunctionRef,
        source: Oid,
        target: Oid,
    ) -> Result<(UserCastMethod, usize)> {
        let (oid, inputs, result, set, normal) = match self.need_routine(ast, ObjectKind::Function, of)? {
            Found::User(object) => {
                let r = &object.routine;
                self.host.check_execute(r)?;
                (r.oid, r.input_types(), r.result, r.returns_set, !r.procedure && r.aggregate.is_none())
            }
            Found::Builtin(oid) => {
                let Some(f) = nq_qsql::func::function_by_oid(oid) else {
                    return Err(SqlError::unsupported("a cast by this function"));
                };
                let normal =
                    matches!(f.body, nq_qsql::func::Body::Scalar(_) | nq_qsql::func::Body::Set { .. });
                (oid, f.args.to_vec(), f.result, f.is_set(), normal)
            }
        };
        if !(1..=3).contains(&inputs.len()) {
            return Err(invalid("cast function must take one to three arguments"));
        }
        if !is_binary_coercible(source, inputs[0]) {
            return Err(invalid(
                "argument of cast function must match or be binary-coercible from source data type",
            ));
        }
        if inputs.get(1).is_some_and(|ty| *ty != oid::INT4) {
            return Err(invalid("second argument of cast function must be type integer"));
        }
        if inputs.get(2).is_some_and(|ty| *ty != oid::BOOL) {
            return Err(invalid("third argument of cast function must be type boolean"));
        }
        if !is_binary_coercible(result, target) {
            return Err(invalid(
                "return data type of cast function must match or be binary-coercible to target data type",
            ));
        }
        if !normal {
            return Err(invalid("cast function must be a normal function"));
        }
        if set {
            return Err(invalid("cast function must not return a set"));
        }
        Ok((UserCastMethod::Function(oid), inputs.len()))
    }

    /// The cast that a statement names; `None` when there is none.
    pub(crate) fn named_cast(
        &mut self,
        ast: &Ast,
        from: &TypeName,
        to: &TypeName,
    ) -> Result<std::result::Result<FoundCast, SqlError>> {
        let source = self.written_type(ast, from)?;
        let target = self.written_type(ast, to)?;
        if let Some(cast) = self.view().catalog.operations().cast_between(source, target) {
            return Ok(Ok(FoundCast::User(cast.clone())));
        }
        Ok(match nq_qsql::func::cast(source, target) {
            Some(cast) => Ok(FoundCast::Builtin(cast.oid)),
            None => {
                let (from, to) = (self.view().type_name(source), self.view().type_name(target));
                Err(sql_err!(UNDEFINED_OBJECT, "cast from type {from} to type {to} does not exist"))
            }
        })
    }

    /// Checks that the user may change a cast, and answers with its OID.
    pub(crate) fn own_cast(&self, found: &FoundCast) -> Result<Oid> {
        let (oid, source, target) = match found {
            FoundCast::User(cast) => (cast.oid, cast.source, cast.target),
            FoundCast::Builtin(oid) => {
                let cast = nq_qsql::func::all_casts().find(|c| c.oid == *oid);
                (*oid, cast.map_or(0, |c| c.source), cast.map_or(0, |c| c.target))
            }
        };
        self.check_owner_of_either(source, target)?;
        Ok(oid)
    }

    /// DROP CAST.
    pub(crate) fn drop_casts(&mut self, ast: &Ast, drop: &Drop) -> Result<Done> {
        let mut roots = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            let ObjectId::Cast { from, to } = &object.id else { continue };
            let found = match self.named_cast(ast, from, to) {
                Ok(Ok(found)) => found,
                Ok(Err(error)) | Err(error)
                    if drop.if_exists
                        && [SqlState::UNDEFINED_OBJECT, SqlState::INVALID_SCHEMA_NAME]
                            .contains(&error.code()) =>
                {
                    self.host.skipping(format!("{}, skipping", error.message()));
                    continue;
                }
                Ok(Err(error)) | Err(error) => return Err(error),
            };
            let oid = self.own_cast(&found)?;
            if let FoundCast::Builtin(_) = found {
                let cast = nq_qsql::func::all_casts().find(|c| c.oid == oid);
                let (from, to) = (cast.map_or(0, |c| c.source), cast.map_or(0, |c| c.target));
                let (from, to) = (self.view().type_name(from), self.view().type_name(to));
                bail!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop cast from {from} to {to} because it is required by the database system"
                );
            }
            if !roots.contains(&Target::Cast(oid)) {
                roots.push(Target::Cast(oid));
            }
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, drop.cascade)?;
        self.carry_out_deletion(&deletion, None)?;
        Done::tag("DROP CAST")
    }

    /// Removes a cast.
    pub(crate) fn remove_cast(&mut self, oid: Oid) -> Result<()> {
        let Some(cast) = self.view().catalog.operations().cast(oid).cloned() else { return Ok(()) };
        self.release_name(Class::Cast, cast.source, &cast.target.to_string())?;
        self.remove_comments(class::CAST, oid)?;
        self.remove_object(ObjectKey::new(Class::Cast, oid))
    }
}

/// # Errors
/// 42P17 for types that are stored in different ways.
fn check_same_bits(source: Oid, target: Oid) -> Result<()> {
    let (Some(from), Some(to)) = (info::by_oid(source), info::by_oid(target)) else { return Ok(()) };
    if from.len != to.len || from.by_value != to.by_value || from.align != to.align {
        return Err(invalid("source and target data types are not physically compatible"));
    }
    for (kind, text) in [
        (TypeKind::Composite, "composite data types are not binary-compatible"),
        (TypeKind::Enum, "enum data types are not binary-compatible"),
        (TypeKind::Array, "array data types are not binary-compatible"),
        (TypeKind::Range, "range data types are not binary-compatible"),
        (TypeKind::Domain, "domain data types must not be marked binary-compatible"),
    ] {
        if from.kind == kind || to.kind == kind {
            return Err(invalid(text));
        }
    }
    Ok(())
}
