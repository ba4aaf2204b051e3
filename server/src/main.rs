//! `nqdb`.
fn main() {}
