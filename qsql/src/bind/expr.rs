//! Expressions: one function per form of the grammar.
//!
//! Operator chains are walked along their left spine in a loop, so that `1 + 1 + ...` needs no stack.

use std::sync::Arc;

use super::coerce::{C_COLLATION, DEFAULT_COLLATION, collation_of};
use super::scope::Clause;
use super::{Binder, RecordField};
use crate::error::{Result, SqlError};
use crate::func::category::{array_of, display, element_of, is_stacked};
use crate::func::resolve::{Among, CallShape, Callee, FunctionMatch, resolve_among, resolve_function};
use crate::func::{CastContext, NAME_ELEMENT, RECORD_FIELD};
use crate::parse::ast::{
    Case, ChooseFunc, ExprId, ExprKind as A, FuncSyntax, ObjectName, Operator, Pos, SqlValueFunc, Subscript,
    TypeName,
};
use crate::plan::expr::{CallForm, Expr, ExprKind};
use crate::types::{BitString, DataType, Datum, info, io_text, oid, rowtype};
use crate::{bail, sql_err};

/// `jsonb_extract_path`, which subscripts of `jsonb` are.
const JSONB_EXTRACT_PATH: u32 = 3217;
/// `text[]`
const TEXT_ARRAY: u32 = 1009;

/// Field `index` of a record with the given fields.
pub(crate) fn record_field(row: Expr, index: usize, fields: &[RecordField]) -> Expr {
    let (at, ty) = (row.at, fields[index].1);
    let which = Expr::new(ExprKind::Const(Datum::Int4(index as i32)), DataType::of(oid::INT4));
    let call =
        ExprKind::Call { func: &RECORD_FIELD, args: vec![row, which], operator: 0, form: CallForm::Plain };
    Expr { kind: call, ty, collation: collation_of(ty.oid), at }
}

impl Binder<'_> {
    /// Binds an expression of the tree.
    pub(crate) fn bind_expr(&mut self, id: ExprId) -> Result<Expr> {
        let mut bound = self.nested(|b| b.bind_kind(id))?;
        if bound.at == u32::MAX {
            bound.at = self.ast.start_of(id);
        }
        Ok(bound)
    }

    /// Binds and coerces a condition.
    pub(crate) fn bind_condition(&mut self, id: ExprId, clause: Clause, what: &str) -> Result<Expr> {
        let expr = self.within(clause, |b| b.bind_expr(id))?;
        self.coerce_to_bool(expr, what)
    }

    pub(crate) fn bind_exprs(&mut self, ids: &[ExprId]) -> Result<Vec<Expr>> {
        ids.iter().map(|&id| self.bind_expr(id)).collect()
    }

    fn bind_kind(&mut self, id: ExprId) -> Result<Expr> {
        let ast = self.ast;
        let node = &ast[id];
        let pos = node.pos;
        match &node.kind {
            A::Null => Ok(literal(Datum::Null, oid::UNKNOWN, pos)),
            A::Bool(b) => Ok(literal(Datum::Bool(*b), oid::BOOL, pos)),
            A::Int(n) => Ok(literal(Datum::Int4(*n), oid::INT4, pos)),
            A::Number(text) => self.bind_number(text, false, pos),
            A::Str(text) => Ok(literal(Datum::text(&**text), oid::UNKNOWN, pos)),
            A::BitStr(digits) => {
                let bits = BitString::parse(digits).map_err(|e| e.at(pos))?;
                Ok(literal(Datum::Bits(bits), oid::BIT, pos))
            }
            A::Param(n) => self.bind_param(*n, pos),
            A::Column(parts) => self.bind_column_ref(parts, pos),
            A::Star(parts) if let [.., table] = &**parts => {
                let schema = parts.len().checked_sub(2).map(|i| &*parts[i].name);
                let Some((level, item)) = self.find_relation(schema, table) else {
                    return Err(self.no_such_relation(schema, table, table.pos));
                };
                let item = self.scopes[level].items[item].clone();
                Ok(self.whole_row(&item, table.pos))
            }
            A::Star(_) => {
                Err(sql_err!(SYNTAX_ERROR, "row expansion via \"*\" is not supported here").at(pos))
            }
            A::Default => Err(sql_err!(SYNTAX_ERROR, "DEFAULT is not allowed in this context").at(pos)),
            A::Cast { arg, ty } => self.bind_cast(*arg, ty, pos),
            A::Unary { op, arg } => self.bind_unary(op, *arg, pos),
            A::Binary { .. } => self.bind_binary_chain(id),
            A::And(items) => Ok(at(logic(self.bind_bools(items, "AND")?, true), pos)),
            A::Or(items) => Ok(at(logic(self.bind_bools(items, "OR")?, false), pos)),
            A::Not(arg) => {
                let arg = self.bind_expr(*arg)?;
                let arg = self.coerce_to_bool(arg, "NOT")?;
                Ok(at(boolean(ExprKind::Not(Box::new(arg))), pos))
            }
            A::IsNull { arg, not } => {
                let arg = self.bind_expr(*arg)?;
                Ok(at(boolean(ExprKind::IsNull { value: Box::new(arg), negated: *not }), pos))
            }
            A::IsBool { arg, test, not } => self.bind_truth(*arg, *test, *not, pos),
            A::IsDistinct { left, right, not } => self.bind_distinct(*left, *right, *not, pos),
            A::IsDocument { .. } => Err(SqlError::unsupported("IS DOCUMENT").at(pos)),
            A::IsNormalized { arg, form, not } => {
                let mut args = vec![self.bind_expr(*arg)?];
                args.push(literal(Datum::text(form.unwrap_or("NFC")), oid::UNKNOWN, pos));
                let form = CallForm::Syntax(FuncSyntax::IsNormalized);
                let test = self.make_call("is_normalized", args, pos)?.written_as(form);
                Ok(if *not { at(boolean(ExprKind::Not(Box::new(test))), pos) } else { test })
            }
            A::IsJson { arg, item, unique_keys, not } => {
                self.bind_is_json(*arg, *item, *unique_keys, *not, pos)
            }
            A::SqlJson(json) => self.bind_sql_json(json, pos),
            A::InList { arg, list, not } => self.bind_in_list(*arg, list, *not, pos),
            A::InQuery { arg, query, not } => self.bind_in_query(*arg, *query, *not, pos),
            A::Between { arg, low, high, symmetric, not } => {
                self.bind_between([*arg, *low, *high], *symmetric, *not, pos)
            }
            A::Like { kind, arg, pattern, escape, not } => {
                self.bind_like(*kind, [*arg, *pattern], *escape, *not, pos)
            }
            A::Quantified { op, left, array, all } => {
                let left = self.bind_expr(*left)?;
                let array = self.bind_expr(*array)?;
                let schema = self.operator_schema(op, pos)?;
                self.make_scalar_array_in(schema, op.name(), left, array, !*all, pos)
            }
            A::QuantifiedQuery { op, left, query, all } => {
                self.bind_quantified_query(op, *left, *query, !*all, pos)
            }
            A::Exists(query) => self.bind_exists(*query, pos),
            A::Subquery(query) => self.bind_scalar_query(*query, pos),
            A::ArrayQuery(query) => self.bind_array_query(*query, pos),
            A::Array(items) => self.bind_array(items, None, pos),
            A::Row { items, .. } => self.bind_row(items, pos),
            A::Case(case) => {
                let before = self.scope().setless.replace("CASE");
                let bound = self.bind_case(case, pos);
                self.scope().setless = before;
                bound
            }
            A::Call(call) => self.bind_call(call, pos),
            A::SqlValue { func, precision } => self.bind_sql_value(*func, *precision, pos),
            A::Choose { func, items } => self.bind_choose(*func, items, pos),
            A::Grouping(items) => self.bind_grouping(items, pos),
            A::Collate { arg, collation } => self.bind_collate(*arg, collation, pos),
            A::Field { arg, name } => self.bind_field(*arg, name, pos),
            A::FieldStar { .. } => {
                Err(sql_err!(SYNTAX_ERROR, "row expansion via \"*\" is not supported here").at(pos))
            }
            A::Subscript { arg, subscripts } => self.bind_subscript(*arg, subscripts, pos),
            A::CurrentOf(_) => Err(SqlError::unsupported("WHERE CURRENT OF").at(pos)),
            A::MergeAction => match self.merge_action {
                Some(id) => Ok(Expr { at: pos, ..self.column(id) }),
                None => Err(sql_err!(
                    SYNTAX_ERROR,
                    "MERGE_ACTION() can only be used in the RETURNING list of a MERGE command"
                )
                .at(pos)),
            },
            A::Unsupported(what) => Err(SqlError::unsupported(what).at(pos)),
        }
    }

    fn bind_number(&mut self, text: &str, negative: bool, pos: Pos) -> Result<Expr> {
        let radix = match text.as_bytes() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'b' | b'B', ..] => 2,
            _ => 10,
        };
        let digits = if radix == 10 { text } else { &text[2..] };
        let parsed = i128::from_str_radix(digits, radix).map(|n| if negative { -n } else { n });
        if let Ok(n) = parsed {
            if let Ok(n) = i32::try_from(n) {
                return Ok(literal(Datum::Int4(n), oid::INT4, pos));
            }
            if let Ok(n) = i64::try_from(n) {
                return Ok(literal(Datum::Int8(n), oid::INT8, pos));
            }
        }
        let signed = if negative { format!("-{text}") } else { text.to_owned() };
        let value = io_text::parse_text(oid::NUMERIC, -1, &signed, self.cx.io).map_err(|e| e.at(pos))?;
        Ok(literal(value, oid::NUMERIC, pos))
    }

    fn bind_bools(&mut self, items: &[ExprId], what: &str) -> Result<Vec<Expr>> {
        items
            .iter()
            .map(|&id| {
                let e = self.bind_expr(id)?;
                self.coerce_to_bool(e, what)
            })
            .collect()
    }

    fn bind_cast(&mut self, arg: ExprId, ty: &TypeName, pos: Pos) -> Result<Expr> {
        let to = self.bind_type(ty)?;
        let ast = self.ast;
        if let (A::Array(items), Some(_)) = (&ast[arg].kind, element_of(to.oid)) {
            let array = self.bind_array(items, Some(to.oid), ast[arg].pos)?;
            return self.cast(array, to, pos);
        }
        let value = self.bind_expr(arg)?;
        let was_literal = value.ty.oid == oid::UNKNOWN;
        let mut done = self.cast(value, to, pos)?;
        if !was_literal {
            done.at = self.ast.start_of(arg);
        }
        Ok(done)
    }

    fn bind_unary(&mut self, op: &Operator, arg: ExprId, pos: Pos) -> Result<Expr> {
        let schema = self.operator_schema(op, pos)?;
        if op.name() == "-" && schema.is_none_or(|schema| schema == "pg_catalog") {
            match &self.ast[arg].kind {
                A::Int(n) => return Ok(literal(Datum::Int4(n.wrapping_neg()), oid::INT4, pos)),
                A::Number(text) if !text.starts_with('-') => {
                    let text = text.clone();
                    return self.bind_number(&text, true, pos);
                }
                _ => {}
            }
        }
        let arg = self.bind_expr(arg)?;
        self.make_operator_in(schema, op.name(), None, arg, pos)
    }

    /// Binds `((a op b) op c) op d` from the inside out.
    fn bind_binary_chain(&mut self, id: ExprId) -> Result<Expr> {
        let ast = self.ast;
        let mut spine = Vec::new();
        let mut next = id;
        while let A::Binary { op, left, right } = &ast[next].kind {
            spine.push((op, *right, ast[next].pos));
            next = *left;
        }
        let Some((op, right, pos)) = spine.pop() else { return Err(SqlError::internal("no operator")) };
        let mut bound = self.bind_first_pair(op, next, right, pos)?;
        self.fold_chain(&mut bound);
        let mut height = 0;
        while let Some((op, right, pos)) = spine.pop() {
            let schema = self.operator_schema(op, pos)?;
            let right = self.bind_expr(right)?;
            bound = self.make_operator_in(schema, op.name(), Some(bound), right, pos)?;
            self.fold_chain(&mut bound);
            height = if matches!(bound.kind, ExprKind::Const(_)) { 0 } else { height + 1 };
            if height > super::MAX_CHAIN {
                return Err(super::too_complex());
            }
        }
        Ok(bound)
    }

    /// Keeps a long chain of constants from growing into a deep tree.
    fn fold_chain(&self, bound: &mut Expr) {
        if !self.s.faithful
            && let ExprKind::Call { args, .. } = &bound.kind
            && args.iter().all(|a| matches!(a.kind, ExprKind::Const(_)))
            && let Some(value) = crate::optimize::fold::fold_call(bound, self.cx)
        {
            bound.kind = ExprKind::Const(value);
        }
    }

    fn bind_first_pair(&mut self, op: &Operator, left: ExprId, right: ExprId, pos: Pos) -> Result<Expr> {
        let schema = self.operator_schema(op, pos)?;
        let ast = self.ast;
        match (&ast[left].kind, &ast[right].kind) {
            (A::Row { items: l, .. }, A::Row { items: r, .. }) => {
                self.bind_row_comparison(op.name(), l, r, pos)
            }
            (A::Row { items, .. }, A::Subquery(query)) => self.bind_row_query(op.name(), items, *query, pos),
            _ => {
                let left = self.bind_expr(left)?;
                let right = self.bind_expr(right)?;
                self.make_operator_in(schema, op.name(), Some(left), right, pos)
            }
        }
    }

    /// Calls a built-in function by name.
    pub(crate) fn make_call(&mut self, name: &str, args: Vec<Expr>, pos: Pos) -> Result<Expr> {
        let types: Vec<_> = args.iter().map(|a| a.ty.oid).collect();
        let FunctionMatch::Function(found) =
            resolve_function(name, &types, CallShape::default()).map_err(|e| e.at(pos))?
        else {
            return Err(SqlError::internal(format!("{name} is not a function")));
        };
        let Callee::Builtin(func) = found.callee else {
            return Err(SqlError::internal(format!("{name} is not built in")));
        };
        let collation = result_collation(found.result, args.iter());
        let mut coerced = Vec::with_capacity(args.len());
        for (arg, want) in args.into_iter().zip(&found.args) {
            coerced.push(self.coerce_arg(arg, want.ty)?);
        }
        Ok(Expr {
            kind: ExprKind::Call { func, args: coerced, operator: 0, form: CallForm::Plain },
            ty: DataType::of(found.result),
            collation,
            at: pos,
        })
    }

    /// `ARRAY[...]`; `target` is the array type that a cast around it names.
    fn bind_array(&mut self, ids: &[ExprId], target: Option<u32>, pos: Pos) -> Result<Expr> {
        let ast = self.ast;
        let mut items = Vec::with_capacity(ids.len());
        let mut nested = false;
        for &id in ids {
            if let A::Array(inner) = &ast[id].kind {
                nested = true;
                items.push(self.nested(|b| b.bind_array(inner, target, ast[id].pos))?);
            } else {
                let item = self.bind_expr(id)?;
                nested |= is_stacked(item.ty.oid);
                items.push(item);
            }
        }
        let ty = match target {
            Some(array) if nested => array,
            Some(array) => {
                let element = element_of(array).unwrap_or(array);
                for item in &mut items {
                    let taken = std::mem::replace(item, literal(Datum::Null, oid::UNKNOWN, pos));
                    let at = taken.at;
                    *item = self.cast(taken, DataType::of(element), at)?;
                }
                array
            }
            None if items.is_empty() => {
                return Err(sql_err!(INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                    .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                    .at(pos));
            }
            None => {
                let common = self.coerce_to_common(&mut items, "ARRAY")?.oid;
                if nested {
                    common
                } else {
                    array_of(common).ok_or_else(|| {
                        sql_err!(
                            UNDEFINED_OBJECT,
                            "could not find array type for data type {}",
                            display(common)
                        )
                        .at(pos)
                    })?
                }
            }
        };
        let collation = collation_of(ty);
        Ok(Expr { kind: ExprKind::Array { items, nested }, ty: DataType::of(ty), collation, at: pos })
    }

    fn bind_row(&mut self, items: &[ExprId], pos: Pos) -> Result<Expr> {
        let mut fields = Vec::with_capacity(items.len());
        for &id in items {
            if let A::Star(qualifier) = &self.ast[id].kind {
                fields.extend(self.expand_star(qualifier, self.ast[id].pos)?.into_iter().map(|c| c.expr));
                continue;
            }
            // A literal has no type until the row gets one.
            let field = self.bind_expr(id)?;
            let literal = matches!(field.kind, ExprKind::Const(_));
            fields.push(if literal { field } else { self.settle(field)? });
        }
        let shape: Vec<_> =
            fields.iter().enumerate().map(|(i, e)| (Arc::from(format!("f{}", i + 1)), e.ty)).collect();
        let ty = DataType { oid: oid::RECORD, typmod: rowtype::modifier(&shape) };
        Ok(at(Expr::new(ExprKind::Row(fields), ty), pos))
    }

    fn bind_case(&mut self, case: &Case, pos: Pos) -> Result<Expr> {
        let operand = match case.arg {
            Some(id) => {
                let arg = self.bind_expr(id)?;
                Some(Box::new(self.settle(arg)?))
            }
            None => None,
        };
        let mut conditions = Vec::with_capacity(case.whens.len());
        // PostgreSQL lets the ELSE result speak first.
        let mut results = Vec::with_capacity(case.whens.len() + 1);
        for when in &case.whens {
            let condition = self.bind_expr(when.condition)?;
            let condition = match &operand {
                Some(arg) => {
                    let mut test = Expr::new(ExprKind::CaseTest, arg.ty);
                    test.collation = arg.collation;
                    self.make_operator("=", Some(test), condition, when.pos)?
                }
                None => condition,
            };
            conditions.push(self.coerce_to_bool(condition, "CASE/WHEN")?);
            results.push(self.bind_expr(when.result)?);
        }
        let has_else = case.otherwise.is_some();
        let otherwise = match case.otherwise {
            Some(id) => self.bind_expr(id)?,
            None => literal(Datum::Null, oid::UNKNOWN, pos),
        };
        results.insert(0, otherwise);
        let ty = self.coerce_to_common(&mut results, "CASE")?;
        let collation = result_collation(ty.oid, results.iter());
        let otherwise = has_else.then(|| Box::new(results.remove(0)));
        if !has_else {
            results.remove(0);
        }
        let arms = conditions.into_iter().zip(results).collect();
        Ok(Expr { kind: ExprKind::Case { operand, arms, otherwise }, ty, collation, at: pos })
    }

    fn bind_choose(&mut self, func: ChooseFunc, items: &[ExprId], pos: Pos) -> Result<Expr> {
        let before = self.scope().setless;
        if func == ChooseFunc::Coalesce {
            self.scope().setless = Some("COALESCE");
        }
        let args = self.bind_exprs(items);
        self.scope().setless = before;
        let mut args = args?;
        if func == ChooseFunc::NullIf {
            let (Some(right), Some(left)) = (args.pop(), args.pop()) else {
                return Err(SqlError::internal("NULLIF takes two"));
            };
            let equal = self.make_operator("=", Some(left), right, pos)?;
            if equal.ty.oid != oid::BOOL {
                return Err(
                    sql_err!(DATATYPE_MISMATCH, "NULLIF requires = operator to yield boolean").at(pos)
                );
            }
            let (func, left, right) = Binder::equality(equal, "NULLIF").map_err(|e| e.at(pos))?;
            let (ty, collation) = (left.ty, left.collation);
            return Ok(Expr { kind: ExprKind::NullIf { equal: func, left, right }, ty, collation, at: pos });
        }
        let what = match func {
            ChooseFunc::Coalesce => "COALESCE",
            ChooseFunc::Greatest => "GREATEST",
            _ => "LEAST",
        };
        let ty = self.coerce_to_common(&mut args, what)?;
        let collation = result_collation(ty.oid, args.iter());
        let kind = match func {
            ChooseFunc::Coalesce => ExprKind::Coalesce(args),
            _ => {
                crate::func::opclass::ordering_operators(ty.oid).map_err(|e| e.at(pos))?;
                ExprKind::MinMax { greatest: func == ChooseFunc::Greatest, args }
            }
        };
        Ok(Expr { kind, ty, collation, at: pos })
    }

    fn bind_sql_value(&mut self, func: SqlValueFunc, precision: Option<i32>, pos: Pos) -> Result<Expr> {
        use SqlValueFunc as V;
        let (name, ty) = match func {
            V::CurrentDate => ("now", oid::DATE),
            V::CurrentTime => ("now", oid::TIMETZ),
            V::CurrentTimestamp => ("now", oid::TIMESTAMPTZ),
            V::LocalTime => ("now", oid::TIME),
            V::LocalTimestamp => ("now", oid::TIMESTAMP),
            V::CurrentRole | V::CurrentUser | V::User => ("current_user", oid::NAME),
            V::SessionUser => ("session_user", oid::NAME),
            V::SystemUser => return Ok(literal(Datum::Null, oid::TEXT, pos)),
            V::CurrentCatalog => ("current_database", oid::NAME),
            V::CurrentSchema => ("current_schema", oid::NAME),
        };
        let call = self.make_call(name, Vec::new(), pos)?;
        let typmod = match precision {
            Some(p) if p < 0 => bail!(INVALID_PARAMETER_VALUE, "TIME({p}) precision must not be negative"),
            Some(p) => p.min(6),
            None => -1,
        };
        Ok(self.cast(call, DataType { oid: ty, typmod }, pos)?.written_as(CallForm::Value(func)))
    }

    fn bind_collate(&mut self, arg: ExprId, name: &ObjectName, pos: Pos) -> Result<Expr> {
        let arg = self.bind_expr(arg)?;
        let arg = self.settle(arg)?;
        if collation_of(arg.ty.oid) == 0 {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "collations are not supported by type {}",
                display(arg.ty.oid)
            )
            .at(pos));
        }
        let collation = match &*name.object().name {
            "C" => C_COLLATION,
            "POSIX" => 951,
            "default" | "ucs_basic" | "unicode" | "pg_c_utf8" => DEFAULT_COLLATION,
            _ => {
                return Err(sql_err!(
                    UNDEFINED_OBJECT,
                    "collation \"{name}\" for encoding \"UTF8\" does not exist"
                )
                .at(pos));
            }
        };
        let ty = arg.ty;
        Ok(Expr { kind: ExprKind::Relabel(Box::new(arg)), ty, collation, at: pos })
    }

    fn bind_field(&mut self, arg: ExprId, name: &crate::parse::ast::Ident, pos: Pos) -> Result<Expr> {
        let ast = self.ast;
        if let A::Column(parts) = &ast[arg].kind
            && let [table] = &**parts
            && self.find_relation(None, table).is_some()
        {
            return self.bind_field_of_item(table, name, pos);
        }
        let row = self.bind_expr(arg)?;
        let fields = self.record_fields(&row);
        let named = fields.as_ref().and_then(|f| f.iter().position(|(field, _)| **field == *name.name));
        if row.ty.oid != oid::RECORD {
            if let (Some(fields), Some(i)) = (&fields, named) {
                return Ok(at(record_field(row, i, fields), pos));
            }
            let (ty, row_at) = (row.ty.oid, row.at);
            if let Some(call) = self.bind_attribute_call(&name.name, row, pos)? {
                return Ok(call);
            }
            if fields.is_some() {
                return Err(sql_err!(
                    UNDEFINED_COLUMN,
                    "column \"{}\" not found in data type {}",
                    name.name,
                    display(ty)
                )
                .at(row_at));
            }
            return Err(sql_err!(
                WRONG_OBJECT_TYPE,
                "column notation .{} applied to type {}, which is not a composite type",
                name.name,
                display(ty)
            )
            .at(ast.start_of(arg)));
        }
        // An anonymous row's fields are called f1, f2, ...
        let index =
            name.strip_prefix('f').and_then(|n| n.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
        match (&row.kind, index) {
            (ExprKind::Row(fields), Some(i)) if i < fields.len() => Ok(fields[i].clone()),
            _ if let (Some(fields), Some(i)) = (&fields, named) => Ok(at(record_field(row, i, fields), pos)),
            _ => Err(sql_err!(
                UNDEFINED_COLUMN,
                "could not identify column \"{}\" in record data type",
                name.name
            )
            .at(ast.start_of(arg))),
        }
    }

    /// `x.f` as the call `f(x)`; `None` where there is no such function.
    pub(crate) fn bind_attribute_call(&mut self, name: &str, row: Expr, pos: Pos) -> Result<Option<Expr>> {
        let users = self.user_candidates(None, name, false);
        let shape = CallShape { names: &[], variadic: false };
        let among = Among { users: &users, builtins: None, word: "function" };
        let Ok(FunctionMatch::Function(found)) = resolve_among(name, &[row.ty.oid], shape, among) else {
            return Ok(None);
        };
        let Callee::Routine(routine) = &found.callee else { return Ok(None) };
        if routine.procedure || routine.returns_set {
            return Ok(None);
        }
        let routine = routine.clone();
        let args = self.lay_out(vec![row], &found, pos)?;
        self.call_routine(&routine, args, &found, pos).map(Some)
    }

    fn bind_subscript(&mut self, arg: ExprId, subscripts: &[Subscript], pos: Pos) -> Result<Expr> {
        let array = self.bind_expr(arg)?;
        let mut array = self.settle(array)?;
        if info::is_domain(array.ty.oid) {
            let base = info::base_of(array.ty);
            array = match self.coerce(array, base, CastContext::Implicit)? {
                Some(array) => array,
                None => return Err(SqlError::internal("a domain without its base type")),
            };
        }
        if array.ty.oid == oid::JSONB {
            let path = self.bind_json_path(subscripts)?.0;
            let Some(func) = crate::func::function_by_oid(JSONB_EXTRACT_PATH) else {
                return Err(SqlError::internal("no function for subscripts of jsonb"));
            };
            let kind =
                ExprKind::Call { func, args: vec![array, path], operator: 0, form: CallForm::Subscript };
            return Ok(at(Expr::new(kind, DataType::of(oid::JSONB)), pos));
        }
        // A name is bytes in a row, as the catalog's clients know.
        if let (oid::NAME, [Subscript::Index(place)]) = (array.ty.oid, subscripts) {
            let place = self.bind_expr(*place)?;
            let place = self.coerce_to_specific(place, oid::INT4, "array subscript")?;
            let args = vec![array, place];
            let kind = ExprKind::Call { func: &NAME_ELEMENT, args, operator: 0, form: CallForm::Subscript };
            return Ok(at(Expr::new(kind, DataType::of(oid::CHAR)), pos));
        }
        let Some(element) = element_of(array.ty.oid) else {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "cannot subscript type {} because it does not support subscripting",
                display(array.ty.oid)
            )
            .at(self.ast.start_of(arg)));
        };
        let (subscripts, slice) = self.bind_subscripts(subscripts)?;
        // A slice of a vector is an array like others.
        let whole = match array.ty.oid {
            oid::INT2VECTOR | oid::OIDVECTOR => DataType::of(array_of(element).unwrap_or(array.ty.oid)),
            _ => array.ty,
        };
        let ty = if slice { whole } else { DataType { oid: element, typmod: array.ty.typmod } };
        let collation = array.collation;
        let kind = ExprKind::Subscript { array: Box::new(array), subscripts, slice };
        Ok(Expr { kind, ty, collation, at: pos })
    }

    /// Subscripts of a `jsonb` as a `text[]`, and whether the first one is an integer.
    pub(crate) fn bind_json_path(&mut self, subscripts: &[Subscript]) -> Result<(Expr, bool)> {
        let mut steps = Vec::with_capacity(subscripts.len());
        let mut list = false;
        for (i, subscript) in subscripts.iter().enumerate() {
            let step = match *subscript {
                Subscript::Index(step) => self.bind_expr(step)?,
                Subscript::Slice(low, high) => {
                    let error = sql_err!(DATATYPE_MISMATCH, "jsonb subscript does not support slices");
                    return Err(match high.or(low) {
                        Some(bound) => error.at(self.ast.start_of(bound)),
                        None => error,
                    });
                }
            };
            let (ty, pos) = (step.ty.oid, step.at);
            let fits = |to| crate::func::resolve::can_coerce(ty, to, CastContext::Implicit);
            let refused = |hint: &str| {
                Err(sql_err!(DATATYPE_MISMATCH, "subscript type {} is not supported", display(ty))
                    .hint(format!("jsonb subscript must be coercible to {hint}."))
                    .at(pos))
            };
            let step = match (ty, fits(oid::INT4), fits(oid::TEXT)) {
                (oid::UNKNOWN, ..) | (_, false, true) => self.coerce_arg(step, oid::TEXT)?,
                (_, true, false) => {
                    list |= i == 0;
                    let number = self.coerce_arg(step, oid::INT4)?;
                    self.cast(number, DataType::of(oid::TEXT), pos)?
                }
                (_, true, true) => return refused("only one type, integer or text"),
                (_, false, false) => return refused("either integer or text"),
            };
            steps.push(step);
        }
        let kind = ExprKind::Array { items: steps, nested: false };
        Ok((Expr::new(kind, DataType::of(TEXT_ARRAY)), list))
    }

    /// Subscripts as integers; in a slice `[n]` means `[1:n]`.
    pub(crate) fn bind_subscripts(&mut self, subscripts: &[Subscript]) -> Result<(Subscripts, bool)> {
        let slice = subscripts.iter().any(|s| matches!(s, Subscript::Slice(..)));
        let index = |b: &mut Self, id: ExprId| -> Result<Expr> {
            let e = b.bind_expr(id)?;
            let at = e.at;
            match b.coerce_type(e, oid::INT4, -1, CastContext::Assignment)? {
                Some(e) => Ok(e),
                None => Err(sql_err!(DATATYPE_MISMATCH, "array subscript must have type integer").at(at)),
            }
        };
        let mut out = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            out.push(match *subscript {
                Subscript::Index(i) if slice => {
                    (Some(Expr::constant(Datum::Int4(1), DataType::of(oid::INT4))), Some(index(self, i)?))
                }
                Subscript::Index(i) => (None, Some(index(self, i)?)),
                Subscript::Slice(low, high) => {
                    let low = low.map(|i| index(self, i)).transpose()?;
                    let high = high.map(|i| index(self, i)).transpose()?;
                    (low, high)
                }
            });
        }
        Ok((out, slice))
    }
}

/// One (lower, upper) per dimension, as `ExprKind::Subscript` has them.
pub(crate) type Subscripts = Vec<(Option<Expr>, Option<Expr>)>;

/// The collation of a result: that of the first argument that has a particular one, else the type's own.
pub(crate) fn result_collation<'e>(ty: u32, args: impl Iterator<Item = &'e Expr>) -> u32 {
    let own = collation_of(ty);
    if own == 0 {
        return 0;
    }
    args.map(|a| a.collation).find(|&c| c != 0 && c != DEFAULT_COLLATION).unwrap_or(own)
}

/// A constant with its place.
pub(crate) fn literal(value: Datum, ty: u32, pos: Pos) -> Expr {
    Expr { kind: ExprKind::Const(value), ty: DataType::of(ty), collation: collation_of(ty), at: pos }
}

/// A Boolean expression.
pub(crate) fn boolean(kind: ExprKind) -> Expr {
    Expr::new(kind, DataType::of(oid::BOOL))
}

/// The conjunction or disjunction of some conditions; one alone stays as it is.
pub(crate) fn logic(mut items: Vec<Expr>, and: bool) -> Expr {
    if items.len() == 1 {
        return items.swap_remove(0);
    }
    boolean(if and { ExprKind::And(items) } else { ExprKind::Or(items) })
}

/// Gives an expression its place.
pub(crate) fn at(mut expr: Expr, pos: Pos) -> Expr {
    expr.at = pos;
    expr
}
