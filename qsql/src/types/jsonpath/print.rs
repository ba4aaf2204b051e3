//! The canonical text of a path.

use super::{LAST, Operator, Path, RegexFlags, Step};
use crate::types::json::quote;

pub(super) fn text(path: &Path) -> String {
    let mut out = Vec::new();
    if path.strict {
        out.extend_from_slice(b"strict ");
    }
    chain(&path.expr, true, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// How tightly an operation binds; what is no operation binds tightest.
fn priority(chain: &[Step]) -> u8 {
    match chain.first() {
        Some(Step::Binary(operator, ..)) => operator.priority(),
        Some(Step::Sign(..)) => 5,
        _ => 6,
    }
}

/// Appends a chain; `brackets`: an operation at its head stands in brackets.
fn chain(steps: &[Step], brackets: bool, out: &mut Vec<u8>) {
    for (i, step) in steps.iter().enumerate() {
        print_step(step, brackets || i > 0, steps.len() > i + 1, out);
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn bracketed(brackets: bool, out: &mut Vec<u8>, inner: impl FnOnce(&mut Vec<u8>)) {
    if brackets {
        out.push(b'(');
    }
    inner(out);
    if brackets {
        out.push(b')');
    }
}

fn operand(steps: &[Step], outer: u8, out: &mut Vec<u8>) {
    chain(steps, priority(steps) <= outer, out);
}

fn print_step(step: &Step, brackets: bool, followed: bool, out: &mut Vec<u8>) {
    match step {
        Step::Null => put(out, "null"),
        Step::Bool(value) => put(out, if *value { "true" } else { "false" }),
        Step::Number(number) => bracketed(followed, out, |out| number.write(out)),
        Step::String(text) => quote(text, out),
        Step::Variable(name) => {
            out.push(b'$');
            quote(name, out);
        }
        Step::Root => out.push(b'$'),
        Step::Current => out.push(b'@'),
        Step::Last => put(out, "last"),
        Step::Binary(operator, left, right) => bracketed(brackets, out, |out| {
            operand(left, operator.priority(), out);
            out.push(b' ');
            put(out, operator.symbol());
            out.push(b' ');
            operand(right, operator.priority(), out);
        }),
        Step::Sign(negative, arg) => bracketed(brackets, out, |out| {
            out.push(if *negative { b'-' } else { b'+' });
            operand(arg, 5, out);
        }),
        Step::Not(arg) => {
            out.push(b'!');
            bracketed(true, out, |out| chain(arg, false, out));
        }
        Step::IsUnknown(arg) => {
            bracketed(true, out, |out| chain(arg, false, out));
            put(out, " is unknown");
        }
        Step::Exists(arg) => {
            put(out, "exists ");
            bracketed(true, out, |out| chain(arg, false, out));
        }
        Step::LikeRegex { arg, pattern, flags } => bracketed(brackets, out, |out| {
            operand(arg, Operator::Equal.priority(), out);
            put(out, " like_regex ");
            quote(pattern, out);
            print_flags(*flags, out);
        }),
        Step::Key(key) => {
            out.push(b'.');
            quote(key, out);
        }
        Step::AnyKey => put(out, ".*"),
        Step::AnyElement => put(out, "[*]"),
        Step::Elements(list) => {
            out.push(b'[');
            for (i, (from, to)) in list.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                chain(from, false, out);
                if let Some(to) = to {
                    put(out, " to ");
                    chain(to, false, out);
                }
            }
            out.push(b']');
        }
        Step::Any(0, LAST) => put(out, ".**"),
        Step::Any(first, last) => {
            let level = |level: u32| if level == LAST { "last".to_owned() } else { level.to_string() };
            match first == last {
                true => put(out, &format!(".**{{{}}}", level(*first))),
                false => put(out, &format!(".**{{{} to {}}}", level(*first), level(*last))),
            }
        }
        Step::Filter(condition) => {
            out.push(b'?');
            bracketed(true, out, |out| chain(condition, false, out));
        }
        Step::Method(method, precision) => {
            let precision = precision.map_or(String::new(), |p| p.to_string());
            put(out, &format!(".{}({precision})", method.name()));
        }
        Step::Datetime(template) => {
            put(out, ".datetime(");
            if let Some(template) = template {
                quote(template, out);
            }
            out.push(b')');
        }
        Step::Decimal(precision, scale) => {
            let numbers: Vec<String> = [precision, scale].into_iter().flatten().map(i32::to_string).collect();
            put(out, &format!(".decimal({})", numbers.join(",")));
        }
    }
}

fn print_flags(flags: RegexFlags, out: &mut Vec<u8>) {
    if flags == RegexFlags::default() {
        return;
    }
    put(out, " flag \"");
    let letters = [
        (flags.ignore_case, b'i'),
        (flags.dot_all, b's'),
        (flags.multi_line, b'm'),
        (flags.expanded, b'x'),
        (flags.literal, b'q'),
    ];
    out.extend(letters.iter().filter(|(set, _)| *set).map(|(_, letter)| letter));
    out.push(b'"');
}
