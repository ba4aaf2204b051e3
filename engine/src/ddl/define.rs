//! `(name = value, ..)` of CREATE AGGREGATE, OPERATOR, TYPE and COLLATION: what a value says, and the functions that it names.

use nq_qsql::bind::bind_routine_type;
use nq_qsql::catalog::Catalog;
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::resolve::{
    Among, CallShape, Callee, Coercion, FunctionMatch, UserCandidate, find_coercion, is_polymorphic,
    resolve_among,
};
use nq_qsql::func::{Body, CastContext, functions};
use nq_qsql::parse::ast::{Ast, Def, DefValue, Ident, ObjectName, OperatorName, TypeName};
use nq_qsql::types::{Oid, oid};
use nq_qsql::{bail, sql_err};

use crate::catalog::PG_CATALOG;
use crate::session::Session;

/// A function that a definition names.
pub(crate) struct Looked {
    /// `pg_proc.oid`
    pub(crate) oid: Oid,
    /// Type of its result, as it is called.
    pub(crate) result: Oid,
    /// `proisstrict`
    pub(crate) strict: bool,
}

/// 42601 `x requires a ..`
fn requires(def: &Def, what: &str) -> SqlError {
    sql_err!(SYNTAX_ERROR, "{} requires {what}", def.name.name)
}

/// A text.
pub(crate) fn text_of(def: &Def) -> Result<Box<str>> {
    match &def.value {
        Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => Ok(text.clone()),
        Some(DefValue::Type(ty)) => Ok(ty.name.to_string().into()),
        Some(DefValue::Operator(op)) => Ok(op.name.clone()),
        Some(DefValue::Star) => Ok("*".into()),
        Some(DefValue::List(_)) | None => Err(requires(def, "a parameter")),
    }
}

/// A Boolean.
pub(crate) fn flag_of(def: &Def) -> Result<bool> {
    if def.value.is_none() {
        return Ok(true);
    }
    let text = text_of(def)?.to_ascii_lowercase();
    match text.as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(requires(def, "a Boolean value")),
    }
}

/// A possibly qualified name.
pub(crate) fn name_of(def: &Def) -> Result<ObjectName> {
    match &def.value {
        Some(DefValue::Word(text) | DefValue::Str(text)) => Ok(one(text, def)),
        Some(DefValue::Type(ty)) => Ok(ty.name.clone()),
        Some(_) => Err(sql_err!(SYNTAX_ERROR, "argument of {} must be a name", def.name.name)),
        None => Err(requires(def, "a parameter")),
    }
}

/// The name of an operator.
pub(crate) fn operator_of(def: &Def) -> Result<OperatorName> {
    match &def.value {
        Some(DefValue::Operator(op)) => Ok(OperatorName { schema: op.schema.clone(), name: op.name.clone() }),
        Some(DefValue::Word(text) | DefValue::Str(text)) => {
            Ok(OperatorName { schema: Box::new([]), name: text.clone() })
        }
        Some(_) => Err(sql_err!(SYNTAX_ERROR, "argument of {} must be a name", def.name.name)),
        None => Err(requires(def, "a parameter")),
    }
}

fn one(text: &str, def: &Def) -> ObjectName {
    ObjectName(Box::new([Ident { name: text.into(), pos: def.name.pos }]))
}

/// A type's name.
pub(crate) fn type_name_of(def: &Def) -> Result<TypeName> {
    let bare = |name: ObjectName| TypeName {
        name,
        typmods: Vec::new(),
        interval: None,
        array_bounds: Vec::new(),
        setof: false,
        pct_type: false,
        pos: u32::MAX,
    };
    match &def.value {
        Some(DefValue::Type(ty)) => {
            Ok(TypeName { array_bounds: ty.array_bounds.clone(), setof: ty.setof, ..bare(ty.name.clone()) })
        }
        Some(DefValue::Word(text) | DefValue::Str(text)) => Ok(bare(one(text, def))),
        Some(_) => Err(sql_err!(SYNTAX_ERROR, "argument of {} must be a type name", def.name.name)),
        None => Err(requires(def, "a parameter")),
    }
}

/// Whether a value of one type is one of the other, bit by bit.
pub(crate) fn is_binary_coercible(from: Oid, to: Oid) -> bool {
    from == to
        || to == oid::ANY
        || matches!(find_coercion(from, to, CastContext::Implicit), Some(Coercion::Relabel))
}

impl Session {
    /// The type that an option names.
    pub(crate) fn defined_type(&mut self, ast: &Ast, def: &Def) -> Result<Oid> {
        let name = type_name_of(def)?;
        self.written_type(ast, &name)
    }

    /// The type that a name means, pseudo-types too.
    pub(crate) fn written_type(&mut self, ast: &Ast, name: &TypeName) -> Result<Oid> {
        self.with_bind_cx(|cx| bind_routine_type(ast, name, cx)).map_err(|mut e| {
            if e.code() == SqlState::UNDEFINED_OBJECT {
                e = sql_err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", name.name);
            }
            e.0.byte_offset = None;
            e
        })
    }

    /// `f(integer, text)` as messages show it.
    fn shown_function(&self, name: &ObjectName, types: &[Oid]) -> String {
        let types: Vec<String> = types.iter().map(|ty| self.view().type_name(*ty)).collect();
        format!("{name}({})", types.join(", "))
    }

    /// Finds the function that takes values of these types as they are.
    ///
    /// # Errors
    /// 42883; 42804 for one that returns a set or would need its arguments coerced; 42501.
    pub(crate) fn lookup_function(&mut self, name: &ObjectName, types: &[Oid]) -> Result<Looked> {
        let shown = self.shown_function(name, types);
        let missing = || sql_err!(UNDEFINED_FUNCTION, "function {shown} does not exist");
        let view = self.view().clone();
        let schema = name.schema().map(|s| &*s.name);
        if let Some(schema) = schema
            && view.namespace(schema).is_none()
        {
            bail!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist");
        }
        let mut users = view.routines(schema, name.object());
        users.retain(|(_, r)| !r.procedure && r.aggregate.is_none());
        let mut users: Vec<UserCandidate> = users
            .into_iter()
            .map(|(place, routine)| {
                let types = routine.inputs().map(|p| p.ty).collect();
                UserCandidate { place, routine, types, by_call: false }
            })
            .collect();
        users.sort_by_key(|u| u.place);
        let builtins = match schema {
            None => Some(view.path.iter().position(|n| *n == PG_CATALOG).unwrap_or(0)),
            Some("pg_catalog") => Some(0),
            Some(_) => None,
        };
        // Declared alike: polymorphic types stand for themselves.
        let user = users.iter().find(|u| u.types == types);
        let own = builtins.and_then(|place| {
            let found = functions(name.object()).iter().find(|f| *f.args == *types)?;
            Some((place, *found))
        });
        let (callee, declared, result) = match (user, own) {
            (Some(u), own) if own.is_none_or(|(place, _)| u.place < place) => {
                (Callee::Routine(u.routine.clone()), u.types.clone(), u.routine.result)
            }
            (_, Some((_, func))) => (Callee::Builtin(func), func.args.to_vec(), func.result),
            _ => {
                let among = Among { users: &users, builtins, word: "function" };
                match resolve_among(name.object(), types, CallShape::default(), among) {
                    Ok(FunctionMatch::Function(found)) if found.gather.is_none() => {
                        (found.callee.clone(), found.args.iter().map(|a| a.ty).collect(), found.result)
                    }
                    Ok(_) => return Err(missing()),
                    Err(e) if e.code() == SqlState::UNDEFINED_FUNCTION => return Err(missing()),
                    Err(e) => return Err(e),
                }
            }
        };
        if declared.len() != types.len() {
            return Err(missing());
        }
        let (oid, set, strict) = match &callee {
            Callee::Builtin(func) => {
                if !matches!(func.body, Body::Scalar(_) | Body::Set { .. }) {
                    return Err(missing());
                }
                (func.oid, func.is_set(), func.strict)
            }
            Callee::Routine(r) => (r.oid, r.returns_set, r.strict),
        };
        if set {
            bail!(DATATYPE_MISMATCH, "function {shown} returns a set");
        }
        let fits = |(given, want): (&Oid, &Oid)| is_polymorphic(*want) || is_binary_coercible(*given, *want);
        if !types.iter().zip(&declared).all(fits) {
            let shown = self.shown_function(name, &declared);
            bail!(DATATYPE_MISMATCH, "function {shown} requires run-time type coercion");
        }
        if let Callee::Routine(routine) = &callee {
            self.host.check_execute(routine)?;
        }
        Ok(Looked { oid, result, strict })
    }
}
