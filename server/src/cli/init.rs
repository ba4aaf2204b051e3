//! `nqdb init`.

use std::path::Path;
use std::sync::Arc;

use nq_engine::Database;
use nq_storage::env::Env;
use nq_storage::env::os::OsEnv;

use super::{AuthMethod, Init, say};
use crate::auth::scram;
use crate::config;

/// Creates a data directory.
pub fn run(arguments: &Init) -> Result<(), String> {
    let env: Arc<dyn Env> = Arc::new(OsEnv::new());
    let dir = &arguments.place.data_dir;
    let password = match (&arguments.pwfile, arguments.auth) {
        (Some(file), _) => Some(read_password(&*env, file)?),
        (None, AuthMethod::Trust) => None,
        (None, AuthMethod::ScramSha256) => {
            let password = scram::generate_password(&*env);
            say(&format!("Password of \"{}\", shown this once: {password}", arguments.user));
            Some(password)
        }
    };
    create(env, dir, &arguments.user, password.as_deref(), arguments.auth)?;
    if arguments.auth == AuthMethod::Trust {
        say(
            "WARNING: \"trust\" lets every local user connect as any role without a password; see pg_hba.conf.",
        );
    }
    say(&format!("Created {}. Start it with: nqdb start -D {}", dir.display(), dir.display()));
    Ok(())
}

/// Creates a cluster with its configuration files.
pub(super) fn create(
    env: Arc<dyn Env>,
    dir: &Path,
    user: &str,
    password: Option<&str>,
    auth: AuthMethod,
) -> Result<(), String> {
    if env.list(dir).is_ok_and(|names| !names.is_empty()) {
        return Err(format!("directory \"{}\" exists but is not empty", dir.display()));
    }
    env.create_dir(dir).map_err(|e| format!("could not create directory \"{}\": {e}", dir.display()))?;
    rustix::fs::chmod(dir, rustix::fs::Mode::from_raw_mode(0o700))
        .map_err(|e| format!("could not change permissions of \"{}\": {e}", dir.display()))?;
    let verifier = password.map(|p| scram::verifier(p, &*env));
    Database::create(env.clone(), dir, user, verifier.as_deref()).map_err(|e| e.to_string())?;
    for (name, text) in [("pg_hba.conf", hba_text(auth)), (config::FILE_NAME, config::TEMPLATE.to_owned())] {
        config::write_text(&*env, &dir.join(name), &text)
            .map_err(|e| format!("could not write {name}: {e}"))?;
    }
    Ok(())
}

fn read_password(env: &dyn Env, file: &Path) -> Result<String, String> {
    let text =
        config::read_text(env, file).map_err(|e| format!("could not read \"{}\": {e}", file.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("password file \"{}\" is empty", file.display())),
    }
}

fn hba_text(auth: AuthMethod) -> String {
    let (local, host) = match auth {
        AuthMethod::Trust => ("trust", "trust"),
        AuthMethod::ScramSha256 => ("peer", "scram-sha-256"),
    };
    format!(
        "# Who may connect, from where, and how they prove it: the first line that matches decides.\n\
         # The format is PostgreSQL's (manual 20.1). Methods: scram-sha-256, peer, cert, trust, reject.\n\
         \n\
         # TYPE  DATABASE  USER  ADDRESS       METHOD\n\
         local   all       all                 {local}\n\
         host    all       all   127.0.0.1/32  {host}\n\
         host    all       all   ::1/128       {host}\n"
    )
}
