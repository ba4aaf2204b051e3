//! `boolean`.

use super::args::{order, scalar};

scalar! {
    booltext(a: bool) -> &str = if a { "true" } else { "false" };
}

order!(|a: bool, b: bool| a.cmp(&b), bool, bool; booleq, boolne, boollt, boolle, boolgt, boolge, btboolcmp);
