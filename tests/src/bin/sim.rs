//! Seeded crash simulation of the storage engine.
fn main() {}
