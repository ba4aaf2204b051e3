//! A database cluster: its directory, its store, and what its sessions share.
//!
//! Two trees have fixed numbers: the cluster's catalog (roles, databases, the OID counter) and the sequences' states. Every database
//! has a catalog tree of its own, named by its object in the cluster's catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::env::Env;
use nq_storage::{Direction, KeyRange, Options, Store, TreeId, Txn, TxnOptions};
use parking_lot::{Mutex, RwLock};

use crate::activity::{Activity, reason};
use crate::catalog::bootstrap;
use crate::catalog::object::{Class, DatabaseObject, Object, ObjectKey};
use crate::catalog::overlay::Overlay;
use crate::catalog::state::{CatalogState, ClusterState};
use crate::error::store_error;
use crate::exec::memory::Budget;
use crate::exec::spill::SpillSpace;
use crate::notify::Channels;
use crate::session::plan_cache::PlanCache;
use crate::session::{ConnectInfo, Lsn, Session};
use crate::settings::definition::find;
use crate::settings::{BaseSettings, Settings, auto};
use crate::stats::auto::AutoAnalyze;
use crate::stats::changes::Changes;
use crate::table::sequence::Sequences;

/// How a database is opened.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Values of parameters from the configuration file and the command line (`shared_buffers`, `max_connections`, ...).
    pub settings: BaseSettings,
    /// Run the background threads; the simulator runs their steps itself.
    pub background: bool,
}

/// What all statements together may hold by default, at least, of what cannot spill.
const STATEMENT_MEMORY_MIN: usize = 256 << 20;
/// Seconds between 1970-01-01 and 2000-01-01, in microseconds.
const EPOCH_OFFSET_MICROS: i64 = 946_684_800_000_000;

/// OIDs that are made durable at a time.
const OID_BATCH: u32 = 64;

/// An open database cluster.
pub struct Database {
    pub(crate) env: Arc<dyn Env>,
    pub(crate) dir: PathBuf,
    pub(crate) store: Store,
    settings: ArcSwap<BaseSettings>,
    /// Held while the file of ALTER SYSTEM is changed or read.
    auto_file: Mutex<()>,
    pub(crate) activity: Activity,
    pub(crate) sequences: Sequences,
    pub(crate) budget: Arc<Budget>,
    pub(crate) spill: Arc<SpillSpace>,
    cluster_tree: TreeId,
    cluster: ArcSwap<ClusterState>,
    homes: RwLock<HashMap<Oid, Arc<Home>>>,
    /// Held from a commit with DDL until its changes are published.
    publish: Mutex<()>,
    publishing: AtomicU32,
    version: AtomicU64,
    /// The next OID and the first that is not yet durably taken.
    oids: Mutex<(Oid, Oid)>,
    pub(crate) started: i64,
    pub(crate) changes: Changes,
    pub(crate) auto_analyze: AutoAnalyze,
}

/// One database of the cluster, opened.
pub(crate) struct Home {
    pub(crate) oid: Oid,
    pub(crate) tree: TreeId,
    state: ArcSwap<CatalogState>,
    pub(crate) plans: PlanCache,
    pub(crate) channels: Channels,
}

impl Home {
    /// The shared state as it is now.
    pub(crate) fn state(&self) -> Arc<CatalogState> {
        self.state.load_full()
    }

    /// Version of the shared state, without taking hold of it.
    pub(crate) fn version(&self) -> u64 {
        self.state.load().version
    }
}

impl Database {
    /// Makes a new cluster in `dir` with one superuser; `verifier` is its SCRAM-SHA-256 verifier, `None` for no password.
    ///
    /// # Errors
    /// 58030 when files cannot be made.
    pub fn create(env: Arc<dyn Env>, dir: &Path, superuser: &str, verifier: Option<&str>) -> Result<()> {
        let store = Store::create(env, dir, &Options::default()).map_err(store_error)?;
        let mut txn = store.begin(TxnOptions::default());
        let tree = |txn: &mut Txn| txn.create_tree().map_err(store_error);
        let (cluster, sequences) = (tree(&mut txn)?, tree(&mut txn)?);
        if cluster != bootstrap::CLUSTER_TREE || sequences != bootstrap::SEQUENCE_TREE {
            bail!(INTERNAL_ERROR, "the first trees of a new store are not the ones expected");
        }
        let put = |txn: &mut Txn, tree: TreeId, key: ObjectKey, object: Object| -> Result<()> {
            txn.put(tree, &key.to_bytes(), &object.encode()?).map_err(store_error)?;
            if let Some(name) = object.name_key() {
                txn.put(tree, &name, &key.oid.to_le_bytes()).map_err(store_error)?;
            }
            Ok(())
        };
        let version = bootstrap::CATALOG_VERSION.to_le_bytes();
        txn.put(cluster, bootstrap::VERSION_KEY, &version).map_err(store_error)?;
        for (key, object) in bootstrap::cluster_objects(superuser, verifier) {
            put(&mut txn, cluster, key, object)?;
        }
        for (oid, name) in bootstrap::DATABASES {
            let home = tree(&mut txn)?;
            let object = bootstrap::database(oid, name, home);
            put(&mut txn, cluster, ObjectKey::new(Class::Database, oid), object)?;
            for (key, object) in bootstrap::database_objects() {
                put(&mut txn, home, key, object)?;
            }
        }
        let committed = txn.commit().map_err(store_error)?;
        if let Some(lsn) = committed.lsn {
            store.wait_durable(lsn).map_err(store_error)?;
        }
        store.shutdown().map_err(store_error)
    }

    /// Opens the cluster in `dir`, recovering it if it was not shut down cleanly.
    ///
    /// # Errors
    /// 58030, XX001 as storage finds; 22023 for a cluster whose catalog is of another version.
    pub fn open(env: Arc<dyn Env>, dir: &Path, config: Config) -> Result<Arc<Database>> {
        let mut settings = config.settings;
        settings.choose_defaults();
        let store = Store::open(env.clone(), dir, store_options(&settings)).map_err(store_error)?;
        let cluster_tree = bootstrap::CLUSTER_TREE;
        check_version(&store, cluster_tree)?;
        if config.background {
            store.start_background();
        }
        let cluster = load_cluster(&store, cluster_tree)?;
        let next_oid = read_oid_mark(&store, cluster_tree)?;
        let memory = settings_bytes(&settings, "shared_buffers").max(16 << 20);
        let statement_memory = match settings_int(&settings, "nq.statement_memory") {
            ..=0 => memory.max(STATEMENT_MEMORY_MIN),
            kb => kb.unsigned_abs() as usize * 1024,
        };
        let tmp = dir.join("tmp");
        SpillSpace::prepare(&*env, &tmp)
            .map_err(|e| sql_err!(IO_ERROR, "could not prepare directory \"{}\": {e}", tmp.display()))?;
        let spill_limit =
            u64::try_from(settings_int(&settings, "temp_file_limit")).map_or(u64::MAX, |kb| kb * 1024);
        let spill = SpillSpace::new(env.clone(), &tmp, spill_limit);
        let db = Arc::new(Database {
            started: env.now_micros() - EPOCH_OFFSET_MICROS,
            env,
            dir: dir.to_owned(),
            sequences: Sequences::new(store.clone(), bootstrap::SEQUENCE_TREE),
            store,
            settings: ArcSwap::from_pointee(settings),
            auto_file: Mutex::new(()),
            activity: Activity::default(),
            budget: Budget::new(memory, statement_memory),
            spill,
            cluster_tree,
            cluster: ArcSwap::from_pointee(cluster),
            homes: RwLock::default(),
            publish: Mutex::new(()),
            publishing: AtomicU32::new(0),
            version: AtomicU64::new(1),
            oids: Mutex::new((next_oid, next_oid)),
            changes: Changes::default(),
            auto_analyze: AutoAnalyze::default(),
        });
        db.drop_leftovers()?;
        if config.background {
            db.start_auto_analyze();
        }
        Ok(db)
    }

    /// What authentication needs of a role; `None` when there is no such role.
    pub fn login_role(&self, name: &str) -> Option<LoginRole> {
        let cluster = self.cluster.load();
        let role = cluster.role_named(name)?;
        Some(LoginRole {
            verifier: role.verifier.clone(),
            can_login: role.login,
            can_replicate: role.replication || role.superuser,
            valid_until: role.valid_until,
        })
    }

    /// Whether the database of this name is open: connecting to it takes microseconds.
    pub fn is_open(&self, database: &str) -> bool {
        let cluster = self.cluster.load();
        cluster.database_named(database).is_some_and(|d| self.homes.read().contains_key(&d.oid))
    }

    /// Opens a session for an authenticated user.
    ///
    /// # Errors
    /// 3D000 unknown database, 28000 unknown role or not permitted to log in, 53300 too many connections, 22023 for settings.
    pub fn connect(self: &Arc<Self>, info: ConnectInfo) -> Result<Session> {
        Session::connect(self.clone(), info)
    }

    /// Cancels the statement that the session with this key is running; a wrong key does nothing.
    pub fn cancel(&self, pid: i32, secret: i32) {
        if let Some(backend) = self.activity.find(pid).filter(|b| b.secret == secret) {
            backend.interrupt.raise(reason::CANCEL);
        }
    }

    /// Waits until the log is durable up to `lsn`.
    ///
    /// # Errors
    /// 58030 when the log cannot be written.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        self.store.wait_durable(lsn).map_err(store_error)
    }

    /// Calls `done` when the log is durable up to `lsn`, at once if it already is.
    pub fn on_durable(&self, lsn: Lsn, done: Box<dyn FnOnce(Result<()>) + Send>) {
        self.store.on_durable(lsn, Box::new(move |result| done(result.map_err(store_error))));
    }

    /// Why the database has stopped, if it has: a sync has failed, and what the device holds is known again only by recovery.
    pub fn stopped(&self) -> Option<SqlError> {
        self.store.stopped().map(store_error)
    }

    /// Ends all sessions' statements, flushes and marks the store clean.
    ///
    /// # Errors
    /// 58030 when the last checkpoint cannot be written.
    pub fn shutdown(&self) -> Result<()> {
        for backend in self.activity.all() {
            backend.end(reason::SHUTDOWN);
        }
        self.stop_auto_analyze();
        self.store.shutdown().map_err(store_error)
    }

    /// The server's settings as they are now.
    pub(crate) fn settings(&self) -> Arc<BaseSettings> {
        self.settings.load_full()
    }

    /// Whether these are the server's settings as they are now.
    pub(crate) fn has_settings(&self, session: &Settings) -> bool {
        session.follows(&self.settings.load())
    }

    /// Reads again what ALTER SYSTEM has set; sessions follow with their next statement.
    ///
    /// # Errors
    /// What is wrong in the file; then the settings stay as they are.
    pub fn reload_settings(&self) -> Result<()> {
        let _held = self.auto_file.lock();
        let next = self.settings.load().read_again(&*self.env, &self.dir)?;
        self.settings.store(Arc::new(next));
        Ok(())
    }

    /// Carries out ALTER SYSTEM: SET with a value, RESET without; RESET ALL without a name.
    pub(crate) fn alter_system(&self, name: Option<&str>, value: Option<&str>) -> Result<()> {
        let _held = self.auto_file.lock();
        let mut entries = match name {
            Some(_) => auto::read(&*self.env, &self.dir)?,
            None => Vec::new(),
        };
        if let Some(name) = name {
            entries.retain(|entry| !entry.name.eq_ignore_ascii_case(name));
            entries.extend(value.map(|value| auto::Entry {
                name: name.into(),
                value: value.into(),
                line: 0,
            }));
        }
        auto::write(&*self.env, &self.dir, &entries)
    }

    /// The configured value of an integer parameter; -1 when there is none of that name.
    pub(crate) fn setting_int(&self, name: &str) -> i64 {
        settings_int(&self.settings.load(), name)
    }

    /// The configured value of a Boolean parameter.
    pub(crate) fn setting_flag(&self, name: &str) -> bool {
        let found = find(name).map(|d| self.settings.load().get(d));
        found == Some(crate::settings::Value::Bool(true))
    }

    /// The configured value of a real parameter; 0 when there is none of that name.
    pub(crate) fn setting_real(&self, name: &str) -> f64 {
        match find(name).map(|d| self.settings.load().get(d)) {
            Some(crate::settings::Value::Real(v)) => v,
            _ => 0.0,
        }
    }

    /// The wall clock, microseconds since 2000-01-01.
    pub(crate) fn now(&self) -> i64 {
        self.env.now_micros() - EPOCH_OFFSET_MICROS
    }

    /// The roles and databases as they are now.
    pub(crate) fn cluster(&self) -> Arc<ClusterState> {
        self.cluster.load_full()
    }

    /// Opens a database of the cluster by its object.
    pub(crate) fn home(&self, database: &DatabaseObject) -> Result<Arc<Home>> {
        if let Some(home) = self.homes.read().get(&database.oid) {
            return Ok(home.clone());
        }
        let mut homes = self.homes.write();
        if let Some(home) = homes.get(&database.oid) {
            return Ok(home.clone());
        }
        let tree = TreeId(database.tree);
        let mut state = CatalogState::default();
        state.version = self.next_version();
        load_objects(&self.store, tree, |key, object| state.apply(key, Some(object)))?;
        let home = Arc::new(Home {
            oid: database.oid,
            tree,
            state: ArcSwap::from_pointee(state),
            plans: PlanCache::default(),
            channels: Channels::default(),
        });
        homes.insert(database.oid, home.clone());
        Ok(home)
    }

    /// Forgets a dropped database.
    pub(crate) fn close_home(&self, oid: Oid) {
        self.homes.write().remove(&oid);
    }

    /// A number no catalog state has had.
    pub(crate) fn next_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until every commit whose locks may be free has also been published.
    pub(crate) fn settle(&self) {
        if self.publishing.load(Ordering::SeqCst) != 0 {
            drop(self.publish.lock());
        }
    }

    /// Commits a transaction with DDL, and publishes what it changed.
    pub(crate) fn commit_ddl(
        &self,
        txn: Txn,
        home: &Home,
        overlay: &Overlay,
    ) -> Result<nq_storage::Committed> {
        let _guard = self.publish.lock();
        self.publishing.fetch_add(1, Ordering::SeqCst);
        let committed = txn.commit().map_err(store_error);
        if committed.is_ok() {
            self.publish_changes(home, overlay);
        }
        self.publishing.fetch_sub(1, Ordering::SeqCst);
        committed
    }

    fn publish_changes(&self, home: &Home, overlay: &Overlay) {
        let shared = |key: &ObjectKey| key.class.shared();
        if overlay.changes().iter().any(|(key, _)| !shared(key)) {
            let mut state = (*home.state()).clone();
            for (key, object) in overlay.changes().iter().filter(|(key, _)| !shared(key)) {
                state.apply(*key, object.clone());
            }
            state.version = self.next_version();
            home.state.store(Arc::new(state));
        }
        if overlay.changes().iter().any(|(key, _)| shared(key)) {
            let mut cluster = (*self.cluster()).clone();
            for (key, object) in overlay.changes().iter().filter(|(key, _)| shared(key)) {
                cluster.apply(*key, object.clone());
            }
            self.cluster.store(Arc::new(cluster));
        }
    }

    /// The tree an object of this class is stored in.
    pub(crate) fn object_tree(&self, home: &Home, class: Class) -> TreeId {
        if class.shared() { self.cluster_tree } else { home.tree }
    }

    /// Returns an OID that nothing has had.
    pub(crate) fn next_oid(&self) -> Result<Oid> {
        let mut oids = self.oids.lock();
        if oids.0 == oids.1 {
            let mark = oids
                .1
                .checked_add(OID_BATCH)
                .ok_or_else(|| sql_err!(PROGRAM_LIMIT_EXCEEDED, "out of OIDs"))?;
            let mut txn = self.store.begin(TxnOptions::default());
            txn.put(self.cluster_tree, bootstrap::OID_MARK_KEY, &mark.to_le_bytes()).map_err(store_error)?;
            txn.commit().map_err(store_error)?;
            oids.1 = mark;
        }
        let oid = oids.0;
        oids.0 += 1;
        Ok(oid)
    }

    /// A new session's secret for cancel requests.
    pub(crate) fn random_i32(&self) -> i32 {
        let mut bytes = [0; 4];
        self.env.random(&mut bytes);
        i32::from_le_bytes(bytes)
    }

    /// Removes temporary relations of sessions that a crash ended.
    fn drop_leftovers(self: &Arc<Self>) -> Result<()> {
        for database in self.cluster().databases() {
            let home = self.home(database)?;
            let state = home.state();
            let leftovers = state.temporary_objects();
            if leftovers.is_empty() {
                continue;
            }
            let mut txn = self.store.begin(TxnOptions::default());
            let mut overlay = Overlay::new(state, self.cluster());
            for (key, object) in leftovers {
                for tree in object.trees() {
                    txn.drop_tree(tree).map_err(store_error)?;
                }
                for name in object.name_keys() {
                    txn.delete(home.tree, &name).map_err(store_error)?;
                }
                txn.delete(home.tree, &key.to_bytes()).map_err(store_error)?;
                overlay.apply(key, None, self.next_version());
            }
            self.commit_ddl(txn, &home, &overlay)?;
        }
        Ok(())
    }
}

/// What authentication needs of a role.
#[derive(Clone, Debug)]
pub struct LoginRole {
    /// SCRAM-SHA-256 verifier.
    pub verifier: Option<Arc<str>>,
    /// LOGIN.
    pub can_login: bool,
    /// REPLICATION, or a superuser.
    pub can_replicate: bool,
    /// `VALID UNTIL`, microseconds since 2000-01-01; `None`: for ever.
    pub valid_until: Option<i64>,
}

fn settings_int(settings: &BaseSettings, name: &str) -> i64 {
    match find(name).map(|d| settings.get(d)) {
        Some(crate::settings::Value::Int(v)) => v,
        _ => -1,
    }
}

/// A setting counted in 8 kB blocks, in bytes.
fn settings_bytes(settings: &BaseSettings, name: &str) -> usize {
    settings_int(settings, name).max(0) as usize * 8192
}

/// Buffer pools from this size on ask for huge pages with `huge_pages = try`.
const HUGE_POOL_BYTES: usize = 256 << 20;

fn store_options(settings: &BaseSettings) -> Options {
    let buffer_bytes = settings_bytes(settings, "shared_buffers");
    Options {
        buffer_bytes,
        huge_pages: match find("huge_pages").map(|d| settings.get(d).plain()).as_deref() {
            Some("off") => false,
            Some("on") => true,
            _ => buffer_bytes >= HUGE_POOL_BYTES,
        },
        checkpoint_log_bytes: settings_int(settings, "max_wal_size").unsigned_abs() << 20,
        deadlock_timeout: Duration::from_millis(settings_int(settings, "deadlock_timeout").unsigned_abs()),
        ..Options::default()
    }
}

/// Reads all objects of a catalog tree.
fn load_objects(store: &Store, tree: TreeId, mut each: impl FnMut(ObjectKey, Object)) -> Result<()> {
    let txn = store.begin(TxnOptions { read_only: true, ..TxnOptions::default() });
    let mut cursor = txn.cursor(tree, KeyRange::prefix(b"o"), Direction::Forward).map_err(store_error)?;
    let mut damaged = None;
    loop {
        let more = cursor
            .next_batch(&txn, usize::MAX, &mut |key: &[u8], value: &[u8]| {
                let object =
                    ObjectKey::from_bytes(key).and_then(|k| Ok((k, Object::decode(k.class, value)?)));
                match object {
                    Ok((key, object)) => each(key, object),
                    Err(error) => damaged = Some(error),
                }
                std::ops::ControlFlow::Continue(())
            })
            .map_err(store_error)?;
        if let Some(error) = damaged {
            return Err(error);
        }
        if !more {
            return Ok(());
        }
    }
}

fn load_cluster(store: &Store, tree: TreeId) -> Result<ClusterState> {
    let mut state = ClusterState::default();
    load_objects(store, tree, |key, object| state.apply(key, Some(object)))?;
    Ok(state)
}

/// Refuses a cluster whose objects mean something else to this server.
fn check_version(store: &Store, tree: TreeId) -> Result<()> {
    let txn = store.begin(TxnOptions { read_only: true, ..TxnOptions::default() });
    let read = |bytes: &[u8]| bytes.first_chunk().map(|b| u32::from_le_bytes(*b));
    let found = txn.get(tree, bootstrap::VERSION_KEY, read).map_err(store_error)?.flatten();
    if found == Some(bootstrap::CATALOG_VERSION) {
        return Ok(());
    }
    let found = found.map_or_else(|| "no catalog version".to_owned(), |v| format!("catalog version {v}"));
    Err(sql_err!(
        INVALID_PARAMETER_VALUE,
        "database files are incompatible with server: the cluster was initialized with {found}, \
         this server reads catalog version {}",
        bootstrap::CATALOG_VERSION
    )
    .hint("Export its data with the server that wrote it, and import them into a new cluster."))
}

fn read_oid_mark(store: &Store, tree: TreeId) -> Result<Oid> {
    let txn = store.begin(TxnOptions { read_only: true, ..TxnOptions::default() });
    let read = |bytes: &[u8]| bytes.first_chunk().map(|b| Oid::from_le_bytes(*b));
    let mark = txn.get(tree, bootstrap::OID_MARK_KEY, read).map_err(store_error)?.flatten();
    Ok(mark.unwrap_or(crate::catalog::FIRST_NORMAL_OID))
}

#[cfg(test)]
mod tests {
    use nq_storage::env::sim::SimEnv;

    use super::*;

    #[test]
    fn a_cluster_of_another_catalog_version_is_refused() {
        let dir = Path::new("/db");
        let open = |env: &Arc<SimEnv>| {
            let config = Config { settings: BaseSettings::default(), background: false };
            Database::open(env.clone(), dir, config).map(|db| db.shutdown().unwrap())
        };
        for (version, said) in [(Some(1_u32), "catalog version 1"), (None, "no catalog version")] {
            let env = SimEnv::new(3);
            Database::create(env.clone(), dir, "postgres", None).unwrap();
            open(&env).unwrap();
            let store = Store::open(env.clone(), dir, Options::default()).unwrap();
            let mut txn = store.begin(TxnOptions::default());
            match version {
                Some(v) => {
                    txn.put(bootstrap::CLUSTER_TREE, bootstrap::VERSION_KEY, &v.to_le_bytes()).unwrap()
                }
                None => {
                    txn.delete(bootstrap::CLUSTER_TREE, bootstrap::VERSION_KEY).unwrap();
                }
            }
            txn.commit().unwrap();
            store.shutdown().unwrap();
            drop(store);
            let error = open(&env).expect_err("another version");
            assert!(error.message().contains(said), "{error}");
        }
    }
}
