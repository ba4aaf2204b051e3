//! CREATE FUNCTION and CREATE PROCEDURE.

use std::sync::Arc;

use nq_qsql::bind::{
    BindContext, StoredKind, add_context, bind_body, bind_body_call, bind_parsed_expression,
    bind_routine_type, check_empty_body,
};
use nq_qsql::catalog::{Catalog, ParamMode, Routine, RoutineBody, RoutineParam, RoutineTarget, StandardBody};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::Volatility;
use nq_qsql::func::category::{display, element_of};
use nq_qsql::func::resolve::is_polymorphic;
use nq_qsql::parse::ast::{
    self, Ast, CreateFunction, ExprKind, FuncBody, FuncReturns, Pos, Statement, TypeName,
};
use nq_qsql::plan::deparse::deparse_stored;
use nq_qsql::types::{DataType, Oid, oid};
use nq_qsql::{bail, sql_err};

use super::attributes::Attributes;
use crate::catalog::FIRST_NORMAL_OID;
use crate::catalog::object::{Class, RoutineObject, routine_name};
use crate::roles::DefaultKind;
use crate::session::Session;
use crate::session::portal::ends_or_begins;
use crate::session::prepared::Source;
use crate::session::routine::check_body_statement;
use crate::session::utility::Done;

/// Most parameters that a routine may have.
const PARAMS_MAX: usize = 100;

/// What the parameters and the result are.
struct Signature {
    params: Vec<RoutineParam>,
    result: Oid,
    returns_set: bool,
}

/// The statements of a body, with the place of its text in the statement's.
struct Written {
    body: RoutineBody,
    /// For each byte of the body, what to add to find it in the statement; `None` where the text is not there as it is.
    place: Option<Vec<(u32, i64)>>,
}

impl Session {
    /// CREATE [OR REPLACE] FUNCTION | PROCEDURE.
    pub(crate) fn create_function(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        create: &CreateFunction,
    ) -> Result<Done> {
        let namespace = self.creation_schema(&create.name, false)?;
        let attributes = Attributes::read(&create.options, create.is_procedure)?;
        let standard = matches!(&create.body, Some(FuncBody::Return { .. } | FuncBody::Atomic { .. }));
        self.check_language(attributes.language, standard)?;
        if attributes.leakproof == Some(true) {
            self.check_superuser("only superuser can define a leakproof function")?;
        }
        let signature = self.signature(ast, create)?;
        let config = self.routine_config(Vec::new(), &attributes.set)?;
        if attributes.rows.is_some() && !signature.returns_set {
            bail!(INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set");
        }
        let path = self.view().path.to_vec();
        let written = written(source, create, path)?;
        let polymorphic = signature.params.iter().any(|p| p.mode.is_input() && is_polymorphic(p.ty));
        if standard && polymorphic {
            bail!(
                INVALID_FUNCTION_DEFINITION,
                "SQL function with unquoted function body cannot have polymorphic arguments"
            );
        }
        let default_rows = if signature.returns_set { 1000.0 } else { 0.0 };
        let mut routine = Routine {
            oid: 0,
            namespace: namespace.oid,
            schema: (&*namespace.name).into(),
            name: create.name.object().name.clone(),
            owner: self.host.current_user.oid,
            procedure: create.is_procedure,
            params: signature.params,
            result: signature.result,
            returns_set: signature.returns_set,
            volatility: attributes.volatility.unwrap_or(Volatility::Volatile),
            strict: attributes.strict.unwrap_or(false),
            leakproof: attributes.leakproof.unwrap_or(false),
            security_definer: attributes.security_definer.unwrap_or(false),
            parallel: attributes.parallel.unwrap_or(b'u'),
            cost: attributes.cost.unwrap_or(100.0),
            rows: attributes.rows.unwrap_or(default_rows),
            config,
            body: written.body.clone(),
            internal: false,
            aggregate: None,
        };
        let old = self.replaced(&routine, create.or_replace)?;
        let acl = match &old {
            Some(old) => {
                (routine.oid, routine.owner) = (old.routine.oid, old.routine.owner);
                old.acl.clone()
            }
            None => {
                routine.oid = self.db.next_oid()?;
                let name = routine_name(&routine.name, &routine.input_types());
                if !self.claim_name(Class::Routine, routine.namespace, &name, routine.oid)? {
                    return Err(duplicate(&routine));
                }
                self.default_acl(DefaultKind::Function, routine.owner, routine.namespace)
            }
        };
        let tag = format!("CREATE {}", routine.word().to_uppercase());
        let mut object = RoutineObject { routine: Arc::new(routine), acl, depends: Vec::new() };
        // The body may call the routine itself.
        self.put_routine(object.clone())?;
        if standard || self.host.settings.flag("check_function_bodies") {
            object.depends = self.check_body(&object.routine, &written)?;
        }
        let view = self.view().clone();
        let rows = object.routine.params.iter().map(|p| p.ty).chain([object.routine.result]);
        object.depends.extend(rows.filter_map(|ty| view.row_type(ty)).map(|relation| relation.oid));
        object.depends.sort_unstable();
        object.depends.dedup();
        if !object.depends.is_empty() {
            self.put_routine(object)?;
        }
        Done::tag(&tag)
    }

    /// Only SQL can be spoken.
    fn check_language(&self, language: Option<&str>, standard: bool) -> Result<()> {
        match (language, standard) {
            (Some("sql"), _) | (None, true) => Ok(()),
            (None, false) => bail!(INVALID_FUNCTION_DEFINITION, "no language specified"),
            (Some("plpgsql"), _) => Err(SqlError::unsupported("language \"plpgsql\"")),
            (Some(name @ ("c" | "internal")), _) => {
                self.check_superuser(&format!("permission denied for language {name}"))?;
                Err(SqlError::unsupported(format_args!("language \"{name}\"")))
            }
            (Some(name), _) => bail!(UNDEFINED_OBJECT, "language \"{name}\" does not exist"),
        }
    }

    fn routine_type(&mut self, ast: &Ast, ty: &TypeName) -> Result<Oid> {
        let found = self.with_bind_cx(|cx| bind_routine_type(ast, ty, cx))?;
        if ty.pct_type {
            let name = self.view().type_name(found);
            self.host.skipping(format!("type reference {}%TYPE converted to {name}", ty.name));
        }
        Ok(found)
    }

    fn signature(&mut self, ast: &Ast, create: &CreateFunction) -> Result<Signature> {
        let word = if create.is_procedure { "procedures" } else { "functions" };
        let mut params: Vec<RoutineParam> = Vec::with_capacity(create.params.len());
        let mut defaults = false;
        let mut variadic = false;
        for param in &create.params {
            let mode = match param.mode {
                ast::ParamMode::Default | ast::ParamMode::In => ParamMode::In,
                ast::ParamMode::Out => ParamMode::Out,
                ast::ParamMode::InOut => ParamMode::InOut,
                ast::ParamMode::Variadic => ParamMode::Variadic,
            };
            let invalid = |text: String| sql_err!(INVALID_FUNCTION_DEFINITION, "{text}").at(param.ty.pos);
            if param.ty.setof {
                return Err(invalid(format!("{word} cannot accept set arguments")));
            }
            let ty = self.routine_type(ast, &param.ty)?;
            let pseudo = matches!(ty, oid::TRIGGER | oid::VOID | oid::RECORD | oid::UNKNOWN | oid::ANY);
            if mode.is_input() && pseudo {
                bail!(
                    INVALID_FUNCTION_DEFINITION,
                    "SQL functions cannot have arguments of type {}",
                    display(ty)
                );
            }
            if mode.is_input() && variadic {
                return Err(invalid("VARIADIC parameter must be the last input parameter".to_owned()));
            }
            if mode == ParamMode::Out && create.is_procedure && (defaults || variadic) {
                return Err(invalid(match variadic {
                    true => "VARIADIC parameter must be the last parameter".to_owned(),
                    false => {
                        "procedure OUT parameters cannot appear after one with a default value".to_owned()
                    }
                }));
            }
            if mode == ParamMode::Variadic {
                variadic = true;
                let array = element_of(ty).is_some() || matches!(ty, oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY);
                if !array {
                    return Err(invalid("VARIADIC parameter must be an array".to_owned()));
                }
            }
            let name: Box<str> = param.name.as_ref().map_or("".into(), |n| n.name.clone());
            let place = param.name.as_ref().map_or(param.ty.pos, |n| n.pos);
            check_name(&params, &name, mode, place)?;
            let default = match param.default {
                Some(_) if !mode.is_input() => {
                    return Err(invalid("only input parameters can have default values".to_owned()));
                }
                Some(id) => {
                    defaults = true;
                    let expected = (!is_polymorphic(ty)).then(|| DataType::of(ty));
                    let expr = self.with_bind_cx(|cx| {
                        bind_parsed_expression(ast, id, None, expected, StoredKind::Parameter, cx)
                    })?;
                    let text = deparse_stored(&expr, &|_: u32| String::new());
                    // A literal for a polymorphic parameter stays of no type.
                    let literal = matches!(ast[id].kind, ExprKind::Null | ExprKind::Str(_));
                    Some(match text.strip_suffix("::text") {
                        Some(bare) if expected.is_none() && literal => Arc::from(format!("{bare}::unknown")),
                        _ => Arc::from(text),
                    })
                }
                None if defaults && mode.is_input() => {
                    return Err(invalid(
                        "input parameters after one with a default value must also have defaults".to_owned(),
                    ));
                }
                None => None,
            };
            params.push(RoutineParam { name, mode, ty, default });
        }
        let (mut result, mut returns_set) = (None, false);
        match &create.returns {
            Some(FuncReturns::Type(ty)) => {
                returns_set = ty.setof;
                result = Some(self.routine_type(ast, ty).map_err(|mut e| {
                    if e.code() == SqlState::UNDEFINED_OBJECT {
                        e = sql_err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", ty.name);
                    }
                    e
                })?);
            }
            Some(FuncReturns::Table(columns)) => {
                if params.iter().any(|p| p.mode.is_output()) {
                    bail!(SYNTAX_ERROR, "OUT and INOUT arguments aren't allowed in TABLE functions");
                }
                returns_set = true;
                for column in columns {
                    let (name, ty) = (column.name.name.clone(), self.routine_type(ast, &column.ty)?);
                    check_name(&params, &name, ParamMode::Table, column.name.pos)?;
                    params.push(RoutineParam { name, mode: ParamMode::Table, ty, default: None });
                }
            }
            None => {}
        }
        if params.len() > PARAMS_MAX {
            bail!(TOO_MANY_ARGUMENTS, "{word} cannot have more than {PARAMS_MAX} arguments");
        }
        let outputs: Vec<Oid> = params.iter().filter(|p| p.mode.is_output()).map(|p| p.ty).collect();
        let required = match outputs.as_slice() {
            [] => None,
            _ if create.is_procedure => Some(oid::RECORD),
            [one] => Some(*one),
            _ => Some(oid::RECORD),
        };
        let result = match (result, required) {
            (Some(said), Some(required)) if said != required => bail!(
                INVALID_FUNCTION_DEFINITION,
                "function result type must be {} because of OUT parameters",
                self.view().type_name(required)
            ),
            (Some(said), _) => said,
            (None, Some(required)) => required,
            (None, None) if create.is_procedure => oid::VOID,
            (None, None) => {
                bail!(INVALID_FUNCTION_DEFINITION, "function result type must be specified")
            }
        };
        if matches!(result, oid::TRIGGER | oid::UNKNOWN | oid::ANY) {
            bail!(INVALID_FUNCTION_DEFINITION, "SQL functions cannot return type {}", display(result));
        }
        check_polymorphic(&params, result)?;
        Ok(Signature { params, result, returns_set })
    }

    /// The routine that is replaced.
    pub(super) fn replaced(&mut self, new: &Routine, or_replace: bool) -> Result<Option<Arc<RoutineObject>>> {
        let inputs = new.input_types();
        let same = |r: &&Arc<RoutineObject>| {
            r.routine.namespace == new.namespace && r.routine.input_types() == inputs
        };
        let found = self.view().catalog.routines_named(&new.name).find(same).map(|r| r.routine.oid);
        let Some(found) = found else { return Ok(None) };
        if !or_replace {
            return Err(duplicate(new));
        }
        let Some(object) = self.lock_routine(found)? else { return Ok(None) };
        let old = object.routine.clone();
        if !self.owns(old.owner) {
            bail!(INSUFFICIENT_PRIVILEGE, "must be owner of {} {}", old.word(), old.name);
        }
        if old.word() != new.word() {
            let what = if old.aggregate.is_some() { "an aggregate function" } else { old.word() };
            let article = if old.aggregate.is_some() { "" } else { "a " };
            return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot change routine kind")
                .detail(format!("\"{}\" is {article}{what}.", old.name)));
        }
        if let (Some(was), Some(is)) = (&old.aggregate, &new.aggregate) {
            use nq_qsql::catalog::AggregateKind as K;
            if was.kind != is.kind {
                let what = match was.kind {
                    K::Normal => "an ordinary aggregate function",
                    K::OrderedSet => "an ordered-set aggregate",
                    K::Hypothetical => "a hypothetical-set aggregate",
                };
                return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot change routine kind")
                    .detail(format!("\"{}\" is {what}.", old.name)));
            }
            if was.direct != is.direct {
                bail!(
                    INVALID_FUNCTION_DEFINITION,
                    "cannot change number of direct arguments of an aggregate function"
                );
            }
        }
        let drop_first = |error: SqlError| {
            let signature = self.routine_signature(&old, ",");
            error.hint(format!("Use DROP {} {signature} first.", old.word().to_uppercase()))
        };
        let outputs =
            |r: &Routine| -> Vec<(Box<str>, Oid)> { r.outputs().map(|p| (p.name.clone(), p.ty)).collect() };
        if old.result != new.result || old.returns_set != new.returns_set {
            return Err(drop_first(sql_err!(
                INVALID_FUNCTION_DEFINITION,
                "cannot change return type of existing function"
            )));
        }
        if old.result == oid::RECORD && outputs(&old) != outputs(new) {
            return Err(drop_first(
                sql_err!(INVALID_FUNCTION_DEFINITION, "cannot change return type of existing function")
                    .detail("Row type defined by OUT parameters is different."),
            ));
        }
        for (was, is) in old.inputs().zip(new.inputs()) {
            if !was.name.is_empty() && was.name != is.name {
                return Err(drop_first(sql_err!(
                    INVALID_FUNCTION_DEFINITION,
                    "cannot change name of input parameter \"{}\"",
                    was.name
                )));
            }
        }
        if old.inputs().zip(new.inputs()).any(|(was, is)| was.default.is_some() && is.default.is_none()) {
            return Err(drop_first(sql_err!(
                INVALID_FUNCTION_DEFINITION,
                "cannot remove parameter defaults from existing function"
            )));
        }
        Ok(Some(object))
    }

    /// Binds the body. Answers what it cannot be without: of a body of standard form, the relations and routines it uses.
    fn check_body(&mut self, routine: &Routine, written: &Written) -> Result<Vec<Oid>> {
        let located = |error: SqlError| written.locate(error, routine);
        let text = &routine.body.text;
        let statements = nq_qsql::parse::parse_statements(text).map_err(located)?;
        if routine.is_polymorphic() {
            return Ok(Vec::new());
        }
        let view = self.view().clone();
        let inputs = routine.input_types();
        let shape = routine.shape(&*view, &|ty| ty);
        let target = RoutineTarget { routine: Arc::new(routine.clone()), inputs, shape };
        let io = self.host.io(&view);
        let cx = BindContext { catalog: &*view, params: &[], io: &io };
        if statements.is_empty() {
            check_empty_body(&target, &*view).map_err(located)?;
        }
        let mut depends = Vec::new();
        for (i, parsed) in statements.iter().enumerate() {
            if ends_or_begins(&parsed.ast.statement) {
                // Refused when it is run.
                continue;
            }
            check_body_statement(&parsed.ast).map_err(located)?;
            let last = i + 1 == statements.len();
            if let Statement::Call(call) = parsed.ast.statement {
                let bound = bind_body_call(&parsed.ast, call, &target, &cx).map_err(located)?;
                depends.push(bound.target.routine.oid);
                if last {
                    check_empty_body(&target, &*view).map_err(located)?;
                }
                continue;
            }
            let bound = bind_body(&parsed.ast, &parsed.ast.statement, &target, last, &cx).map_err(located)?;
            let own = bound.relations.iter().filter(|r| r.check_as.is_none());
            depends.extend(own.map(|r| r.relation.oid).filter(|oid| *oid >= FIRST_NORMAL_OID));
            depends.extend(bound.routines.iter().map(|r| r.oid));
        }
        depends.retain(|oid| *oid != routine.oid);
        Ok(if routine.body.standard.is_some() { depends } else { Vec::new() })
    }
}

pub(in crate::ddl) fn duplicate(routine: &Routine) -> SqlError {
    sql_err!(
        DUPLICATE_FUNCTION,
        "{} \"{}\" already exists with same argument types",
        "function",
        routine.name
    )
}

/// Names of inputs differ from each other, and names of outputs do.
pub(super) fn check_name(params: &[RoutineParam], name: &str, mode: ParamMode, pos: Pos) -> Result<()> {
    let apart = |a: ParamMode, b: ParamMode| {
        let input = |m| matches!(m, ParamMode::In | ParamMode::Variadic);
        let output = |m| matches!(m, ParamMode::Out | ParamMode::Table);
        input(a) && output(b) || output(a) && input(b)
    };
    let clash = |p: &RoutineParam| *p.name == *name && !apart(p.mode, mode);
    match !name.is_empty() && params.iter().any(clash) {
        true => {
            Err(sql_err!(INVALID_FUNCTION_DEFINITION, "parameter name \"{name}\" used more than once")
                .at(pos))
        }
        false => Ok(()),
    }
}

/// A polymorphic result follows from a polymorphic input of its family.
fn check_polymorphic(params: &[RoutineParam], result: Oid) -> Result<()> {
    let compatible = |ty: Oid| {
        matches!(
            ty,
            oid::ANYCOMPATIBLE
                | oid::ANYCOMPATIBLEARRAY
                | oid::ANYCOMPATIBLENONARRAY
                | oid::ANYCOMPATIBLERANGE
                | oid::ANYCOMPATIBLEMULTIRANGE
        )
    };
    // A range type does not follow from its subtype: there may be several over one.
    let range = |ty: Oid| {
        matches!(
            ty,
            oid::ANYRANGE | oid::ANYMULTIRANGE | oid::ANYCOMPATIBLERANGE | oid::ANYCOMPATIBLEMULTIRANGE
        )
    };
    let outputs = params.iter().filter(|p| p.mode.is_output()).map(|p| p.ty);
    for ty in std::iter::once(result).chain(outputs).filter(|ty| is_polymorphic(*ty)) {
        let same = |p: &&RoutineParam| {
            p.mode.is_input()
                && is_polymorphic(p.ty)
                && compatible(p.ty) == compatible(ty)
                && (range(p.ty) || !range(ty))
        };
        if !params.iter().any(|p| same(&p)) {
            let family = match compatible(ty) {
                true if range(ty) => "anycompatiblerange or anycompatiblemultirange",
                false if range(ty) => "anyrange or anymultirange",
                true => {
                    "anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or anycompatiblemultirange"
                }
                false => "anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange",
            };
            return Err(sql_err!(INVALID_FUNCTION_DEFINITION, "cannot determine result data type").detail(
                format!("A result of type {} requires at least one input of type {family}.", display(ty)),
            ));
        }
    }
    Ok(())
}

/// The body as it is kept.
fn written(source: &Source, create: &CreateFunction, path: Vec<Oid>) -> Result<Written> {
    match &create.body {
        None => bail!(INVALID_FUNCTION_DEFINITION, "no function body specified"),
        Some(FuncBody::Text { symbol: Some(_), .. }) => {
            bail!(INVALID_FUNCTION_DEFINITION, "only one AS item needed for language \"sql\"")
        }
        Some(FuncBody::Text { source: text, symbol: None, pos }) => {
            let from = *pos as usize;
            let found = source.text.get(from..).and_then(|rest| rest.find(&**text));
            let place = found.map(|at| vec![(0, (from + at) as i64)]);
            Ok(Written { body: RoutineBody { text: (&**text).into(), standard: None }, place })
        }
        Some(FuncBody::Return { start, end, .. }) => {
            standard(source, &[(*start, *end, true)], StandardBody { atomic: false, path })
        }
        Some(FuncBody::Atomic { spans, .. }) => standard(source, spans, StandardBody { atomic: true, path }),
    }
}

/// A body of standard form as a text of statements.
fn standard(source: &Source, spans: &[(Pos, Pos, bool)], standard: StandardBody) -> Result<Written> {
    let mut text = String::new();
    let mut place = Vec::with_capacity(spans.len());
    for (start, end, returns) in spans {
        let Some(piece) = source.text.get(*start as usize..*end as usize) else {
            return Err(SqlError::internal("a statement outside of the text"));
        };
        if !text.is_empty() {
            text.push_str(";\n ");
        }
        if *returns {
            text.push_str("SELECT ");
        }
        place.push((text.len() as u32, i64::from(*start) - text.len() as i64));
        text.push_str(piece);
    }
    Ok(Written { body: RoutineBody { text: text.into(), standard: Some(standard) }, place: Some(place) })
}

impl Written {
    /// The error with its place in the statement's text, or else with the routine's name as context.
    fn locate(&self, mut error: SqlError, routine: &Routine) -> SqlError {
        let found = error.0.byte_offset.zip(self.place.as_ref()).and_then(|(offset, place)| {
            let (_, add) = place.iter().rev().find(|(from, _)| *from <= offset).or(place.first())?;
            u32::try_from(i64::from(offset) + add).ok()
        });
        error.0.position = None;
        error.0.byte_offset = found;
        match found {
            Some(_) => error,
            None => add_context(error, format!("SQL function \"{}\"", routine.name)),
        }
    }
}
