//! Functions and operators of `json` and `jsonb` (manual 9.16).
//!
//! What works on `jsonb` works on its binary form and copies the parts it keeps; what works on `json` reads the text.

pub(super) mod access;
pub(super) mod cast;
pub(super) mod compare;
pub(super) mod edit;
pub(super) mod make;
pub(super) mod path;
pub(super) mod record;
pub(crate) mod sql;
pub(crate) mod table;
pub(super) mod text;
