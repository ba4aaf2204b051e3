//! Strings.

use super::EvalCx;
use super::args::{arg, scalar};
use crate::error::Result;
use crate::types::{Datum, Oid, io_text};

/// The input function of type `oid`, called as a function.
pub(super) fn type_input(cx: &mut EvalCx<'_>, args: &[Datum], oid: Oid) -> Result<Datum> {
    io_text::parse_text(oid, -1, arg(args, 0)?, cx.io)
}

/// The output function of type `oid`, called as a function.
pub(super) fn type_output(cx: &mut EvalCx<'_>, args: &[Datum], oid: Oid) -> Result<Datum> {
    io_text::to_text(&args[0], oid, cx.io).map(Datum::text)
}

scalar! {
    textcat(a: &str, b: &str) -> String = [a, b].concat();
}
