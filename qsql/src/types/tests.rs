//! Every line of `testdata/io.txt` is an input with what PostgreSQL 18 printed, sent or refused.

use super::*;
use super::{info, io_binary, io_text};
use crate::error::Result;

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('p') => '|',
                other => other.unwrap_or('\\'),
            },
            (c, false) => c,
        });
    }
    out
}

fn answer(kind: &str, of: DataType, input: &str) -> Result<String> {
    let cx = IoContext::default();
    let value = io_text::parse_text(of.oid, of.typmod, input, &cx)?;
    if kind == "text" {
        return io_text::to_text(&value, of.oid, &cx);
    }
    let mut bytes = Vec::new();
    io_binary::send_binary(&value, of.oid, &mut bytes)?;
    let back = io_binary::recv_binary(of.oid, of.typmod, &bytes)?;
    assert_eq!(io_text::to_text(&back, of.oid, &cx)?, io_text::to_text(&value, of.oid, &cx)?);
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[test]
fn input_and_output_agree_with_postgresql() {
    let mut wrong = Vec::new();
    for line in include_str!("testdata/io.txt").lines().skip(1) {
        let mut fields = line.splitn(4, '|');
        let mut next = || fields.next().unwrap();
        let (kind, type_name, input, want) = (next(), next(), unescape(next()), next());
        let of = info::parse_type(type_name).unwrap().unwrap();
        let got = answer(kind, of, &input).unwrap_or_else(|e| {
            let detail = e.0.detail.as_ref().map(|d| format!(" DETAIL {d}")).unwrap_or_default();
            format!("!{} {}{detail}", e.code().as_str(), e.message())
        });
        if got.replace('\n', "\\n") != want {
            wrong.push(format!("{kind} {type_name} [{input}] = {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}
