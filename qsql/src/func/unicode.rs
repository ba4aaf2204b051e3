//! Unicode: normal forms and assignment.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::args::scalar;
use crate::error::Result;
use crate::sql_err;

scalar! {
    unicode_normalize_func(a: &str, form: &str) -> String = normalized(a, form)?;
    unicode_is_normalized(a: &str, form: &str) -> bool = normalized(a, form)? == a;
    unicode_assigned(a: &str) -> bool = !UNASSIGNED.is_match(a);
    icu_unicode_version() -> Option<String> = None;
}

/// A code point that has no meaning yet.
static UNASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\p{Cn}").expect("a class of Unicode is a pattern"));

fn normalized(text: &str, form: &str) -> Result<String> {
    Ok(match form.to_ascii_uppercase().as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        _ => return Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid normalization form: {form}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_forms() {
        assert_eq!(normalized("a\u{308}", "nfc").ok().as_deref(), Some("\u{e4}"));
        assert_eq!(normalized("\u{fb01}", "NFKC").ok().as_deref(), Some("fi"));
        assert!(normalized("a", "x").is_err());
    }
}
