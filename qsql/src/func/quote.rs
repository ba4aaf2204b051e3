//! Quoting of identifiers and literals, and their parsing (`quote_ident`, `quote_literal`, `parse_ident`).

use super::args::scalar;
use super::text::{utf8, write_cast};
use crate::error::Result;
use crate::sql_err;
use crate::types::oid::TEXT;
use crate::types::{Array, Datum, IoContext, Oid};

/// Keywords that cannot stand as a bare column name; sorted.
#[rustfmt::skip]
static RESERVED: &[&str] = &[
"all","analyse","analyze","and","any","array","as","asc","asymmetric","authorization","between","bigint","binary","bit","boolean","both","case","cast","char","character","check","coalesce","collate","collation","column","concurrently","constraint","create","cross","current_catalog","current_date","current_role","current_schema","current_time","current_timestamp","current_user","dec","decimal","default","deferrable","desc","distinct","do","else","end","except","exists","extract","false","fetch","float","for","foreign","freeze","from","full","grant","greatest","group","grouping","having","ilike","in","initially","inner","inout","int","integer","intersect","interval","into","is","isnull","join","json","json_array","json_arrayagg","json_exists","json_object","json_objectagg","json_query","json_scalar","json_serialize","json_table","json_value","lateral","leading","least","left","like","limit","localtime","localtimestamp","merge_action","national","natural","nchar","none","normalize","not","notnull","null","nullif","numeric","offset","on","only","or","order","out","outer","overlaps","overlay","placing","position","precision","primary","real","references","returning","right","row","select","session_user","setof","similar","smallint","some","substring","symmetric","system_user","table","tablesample","then","time","timestamp","to","trailing","treat","trim","true","union","unique","user","using","values","varchar","variadic","verbose","when","where","window","with","xmlattributes","xmlconcat","xmlelement","xmlexists","xmlforest","xmlnamespaces","xmlparse","xmlpi","xmlroot","xmlserialize","xmltable",
];

/// Writes an identifier so that it reads back as itself, in quotes only where needed.
pub fn quote_identifier(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
    let bytes = name.as_bytes();
    let safe = bytes.first().is_some_and(|&b| plain(b))
        && bytes.iter().all(|&b| plain(b) || b.is_ascii_digit())
        && RESERVED.binary_search(&name).is_err();
    if safe { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Writes a string as a literal, `E''` when it contains a backslash.
pub fn quote_literal_text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 3);
    if value.contains('\\') {
        out.push('E');
    }
    out.push('\'');
    for c in value.chars() {
        if c == '\'' || c == '\\' {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

fn cast_text(value: &Datum, type_oid: Oid, io: &IoContext<'_>) -> Result<String> {
    let mut out = Vec::new();
    write_cast(value, type_oid, io, &mut out)?;
    utf8(out)
}

scalar! {
    quote_ident(a: &str) -> String = quote_identifier(a);
    quote_literal(a: &str) -> String = quote_literal_text(a);
    quote_literal_1285[cx](a: &Datum) -> String = {
        let ty = cx.arg_types.first().map_or(TEXT, |t| t.oid);
        quote_literal_text(&cast_text(a, ty, cx.io)?)
    };
    quote_nullable(a: Option<&str>) -> String = a.map_or_else(|| "NULL".to_owned(), quote_literal_text);
    quote_nullable_1290[cx](a: &Datum) -> String = match a {
        Datum::Null => "NULL".to_owned(),
        value => {
            let ty = cx.arg_types.first().map_or(TEXT, |t| t.oid);
            quote_literal_text(&cast_text(value, ty, cx.io)?)
        }
    };
    parse_ident(a: &str, strict: bool) -> Array = {
        let items = split_identifier(a, strict)?.into_iter().map(Datum::text).collect::<Vec<_>>();
        Array { element: TEXT, dims: vec![(items.len() as i32, 1)], items }
    };
}

/// Splits a qualified identifier into its parts, folding what is not quoted.
fn split_identifier(text: &str, strict: bool) -> Result<Vec<String>> {
    let invalid = |detail: &str| {
        let error = sql_err!(INVALID_PARAMETER_VALUE, "string is not a valid identifier: \"{text}\"");
        if detail.is_empty() { error } else { error.detail(detail) }
    };
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    let mut after_dot = false;
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut part = String::new();
            loop {
                let end = quoted.find('"').ok_or_else(|| invalid("String has unclosed double quotes."))?;
                part.push_str(&quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix('"') {
                    Some(tail) => {
                        part.push('"');
                        quoted = tail;
                    }
                    None => break,
                }
            }
            if part.is_empty() {
                return Err(invalid("Quoted identifier must not be empty."));
            }
            parts.push(part);
            rest = quoted;
        } else {
            let start = |c: char| c == '_' || c.is_ascii_alphabetic() || !c.is_ascii();
            let length = rest
                .char_indices()
                .find(|&(i, c)| !(start(c) || i > 0 && (c.is_ascii_digit() || c == '$')))
                .map_or(rest.len(), |(i, _)| i);
            if length == 0 {
                let detail = match (rest.starts_with('.'), after_dot) {
                    (true, _) => "No valid identifier before \".\".",
                    (false, true) => "No valid identifier after \".\".",
                    (false, false) => "",
                };
                return Err(invalid(detail));
            }
            parts.push(rest[..length].to_ascii_lowercase());
            rest = &rest[length..];
        }
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(tail) => {
                after_dot = true;
                rest = tail.trim_start();
            }
            None if rest.is_empty() || !strict => return Ok(parts),
            None => return Err(invalid("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn identifiers_are_quoted_where_needed() {
        for (name, want) in [
            ("abc", "abc"),
            ("Abc", "\"Abc\""),
            ("select", "\"select\""),
            ("a\"b", "\"a\"\"b\""),
            ("1a", "\"1a\""),
            ("", "\"\""),
        ] {
            assert_eq!(quote_identifier(name), want);
        }
        assert_eq!(quote_literal_text("a'b\\c"), "E'a''b\\\\c'");
    }

    #[test]
    fn identifiers_are_parsed() {
        assert_eq!(split_identifier("Foo.\"Ba\"\"r\"", true).ok(), Some(vec!["foo".into(), "Ba\"r".into()]));
        assert!(split_identifier("foo.", true).is_err());
        assert!(split_identifier("foo bar", true).is_err());
        assert!(split_identifier("foo bar", false).is_ok());
    }
}
