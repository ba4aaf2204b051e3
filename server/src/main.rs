//! `nqdb`: the server and its maintenance commands.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    neuroquantumdb::cli::main()
}
