//! CREATE AGGREGATE.
//!
//! Source: PostgreSQL's `aggregatecmds.c` and `pg_aggregate.c`.

use std::sync::Arc;

use nq_qsql::catalog::{
    AggregateDef, AggregateKind, AggregateWay, ParamMode, Routine, RoutineBody, RoutineParam,
};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::Volatility;
use nq_qsql::func::category::{display, element_of};
use nq_qsql::func::resolve::is_polymorphic;
use nq_qsql::parse::ast::{self, Ast, CreateAggregate, Def, FuncParam, ObjectName, OperatorName};
use nq_qsql::types::{Oid, info, oid};
use nq_qsql::{bail, sql_err};

use super::create::{check_name, duplicate};
use crate::catalog::FIRST_NORMAL_OID;
use crate::catalog::object::{Class, RoutineObject, routine_name};
use crate::ddl::define::{Looked, flag_of, is_binary_coercible, name_of, operator_of, text_of};
use crate::roles::DefaultKind;
use crate::session::Session;
use crate::session::utility::Done;

/// Most arguments of an aggregate: the transition function takes one more.
const ARGS_MAX: usize = 99;

/// What was written of one way of computing.
#[derive(Default)]
struct Way {
    transition: Option<ObjectName>,
    finish: Option<ObjectName>,
    extra: bool,
    modify: Option<u8>,
    state: Option<Oid>,
    space: i32,
    initial: Option<Arc<str>>,
}

/// What was written.
#[derive(Default)]
struct Written {
    plain: Way,
    moving: Way,
    inverse: Option<ObjectName>,
    combine: Option<ObjectName>,
    serialize: Option<ObjectName>,
    deserialize: Option<ObjectName>,
    sort: Option<OperatorName>,
    base: Option<Oid>,
    base_is_any: bool,
    hypothetical: bool,
    parallel: u8,
}

/// The arguments.
struct Arguments {
    params: Vec<RoutineParam>,
    direct: usize,
    ordered: bool,
}

fn invalid(text: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_FUNCTION_DEFINITION, text.into())
}

fn mismatch(text: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::DATATYPE_MISMATCH, text.into())
}

impl Session {
    /// CREATE [OR REPLACE] AGGREGATE.
    pub(crate) fn create_aggregate(&mut self, ast: &Ast, create: &CreateAggregate) -> Result<Done> {
        let namespace = self.creation_schema(&create.name, false)?;
        let written = self.read_aggregate(ast, &create.definition)?;
        let (Some(state), Some(_)) = (written.plain.state, &written.plain.transition) else {
            return Err(match written.plain.state {
                None => invalid("aggregate stype must be specified"),
                Some(_) => invalid("aggregate sfunc must be specified"),
            });
        };
        check_moving(&written)?;
        let arguments = match &create.args {
            Some(args) => {
                if written.base.is_some() || written.base_is_any {
                    return Err(invalid("basetype is redundant with aggregate input type specification"));
                }
                self.aggregate_arguments(ast, args)?
            }
            None => {
                let one = |ty| RoutineParam { name: "".into(), mode: ParamMode::In, ty, default: None };
                let params = match written.base {
                    Some(ty) => vec![one(ty)],
                    None if written.base_is_any => Vec::new(),
                    None => return Err(invalid("aggregate input type must be specified")),
                };
                Arguments { params, direct: 0, ordered: false }
            }
        };
        self.check_state_type(state, "transition")?;
        if let Some(moving) = written.moving.state {
            self.check_state_type(moving, "moving-aggregate transition")?;
        }
        self.check_serialization(&written, state)?;
        let kind = match (arguments.ordered, written.hypothetical) {
            (false, true) => return Err(invalid("only ordered-set aggregates can be hypothetical")),
            (false, false) => AggregateKind::Normal,
            (true, false) => AggregateKind::OrderedSet,
            (true, true) => AggregateKind::Hypothetical,
        };
        if arguments.params.len() > ARGS_MAX {
            bail!(TOO_MANY_ARGUMENTS, "aggregates cannot have more than {ARGS_MAX} arguments");
        }
        if kind == AggregateKind::Hypothetical && 2 * arguments.direct != arguments.params.len() {
            return Err(invalid(
                "a hypothetical-set aggregate must have direct arguments matching its aggregated arguments",
            ));
        }
        let (def, result) = self.aggregate_def(&written, &arguments, kind)?;
        let name = create.name.object();
        let mut routine = Routine {
            oid: 0,
            namespace: namespace.oid,
            schema: (&*namespace.name).into(),
            name: name.name.clone(),
            owner: self.host.current_user.oid,
            procedure: false,
            params: arguments.params,
            result,
            returns_set: false,
            volatility: Volatility::Immutable,
            strict: false,
            leakproof: false,
            security_definer: false,
            parallel: written.parallel,
            cost: 1.0,
            rows: 0.0,
            config: Vec::new(),
            body: RoutineBody { text: "aggregate_dummy".into(), standard: None },
            internal: false,
            aggregate: Some(Arc::new(def)),
        };
        let acl = match self.replaced(&routine, create.or_replace)? {
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
        let mut depends: Vec<Oid> = routine.aggregate.iter().flat_map(|def| def.functions()).collect();
        depends.extend(routine.aggregate.iter().map(|def| def.sort_operator));
        depends.retain(|oid| *oid >= FIRST_NORMAL_OID);
        depends.sort_unstable();
        depends.dedup();
        self.put_routine(RoutineObject { routine: Arc::new(routine), acl, depends })?;
        Done::tag("CREATE AGGREGATE")
    }

    fn read_aggregate(&mut self, ast: &Ast, definition: &[Def]) -> Result<Written> {
        let mut w = Written { parallel: b'u', ..Written::default() };
        for def in definition {
            match &*def.name.name {
                "sfunc" | "sfunc1" => w.plain.transition = Some(name_of(def)?),
                "finalfunc" => w.plain.finish = Some(name_of(def)?),
                "combinefunc" => w.combine = Some(name_of(def)?),
                "serialfunc" => w.serialize = Some(name_of(def)?),
                "deserialfunc" => w.deserialize = Some(name_of(def)?),
                "msfunc" => w.moving.transition = Some(name_of(def)?),
                "minvfunc" => w.inverse = Some(name_of(def)?),
                "mfinalfunc" => w.moving.finish = Some(name_of(def)?),
                "finalfunc_extra" => w.plain.extra = flag_of(def)?,
                "mfinalfunc_extra" => w.moving.extra = flag_of(def)?,
                "finalfunc_modify" => w.plain.modify = Some(modify_of(def)?),
                "mfinalfunc_modify" => w.moving.modify = Some(modify_of(def)?),
                "sortop" => w.sort = Some(operator_of(def)?),
                "basetype" => match text_of(def)?.eq_ignore_ascii_case("any") {
                    true => w.base_is_any = true,
                    false => w.base = Some(self.defined_type(ast, def)?),
                },
                "hypothetical" => w.hypothetical = flag_of(def)?,
                "stype" | "stype1" => w.plain.state = Some(self.defined_type(ast, def)?),
                "sspace" => w.plain.space = space_of(def)?,
                "mstype" => w.moving.state = Some(self.defined_type(ast, def)?),
                "msspace" => w.moving.space = space_of(def)?,
                "initcond" | "initcond1" => w.plain.initial = Some(Arc::from(text_of(def)?)),
                "minitcond" => w.moving.initial = Some(Arc::from(text_of(def)?)),
                "parallel" => {
                    w.parallel = match &*text_of(def)? {
                        "safe" => b's',
                        "restricted" => b'r',
                        "unsafe" => b'u',
                        _ => {
                            bail!(SYNTAX_ERROR, "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE")
                        }
                    }
                }
                other => {
                    self.host.warn(sql_err!(SYNTAX_ERROR, "aggregate attribute \"{other}\" not recognized"))
                }
            }
        }
        Ok(w)
    }

    fn aggregate_arguments(&mut self, ast: &Ast, args: &ast::AggregateArgs) -> Result<Arguments> {
        let mut params: Vec<RoutineParam> = Vec::new();
        let mut variadic = false;
        let ordered = args.ordered.as_deref().unwrap_or_default();
        let direct = args.direct.len();
        for (i, param) in args.direct.iter().chain(ordered).enumerate() {
            let mode = match param.mode {
                ast::ParamMode::Default | ast::ParamMode::In => ParamMode::In,
                ast::ParamMode::Variadic => ParamMode::Variadic,
                ast::ParamMode::Out | ast::ParamMode::InOut => {
                    return Err(sql_err!(FEATURE_NOT_SUPPORTED, "aggregates cannot have output arguments")
                        .at(place(param)));
                }
            };
            if param.ty.setof {
                return Err(invalid("aggregates cannot accept set arguments").at(param.ty.pos));
            }
            let ty = self.written_type(ast, &param.ty)?;
            // The one VARIADIC aggregated argument of an ordered set is its last direct one, too.
            if variadic && i == direct && mode == ParamMode::Variadic && ordered.len() == 1 {
                if params.last().is_some_and(|p| p.ty == ty) {
                    break;
                }
                bail!(
                    FEATURE_NOT_SUPPORTED,
                    "an ordered-set aggregate with a VARIADIC direct argument must have one VARIADIC aggregated argument of the same data type"
                );
            }
            if variadic {
                return Err(invalid("VARIADIC parameter must be the last input parameter").at(param.ty.pos));
            }
            if mode == ParamMode::Variadic {
                variadic = true;
                let array = element_of(ty).is_some()
                    || matches!(ty, oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY | oid::ANY);
                if !array {
                    return Err(invalid("VARIADIC parameter must be an array").at(param.ty.pos));
                }
            }
            let name: Box<str> = param.name.as_ref().map_or("".into(), |n| n.name.clone());
            check_name(&params, &name, mode, param.name.as_ref().map_or(param.ty.pos, |n| n.pos))?;
            params.push(RoutineParam { name, mode, ty, default: None });
        }
        Ok(Arguments { params, direct, ordered: args.ordered.is_some() })
    }

    /// The state may be of any type that values have.
    fn check_state_type(&self, ty: Oid, what: &str) -> Result<()> {
        let pseudo = info::by_oid(ty).is_some_and(|t| t.kind == info::TypeKind::Pseudo);
        if !pseudo || is_polymorphic(ty) {
            return Ok(());
        }
        if ty == INTERNAL && self.host.is_superuser() {
            return Ok(());
        }
        match what {
            "transition" => Err(invalid(format!("aggregate transition data type cannot be {}", display(ty)))),
            _ => Err(invalid(format!("aggregate transition data type cannot be {}", display(ty)))),
        }
    }

    fn check_serialization(&self, w: &Written, state: Oid) -> Result<()> {
        match (&w.serialize, &w.deserialize) {
            (None, None) => Ok(()),
            (Some(_), Some(_)) if state != INTERNAL => Err(invalid(
                "serialization functions may be specified only when the aggregate transition data type is internal",
            )),
            (Some(_), Some(_)) => Ok(()),
            _ => Err(invalid("must specify both or neither of serialization and deserialization functions")),
        }
    }

    /// Looks the functions up and checks that they fit; answers with the type of the result.
    fn aggregate_def(
        &mut self,
        w: &Written,
        arguments: &Arguments,
        kind: AggregateKind,
    ) -> Result<(AggregateDef, Oid)> {
        let all: Vec<Oid> = arguments.params.iter().map(|p| p.ty).collect();
        let (direct, aggregated) = all.split_at(match kind {
            AggregateKind::Normal => 0,
            _ => arguments.direct.min(all.len()),
        });
        let (plain, result) = self.aggregate_way(&w.plain, direct, aggregated, kind)?;
        let mut def = AggregateDef {
            kind,
            direct: direct.len() as u16,
            plain,
            moving: AggregateWay {
                modify: w.moving.modify.unwrap_or(if kind == AggregateKind::Normal { b'r' } else { b'w' }),
                ..AggregateWay::default()
            },
            inverse: 0,
            combine: 0,
            serialize: 0,
            deserialize: 0,
            sort_operator: 0,
        };
        let state = def.plain.state;
        if let Some(name) = &w.combine {
            let found = self.lookup_function(name, &[state, state])?;
            if found.result != state {
                return Err(mismatch(format!(
                    "return type of combine function {name} is not {}",
                    self.view().type_name(state)
                )));
            }
            def.combine = found.oid;
        }
        if let (Some(serialize), Some(deserialize)) = (&w.serialize, &w.deserialize) {
            def.serialize = self.lookup_function(serialize, &[state])?.oid;
            def.deserialize = self.lookup_function(deserialize, &[oid::BYTEA, state])?.oid;
        }
        if w.moving.state.is_some() {
            self.moving_way(w, direct, aggregated, kind, (&mut def, result))?;
        }
        if let Some(op) = &w.sort {
            let [one] = all.as_slice() else {
                return Err(invalid("sort operator can only be specified for single-argument aggregates"));
            };
            def.sort_operator = self.need_operator(op, *one, *one)?;
        }
        Ok((def, result))
    }

    fn aggregate_way(
        &mut self,
        way: &Way,
        direct: &[Oid],
        aggregated: &[Oid],
        kind: AggregateKind,
    ) -> Result<(AggregateWay, Oid)> {
        let (Some(state), Some(transition)) = (way.state, &way.transition) else {
            return Err(invalid("aggregate stype must be specified"));
        };
        let inputs = || direct.iter().chain(aggregated).copied();
        if is_polymorphic(state) && !inputs().any(is_polymorphic) {
            return Err(invalid("cannot determine transition data type").detail(follows(state)));
        }
        let taken: Vec<Oid> = std::iter::once(state).chain(aggregated.iter().copied()).collect();
        let found = self.lookup_function(transition, &taken)?;
        if found.result != state && !is_binary_coercible(found.result, state) {
            return Err(mismatch(format!(
                "return type of transition function {transition} is not {}",
                self.view().type_name(state)
            )));
        }
        if found.strict && way.initial.is_none() {
            let first = aggregated.first().copied();
            if !first.is_some_and(|first| is_binary_coercible(first, state)) {
                return Err(invalid(
                    "must not omit initial value when transition function is strict and transition type is not compatible with input type",
                ));
            }
        }
        let (mut finish, mut result) = (0, state);
        if let Some(name) = &way.finish {
            let last = self.final_function(name, state, direct, aggregated, way.extra)?;
            (finish, result) = (last.oid, last.result);
        }
        if is_polymorphic(result) && !inputs().any(is_polymorphic) {
            return Err(mismatch("cannot determine result data type").detail(follows(result)));
        }
        if result == INTERNAL {
            return Err(invalid("unsafe use of pseudo-type \"internal\"")
                .detail("A function returning \"internal\" must have at least one \"internal\" argument."));
        }
        if let Some(text) = way.initial.as_ref().filter(|_| !is_polymorphic(state) && state != INTERNAL) {
            let view = self.view().clone();
            let io = self.host.io(&view);
            nq_qsql::types::io_text::parse_text(state, -1, text, &io)?;
        }
        let modify = way.modify.unwrap_or(if kind == AggregateKind::Normal { b'r' } else { b'w' });
        let made = AggregateWay {
            transition: found.oid,
            finish,
            extra: way.extra,
            modify,
            state,
            space: way.space,
            initial: way.initial.clone(),
        };
        Ok((made, result))
    }

    fn final_function(
        &mut self,
        name: &ObjectName,
        state: Oid,
        direct: &[Oid],
        aggregated: &[Oid],
        extra: bool,
    ) -> Result<Looked> {
        let mut given: Vec<Oid> = std::iter::once(state).chain(direct.iter().copied()).collect();
        if extra {
            given.extend(aggregated);
        }
        let last = self.lookup_function(name, &given)?;
        match extra && last.strict {
            true => Err(invalid("final function with extra arguments must not be declared STRICT")),
            false => Ok(last),
        }
    }

    /// The way for moving frames.
    fn moving_way(
        &mut self,
        w: &Written,
        direct: &[Oid],
        aggregated: &[Oid],
        kind: AggregateKind,
        (def, result): (&mut AggregateDef, Oid),
    ) -> Result<()> {
        let (moving, moving_result) = self.aggregate_way(&w.moving, direct, aggregated, kind)?;
        let (Some(state), Some(name), Some(forward)) = (w.moving.state, &w.inverse, &w.moving.transition)
        else {
            return Ok(());
        };
        let taken: Vec<Oid> = std::iter::once(state).chain(aggregated.iter().copied()).collect();
        let strict = self.lookup_function(forward, &taken)?.strict;
        let inverse = self.lookup_function(name, &taken)?;
        if inverse.result != state {
            return Err(mismatch(format!(
                "return type of inverse transition function {name} is not {}",
                self.view().type_name(state)
            )));
        }
        if strict != inverse.strict {
            return Err(invalid(
                "strictness of aggregate's forward and inverse transition functions must match",
            ));
        }
        if moving_result != result {
            return Err(invalid(format!(
                "moving-aggregate implementation returns type {}, but plain implementation returns type {}",
                self.view().type_name(moving_result),
                self.view().type_name(result)
            )));
        }
        def.inverse = inverse.oid;
        def.moving = moving;
        Ok(())
    }
}

/// `internal`, which only functions in C can handle.
const INTERNAL: Oid = 2281;

fn place(param: &FuncParam) -> u32 {
    param.name.as_ref().map_or(param.ty.pos, |n| n.pos)
}

/// What a polymorphic type follows from.
fn follows(ty: Oid) -> String {
    let family = match ty {
        oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLEARRAY | oid::ANYCOMPATIBLENONARRAY => {
            "anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or anycompatiblemultirange"
        }
        oid::ANYRANGE | oid::ANYMULTIRANGE => "anyrange or anymultirange",
        oid::ANYCOMPATIBLERANGE | oid::ANYCOMPATIBLEMULTIRANGE => {
            "anycompatiblerange or anycompatiblemultirange"
        }
        _ => "anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange",
    };
    format!("A result of type {} requires at least one input of type {family}.", display(ty))
}

fn modify_of(def: &Def) -> Result<u8> {
    match &*text_of(def)? {
        "read_only" => Ok(b'r'),
        "shareable" => Ok(b's'),
        "read_write" => Ok(b'w'),
        _ => {
            bail!(SYNTAX_ERROR, "parameter \"{}\" must be READ_ONLY, SHAREABLE, or READ_WRITE", def.name.name)
        }
    }
}

fn space_of(def: &Def) -> Result<i32> {
    let text = text_of(def)?;
    text.parse().map_err(|_| sql_err!(SYNTAX_ERROR, "{} requires an integer value", def.name.name))
}

/// Moving aggregates are specified as a whole or not at all.
fn check_moving(w: &Written) -> Result<()> {
    let of = |text: &str| Err(invalid(format!("aggregate {text}")));
    if w.moving.state.is_some() {
        return match (&w.moving.transition, &w.inverse) {
            (None, _) => of("msfunc must be specified when mstype is specified"),
            (_, None) => of("minvfunc must be specified when mstype is specified"),
            _ => Ok(()),
        };
    }
    let without = |name: &str| of(&format!("{name} must not be specified without mstype"));
    match w {
        _ if w.moving.transition.is_some() => without("msfunc"),
        _ if w.inverse.is_some() => without("minvfunc"),
        _ if w.moving.finish.is_some() => without("mfinalfunc"),
        _ if w.moving.space != 0 => without("msspace"),
        _ if w.moving.initial.is_some() => without("minitcond"),
        _ => Ok(()),
    }
}
