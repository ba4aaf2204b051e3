//! `boolean`.

use super::args::{order, scalar};

scalar! {
    booltext(a: bool) -> &str = if a { "true" } else { "false" };
}

order!(|a: bool, b: bool| a.cmp(&b), bool, bool; booleq, boolne, boollt, boolle, boolgt, boolge, btboolcmp);

super::args::scalar! {
    booland_statefunc(a: bool, b: bool) -> bool = a && b;
    boolor_statefunc(a: bool, b: bool) -> bool = a || b;
}
