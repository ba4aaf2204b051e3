use super::*;
use crate::catalog::{Catalog, Relation, RelationStats, UserType};
use crate::func::function_by_oid;
use crate::types::oid::{BOOL, INT4};
use crate::types::{IoContext, Oid};
use std::sync::Arc;

/// A catalog without objects.
pub(crate) struct Nothing;

impl Catalog for Nothing {
    fn relation(&self, _: Option<&str>, _: &str) -> Option<Arc<Relation>> {
        None
    }
    fn relation_by_oid(&self, _: Oid) -> Option<Arc<Relation>> {
        None
    }
    fn namespace(&self, _: &str) -> Option<Oid> {
        None
    }
    fn namespace_name(&self, _: Oid) -> Option<Arc<str>> {
        None
    }
    fn search_path(&self) -> Vec<Oid> {
        Vec::new()
    }
    fn user_type(&self, _: Option<&str>, _: &str) -> Option<Arc<UserType>> {
        None
    }
    fn role(&self, _: &str) -> Option<Oid> {
        None
    }
    fn role_name(&self, _: Oid) -> Option<Arc<str>> {
        None
    }
    fn database(&self) -> Arc<str> {
        "test".into()
    }
    fn stats(&self, _: Oid) -> Option<Arc<RelationStats>> {
        None
    }
    fn enabled(&self, _: &str) -> bool {
        true
    }
    fn setting_i64(&self, _: &str) -> Option<i64> {
        None
    }
}

fn run(expr: &Expr) -> Result<Datum> {
    let io = IoContext::default();
    let mut host = ConstantHost { catalog: &Nothing, time: 0 };
    let mut cx = EvalCx { io: &io, host: &mut host, arg_types: &[], result: expr.ty };
    eval(expr, &[], &[], &mut cx)
}

fn int(v: i32) -> Expr {
    Expr::constant(Datum::Int4(v), DataType::of(INT4))
}

fn boolean(v: Option<bool>) -> Expr {
    Expr::constant(v.map_or(Datum::Null, Datum::Bool), DataType::of(BOOL))
}

fn plus(left: Expr, right: Expr) -> Expr {
    let func = function_by_oid(177).expect("int4pl is registered");
    Expr::new(
        ExprKind::Call {
            func,
            args: vec![left, right],
            operator: 551,
            form: crate::plan::expr::CallForm::Plain,
        },
        DataType::of(INT4),
    )
}

/// Frees a left-deep chain without recursion.
fn dismantle(mut expr: Expr) {
    while let ExprKind::Call { args, .. } = &mut expr.kind {
        let Some(first) = args.first_mut() else { break };
        let inner = std::mem::replace(first, int(0));
        expr = inner;
    }
}

#[test]
fn chains_of_calls_are_not_recursive() {
    let chain = (0..100_000).fold(int(0), |sum, _| plus(sum, int(1)));
    assert!(matches!(run(&chain), Ok(Datum::Int4(100_000))));
    dismantle(chain);
}

#[test]
fn nesting_to_the_right_is_bounded() {
    let mut nested = int(0);
    for _ in 0..MAX_DEPTH + 10 {
        nested = plus(int(1), nested);
    }
    assert_eq!(run(&nested).map(|_| ()).map_err(|e| e.code().as_str().to_owned()), Err("54001".to_owned()));
}

#[test]
fn junctions_are_three_valued() {
    type Case = (&'static [Option<bool>], Option<bool>, Option<bool>);
    let cases: [Case; 5] = [
        (&[Some(true), Some(true)], Some(true), Some(true)),
        (&[Some(true), None], None, Some(true)),
        (&[Some(false), None], Some(false), None),
        (&[None, None], None, None),
        (&[Some(false), Some(false)], Some(false), Some(false)),
    ];
    for (items, and, or) in cases {
        let exprs = || items.iter().map(|v| boolean(*v)).collect::<Vec<_>>();
        let truth = |kind| match run(&Expr::new(kind, DataType::of(BOOL))) {
            Ok(Datum::Bool(v)) => Some(v),
            _ => None,
        };
        assert_eq!(truth(ExprKind::And(exprs())), and, "{items:?}");
        assert_eq!(truth(ExprKind::Or(exprs())), or, "{items:?}");
    }
}

#[test]
fn rows_are_null_when_all_fields_are() {
    let row = |fields: &[Datum]| Datum::Record(fields.into());
    assert!(is_null(&row(&[Datum::Null, Datum::Null]), false));
    assert!(!is_null(&row(&[Datum::Null, Datum::Int4(1)]), false));
    assert!(!is_null(&row(&[Datum::Null, Datum::Int4(1)]), true));
    assert!(is_null(&row(&[Datum::Int4(1)]), true));
}
