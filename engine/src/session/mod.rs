//! A client's conversation with a database: statements, portals, transactions, settings.
//!
//! ```text
//!   text --parse--> Source --plan_cache / prepared--> Plan --portal--> rows into the ResultSink
//!                      `----utility (everything that is not planned)---> a tag, rows, a COPY
//! ```
//!
//! A [`Session`] is synchronous and owned by one thread at a time. A method that fails leaves the session in the state that
//! PostgreSQL's would have: inside a transaction block the block is failed (25P02 until ROLLBACK), outside it nothing has happened.

mod api;
pub(crate) mod cursor;
mod deferral;
mod encode;
mod facts;
pub(crate) mod host;
mod limits;
mod mailbox;
mod objects;
pub(crate) mod plan_cache;
pub(crate) mod portal;
pub(crate) mod prepared;
pub(crate) mod privileges;
mod recall;
pub(crate) mod routine;
mod set;
mod sql_prepared;
mod system_functions;
pub(crate) mod transaction;
pub(crate) mod utility;

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ParsedStatement;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, io_binary, io_text};
use nq_qsql::{bail, sql_err};
use parking_lot::Mutex;

use crate::activity::{Backend, Doing, State};
use crate::catalog::object::{DatabaseObject, Role};
use crate::catalog::{BOOTSTRAP_SUPERUSER, acl};
use crate::copy::CopyIn;
use crate::database::{Database, Home};
use crate::settings::{Settings, Source as SettingSource};

pub use api::{
    ConnectInfo, CopySpec, Encryption, Flow, Format, Notice, Outcome, ResultSink, Rows, StatementDescription,
};
pub(crate) use set::set_text;

use crate::foreign_key::fire::Actions;
use deferral::Deferral;
use host::{SessionHost, User};
use limits::Limits;
use portal::Portal;
use prepared::{Prepared, Source};
use transaction::{Block, Transaction};

/// A position in the log; commits up to it must be durable before their clients hear of them.
pub type Lsn = nq_storage::Lsn;

/// A client's session.
pub struct Session {
    pub(crate) db: Arc<Database>,
    pub(crate) home: Arc<Home>,
    pub(crate) backend: Arc<Backend>,
    pub(crate) host: SessionHost,
    pub(crate) transaction: Transaction,
    statements: HashMap<Box<str>, Arc<Prepared>>,
    portals: HashMap<Box<str>, Portal>,
    /// The statement of the simple protocol whose sink was full.
    simple: Option<Portal>,
    /// The COPY FROM STDIN that waits for data.
    pub(crate) copy_in: Option<Box<CopyIn>>,
    pending_lsn: Option<Lsn>,
    /// Waits for rows that are left to the caller.
    deferral: Deferral,
    /// What foreign keys do, bound.
    pub(crate) actions: Actions,
    /// A buffer for the keys of point statements.
    key: Vec<u8>,
    /// A buffer for texts without their literals.
    shape: String,
}

/// A text of the simple protocol, parsed: its statements in order.
pub struct SimpleQuery {
    statements: Vec<Arc<Source>>,
}

impl SimpleQuery {
    /// Number of statements; 0 answers EmptyQueryResponse.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether the text has no statement.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

impl Session {
    /// Opens a session; see [`Database::connect`].
    pub(crate) fn connect(db: Arc<Database>, info: ConnectInfo) -> Result<Session> {
        let cluster = db.cluster();
        let role = cluster.role_named(&info.user).cloned().ok_or_else(|| {
            sql_err!(INVALID_AUTHORIZATION_SPECIFICATION, "role \"{}\" does not exist", info.user)
        })?;
        if !role.login {
            bail!(INVALID_AUTHORIZATION_SPECIFICATION, "role \"{}\" is not permitted to log in", info.user);
        }
        let wanted = if info.database.is_empty() { &info.user } else { &info.database };
        let database = cluster
            .database_named(wanted)
            .cloned()
            .ok_or_else(|| sql_err!(INVALID_CATALOG_NAME, "database \"{wanted}\" does not exist"))?;
        if !database.allow_connections {
            bail!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "database \"{wanted}\" is not currently accepting connections"
            );
        }
        let mut session = Session::assemble(db, &database, &role, &info, "client backend")?;
        let allowed = session.host.privileges(
            &cluster,
            database.acl.as_deref(),
            acl::AclKind::Database,
            database.owner,
            role.oid,
        );
        if allowed & acl::CONNECT == 0 {
            return Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied for database \"{wanted}\"")
                .detail("User does not have CONNECT privilege."));
        }
        session.assume_identity(&info.settings)?;
        let limits = Limits::of(&session.db, &role, &database);
        session.db.activity.enter(session.backend.clone(), |all| limits.check(all))?;
        Ok(session)
    }

    /// Opens a session of the server's own: by the first superuser, beside all limits.
    pub(crate) fn internal(
        db: Arc<Database>,
        database: &DatabaseObject,
        kind: &'static str,
    ) -> Result<Session> {
        let cluster = db.cluster();
        let Some(role) = cluster.role(BOOTSTRAP_SUPERUSER).cloned() else {
            bail!(INTERNAL_ERROR, "the first superuser is gone")
        };
        let session = Session::assemble(db, database, &role, &ConnectInfo::default(), kind)?;
        session.db.activity.enter(session.backend.clone(), |_| Ok(()))?;
        Ok(session)
    }

    /// Makes a session that is not yet known to others.
    fn assemble(
        db: Arc<Database>,
        database: &DatabaseObject,
        role: &Role,
        info: &ConnectInfo,
        kind: &'static str,
    ) -> Result<Session> {
        let cluster = db.cluster();
        let home = db.home(database)?;
        let now = db.now();
        let mut settings = Settings::new(db.settings());
        for (key, source) in [
            ((0, 0), SettingSource::User),
            ((0, database.oid), SettingSource::Database),
            ((role.oid, 0), SettingSource::User),
            ((role.oid, database.oid), SettingSource::User),
        ] {
            for (name, value) in cluster.settings(key.0, key.1).iter().flat_map(|s| s.iter()) {
                // A stored setting was checked when it was stored; one that fails now is left out.
                if let Err(error) = settings.set_initial(name, value, source, true) {
                    tracing::warn!("setting {name} of role or database ignored: {error}");
                }
            }
        }
        for (name, value) in &info.settings {
            settings.set_initial(name, value, SettingSource::Client, role.superuser)?;
        }
        let application = settings.text("application_name");
        let backend = Arc::new(Backend {
            pid: db.activity.next_pid(),
            secret: db.random_i32(),
            kind,
            database: home.oid,
            user: role.oid,
            client_addr: info.client_addr,
            client_port: info.client_port,
            server_addr: info.server_addr,
            encryption: info.encryption.clone(),
            start: now,
            interrupt: Arc::new(nq_storage::Interrupt::new()),
            doing: Mutex::new(Doing {
                state: State::Idle,
                query: "".into(),
                application,
                transaction_start: None,
                query_start: None,
                state_change: now,
            }),
            terminate: false.into(),
            on_end: std::sync::OnceLock::new(),
            has_mail: false.into(),
            on_mail: std::sync::OnceLock::new(),
            counters: Default::default(),
        });
        let user = User { oid: role.oid, name: role.name.clone() };
        let locks = db.store.session_locks(backend.pid as u64);
        let mut host = SessionHost::new(db.clone(), home.clone(), backend.clone(), settings, locks, user);
        host.settings.force("session_authorization", &role.name, crate::settings::Scope::Session)?;
        host.settings.force(
            "is_superuser",
            if role.superuser { "on" } else { "off" },
            crate::settings::Scope::Session,
        )?;
        host.settings.commit();
        Ok(Session {
            db,
            home,
            backend,
            host,
            transaction: Transaction::default(),
            statements: HashMap::new(),
            portals: HashMap::new(),
            simple: None,
            copy_in: None,
            pending_lsn: None,
            deferral: Deferral::default(),
            actions: Actions::default(),
            key: Vec::new(),
            shape: String::new(),
        })
    }

    /// Makes the session's types known to the thread while the guard lives: what works on its results outside its methods needs them.
    pub fn enter(&self) -> nq_qsql::types::user::Entered {
        self.host.enter()
    }

    /// Takes note of a message from the client: the clock of the statement starts.
    pub(crate) fn start_command(&mut self, text: &str) {
        let now = self.db.now();
        self.host.statement_time = now;
        if !self.backend.terminate.load(std::sync::atomic::Ordering::Relaxed) {
            self.backend.interrupt.clear();
        }
        self.start_statement_clock();
        let mut doing = self.backend.doing.lock();
        doing.state = State::Active;
        if *doing.query != *text {
            doing.query = text.into();
        }
        doing.query_start = Some(now);
        doing.transaction_start.get_or_insert(now);
        doing.state_change = now;
    }

    /// `statement_timeout` counts from here, for each statement of a message; `transaction_timeout` goes on.
    fn start_statement_clock(&mut self) {
        if !self.db.has_settings(&self.host.settings) {
            self.host.settings.follow(&self.db.settings());
        }
        let timeout = self.host.settings.derived().statement_timeout_ms;
        let transaction = match self.transaction.block {
            Block::None => 0,
            _ => self.host.transaction_deadline,
        };
        self.host.deadline = host::nearest(host::deadline_after(&*self.db.env, timeout), transaction);
        self.backend.interrupt.set_deadline(self.host.deadline);
    }

    /// Takes note of the end of a message: an error fails the transaction.
    pub(crate) fn after_command<T>(&mut self, result: Result<T>) -> Result<T> {
        let result = match result {
            Err(error) if error.code() == nq_qsql::error::SqlState::QUERY_CANCELED => {
                // The store only knows that it was interrupted.
                Err(self.cancel_reason(error))
            }
            other => other,
        };
        if let Err(error) = &result {
            self.backend.counters.error(error.code());
            self.fail();
        }
        nq_qsql::func::Host::release(&mut self.host);
        if let Some(read) = self.host.routines.take_seen() {
            self.await_durable(read);
        }
        self.follow_transaction_timeout();
        self.host.deadline = 0;
        self.backend.interrupt.set_deadline(0);
        let active = self.deferral.goes_on() || self.copy_in.is_some();
        let state = if active { State::Active } else { self.activity_state() };
        let started = (self.transaction.block != Block::None).then_some(self.host.transaction_time);
        let mut doing = self.backend.doing.lock();
        doing.state = state;
        doing.transaction_start = started;
        drop(doing);
        result
    }

    fn cancel_reason(&self, error: SqlError) -> SqlError {
        match self.backend.interrupt.kind() {
            0 => self.host.late().map_or(error, host::interrupted),
            kind => host::interrupted(kind),
        }
    }

    /// Makes sure that the host's view is the present one.
    pub(crate) fn ready_view(&mut self) {
        let (catalog, cluster) = match &mut self.transaction.overlay {
            Some(overlay) => {
                overlay.refresh(&self.home.state(), &self.db.cluster(), self.db.next_version());
                (overlay.catalog().clone(), overlay.cluster().clone())
            }
            None => (self.home.state(), self.db.cluster()),
        };
        self.host.refresh_view(&catalog, &cluster);
    }

    /// Parses a text of the simple protocol. The statements run by [`Session::run_simple`], in one implicit transaction if there
    /// are several, and [`Session::sync`] ends it.
    ///
    /// # Errors
    /// 42601 and whatever else parsing raises.
    pub fn parse_simple(&mut self, sql: &str) -> Result<SimpleQuery> {
        self.start_command(sql);
        self.forget_unnamed();
        let parsed = nq_qsql::parse::parse_statements(sql).map_err(|e| e.locate(sql));
        // The session is at work until the last statement has run.
        let parsed = match parsed {
            Ok(parsed) if !parsed.is_empty() => parsed,
            other => self.after_command(other)?,
        };
        if let [only] = &parsed[..]
            && prepared::is_plannable(&only.ast)
        {
            self.learn_shape(sql);
        }
        let text: Arc<str> = sql.into();
        let source = |parsed: ParsedStatement| Arc::new(Source { text: text.clone(), parsed: Some(parsed) });
        Ok(SimpleQuery { statements: parsed.into_iter().map(source).collect() })
    }

    /// A simple query closes the unnamed statement and portal.
    fn forget_unnamed(&mut self) {
        self.statements.remove("");
        self.portals.remove("");
    }

    /// Runs the `index`-th statement. On [`Outcome::Suspended`] (the sink was full) call [`Session::resume_simple`]; after
    /// [`Outcome::CopyIn`], feed the data.
    pub fn run_simple(
        &mut self,
        query: &SimpleQuery,
        index: usize,
        sink: &mut dyn ResultSink,
    ) -> Result<Outcome> {
        let _entered = self.enter();
        if index > 0 {
            self.start_statement_clock();
            self.backend.doing.lock().state = State::Active;
        }
        let result = self.start_simple(query, index).and_then(|portal| {
            self.simple = Some(portal);
            self.go_on_simple(sink)
        });
        let last = index + 1 == query.len();
        let result = match result {
            // The reply to the last statement tells that its transaction has committed.
            Ok(Outcome::Complete(tag)) if last && self.transaction.block == Block::Implicit => {
                self.sync().map(|()| Outcome::Complete(tag))
            }
            other => other,
        };
        self.after_command(result)
    }

    fn start_simple(&mut self, query: &SimpleQuery, index: usize) -> Result<Portal> {
        let Some(source) = query.statements.get(index) else { bail!(INTERNAL_ERROR, "no such statement") };
        self.take_parser_notices(source.parsed.as_ref());
        self.check_statement_allowed(source.statement())?;
        if self.transaction.block == Block::None {
            self.transaction.block = Block::Implicit;
            self.start_transaction_clock();
        }
        self.ready_view();
        let Some(parsed) = &source.parsed else { bail!(INTERNAL_ERROR, "an empty statement was kept") };
        let run = if prepared::is_plannable(&parsed.ast) {
            if parsed.ast.max_param > 0 {
                bail!(UNDEFINED_PARAMETER, "there is no parameter ${}", parsed.ast.max_param);
            }
            let plan = self.cached_plan(source, &[])?;
            if query.len() == 1 {
                self.keep_parsed(source, &[], &plan);
            }
            portal::Run::Plan { plan, prepared: None }
        } else {
            portal::Run::Utility
        };
        Ok(Portal::simple(source.clone(), Arc::from([]), run))
    }

    /// Goes on with a statement of the simple protocol whose sink was full.
    pub fn resume_simple(&mut self, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let _entered = self.enter();
        self.backend.doing.lock().state = State::Active;
        let result = self.go_on_simple(sink);
        self.after_command(result)
    }

    fn go_on_simple(&mut self, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let Some(mut portal) = self.simple.take() else { bail!(INTERNAL_ERROR, "no statement is waiting") };
        let text = portal.source.text.clone();
        let outcome = self.run_portal(&mut portal, 0, sink).map_err(|e| e.locate(&text))?;
        if matches!(outcome, Outcome::Suspended | Outcome::Blocked) {
            self.simple = Some(portal);
        }
        Ok(outcome)
    }

    /// Bind: `params` are raw values (`None`: NULL); `param_formats` and `result_formats` have none, one or all, as in the message.
    ///
    /// # Errors
    /// 26000, 42P03 for a portal name in use, 08P01 for wrong counts, 22P02/22P03 for values.
    pub fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        params: &[Option<&[u8]>],
        param_formats: &[Format],
        result_formats: &[Format],
    ) -> Result<()> {
        let _entered = self.enter();
        let prepared = match self.find_statement(statement) {
            Ok(prepared) => prepared,
            Err(error) => return self.after_command(Err(error)),
        };
        self.start_command(&prepared.source.text);
        let result = self.bind_portal(portal, statement, &prepared, params, param_formats, result_formats);
        self.after_command(result)
    }

    fn bind_portal(
        &mut self,
        portal: &str,
        statement: &str,
        prepared: &Arc<Prepared>,
        params: &[Option<&[u8]>],
        param_formats: &[Format],
        result_formats: &[Format],
    ) -> Result<()> {
        if param_formats.len() > 1 && param_formats.len() != params.len() {
            bail!(
                PROTOCOL_VIOLATION,
                "bind message has {} parameter formats but {} parameters",
                param_formats.len(),
                params.len()
            );
        }
        if params.len() != prepared.params.len() {
            bail!(
                PROTOCOL_VIOLATION,
                "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {}",
                params.len(),
                prepared.params.len()
            );
        }
        self.check_statement_allowed(prepared.source.statement())?;
        if !portal.is_empty() && self.portals.contains_key(portal) {
            bail!(DUPLICATE_CURSOR, "cursor \"{portal}\" already exists");
        }
        if self.transaction.block == Block::None {
            self.transaction.block = Block::Implicit;
            self.start_transaction_clock();
        }
        self.ready_view();
        let values = self.read_params(prepared, params, param_formats)?;
        let bound = self.make_portal(prepared, values, result_formats)?;
        self.portals.insert(portal.into(), bound);
        Ok(())
    }

    fn read_params(
        &mut self,
        prepared: &Prepared,
        params: &[Option<&[u8]>],
        formats: &[Format],
    ) -> Result<Vec<Datum>> {
        let view = self.host.current_view().clone();
        let io = self.host.io(&view);
        let mut values = Vec::with_capacity(params.len());
        for (i, (param, &oid)) in params.iter().zip(&prepared.params).enumerate() {
            let format = match formats {
                [] => Format::Text,
                [one] => *one,
                many => many[i],
            };
            let value = match (param, format) {
                (None, _) => Datum::Null,
                (Some(bytes), Format::Text) => {
                    let text = std::str::from_utf8(bytes).map_err(|e| invalid_utf8(bytes, &e))?;
                    if bytes.contains(&0) {
                        bail!(
                            CHARACTER_NOT_IN_REPERTOIRE,
                            "invalid byte sequence for encoding \"UTF8\": 0x00"
                        );
                    }
                    io_text::parse_text(oid, -1, text, &io)?
                }
                (Some(bytes), Format::Binary) => io_binary::recv_binary(oid, -1, bytes)?,
            };
            values.push(value);
        }
        Ok(values)
    }

    /// Whether a Bind of this statement takes microseconds: nothing is to be planned.
    pub fn bind_is_short(&self, statement: &str) -> bool {
        match self.statements.get(statement) {
            Some(prepared) => match &prepared.plan {
                Some(plan) => {
                    !plan.transient
                        && self.transaction.overlay.is_none()
                        && plan.version() == self.home.version()
                }
                None => true,
            },
            None => true,
        }
    }

    /// Whether an Execute of this portal takes microseconds, waits for others apart (those go through the environment).
    pub fn execute_is_short(&self, portal: &str) -> bool {
        match self.portals.get(portal) {
            Some(portal) => portal.is_short() && self.transaction.ends_shortly(),
            None => true,
        }
    }

    /// Whether Sync takes microseconds, waits apart.
    pub fn sync_is_short(&self) -> bool {
        self.transaction.block != Block::Implicit || self.transaction.ends_shortly()
    }

    /// Whether closing the session takes microseconds.
    pub fn ends_shortly(&self) -> bool {
        self.transaction.ends_shortly() && self.portals.is_empty() && self.host.temp_namespace == 0
    }

    /// Describe of a portal: its columns with their formats, `None` for NoData.
    ///
    /// # Errors
    /// 34000 `portal "x" does not exist`.
    #[allow(clippy::type_complexity, reason = "columns and formats belong together only here")]
    pub fn describe_portal(&mut self, portal: &str) -> Result<Option<(Arc<[OutputColumn]>, Vec<Format>)>> {
        match self.portals.get(portal) {
            Some(found) => Ok(found.columns.clone().map(|columns| (columns, found.formats.clone()))),
            None => {
                let error = sql_err!(INVALID_CURSOR_NAME, "portal \"{portal}\" does not exist");
                self.after_command(Err(error))
            }
        }
    }

    /// Execute: runs the portal, or goes on with it; at most `max_rows` rows (0: all).
    pub fn execute(&mut self, portal: &str, max_rows: u32, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let _entered = self.enter();
        let Some((name, mut found)) = self.portals.remove_entry(portal) else {
            let error = sql_err!(INVALID_CURSOR_NAME, "portal \"{portal}\" does not exist");
            return self.after_command(Err(error));
        };
        match self.deferral.is_resuming() {
            true => self.backend.doing.lock().state = State::Active,
            false => self.start_command(&found.source.text),
        }
        if self.transaction.block == Block::None {
            self.transaction.block = Block::Implicit;
            self.start_transaction_clock();
        }
        self.ready_view();
        let text = found.source.text.clone();
        let result = self.run_portal(&mut found, max_rows, sink).map_err(|e| e.locate(&text));
        if result.is_ok() && self.transaction.block != Block::None {
            self.portals.insert(name, found);
        }
        self.after_command(result)
    }

    /// Close of a portal; none of that name is no error.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }

    /// Closes the portals that end with the transaction.
    pub(crate) fn close_transaction_portals(&mut self) {
        self.portals.retain(|_, portal| is_held(portal));
    }

    /// Closes the portals made since the `level`-th savepoint.
    pub(crate) fn close_portals_since(&mut self, level: usize) {
        self.portals.retain(|_, portal| portal.level < level || is_held(portal));
    }

    /// The portals made since the `level`-th savepoint belong to what surrounds it now.
    pub(crate) fn lower_portals(&mut self, level: usize) {
        self.portals.values_mut().for_each(|portal| portal.level = portal.level.min(level));
    }

    /// Notices since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.host.notices)
    }

    /// Reported parameters that changed since the last call; after `connect`, all of them.
    pub fn take_parameter_status(&mut self) -> Vec<(&'static str, String)> {
        match std::mem::take(&mut self.host.announce_settings) {
            true => {
                self.host.settings.take_changes();
                self.host.settings.reported()
            }
            false => self.host.settings.take_changes(),
        }
    }

    /// The log position that must be durable before replies that were held back may leave; taken by the call. `None`: nothing to wait for.
    /// Wait by `Database::wait_durable` or be told by `Database::on_durable`.
    pub fn durable_lsn_to_await(&mut self) -> Option<Lsn> {
        self.pending_lsn.take()
    }

    /// The key that a CancelRequest must present: process id and secret.
    pub fn backend_key(&self) -> (i32, i32) {
        (self.backend.pid, self.backend.secret)
    }

    /// Has `tell` called when the session is to end, by `pg_terminate_backend` or because the server shuts down. Only the first
    /// call counts.
    pub fn on_end(&self, tell: Box<dyn Fn() + Send + Sync>) {
        let _ = self.backend.on_end.set(tell);
    }

    /// Why the session is to end now, if it is.
    pub fn end_reason(&self) -> Option<SqlError> {
        let ends = self.backend.terminate.load(std::sync::atomic::Ordering::Relaxed);
        ends.then(|| host::interrupted(crate::activity::reason::TERMINATE))
    }

    /// How long the server may wait for the next message in the session's present state, milliseconds, with the error to raise then:
    /// `transaction_timeout` (25P04), `idle_in_transaction_session_timeout` (25P03) or `idle_session_timeout` (57P05).
    pub fn idle_timeout(&self) -> Option<(u64, SqlError)> {
        let derived = self.host.settings.derived();
        if self.copy_in.is_some() {
            return None;
        }
        match self.transaction.block {
            Block::Explicit | Block::Failed => {
                let idle = derived.idle_in_transaction_session_timeout_ms;
                let left = match self.host.transaction_deadline {
                    0 => None,
                    at => Some(at.saturating_sub(self.db.env.monotonic_nanos()) / 1_000_000 + 1),
                };
                match left {
                    Some(left) if idle == 0 || left <= idle => {
                        Some((left, host::interrupted(crate::activity::reason::TRANSACTION_TIMEOUT)))
                    }
                    _ if idle > 0 => Some((
                        idle,
                        sql_err!(
                            IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                            "terminating connection due to idle-in-transaction timeout"
                        ),
                    )),
                    _ => None,
                }
            }
            Block::None | Block::Implicit => match derived.idle_session_timeout_ms {
                0 => None,
                ms => Some((
                    ms,
                    sql_err!(IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout"),
                )),
            },
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _entered = self.enter();
        self.abandon();
        if let Err(error) = self.drop_temporary_objects() {
            tracing::warn!("temporary objects are left to the next start: {error}");
        }
        self.home.channels.subscribe(&self.backend, &[]);
        self.db.activity.leave(self.backend.pid);
    }
}

/// Whether the portal outlives transactions.
fn is_held(portal: &Portal) -> bool {
    portal.cursor.as_ref().is_some_and(|cursor| cursor.is_held())
}

/// 22021 for bytes that are not UTF-8.
pub(crate) fn invalid_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> SqlError {
    let from = error.valid_up_to();
    let length = match bytes.get(from).copied().unwrap_or(0) {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let shown: Vec<String> = bytes[from..].iter().take(length).map(|b| format!("0x{b:02x}")).collect();
    sql_err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "))
}
