//! Comparison of strings: text, name, bpchar, "char", bytea. The order is that of the bytes (collation `C`), which for
//! UTF-8 is the order of code points.

use std::cmp::Ordering;

use super::args::{Char, larger, order, scalar};

fn text(a: &str, b: &str) -> Ordering {
    a.as_bytes().cmp(b.as_bytes())
}

/// What PostgreSQL shows of the order of a name and a text: by how much the first bytes that differ do.
fn difference(a: &str, b: &str) -> i32 {
    let first = a.bytes().zip(b.bytes()).find(|(a, b)| a != b);
    first.map_or(a.len().cmp(&b.len()) as i32, |(a, b)| i32::from(a) - i32::from(b))
}

/// Trailing blanks do not count.
fn padded(a: &str, b: &str) -> Ordering {
    a.trim_end_matches(' ').as_bytes().cmp(b.trim_end_matches(' ').as_bytes())
}

order!(text, &str, &str; texteq, textne, text_lt, text_le, text_gt, text_ge, bttextcmp);
order!(text, &str, &str; nameeq, namene, namelt, namele, namegt, namege, btnamecmp);
order!(text, &str, &str; nameeqtext, namenetext, namelttext, nameletext, namegttext, namegetext);
order!(text, &str, &str; texteqname, textnename, textltname, textlename, textgtname, textgename);
order!(text, &str, &str; text_pattern_lt, text_pattern_le, text_pattern_gt, text_pattern_ge, bttext_pattern_cmp);
order!(padded, &str, &str; bpchareq, bpcharne, bpcharlt, bpcharle, bpchargt, bpcharge, bpcharcmp);
order!(padded, &str, &str; bpchar_pattern_lt, bpchar_pattern_le, bpchar_pattern_gt, bpchar_pattern_ge, btbpchar_pattern_cmp);
order!(|a: Char, b: Char| a.cmp(&b), Char, Char; chareq, charne, charlt, charle, chargt, charge, btcharcmp);
order!(|a: &[u8], b: &[u8]| a.cmp(b), &[u8], &[u8]; byteaeq, byteane, bytealt, byteale, byteagt, byteage, byteacmp);
scalar! {
    name_text_order(a: &str, b: &str) -> i32 = difference(a, b);
}
larger!(text, &str; text_larger, text_smaller);
larger!(padded, &str; bpchar_larger, bpchar_smaller);
larger!(|a: &[u8], b: &[u8]| a.cmp(b), &[u8]; bytea_larger, bytea_smaller);
