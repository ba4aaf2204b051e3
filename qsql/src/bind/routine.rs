//! Functions and procedures that users have made: their calls, and the statements of their bodies.
//!
//! ```text
//!   f(1, b => 2) --resolution--> RoutineTarget: the types of this call, and what it yields
//!   body: `SELECT x + $1 FROM t` --BodyScope--> Param(0) ... coerced to what the function declares
//! ```
//!
//! 1. In a body a name means a column first, then a parameter; `f.name` is a parameter for sure.
//! 2. The last statement's columns are coerced to the declared result as an assignment would.
//! 3. A body is put in the place of a call where PostgreSQL does it: nobody can tell but by the speed.
//!
//! Source: PostgreSQL manual, 36.5 "Query Language (SQL) Functions"; for rule 3 its `inline_function` and
//! `inline_set_returning_function`.

use std::sync::Arc;

use super::coerce::collation_of;
use super::expr::{record_field, result_collation};
use super::query::BoundQuery;
use super::scope::Clause;
use super::{BindContext, Binder, Bound, RecordField};
use crate::catalog::{Catalog, Routine, RoutineShape, RoutineTarget, UserOperator};
use crate::error::{Result, SqlError};
use crate::func::category::display;
use crate::func::resolve::{
    Among, CallShape, Callee, FunctionMatch, Resolution, UserCandidate, resolve_among,
};
use crate::func::{CastContext, Volatility};
use crate::optimize::fold::volatility;
use crate::parse::ast::{Ast, ExprId, ExprKind as A, FuncCall, Ident, ObjectName, Pos, Statement};
use crate::plan::expr::{ColumnId, Expr, ExprKind, RoutineForm};
use crate::plan::logical::Logical;
use crate::plan::physical::Command;
use crate::sql_err;
use crate::types::{DataType, Oid, info, rowtype};

/// OID of the schema `pg_catalog`.
const PG_CATALOG: Oid = 11;

/// Parameters of a body that is put in the place of a call are numbered from here until the arguments are put in theirs.
const INLINED: u32 = 1 << 20;

/// A parameter as a body sees it.
#[derive(Debug)]
pub(crate) struct BodyParam {
    name: Box<str>,
    ty: DataType,
    fields: Option<Arc<[RecordField]>>,
}

/// What a body sees of the function around it.
#[derive(Debug)]
pub(crate) struct BodyScope {
    name: Box<str>,
    params: Vec<BodyParam>,
    /// Number of the first parameter.
    base: u32,
}

impl BodyScope {
    fn of(target: &RoutineTarget, base: u32, catalog: &dyn Catalog) -> Self {
        let param = |(p, &ty): (&crate::catalog::RoutineParam, &Oid)| {
            let fields = catalog.row_type(p.ty).and_then(|_| rowtype::fields_of(DataType::of(p.ty)));
            BodyParam { name: p.name.clone(), ty: DataType::of(ty), fields }
        };
        let routine = &target.routine;
        let params = routine.inputs().zip(&target.inputs).map(param).collect();
        BodyScope { name: routine.name.clone(), params, base }
    }

    fn param(&self, i: usize, pos: Pos) -> Expr {
        let ty = self.params[i].ty;
        Expr { kind: ExprKind::Param(self.base + i as u32), ty, collation: collation_of(ty.oid), at: pos }
    }

    /// The fields of a parameter that is a row.
    pub(crate) fn fields(&self, param: u32) -> Option<Arc<[RecordField]>> {
        self.params.get(param.checked_sub(self.base)? as usize)?.fields.clone()
    }
}

/// The catalog as names in a body of standard form are looked up: along the path of when it was made.
struct WithPath<'a> {
    inner: &'a dyn Catalog,
    path: &'a [Oid],
}

impl WithPath<'_> {
    fn schemas(&self) -> impl Iterator<Item = Arc<str>> {
        self.path.iter().filter_map(|oid| self.inner.namespace_name(*oid))
    }
}

impl Catalog for WithPath<'_> {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Arc<crate::catalog::Relation>> {
        match schema {
            Some(_) => self.inner.relation(schema, name),
            None => self.schemas().find_map(|schema| self.inner.relation(Some(&schema), name)),
        }
    }

    fn relation_by_oid(&self, oid: Oid) -> Option<Arc<crate::catalog::Relation>> {
        self.inner.relation_by_oid(oid)
    }

    fn namespace(&self, name: &str) -> Option<Oid> {
        self.inner.namespace(name)
    }

    fn namespace_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.inner.namespace_name(oid)
    }

    fn search_path(&self) -> Vec<Oid> {
        self.path.to_vec()
    }

    fn user_type(&self, schema: Option<&str>, name: &str) -> Option<Arc<crate::catalog::UserType>> {
        self.inner.user_type(schema, name)
    }

    fn routines(&self, schema: Option<&str>, name: &str) -> Vec<(usize, Arc<Routine>)> {
        if schema.is_some() {
            return self.inner.routines(schema, name);
        }
        let found = self.schemas().enumerate().flat_map(|(place, schema)| {
            self.inner.routines(Some(&schema), name).into_iter().map(move |(_, routine)| (place, routine))
        });
        found.collect()
    }

    fn operators(&self, schema: Option<&str>, name: &str) -> Vec<(usize, Arc<UserOperator>)> {
        if schema.is_some() {
            return self.inner.operators(schema, name);
        }
        let found = self.schemas().enumerate().flat_map(|(place, schema)| {
            self.inner.operators(Some(&schema), name).into_iter().map(move |(_, operator)| (place, operator))
        });
        found.collect()
    }

    fn routine_by_oid(&self, oid: Oid) -> Option<Arc<Routine>> {
        self.inner.routine_by_oid(oid)
    }

    fn row_type(&self, ty: Oid) -> Option<Arc<crate::catalog::Relation>> {
        self.inner.row_type(ty)
    }

    fn row_type_of(&self, relation: Oid) -> Option<Oid> {
        self.inner.row_type_of(relation)
    }

    fn role(&self, name: &str) -> Option<Oid> {
        self.inner.role(name)
    }

    fn role_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.inner.role_name(oid)
    }

    fn database(&self) -> Arc<str> {
        self.inner.database()
    }

    fn stats(&self, relation: Oid) -> Option<Arc<crate::catalog::RelationStats>> {
        self.inner.stats(relation)
    }

    fn enabled(&self, setting: &str) -> bool {
        self.inner.enabled(setting)
    }

    fn setting_i64(&self, setting: &str) -> Option<i64> {
        self.inner.setting_i64(setting)
    }
}

/// A bound CALL.
#[derive(Debug)]
pub struct BoundCall {
    /// The procedure.
    pub target: Arc<RoutineTarget>,
    /// The values of its input parameters.
    pub args: Vec<Expr>,
    /// Types of the statement's parameters.
    pub params: Vec<DataType>,
}

/// Binds a CALL.
///
/// # Errors
/// 42883 for a procedure that there is not, 42809 for what is none.
pub fn bind_call_statement(ast: &Ast, call: ExprId, cx: &BindContext<'_>) -> Result<BoundCall> {
    Binder::new(ast, cx).bind_procedure_call(call)
}

/// As [`bind_call_statement`], in the body of a routine.
///
/// # Errors
/// As there.
pub fn bind_body_call(
    ast: &Ast,
    call: ExprId,
    target: &RoutineTarget,
    cx: &BindContext<'_>,
) -> Result<BoundCall> {
    in_body(ast, target, 0, cx, |binder| binder.bind_procedure_call(call))
}

/// Binds one statement of a routine's body: its parameters are the plan's. The columns of the last one are those that the routine
/// yields.
///
/// # Errors
/// What binding raises, 42P13 where the last statement does not yield what is declared.
pub fn bind_body(
    ast: &Ast,
    statement: &Statement,
    target: &RoutineTarget,
    last: bool,
    cx: &BindContext<'_>,
) -> Result<Bound> {
    in_body(ast, target, 0, cx, |mut binder| {
        let (plan, outputs, columns, command) = match statement {
            Statement::Query(query) => {
                let bound = binder.bind_query_body(*query, true)?;
                let columns = bound.columns.iter().map(|c| binder.output_column(&c.name, c.id)).collect();
                (bound.plan, bound.columns.iter().map(|c| c.id).collect(), columns, Command::Select)
            }
            write => {
                let bound = binder.bind_write(write)?;
                (bound.plan, bound.outputs, bound.columns, bound.command)
            }
        };
        if !last {
            return binder.finish(plan, outputs, columns, command);
        }
        let returns = command == Command::Select || !outputs.is_empty();
        let Some((exprs, changed)) = binder.coerce_result(&outputs, returns, target)? else {
            return binder.finish(plan, outputs, columns, command);
        };
        if !changed {
            return binder.finish(plan, outputs, columns, command);
        }
        let outputs: Vec<ColumnId> = exprs.iter().map(|(id, _)| *id).collect();
        let columns =
            columns.iter().zip(&outputs).map(|(old, &id)| binder.output_column(&old.name, id)).collect();
        let plan = Logical::Project { input: Box::new(plan), exprs };
        binder.finish(plan, outputs, columns, command)
    })
}

/// Calls `work` with a binder that sees the parameters of a routine, and its path if its body has one.
fn in_body<R>(
    ast: &Ast,
    target: &RoutineTarget,
    base: u32,
    cx: &BindContext<'_>,
    work: impl FnOnce(Binder<'_>) -> Result<R>,
) -> Result<R> {
    let scope = Arc::new(BodyScope::of(target, base, cx.catalog));
    let bind = |cx: &BindContext<'_>| {
        let mut binder = Binder::new(ast, cx);
        if base == 0 {
            binder.s.params = scope.params.iter().map(|p| Some(p.ty)).collect();
        }
        binder.body = Some(scope.clone());
        work(binder)
    };
    let cx = BindContext { params: &[], ..*cx };
    match &target.routine.body.standard {
        Some(standard) => {
            let catalog = WithPath { inner: cx.catalog, path: &standard.path };
            bind(&BindContext { catalog: &catalog, ..cx })
        }
        None => bind(&cx),
    }
}

/// The expression that a call of a function in SQL can be replaced by, where PostgreSQL would: over the call's own arguments.
pub(crate) fn inline_scalar(e: &Expr, cx: &BindContext<'_>) -> Option<Expr> {
    let ExprKind::Routine { target, args, .. } = &e.kind else { return None };
    let routine = &target.routine;
    let RoutineShape::Scalar(ty) = target.shape else { return None };
    let opaque = routine.procedure || routine.internal || routine.returns_set;
    if opaque || routine.security_definer || !routine.config.is_empty() {
        return None;
    }
    let mut statements = crate::parse::parse_statements(&routine.body.text).ok()?;
    let parsed = match statements.len() {
        1 => statements.pop()?,
        _ => return None,
    };
    let Statement::Query(query) = parsed.ast.statement else { return None };
    let body = in_body(&parsed.ast, target, INLINED, cx, |mut binder| {
        let bound = binder.bind_query_body(query, true)?;
        let (Logical::Project { input, exprs }, [column]) = (bound.plan, &bound.columns[..]) else {
            return Ok(None);
        };
        let subqueries = binder.s.subqueries.len() + binder.s.ctes.len();
        if !input.is_one_row() || subqueries > 0 || binder.s.volatile_literals {
            return Ok(None);
        }
        let Some((_, expr)) = exprs.into_iter().find(|(id, _)| *id == column.id) else { return Ok(None) };
        if expr.any(&mut |e| e.is_set()) {
            return Ok(None);
        }
        binder.coerce(expr, ty, CastContext::Assignment)
    });
    let mut body = body.ok()??;
    if volatility(&body) > routine.volatility || (routine.strict && may_be_not_strict(&body)) {
        return None;
    }
    for (i, arg) in args.iter().enumerate() {
        let uses = count_param(&body, INLINED + i as u32);
        if uses == 0 && routine.strict {
            return None;
        }
        let dear = || cost(arg) > 10 || arg.has_subquery();
        if uses > 1 && (volatility(arg) == Volatility::Volatile || dear()) {
            return None;
        }
    }
    put_args(&mut body, args);
    // The places of the body's text mean nothing outside of it.
    body.collation = e.collation;
    body.at = e.at;
    Some(body)
}

/// Replaces the parameters of a body by arguments.
fn put_args(e: &mut Expr, args: &[Expr]) {
    if let ExprKind::Param(n) = e.kind
        && let Some(arg) = n.checked_sub(INLINED).and_then(|i| args.get(i as usize))
    {
        *e = arg.clone();
        return;
    }
    e.at = u32::MAX;
    e.each_child_mut(&mut |child| put_args(child, args));
}

fn put_args_in_plan(plan: &mut Logical, args: &[Expr]) {
    plan.each_expr_mut(&mut |e| put_args(e, args));
    plan.each_input_mut(&mut |input| put_args_in_plan(input, args));
}

fn count_param(e: &Expr, param: u32) -> usize {
    let mut count = usize::from(matches!(e.kind, ExprKind::Param(n) if n == param));
    e.each_child(&mut |child| count += count_param(child, param));
    count
}

/// Operator calls in an expression.
fn cost(e: &Expr) -> usize {
    let mut total = match &e.kind {
        ExprKind::Routine { target, .. } => target.routine.cost as usize,
        ExprKind::Call { .. } | ExprKind::ScalarArray { .. } | ExprKind::CoerceViaIo(_) => 1,
        _ => 0,
    };
    e.each_child(&mut |child| total += cost(child));
    total
}

/// Whether a NULL among its inputs might not make an expression NULL.
fn may_be_not_strict(e: &Expr) -> bool {
    let own = match &e.kind {
        ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::Relabel(_) | ExprKind::CoerceViaIo(_) => false,
        ExprKind::Typmod { .. } | ExprKind::Not(_) | ExprKind::ArrayCoerce { .. } => false,
        ExprKind::Call { func, .. } => !func.strict,
        ExprKind::Routine { target, .. } => !target.routine.strict,
        ExprKind::Subscript { .. } => false,
        _ => true,
    };
    let mut found = own;
    e.each_child(&mut |child| found = found || may_be_not_strict(child));
    found
}

impl Binder<'_> {
    /// Users' functions that a name may mean.
    pub(crate) fn user_candidates(
        &self,
        schema: Option<&str>,
        name: &str,
        by_call: bool,
    ) -> Vec<UserCandidate> {
        let catalog = self.cx.catalog;
        let candidate = |(place, routine): (usize, Arc<Routine>)| {
            let types = routine.callable(by_call).map(|p| p.ty).collect();
            UserCandidate { place, routine, types, by_call }
        };
        catalog.routines(schema, name).into_iter().map(candidate).collect()
    }

    /// The place of `pg_catalog` in the search path; 0 where nothing is to be compared with it.
    pub(super) fn builtins_among(&self, alone: bool) -> usize {
        match alone {
            true => 0,
            false => self.cx.catalog.search_path().iter().position(|oid| *oid == PG_CATALOG).unwrap_or(0),
        }
    }

    /// The place of `pg_catalog` in the search path, where there is something to compare it with.
    pub(crate) fn place_of_builtins(&self, users: &[UserCandidate]) -> usize {
        self.builtins_among(users.is_empty())
    }

    /// Refuses to look into a schema that the user may not look into.
    pub(crate) fn check_schema_usage(&self, schema: &Ident, pos: Pos) -> Result<()> {
        match self.s.views == 0 && !self.cx.catalog.may_use_namespace(schema) {
            true => {
                Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", schema.name).at(pos))
            }
            false => Ok(()),
        }
    }

    /// The target of a resolved call.
    pub(super) fn target(&mut self, routine: &Arc<Routine>, found: &Resolution) -> Arc<RoutineTarget> {
        if !self.s.routines.iter().any(|r| r.oid == routine.oid) {
            self.s.routines.push(routine.clone());
        }
        self.unchecked_target(routine, found)
    }

    /// As [`Binder::target`], of a function that something else calls on its owner's behalf.
    pub(super) fn unchecked_target(&self, routine: &Arc<Routine>, found: &Resolution) -> Arc<RoutineTarget> {
        let stands_for = |ty: Oid| found.stands_for(ty);
        let inputs = routine.inputs().map(|p| stands_for(p.ty)).collect();
        let shape = routine.shape(self.cx.catalog, &stands_for);
        Arc::new(RoutineTarget { routine: routine.clone(), inputs, shape })
    }

    /// A call of a user's function.
    pub(crate) fn bind_routine(
        &mut self,
        call: &FuncCall,
        routine: &Arc<Routine>,
        args: Vec<Expr>,
        found: &Resolution,
        pos: Pos,
    ) -> Result<Expr> {
        if routine.procedure {
            let names: Vec<&str> =
                call.args.iter().filter_map(|a| a.name.as_ref().map(|n| &*n.name)).collect();
            let shown = shown_call(&call.name, &args, &names);
            return Err(sql_err!(WRONG_OBJECT_TYPE, "{shown} is a procedure")
                .hint("To call a procedure, use CALL.")
                .at(pos));
        }
        if let Some(def) = routine.aggregate.clone() {
            return self.bind_user_aggregate(call, (routine, &def), args, found, pos);
        }
        self.check_plain_call(call, pos)?;
        let args = self.lay_out(args, found, pos)?;
        self.note_routine(call.name.pos(), routine.oid);
        self.call_routine(routine, args, found, pos)
    }

    /// The call of a user's function with its arguments laid out.
    pub(crate) fn call_routine(
        &mut self,
        routine: &Arc<Routine>,
        args: Vec<Expr>,
        found: &Resolution,
        pos: Pos,
    ) -> Result<Expr> {
        let target = self.target(routine, found);
        if routine.returns_set {
            self.check_set_place(pos)?;
        }
        let ty = target.ty();
        let collation = result_collation(ty.oid, args.iter());
        Ok(Expr {
            kind: ExprKind::Routine { target, args, form: RoutineForm::Plain },
            ty,
            collation,
            at: pos,
        })
    }

    fn bind_procedure_call(mut self, id: ExprId) -> Result<BoundCall> {
        let ast = self.ast;
        let pos = ast[id].pos;
        let A::Call(call) = &ast[id].kind else { return Err(SqlError::internal("CALL of something else")) };
        self.push_scope(Clause::CallArgument);
        let name = &*call.name.object().name;
        let schema = call.name.schema();
        if let Some(schema) = schema {
            if self.cx.catalog.namespace(schema).is_none() {
                return Err(
                    sql_err!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name).at(pos)
                );
            }
            self.check_schema_usage(schema, pos)?;
        }
        let users = self.user_candidates(schema.map(|s| &*s.name), name, true);
        let builtins = match schema {
            None => Some(self.place_of_builtins(&users)),
            Some(schema) => (&*schema.name == "pg_catalog").then_some(0),
        };
        let args = self.bind_call_args(call)?;
        if args.iter().any(|a| a.has_subquery()) {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot use subquery in CALL argument").at(pos));
        }
        let names: Vec<&str> = call.args.iter().filter_map(|a| a.name.as_ref().map(|n| &*n.name)).collect();
        let types: Vec<Oid> = args.iter().map(|a| a.ty.oid).collect();
        let shape = CallShape { names: &names, variadic: call.variadic };
        let found = resolve_among(name, &types, shape, Among { users: &users, builtins, word: "procedure" })
            .map_err(|e| super::call::qualified(e, &call.name).at(pos))?;
        let not_procedure = |args: &[Expr]| {
            let shown = shown_call(&call.name, args, &names);
            sql_err!(WRONG_OBJECT_TYPE, "{shown} is not a procedure")
                .hint("To call a function, use SELECT.")
                .at(pos)
        };
        let FunctionMatch::Function(found) = found else { return Err(not_procedure(&args)) };
        let routine = match &found.callee {
            Callee::Routine(routine) if routine.procedure => routine.clone(),
            _ => return Err(not_procedure(&args)),
        };
        self.check_plain_call(call, pos)?;
        let args = self.lay_out(args, &found, pos)?;
        let target = self.target(&routine, &found);
        // What is written for OUT parameters is not evaluated.
        let inputs = routine.callable(true).map(|p| p.mode.is_input());
        let mut kept = Vec::with_capacity(args.len());
        for (arg, input) in args.into_iter().zip(inputs) {
            if input {
                kept.push(self.settle(arg)?);
            }
        }
        Ok(BoundCall { target, args: kept, params: self.param_types()? })
    }

    /// `$n` in a body.
    pub(crate) fn bind_body_param(&self, body: &BodyScope, n: u32, pos: Pos) -> Result<Expr> {
        match (n as usize).checked_sub(1).filter(|i| *i < body.params.len()) {
            Some(i) => Ok(body.param(i, pos)),
            None => Err(sql_err!(UNDEFINED_PARAMETER, "there is no parameter ${n}").at(pos)),
        }
    }

    /// A name that means no column: a parameter of the body's function, or a field of one.
    pub(crate) fn named_param(&self, parts: &[Ident], pos: Pos) -> Result<Option<Expr>> {
        let Some(body) = &self.body else { return Ok(None) };
        let find =
            |name: &Ident| body.params.iter().position(|p| *p.name == *name.name && !p.name.is_empty());
        let field = |param: usize, name: &Ident| {
            let fields = body.params[param].fields.clone()?;
            let at = fields.iter().position(|(field, _)| **field == *name.name)?;
            Some(record_field(body.param(param, pos), at, &fields))
        };
        Ok(match parts {
            [name] => find(name).map(|i| body.param(i, pos)),
            [first, name] => {
                let own = (*first.name == *body.name).then(|| find(name)).flatten();
                match own {
                    Some(i) => Some(body.param(i, pos)),
                    None => find(first).and_then(|i| field(i, name)),
                }
            }
            [function, param, name] if *function.name == *body.name => {
                find(param).and_then(|i| field(i, name))
            }
            _ => None,
        })
    }

    /// Coerces what a routine's last statement yields to what is declared. `None`: it yields as it is. The flag tells whether
    /// anything had to be coerced.
    #[allow(clippy::type_complexity, reason = "columns with what they are, as a projection takes them")]
    fn coerce_result(
        &mut self,
        outputs: &[ColumnId],
        returns: bool,
        target: &RoutineTarget,
    ) -> Result<Option<(Vec<(ColumnId, Expr)>, bool)>> {
        let mismatch = |detail: String| mismatch(target, self.cx.catalog, &detail);
        let one;
        let wanted: &[RecordField] = match &target.shape {
            RoutineShape::Void => return Ok(None),
            // Output parameters of a procedure without any are nothing.
            RoutineShape::Record if target.routine.procedure => return Ok(None),
            _ if !returns => {
                return Err(mismatch(
                    "Function's final statement must be SELECT or INSERT/UPDATE/DELETE/MERGE RETURNING."
                        .to_owned(),
                ));
            }
            RoutineShape::Record => return Ok(None),
            RoutineShape::Scalar(ty) => {
                if outputs.len() != 1 {
                    return Err(mismatch("Final statement must return exactly one column.".to_owned()));
                }
                one = [(Arc::from(""), *ty)];
                &one
            }
            RoutineShape::Row(fields) => fields,
        };
        let row = matches!(target.shape, RoutineShape::Row(_));
        if let ([only], true) = (outputs, row)
            && info::is_row(self.s.types[*only as usize].oid)
            && !matches!(wanted, [(_, ty)] if info::is_row(ty.oid))
        {
            return Ok(None);
        }
        if outputs.len() > wanted.len() {
            return Err(mismatch("Final statement returns too many columns.".to_owned()));
        }
        if outputs.len() < wanted.len() {
            return Err(mismatch("Final statement returns too few columns.".to_owned()));
        }
        let mut exprs = Vec::with_capacity(outputs.len());
        let mut changed = false;
        for (i, (&id, (_, want))) in outputs.iter().zip(wanted).enumerate() {
            let have = self.s.types[id as usize];
            let value = self.column(id);
            let Some(value) = self.coerce(value, *want, CastContext::Assignment)? else {
                let detail = match row {
                    true => format!(
                        "Final statement returns {} instead of {} at column {}.",
                        display(have.oid),
                        display(want.oid),
                        i + 1
                    ),
                    false => format!("Actual return type is {}.", display(have.oid)),
                };
                return Err(self::mismatch(target, self.cx.catalog, &detail));
            };
            match value.kind {
                ExprKind::Column(same) if same == id => exprs.push((id, value)),
                _ => {
                    changed = true;
                    exprs.push((self.column_for(&value), value));
                }
            }
        }
        Ok(Some((exprs, changed)))
    }

    /// The query of a set-returning call in FROM, where PostgreSQL puts it in the call's place.
    pub(crate) fn inline_set(&mut self, call: &Expr) -> Result<Option<(Logical, Vec<ColumnId>)>> {
        let ExprKind::Routine { target, args, .. } = &call.kind else { return Ok(None) };
        let routine = &target.routine;
        let plain = routine.returns_set
            && routine.volatility != Volatility::Volatile
            && !routine.strict
            && !routine.security_definer
            && routine.config.is_empty()
            && matches!(target.shape, RoutineShape::Scalar(_) | RoutineShape::Row(_));
        let movable = |a: &Expr| {
            volatility(a) != Volatility::Volatile
                && !a.any(&mut |e| matches!(e.kind, ExprKind::Subquery { .. }) || e.is_set())
        };
        if !plain || !args.iter().all(movable) || self.s.inlined.contains(&routine.oid) {
            return Ok(None);
        }
        let Ok(mut statements) = crate::parse::parse_statements(&routine.body.text) else { return Ok(None) };
        let (Some(parsed), 0) = (statements.pop(), statements.len()) else { return Ok(None) };
        let Statement::Query(query) = parsed.ast.statement else { return Ok(None) };
        let lateral = args.iter().any(|a| a.any(&mut |e| matches!(e.kind, ExprKind::Column(_))));
        if !parsed.ast[query].locking.is_empty() || (lateral && parsed.ast[query].with.is_some()) {
            return Ok(None);
        }
        let standard = routine.body.standard.as_ref();
        let catalog = standard.map(|s| WithPath { inner: self.cx.catalog, path: &s.path });
        let cx = match &catalog {
            Some(catalog) => BindContext { catalog, ..*self.cx },
            None => *self.cx,
        };
        let (subqueries, ctes) = (self.s.subqueries.len(), self.s.ctes.len());
        let shared = std::mem::take(&mut self.s);
        let body = Some(Arc::new(BodyScope::of(target, INLINED, cx.catalog)));
        let mut inner = Binder { check_as: self.check_as, body, ..Binder::inside(&parsed.ast, &cx, shared) };
        inner.s.views += 1;
        inner.s.inlined.push(routine.oid);
        let made = inner.bind_query_body(query, true).and_then(|bound: BoundQuery| {
            let outputs = bound.ids();
            Ok(match inner.coerce_result(&outputs, true, target)? {
                Some((exprs, _)) => {
                    let ids = exprs.iter().map(|(id, _)| *id).collect();
                    Some((Logical::Project { input: Box::new(bound.plan), exprs }, ids))
                }
                None => None,
            })
        });
        inner.s.inlined.pop();
        inner.s.views -= 1;
        self.s = inner.s;
        let (mut plan, ids) = match made {
            Ok(Some(made)) => made,
            Ok(None) => return Ok(None),
            Err(mut e) => {
                e.0.byte_offset = None;
                return Err(add_context(e, format!("SQL function \"{}\" during inlining", routine.name)));
            }
        };
        put_args_in_plan(&mut plan, args);
        for subquery in self.s.subqueries[subqueries..].iter_mut().flatten() {
            put_args_in_plan(&mut subquery.plan, args);
        }
        for cte in self.s.ctes[ctes..].iter_mut().filter_map(|c| c.plan.as_mut()) {
            put_args_in_plan(cte, args);
        }
        Ok(Some((plan, ids)))
    }
}

/// Checks that a body without statements fits what is declared.
///
/// # Errors
/// 42P13.
pub fn check_empty_body(target: &RoutineTarget, catalog: &dyn Catalog) -> Result<()> {
    let detail = "Function's final statement must be SELECT or INSERT/UPDATE/DELETE/MERGE RETURNING.";
    match target.shape {
        RoutineShape::Void => Ok(()),
        _ => Err(mismatch(target, catalog, detail)),
    }
}

/// Adds a line to an error's context, behind those of what was called further in.
pub fn add_context(mut error: SqlError, line: String) -> SqlError {
    error.0.context = Some(match error.0.context.take() {
        Some(inner) => format!("{inner}\n{line}"),
        None => line,
    });
    error
}

/// 42P13 for a last statement that does not fit.
fn mismatch(target: &RoutineTarget, catalog: &dyn Catalog, detail: &str) -> SqlError {
    let result = target.routine.result;
    let shown = match (&target.shape, catalog.row_type(result)) {
        (RoutineShape::Scalar(ty), _) => display(ty.oid),
        (_, Some(relation)) => relation.name.to_string(),
        (_, None) => display(result),
    };
    sql_err!(INVALID_FUNCTION_DEFINITION, "return type mismatch in function declared to return {shown}")
        .detail(detail)
}

/// A call as messages print it: `s.f(integer, a => text)`.
pub(crate) fn shown_call(name: &ObjectName, args: &[Expr], names: &[&str]) -> String {
    let positional = args.len() - names.len().min(args.len());
    let shown: Vec<String> = args
        .iter()
        .enumerate()
        .map(|(i, arg)| match i.checked_sub(positional).and_then(|n| names.get(n)) {
            Some(label) => format!("{label} => {}", display(arg.ty.oid)),
            None => display(arg.ty.oid),
        })
        .collect();
    format!("{name}({})", shown.join(", "))
}
