//! `nqdb stop`.

use std::path::Path;
use std::time::Duration;

use nq_storage::env::os::OsEnv;
use nq_storage::env::{Env, Parker};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::say;
use super::start::PID_FILE;
use crate::config;

const POLL: Duration = Duration::from_millis(50);
const POLLS_MAX: u32 = 1200;

/// Asks the server of a data directory to shut down and waits until it has ended.
pub fn run(data_dir: &Path) -> Result<(), String> {
    let env = OsEnv::new();
    let path = data_dir.join(PID_FILE);
    let text = config::read_text(&env, &path)
        .map_err(|_| format!("no server is running in \"{}\"", data_dir.display()))?;
    let pid = text
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| format!("{} is damaged", path.display()))?;
    kill_process(pid, Signal::TERM).map_err(|e| format!("could not signal process {pid:?}: {e}"))?;
    let clock = Parker::new();
    for _ in 0..POLLS_MAX {
        if test_kill_process(pid).is_err() {
            say("server stopped");
            return Ok(());
        }
        env.park(&clock, Some(POLL));
    }
    Err("server does not stop".to_owned())
}
