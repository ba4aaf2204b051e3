//! To text, as PostgreSQL prints it: one space behind `:` and `,`; or pretty, four spaces a level.

use super::{Kind, Node, Step, Walk};
use crate::types::json::quote;

const INDENT: usize = 4;

/// Appends the text of a scalar.
fn write_scalar(node: Node<'_>, out: &mut Vec<u8>) {
    match (node.bool(), node.str(), node.number()) {
        (Some(value), _, _) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        (_, Some(text), _) => quote(text, out),
        (_, _, Some(number)) => number.write(out),
        _ => out.extend_from_slice(b"null"),
    }
}

/// Appends the text of a value.
pub fn write(node: Node<'_>, out: &mut Vec<u8>) {
    print(node, false, out);
}

/// Appends the text of a value on many lines: `jsonb_pretty`.
pub fn pretty(node: Node<'_>, out: &mut Vec<u8>) {
    print(node, true, out);
}

fn print(node: Node<'_>, pretty: bool, out: &mut Vec<u8>) {
    if node.is_scalar() {
        return write_scalar(node, out);
    }
    let mut walk = Walk::new(node);
    // Whether the next value or key is the first of its container, and whether it follows its key.
    let (mut first, mut keyed) = (true, false);
    loop {
        let depth = walk.depth();
        let Some(step) = walk.next() else { break };
        let separate = |out: &mut Vec<u8>| {
            if keyed || depth == 0 {
                return;
            }
            if !first {
                out.extend_from_slice(if pretty { b"," } else { b", " });
            }
            if pretty {
                out.push(b'\n');
                out.extend(std::iter::repeat_n(b' ', INDENT * depth));
            }
        };
        match step {
            Step::Begin(kind, _) => {
                separate(out);
                out.push(if kind == Kind::Array { b'[' } else { b'{' });
                (first, keyed) = (true, false);
            }
            Step::Key(key) => {
                separate(out);
                quote(key, out);
                out.extend_from_slice(b": ");
                (first, keyed) = (false, true);
            }
            Step::Scalar(scalar) => {
                separate(out);
                write_scalar(scalar, out);
                (first, keyed) = (false, false);
            }
            Step::End(kind) => {
                if pretty {
                    out.push(b'\n');
                    out.extend(std::iter::repeat_n(b' ', INDENT * (depth - 1)));
                }
                out.push(if kind == Kind::Array { b']' } else { b'}' });
                (first, keyed) = (false, false);
            }
        }
    }
}
