use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use nq_storage::env::{File, FileLock, JoinHandle};

use super::*;

#[test]
fn addresses_to_listen_on() {
    let parse =
        |text| listen_addresses(text, 5432).map(|a| a.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(parse("").unwrap(), Vec::<String>::new());
    assert_eq!(parse("localhost, ::1").unwrap(), ["127.0.0.1:5432", "[::1]:5432"]);
    assert_eq!(parse("*").unwrap(), ["0.0.0.0:5432"]);
    assert!(parse("db.example.org").is_err());
}

/// The operating system, until its syncs fail.
struct FailingSync {
    os: OsEnv,
    fails: Arc<AtomicBool>,
}

struct FailingFile {
    file: Arc<dyn File>,
    fails: Arc<AtomicBool>,
}

impl Env for FailingSync {
    fn open(&self, path: &Path, mode: OpenMode) -> std::io::Result<Arc<dyn File>> {
        Ok(Arc::new(FailingFile { file: self.os.open(path, mode)?, fails: self.fails.clone() }))
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        self.os.remove(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.os.rename(from, to)
    }
    fn list(&self, dir: &Path) -> std::io::Result<Vec<String>> {
        self.os.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> std::io::Result<()> {
        self.os.create_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> std::io::Result<()> {
        self.os.sync_dir(dir)
    }
    fn lock_exclusive(&self, path: &Path) -> std::io::Result<FileLock> {
        self.os.lock_exclusive(path)
    }
    fn now_micros(&self) -> i64 {
        self.os.now_micros()
    }
    fn monotonic_nanos(&self) -> u64 {
        self.os.monotonic_nanos()
    }
    fn random(&self, out: &mut [u8]) {
        self.os.random(out);
    }
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> JoinHandle {
        self.os.spawn(name, body)
    }
}

impl File for FailingFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.file.read_at(buf, offset)
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> std::io::Result<()> {
        self.file.write_at(buf, offset)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(std::io::Error::other("the device is gone")),
            false => self.file.sync_data(),
        }
    }
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.file.set_len(len)
    }
    fn allocate(&self, offset: u64, len: u64) -> std::io::Result<()> {
        self.file.allocate(offset, len)
    }
    fn give_back(&self, offset: u64, len: u64) -> std::io::Result<()> {
        self.file.give_back(offset, len)
    }
}

/// Connects without a password and sends nothing but start-up packets and simple queries.
struct Client(TcpStream);

impl Client {
    #[allow(clippy::disallowed_methods, reason = "the server is starting on a real port")]
    fn connect(port: u16) -> Client {
        let mut tries = 0;
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(error) if tries == 500 => panic!("{error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
            tries += 1;
        };
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut client = Client(stream);
        let parameters = b"user\0postgres\0database\0postgres\0\0";
        let mut packet = (parameters.len() as u32 + 8).to_be_bytes().to_vec();
        packet.extend_from_slice(&0x0003_0000_u32.to_be_bytes());
        packet.extend_from_slice(parameters);
        client.0.write_all(&packet).unwrap();
        assert_eq!(client.answer().0, b'Z');
        client
    }

    fn query(&mut self, text: &str) -> (u8, String) {
        let mut packet = vec![b'Q'];
        packet.extend_from_slice(&(text.len() as u32 + 5).to_be_bytes());
        packet.extend_from_slice(text.as_bytes());
        packet.push(0);
        self.0.write_all(&packet).unwrap();
        self.answer()
    }

    /// Reads up to ReadyForQuery or the connection's end; answers the last message, or the error if there is one.
    fn answer(&mut self) -> (u8, String) {
        let mut last = (0, String::new());
        loop {
            let mut header = [0; 5];
            if self.0.read_exact(&mut header).is_err() {
                return last;
            }
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            let mut body = vec![0; length - 4];
            self.0.read_exact(&mut body).unwrap();
            if last.0 != b'E' {
                last = (header[0], String::from_utf8_lossy(&body).into_owned());
            }
            if header[0] == b'Z' {
                return last;
            }
        }
    }
}

/// Serves `dir` on a thread of its own until the server ends.
#[allow(clippy::disallowed_methods, reason = "stands for a process")]
fn serve_on_a_thread(
    env: Arc<dyn Env>,
    dir: &Path,
    port: u16,
) -> std::thread::JoinHandle<Result<(), String>> {
    let arguments = Start {
        data_dir: dir.to_owned(),
        host: Some("127.0.0.1".into()),
        port: Some(port),
        socket_dir: Some(String::new()),
        ..Start::default()
    };
    let dir = dir.to_owned();
    std::thread::spawn(move || {
        let settings = configuration(&*env, &dir, &arguments)?;
        let setup = Setup::from(&settings, &dir)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let outcome =
            runtime.block_on(async { tokio::spawn(serve(env, dir, settings, setup)).await.unwrap() });
        runtime.shutdown_timeout(Duration::from_secs(2));
        outcome
    })
}

/// The log cannot be synced: the commit fails, every session ends, and so does the server, with an error. Started again, it has
/// what was acknowledged.
#[test]
fn a_failed_sync_ends_the_server() {
    let dir = std::env::temp_dir().join(format!("nqdb-failed-sync-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    init::create(Arc::new(OsEnv::new()), &dir, "postgres", None, AuthMethod::Trust).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fails = Arc::new(AtomicBool::new(false));
    let server =
        serve_on_a_thread(Arc::new(FailingSync { os: OsEnv::new(), fails: fails.clone() }), &dir, port);
    let (mut writer, mut idle) = (Client::connect(port), Client::connect(port));
    assert_eq!(writer.query("create table t(a int); insert into t values (1)").0, b'Z');
    fails.store(true, Ordering::SeqCst);
    let (kind, text) = writer.query("insert into t values (2)");
    assert!(kind == b'E' && text.contains("58030") && text.contains("FATAL"), "{kind}: {text}");
    let (kind, text) = idle.answer();
    assert!(kind == b'E' && text.contains("57P02"), "{kind}: {text}");
    let outcome = server.join().unwrap();
    assert!(outcome.as_ref().is_err_and(|e| e.contains("the device is gone")), "{outcome:?}");

    // The process would be gone; its threads here hold the directory, so that the next server gets a copy.
    let again = dir.with_extension("again");
    copy_files(&dir, &again);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = serve_on_a_thread(Arc::new(OsEnv::new()), &again, port);
    let mut client = Client::connect(port);
    let (kind, text) = client.query("select 1 / (count(*) - 1) from t where a = 1");
    assert!(kind == b'E' && text.contains("22012"), "{kind}: {text}");
    drop((client, server));
    let _ = std::fs::remove_dir_all(&dir);
    let _ = std::fs::remove_dir_all(&again);
}

fn copy_files(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy_files(&entry.path(), &target),
            kind if kind.is_file() => drop(std::fs::copy(entry.path(), &target).unwrap()),
            _ => {}
        }
    }
}
