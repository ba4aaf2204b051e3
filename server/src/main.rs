//! `nqdb`: the server and its maintenance commands.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2 (`enum mi_option_e` in `mimalloc.h`), which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> std::process::ExitCode {
    return_freed_memory_at_once();
    neuroquantumdb::cli::main()
}

/// Has the allocator give freed pages back to the operating system without delay. A dozen threads that each keep what they freed
/// would otherwise hold about as much again as is in use: 118 MB instead of 87 through TPC-H at scale 0.1, at the same CPU time.
#[expect(unsafe_code, reason = "the allocator's options have only a C interface")]
fn return_freed_memory_at_once() {
    // SAFETY: the function takes plain integers, may be called at any time from any thread, and ignores options it does not know.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) }
}
