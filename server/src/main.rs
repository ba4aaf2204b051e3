//! `nqdb`: the server and its maintenance commands.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2 (`enum mi_option_e` in `mimalloc.h`), which the bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// mimalloc's own choice, milliseconds.
const USUAL_DELAY: std::ffi::c_long = 10;

fn main() -> std::process::ExitCode {
    // A dozen threads that each keep what they freed for a while hold about as much again as is in use: 118 MB instead of 87 through
    // TPC-H at scale 0.1. With much memory that is no matter, and giving large blocks back each time costs a large sort a third.
    set_purge_delay(0);
    neuroquantumdb::cli::main(|| set_purge_delay(USUAL_DELAY))
}

/// Says after how many milliseconds the allocator gives freed pages back to the operating system.
#[expect(unsafe_code, reason = "the allocator's options have only a C interface")]
fn set_purge_delay(millis: std::ffi::c_long) {
    // SAFETY: the function takes plain integers, may be called at any time from any thread, and ignores options it does not know.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, millis) }
}
