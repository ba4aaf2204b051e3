//! Expressions with PostgreSQL 18's answers (`testdata/expressions.tsv`): parsed, bound, evaluated, printed.
//!
//! A line is the expression, then its type and its text form (`<NULL>` for NULL), or `!` SQLSTATE and the message.

use super::EvalCx;
use super::eval::{ConstantHost, eval, tests::Nothing};
use crate::bind::{BindContext, StoredKind, bind_expression};
use crate::error::Result;
use crate::types::{Datum, IoContext, info, io_text};

const GOLDEN: &str = include_str!("testdata/expressions.tsv");

fn answer(text: &str, io: &IoContext<'_>) -> Result<String> {
    let cx = BindContext { catalog: &Nothing, params: &[], io };
    let expr = bind_expression(text, None, None, StoredKind::Default, &cx)?;
    let mut host = ConstantHost { catalog: &Nothing, time: 0 };
    let mut cx = EvalCx { io, host: &mut host, arg_types: &[], result: expr.ty };
    let value = eval(&expr, &[], &[], &mut cx)?;
    let shown = match &value {
        Datum::Null => "<NULL>".to_owned(),
        value => io_text::to_text(value, expr.ty.oid, io)?,
    };
    let shown = shown.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
    Ok(format!("{}\t{shown}", info::type_name(expr.ty.oid)))
}

#[test]
fn answers_are_postgresqls() {
    let io = IoContext::default();
    let mut wrong = Vec::new();
    for line in GOLDEN.lines() {
        let (text, want) = line.split_once('\t').expect("a line has a tab");
        let got = answer(text, &io).unwrap_or_else(|e| format!("!{}\t{}", e.code().as_str(), e.message()));
        if got != want {
            wrong.push(format!("{text}\n    want {want}\n    got  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), GOLDEN.lines().count(), wrong.join("\n"));
}
