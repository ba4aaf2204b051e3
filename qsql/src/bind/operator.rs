//! Calls of operators, those that users have made among them.

use super::Binder;
use super::coerce::collation_of;
use super::expr::result_collation;
use crate::error::{Result, SqlError, SqlState};
use crate::func::function_by_oid;
use crate::func::resolve::{
    Among, CallShape, FunctionMatch, OperatorMatch, UserCandidate, resolve_among, resolve_operator_among,
};
use crate::parse::ast::{Operator, Pos};
use crate::plan::expr::{CallForm, Expr, ExprKind, RoutineForm};
use crate::sql_err;
use crate::types::{DataType, Oid};

impl Binder<'_> {
    /// The schema that is written before an operator.
    pub(super) fn operator_schema<'o>(&self, op: &'o Operator, pos: Pos) -> Result<Option<&'o str>> {
        match op.schema() {
            [] => Ok(None),
            [.., schema] if &*schema.name == "pg_catalog" => Ok(Some("pg_catalog")),
            [schema] if self.cx.catalog.namespace(schema).is_none() => {
                Err(sql_err!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name).at(pos))
            }
            [schema] => {
                self.check_schema_usage(schema, pos)?;
                Ok(Some(&schema.name))
            }
            parts => Err(sql_err!(
                UNDEFINED_FUNCTION,
                "operator does not exist: {}.{}",
                super::scope::dotted(parts),
                op.name()
            )
            .at(pos)),
        }
    }

    /// Makes an operator's call by PostgreSQL's resolution.
    pub(crate) fn make_operator(
        &mut self,
        name: &str,
        left: Option<Expr>,
        right: Expr,
        pos: Pos,
    ) -> Result<Expr> {
        self.make_operator_in(None, name, left, right, pos)
    }

    /// Finds the operator for operands of these types.
    pub(super) fn find_operator(
        &self,
        schema: Option<&str>,
        name: &str,
        left: Oid,
        right: Oid,
    ) -> Result<OperatorMatch> {
        let users = self.cx.catalog.operators(schema, name);
        let builtins = match schema {
            None => Some(self.builtins_among(users.is_empty())),
            Some("pg_catalog") => Some(0),
            Some(_) => None,
        };
        resolve_operator_among(name, left, right, &users, builtins).map_err(|mut e| {
            if let Some(schema) = schema {
                let bare = format!(" {name} ");
                e.0.message = e.0.message.replacen(&bare, &format!(" {schema}.{name} "), 1).into();
            }
            e
        })
    }

    /// The built-in function of a user's operator; `None`: it has a user's.
    fn noted_function(
        &mut self,
        pos: Pos,
        operator: &crate::catalog::UserOperator,
    ) -> Option<&'static crate::func::Function> {
        self.note_operator(pos, operator.oid);
        function_by_oid(operator.function)
    }

    /// As [`Binder::make_operator`], in a schema that was written.
    pub(super) fn make_operator_in(
        &mut self,
        schema: Option<&str>,
        name: &str,
        left: Option<Expr>,
        right: Expr,
        pos: Pos,
    ) -> Result<Expr> {
        let left_type = left.as_ref().map_or(0, |e| e.ty.oid);
        let found = self.find_operator(schema, name, left_type, right.ty.oid).map_err(|e| e.at(pos))?;
        let (left_type, right_type, result) = match &found {
            OperatorMatch::Builtin(found) => (found.left, found.right, found.result),
            OperatorMatch::User { left, right, result, .. } => (*left, *right, *result),
        };
        let collation = result_collation(result, left.iter().chain([&right]));
        let mut args = Vec::with_capacity(2);
        if let Some(left) = left {
            args.push(self.coerce_arg(left, left_type)?);
        }
        args.push(self.coerce_arg(right, right_type)?);
        let (func, operator) = match found {
            OperatorMatch::Builtin(found) => (found.func, found.operator.oid),
            OperatorMatch::User { operator, .. } => match self.noted_function(pos, &operator) {
                Some(func) => (func, operator.oid),
                None => {
                    let form = RoutineForm::Operator(operator.oid);
                    return self.call_routine_as(operator.function, args, form, pos);
                }
            },
        };
        Ok(Expr {
            kind: ExprKind::Call { func, args, operator, form: CallForm::Plain },
            ty: DataType::of(result),
            collation,
            at: pos,
        })
    }

    /// A call of the user's function with this OID, which an operator or a cast means. Of the arguments as many are taken as it has
    /// parameters.
    pub(super) fn call_routine_as(
        &mut self,
        function: Oid,
        mut args: Vec<Expr>,
        form: RoutineForm,
        pos: Pos,
    ) -> Result<Expr> {
        let catalog = self.cx.catalog;
        let gone = || SqlError::internal(format_args!("cache lookup failed for function {function}"));
        let named = catalog.routine_by_oid(function).ok_or_else(gone)?;
        // Asked for by its name the function is a part of what the plan rests on.
        let now = catalog.routines(Some(&named.schema), &named.name).into_iter().map(|(_, r)| r);
        let routine = now.into_iter().find(|r| r.oid == function).unwrap_or(named);
        let wanted: Vec<Oid> = routine.inputs().map(|p| p.ty).collect();
        args.truncate(wanted.len());
        let types: Vec<Oid> = args.iter().map(|a| a.ty.oid).collect();
        let candidate = UserCandidate { place: 0, routine: routine.clone(), types: wanted, by_call: false };
        let shape = CallShape { names: &[], variadic: routine.variadic() != 0 };
        let among = Among { users: std::slice::from_ref(&candidate), builtins: None, word: "function" };
        let FunctionMatch::Function(found) = resolve_among(&routine.name, &types, shape, among)? else {
            return Err(gone());
        };
        let args = self.lay_out(args, &found, pos)?;
        let mut call = self.call_routine(&routine, args, &found, pos)?;
        if let ExprKind::Routine { form: written, .. } = &mut call.kind {
            *written = form;
        }
        call.collation = if call.collation == 0 { collation_of(call.ty.oid) } else { call.collation };
        Ok(call)
    }

    /// The function and the operands of an equality that a construct needs by itself.
    ///
    /// # Errors
    /// 0A000 where users have made the operator with a function of theirs.
    pub(super) fn equality(
        equal: Expr,
        what: &str,
    ) -> Result<(&'static crate::func::Function, Box<Expr>, Box<Expr>)> {
        match equal.kind {
            ExprKind::Call { func, mut args, .. } if args.len() == 2 => {
                let right = Box::new(args.swap_remove(1));
                let left = Box::new(args.swap_remove(0));
                Ok((func, left, right))
            }
            _ => Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("{what} with an operator of a function in SQL is not supported"),
            )),
        }
    }
}
