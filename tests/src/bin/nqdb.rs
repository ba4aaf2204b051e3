//! The server, as its own package builds it.

fn main() -> std::process::ExitCode {
    neuroquantumdb::cli::main(|| ())
}
