//! Seeded crash simulation of the storage engine: not built yet.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!(
        "sim: the crash simulation is not built as a program yet; `cargo test -p nq-storage crash` runs what there is"
    );
    ExitCode::FAILURE
}
