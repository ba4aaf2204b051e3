//! Functions and procedures as statements name them: `f`, `s.f(integer, text)`.

use std::sync::Arc;

use nq_qsql::bind::bind_routine_type;
use nq_qsql::catalog::Catalog;
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{Ast, FunctionRef, ObjectKind, ParamMode};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};

use crate::catalog::PG_CATALOG;
use crate::catalog::object::RoutineObject;
use crate::catalog::system::data;
use crate::session::Session;

/// What a name has found.
pub(crate) enum Found {
    /// One that a user has made.
    User(Arc<RoutineObject>),
    /// One that is built in, by OID.
    Builtin(Oid),
}

/// What a statement that names a routine says of it in messages.
pub(crate) struct NamedRoutine {
    /// What was found; `None`: there is none of that name.
    pub(crate) found: Option<Found>,
    /// `f(integer)`
    pub(crate) shown: String,
}

impl Session {
    /// Finds a routine that a statement names.
    ///
    /// # Errors
    /// 42883 if there is none, 42725 for a bare name of several, 42809 for one of another kind.
    pub(crate) fn need_routine(&mut self, ast: &Ast, kind: ObjectKind, of: &FunctionRef) -> Result<Found> {
        let word = kind.words();
        let named = self.find_routine(ast, kind, of)?;
        match (named.found, &of.args) {
            (Some(found), _) => Ok(found),
            (None, Some(_)) => bail!(UNDEFINED_FUNCTION, "{word} {} does not exist", named.shown),
            (None, None) => {
                bail!(UNDEFINED_FUNCTION, "could not find a {word} named \"{}\"", of.name)
            }
        }
    }

    /// As [`Session::need_routine`], of a user's.
    ///
    /// # Errors
    /// 42501 for one that is built in.
    pub(crate) fn need_user_routine(
        &mut self,
        ast: &Ast,
        kind: ObjectKind,
        of: &FunctionRef,
    ) -> Result<Arc<RoutineObject>> {
        let found = self.need_routine(ast, kind, of)?;
        self.own_routine(found)
    }

    /// The routine, which the current user owns.
    pub(crate) fn own_routine(&mut self, found: Found) -> Result<Arc<RoutineObject>> {
        let object = match found {
            Found::User(object) => object,
            Found::Builtin(oid) => {
                let name = data::proc(oid).map_or("", |p| p.name());
                self.check_superuser(&format!("must be owner of function {name}"))?;
                return Err(SqlError::unsupported("changing a built-in function"));
            }
        };
        let routine = &object.routine;
        match self.owns(routine.owner) {
            true => Ok(object),
            false => {
                bail!(INSUFFICIENT_PRIVILEGE, "must be owner of {} {}", routine.word(), routine.name)
            }
        }
    }

    /// Looks for a routine that a statement names.
    ///
    /// # Errors
    /// 42725 for a bare name of several, 42809 for one of another kind, 3F000, 42704.
    pub(crate) fn find_routine(
        &mut self,
        ast: &Ast,
        kind: ObjectKind,
        of: &FunctionRef,
    ) -> Result<NamedRoutine> {
        let view = self.view().clone();
        let name = &of.name.object().name;
        let schema = of.name.schema().map(|s| &*s.name);
        if let Some(schema) = schema
            && view.namespace(schema).is_none()
        {
            bail!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist");
        }
        let mut users = view.routines(schema, name);
        users.sort_by_key(|(place, _)| *place);
        let user = |oid: Oid| view.catalog.routine(oid).cloned().map(Found::User);
        let builtins: Vec<data::Proc> = match schema {
            None | Some("pg_catalog") => data::procs_named(name),
            Some(_) => Vec::new(),
        };
        let Some(args) = &of.args else {
            let mut fitting = users.clone();
            fitting.retain(|(_, r)| fits(kind, r.procedure, r.aggregate.is_some()));
            let builtin = builtins.iter().filter(|p| fits(kind, p.kind() == b'p', p.kind() == b'a')).count();
            return match (fitting.as_slice(), builtin) {
                ([(_, one)], 0) => Ok(NamedRoutine { found: user(one.oid), shown: of.name.to_string() }),
                ([], 1) => Ok(NamedRoutine {
                    found: builtins.first().map(|p| Found::Builtin(p.oid)),
                    shown: of.name.to_string(),
                }),
                ([], 0) => Ok(NamedRoutine { found: None, shown: format!("{}()", of.name) }),
                _ => Err(sql_err!(AMBIGUOUS_FUNCTION, "{} name \"{}\" is not unique", kind.words(), of.name)
                    .hint(format!(
                        "Specify the argument list to select the {} unambiguously.",
                        kind.words()
                    ))),
            };
        };
        let (mut inputs, mut all) = (Vec::new(), Vec::new());
        let mut modes = false;
        for arg in args {
            let ty = self.with_bind_cx(|cx| bind_routine_type(ast, &arg.ty, cx)).map_err(|mut e| {
                if e.code() == SqlState::UNDEFINED_OBJECT {
                    e.0.message = format!("type \"{}\" does not exist", arg.ty.name).into();
                }
                e.0.byte_offset = None;
                e
            })?;
            modes |= arg.mode != ParamMode::Default;
            all.push(ty);
            if arg.mode != ParamMode::Out {
                inputs.push(ty);
            }
        }
        let types: Vec<String> = inputs.iter().map(|ty| view.type_name(*ty)).collect();
        let shown = match of.star {
            true => format!("{}(*)", of.name),
            false => format!("{}({})", of.name, types.join(", ")),
        };
        // A procedure may be named with its OUT parameters, whether their mode is said or not.
        let named = |r: &nq_qsql::catalog::Routine| {
            let whole = || r.params.iter().map(|p| p.ty).eq(all.iter().copied());
            r.input_types() == inputs || (r.procedure && !modes && whole())
        };
        let exact = users.iter().find(|(_, r)| named(r));
        let place = view.path.iter().position(|n| *n == PG_CATALOG).unwrap_or(0);
        let builtin = builtins.iter().find(|p| p.args().eq(inputs.iter().copied()));
        match (exact, builtin) {
            (Some((at, routine)), builtin) if builtin.is_none() || *at < place => {
                if !fits(kind, routine.procedure, routine.aggregate.is_some()) {
                    return Err(wrong_kind(&shown, kind));
                }
                Ok(NamedRoutine { found: user(routine.oid), shown })
            }
            (_, Some(proc)) => {
                if !fits(kind, false, proc.kind() == b'a') {
                    return Err(wrong_kind(&shown, kind));
                }
                Ok(NamedRoutine { found: Some(Found::Builtin(proc.oid)), shown })
            }
            _ => Ok(NamedRoutine { found: None, shown }),
        }
    }
}

/// 42809 for a routine of another kind than the one that is named.
fn wrong_kind(shown: &str, kind: ObjectKind) -> SqlError {
    match kind {
        ObjectKind::Aggregate => sql_err!(WRONG_OBJECT_TYPE, "function {shown} is not an aggregate"),
        _ => sql_err!(WRONG_OBJECT_TYPE, "{shown} is not a {}", kind.words()),
    }
}

/// Whether a routine is of the kind that is named.
fn fits(kind: ObjectKind, procedure: bool, aggregate: bool) -> bool {
    match kind {
        ObjectKind::Aggregate => aggregate,
        ObjectKind::Function => !procedure,
        ObjectKind::Procedure => procedure,
        _ => true,
    }
}
