//! `nqdb start`, and bare `nqdb`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use nq_engine::settings::{BaseSettings, Value, definition};
use nq_engine::{Config as DatabaseConfig, Database};
use nq_storage::env::os::OsEnv;
use nq_storage::env::{Env, OpenMode};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{AuthMethod, Start, init, say};
use crate::auth::hba::Hba;
use crate::config::{self, Config};
use crate::listen::{Listeners, Shared, socket_name};
use crate::runtime_env::{RuntimeEnv, aside};
use crate::tls::{self, Tls, TlsFiles};
use crate::{http, pg};

/// File with the process id of the running server.
pub const PID_FILE: &str = "nqdb.pid";
/// How long a shutdown waits for sessions to end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// The same when the database has stopped: nothing that they do can succeed.
const STOPPED_GRACE: Duration = Duration::from_millis(500);
/// How often the server looks whether the database has stopped.
const HEALTH_INTERVAL: Duration = Duration::from_millis(100);

/// Bare `nqdb`: creates the data directory on first start and listens on its Unix socket and on loopback.
pub fn run_default(dir: &Path, with_much_memory: fn()) -> Result<(), String> {
    if !dir.join("data").exists() {
        let env: Arc<dyn Env> = Arc::new(OsEnv::new());
        init::create(env, dir, "postgres", None, AuthMethod::ScramSha256)?;
        say(&format!(
            "Created {}. Role \"postgres\" has no password yet: connect by the Unix socket and set one.",
            dir.display()
        ));
    }
    run(&Start { data_dir: dir.to_owned(), ..Start::default() }, with_much_memory)
}

/// Buffer pools from this size on, in blocks of 8 kB, mean that memory is not scarce.
const MUCH_MEMORY_BLOCKS: i64 = 32_768;

/// Runs the server until SIGTERM or SIGINT, or until the database stops after a failed sync: then it fails, and whoever supervises
/// it may start it again, which recovers. `with_much_memory` is called when it may use much.
pub fn run(arguments: &Start, with_much_memory: fn()) -> Result<(), String> {
    let env: Arc<dyn Env> = Arc::new(RuntimeEnv::new(OsEnv::new()));
    let data_dir = std::path::absolute(&arguments.data_dir).map_err(|e| e.to_string())?;
    if env.list(&data_dir.join("data")).is_err() {
        return Err(format!(
            "\"{}\" is not a data directory; create one with: nqdb init -D DIR",
            data_dir.display()
        ));
    }
    let settings = configuration(&*env, &data_dir, arguments)?;
    let setup = Setup::from(&settings, &data_dir)?;
    if setup.much_memory {
        with_much_memory();
    }
    start_logging(&setup);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 16)))
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .map_err(|e| format!("could not start the runtime: {e}"))?;
    let outcome = runtime.block_on(async { tokio::spawn(serve(env, data_dir, settings, setup)).await });
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome.unwrap_or_else(|e| Err(e.to_string()))
}

fn configuration(env: &dyn Env, data_dir: &Path, arguments: &Start) -> Result<BaseSettings, String> {
    let mut config = Config::read(env, data_dir).map_err(|e| e.to_string())?;
    let options = [
        ("listen_addresses", arguments.host.clone()),
        ("port", arguments.port.map(|p| p.to_string())),
        ("unix_socket_directories", arguments.socket_dir.clone()),
    ];
    for (name, value) in options {
        config.arguments.extend(value.map(|v| (name.to_owned(), v)));
    }
    for assignment in &arguments.set {
        config.set(assignment).map_err(|e| e.to_string())?;
    }
    let mut settings = config.settings().map_err(|e| e.to_string())?;
    settings.read_auto(env, data_dir).map_err(|e| e.message().to_owned())?;
    Ok(settings)
}

/// What the server itself needs of the settings.
struct Setup {
    addresses: Vec<SocketAddr>,
    socket_dirs: Vec<PathBuf>,
    port: u16,
    authentication_timeout: Duration,
    tls: Option<TlsFiles>,
    metrics_port: u16,
    json_log: bool,
    log_level: &'static str,
    much_memory: bool,
}

impl Setup {
    fn from(settings: &BaseSettings, data_dir: &Path) -> Result<Setup, String> {
        let value = |name: &str| definition::find(name).map(|d| settings.get(d));
        let text = |name: &str| match value(name) {
            Some(Value::Text(text)) => text.to_string(),
            _ => String::new(),
        };
        let number = |name: &str| match value(name) {
            Some(Value::Int(number)) => number,
            _ => 0,
        };
        let port = u16::try_from(number("port")).map_err(|_| "port is out of range".to_owned())?;
        let file =
            |name: &str| Some(text(name)).filter(|t| !t.is_empty()).map(|t| config::data_path(data_dir, &t));
        let tls = (value("ssl") == Some(Value::Bool(true))).then(|| TlsFiles {
            certificate: config::data_path(data_dir, &text("ssl_cert_file")),
            key: config::data_path(data_dir, &text("ssl_key_file")),
            authorities: file("ssl_ca_file"),
        });
        Ok(Setup {
            addresses: listen_addresses(&text("listen_addresses"), port)?,
            socket_dirs: list(&text("unix_socket_directories"))
                .map(|dir| config::data_path(data_dir, dir))
                .collect(),
            port,
            much_memory: number("shared_buffers") >= MUCH_MEMORY_BLOCKS,
            authentication_timeout: Duration::from_secs(number("authentication_timeout").max(1) as u64),
            tls,
            metrics_port: u16::try_from(number("nq.metrics_port")).unwrap_or(0),
            json_log: text("log_destination") == "jsonlog",
            log_level: match text("log_min_messages").as_str() {
                level if level.starts_with("debug") => "debug",
                "info" | "notice" | "log" | "warning" => "info",
                _ => "error",
            },
        })
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Turns `listen_addresses` into socket addresses; names other than `localhost` are not resolved.
fn listen_addresses(text: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let mut out = Vec::new();
    for item in list(text) {
        match item {
            "*" | "0.0.0.0" => out.push(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
            "::" => out.push(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
            "localhost" => out.push(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            address => match address.parse::<IpAddr>() {
                Ok(address) => out.push(SocketAddr::from((address, port))),
                Err(_) => return Err(format!("listen_addresses: \"{address}\" is not an address")),
            },
        }
    }
    Ok(out)
}

fn start_logging(setup: &Setup) {
    let filter = std::env::var("NQDB_LOG").unwrap_or_else(|_| setup.log_level.to_owned());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A second start in one process (tests) keeps the first one's log.
    let _ = if setup.json_log { builder.json().try_init() } else { builder.try_init() };
}

async fn serve(
    env: Arc<dyn Env>,
    data_dir: PathBuf,
    settings: BaseSettings,
    setup: Setup,
) -> Result<(), String> {
    let tls =
        setup.tls.as_ref().map(|files| tls::load(&*env, files)).transpose().map_err(|e| e.to_string())?;
    let hba = read_hba(&*env, &data_dir)?;
    let listeners = Listeners::open(&setup.addresses, &setup.socket_dirs, setup.port)?;
    let config = DatabaseConfig { settings, background: true };
    let database = aside(|| Database::open(env.clone(), &data_dir, config)).map_err(|e| e.to_string())?;
    config::write_text(&*env, &data_dir.join(PID_FILE), &format!("{}\n", std::process::id()))
        .map_err(|e| format!("could not write {PID_FILE}: {e}"))?;
    let shared = share(env.clone(), database.clone(), hba, tls, &setup);
    if setup.metrics_port != 0 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, setup.metrics_port));
        http::serve(address, shared.clone())
            .await
            .map_err(|e| format!("could not listen on {address}: {e}"))?;
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut reload = signal(SignalKind::hangup()).map_err(|e| e.to_string())?;
    listeners.serve(&shared);
    announce(&setup);
    let mut health = tokio::time::interval(HEALTH_INTERVAL);
    let stopped = loop {
        tokio::select! {
            _ = health.tick() => if let Some(why) = database.stopped() { break Some(why) },
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            _ = reload.recv() => match read_hba(&*env, &data_dir) {
                Ok(hba) => shared.hba.store(Arc::new(hba)),
                Err(error) => tracing::error!("configuration not reloaded: {error}"),
            },
        }
    };
    if let Some(why) = &stopped {
        tracing::error!("the server ends: {}", why.message());
    } else {
        tracing::info!("shutting down");
    }
    shared.shutdown.send_replace(true);
    wait_for_sessions(&database, if stopped.is_some() { STOPPED_GRACE } else { SHUTDOWN_GRACE }).await;
    let outcome = match stopped {
        // There is nothing to be flushed: what may be written is decided by recovery.
        Some(why) => Err(why.to_string()),
        None => aside(|| database.shutdown()).map_err(|e| e.to_string()),
    };
    let _ = env.remove(&data_dir.join(PID_FILE));
    outcome
}

fn share(
    env: Arc<dyn Env>,
    database: Arc<Database>,
    hba: Hba,
    tls: Option<Tls>,
    setup: &Setup,
) -> Arc<Shared> {
    let mut mock_secret = [0; 32];
    env.random(&mut mock_secret);
    Arc::new(Shared {
        database,
        hba: ArcSwap::from_pointee(hba),
        tls,
        cancel_keys: pg::cancel::CancelKeys::default(),
        throttle: Default::default(),
        mock_secret,
        os_users: os_users(&*env),
        authentication_timeout: setup.authentication_timeout,
        shutdown: watch::Sender::new(false),
        pending: Default::default(),
        env,
    })
}

fn announce(setup: &Setup) {
    for address in &setup.addresses {
        tracing::info!("listening on {address}");
    }
    for dir in &setup.socket_dirs {
        tracing::info!("listening on \"{}\"", dir.join(socket_name(setup.port)).display());
    }
    tracing::info!("database system is ready to accept connections");
    let host = match (setup.socket_dirs.first(), setup.addresses.first()) {
        (Some(dir), _) => dir.display().to_string(),
        (None, Some(address)) => address.ip().to_string(),
        (None, None) => return,
    };
    say(&format!("Connect with: psql \"host={host} port={} user=postgres dbname=postgres\"", setup.port));
}

async fn wait_for_sessions(database: &Database, grace: Duration) {
    let ended = async {
        while database.session_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(grace, ended).await.is_err() {
        database.interrupt_all();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn read_hba(env: &dyn Env, data_dir: &Path) -> Result<Hba, String> {
    let path = data_dir.join("pg_hba.conf");
    let text =
        config::read_text(env, &path).map_err(|e| format!("could not read \"{}\": {e}", path.display()))?;
    Hba::parse(&text).map_err(|e| e.to_string())
}

/// The machine's users by id, from /etc/passwd.
fn os_users(env: &dyn Env) -> HashMap<u32, String> {
    let text = match env.open(Path::new("/etc/passwd"), OpenMode::Read) {
        Ok(_) => config::read_text(env, Path::new("/etc/passwd")).unwrap_or_default(),
        Err(_) => return HashMap::new(),
    };
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let id = fields.nth(1)?.parse().ok()?;
            Some((id, name.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
