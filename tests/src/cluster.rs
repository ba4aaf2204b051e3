//! A data directory with its server process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest time a start may take before the test fails.
const START_TIMEOUT: Duration = Duration::from_secs(60);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh cluster: superuser `postgres`, `trust` on loopback and on the Unix socket. Removed when dropped.
pub struct Cluster {
    binary: PathBuf,
    root: PathBuf,
    port: u16,
    options: Vec<String>,
    server: Option<Child>,
}

impl Cluster {
    /// Makes a data directory and starts its server. `binary` is `env!("CARGO_BIN_EXE_nqdb-under-test")`.
    ///
    /// # Panics
    /// When the server cannot be initialised or started: its log is printed.
    pub fn start(binary: &str) -> Cluster {
        Cluster::start_with(binary, &[])
    }

    /// As [`Cluster::start`], with `-c name=value` options for every start.
    pub fn start_with(binary: &str, options: &[&str]) -> Cluster {
        let mut cluster = Cluster::init(binary, &["-A", "trust"]);
        cluster.options = options.iter().map(|o| (*o).to_owned()).collect();
        cluster.up();
        cluster
    }

    /// Makes a data directory with the given `nqdb init` arguments, without starting it.
    pub fn init(binary: &str, arguments: &[&str]) -> Cluster {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("nqdb-test-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).expect("temporary directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let cluster = Cluster { binary: binary.into(), root, port, options: Vec::new(), server: None };
        let output = Command::new(&cluster.binary)
            .args(["init", "-U", "postgres", "-D"])
            .arg(cluster.data_dir())
            .args(arguments)
            .output()
            .expect("nqdb init runs");
        assert!(output.status.success(), "init: {}", String::from_utf8_lossy(&output.stderr));
        cluster
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The TCP port on 127.0.0.1; the Unix socket lies in [`Cluster::socket_dir`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Directory of the Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.root
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }

    /// A connection string for `tokio-postgres`.
    pub fn config(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// A URL for libpq programs.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Panics
    /// When it ends or does not answer in time: its log is printed.
    pub fn up(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.root.join("log"))
            .expect("log file");
        let mut command = Command::new(&self.binary);
        command.arg("start").arg("-D").arg(self.data_dir()).args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-k",
        ]);
        command.arg(&self.root);
        for option in &self.options {
            command.args(["-c", option]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("log file")).stderr(log);
        self.server = Some(command.spawn().expect("nqdb starts"));
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            let ended = self.server.as_mut().and_then(|s| s.try_wait().expect("server status"));
            assert!(ended.is_none(), "server ended at start ({ended:?}):\n{}", self.log());
            assert!(Instant::now() < deadline, "server does not accept connections:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the server as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Asks the server to shut down (SIGTERM) and returns its exit status.
    ///
    /// # Panics
    /// When it does not end within a minute.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let mut server = self.server.take().expect("server is running");
        let status = Command::new("kill").arg(server.id().to_string()).status().expect("kill runs");
        assert!(status.success());
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = server.try_wait().expect("server status") {
                return status;
            }
            assert!(Instant::now() < deadline, "server does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.root);
    }
}
