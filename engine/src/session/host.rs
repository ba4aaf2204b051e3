//! The session behind functions: users, times, settings, sequences, randomness, and the system functions (see `system_functions`).

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::catalog::Catalog;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::Host;
use nq_qsql::types::user::TypeSource;
use nq_qsql::types::{Datum, IoContext, Oid};
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::SessionLocks;

use super::Notice;
use super::mailbox::Mailbox;
use crate::activity::{Backend, reason};
use crate::catalog::PG_CATALOG;
use crate::catalog::acl;
use crate::catalog::lookup::{CatalogView, PlannerSettings};
use crate::catalog::object::RelationObject;
use crate::catalog::state::{CatalogState, ClusterState};
use crate::database::{Database, Home};
use crate::settings::{Scope, Settings};

/// A role with its name.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) oid: Oid,
    pub(crate) name: Arc<str>,
}

/// What functions see of the session.
pub(crate) struct SessionHost {
    /// The rows that WHERE CURRENT OF means in the running statement: by cursor and table.
    pub(crate) current_rows: Vec<(Box<str>, nq_qsql::types::Oid, Option<u64>)>,
    pub(crate) db: Arc<Database>,
    pub(crate) home: Arc<Home>,
    pub(crate) backend: Arc<Backend>,
    pub(crate) settings: Settings,
    pub(crate) locks: Arc<SessionLocks>,
    /// Who logged in, after SET SESSION AUTHORIZATION.
    pub(crate) session_user: User,
    /// Whose privileges count, after SET ROLE.
    pub(crate) current_user: User,
    pub(crate) transaction_time: i64,
    pub(crate) statement_time: i64,
    /// `monotonic_nanos` at which the statement is cancelled; 0 for never.
    pub(crate) deadline: u64,
    /// When the transaction has lasted too long (25P04); 0 never. Of meaning only while there is a transaction.
    pub(crate) transaction_deadline: u64,
    /// Memory of large values that functions are making.
    aside: Option<crate::exec::memory::Reservation>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) mailbox: Mailbox,
    pub(crate) temp_namespace: Oid,
    /// All reported parameters are still to be told to the client.
    pub(crate) announce_settings: bool,
    /// What the statement's transaction shows of itself; see [`SessionHost::modes`].
    pub(crate) modes: Modes,
    view: Option<Arc<CatalogView>>,
    planner: Option<(u64, Arc<PlannerSettings>)>,
    /// The catalog that statements see has changes of the transaction's own.
    pub(crate) overlaid: bool,
    /// Labels that the transaction has added to enums that were there before.
    pub(crate) new_labels: Vec<Oid>,
    /// Bodies of functions with their plans, and what is known of the calls at work.
    pub(crate) routines: super::routine::Routines,
    /// What foreign keys are yet to be asked about, on its way between a statement and the functions that it calls.
    pub(crate) pending: crate::foreign_key::Pending,
    last_values: HashMap<Oid, i64>,
    last_sequence: Option<Oid>,
    random: [u64; 2],
}

/// What functions can ask of the transaction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Modes {
    pub(crate) isolation: &'static str,
    pub(crate) read_only: bool,
    pub(crate) deferrable: bool,
    /// The transaction's id, once it has one.
    pub(crate) xid: u64,
}

impl SessionHost {
    #[allow(clippy::too_many_arguments, reason = "one argument per thing a session is made of")]
    pub(crate) fn new(
        db: Arc<Database>,
        home: Arc<Home>,
        backend: Arc<Backend>,
        settings: Settings,
        locks: Arc<SessionLocks>,
        user: User,
    ) -> SessionHost {
        let mut seed = [0; 16];
        db.env.random(&mut seed);
        let mut random = [0; 2];
        for (word, bytes) in random.iter_mut().zip(seed.chunks_exact(8)) {
            *word = bytes.iter().fold(1, |v, b| (v << 8) | u64::from(*b));
        }
        SessionHost {
            current_rows: Vec::new(),
            transaction_time: db.now(),
            statement_time: db.now(),
            mailbox: Mailbox::new(backend.pid),
            db,
            home,
            backend,
            settings,
            locks,
            session_user: user.clone(),
            current_user: user,
            deadline: 0,
            transaction_deadline: 0,
            aside: None,
            notices: Vec::new(),
            temp_namespace: 0,
            announce_settings: true,
            modes: Modes::default(),
            view: None,
            planner: None,
            overlaid: false,
            new_labels: Vec::new(),
            routines: super::routine::Routines::default(),
            pending: crate::foreign_key::Pending::default(),
            last_values: HashMap::new(),
            last_sequence: None,
            random,
        }
    }

    /// Queues a notice for the client, if `client_min_messages` lets it through.
    pub(crate) fn notice(&mut self, error: SqlError) {
        self.message("NOTICE", error);
    }

    /// Queues a warning for the client.
    pub(crate) fn warn(&mut self, error: SqlError) {
        self.message("WARNING", error);
    }

    fn message(&mut self, severity: &'static str, error: SqlError) {
        const LEVELS: [&str; 9] =
            ["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];
        let rank = |level: &str| LEVELS.iter().position(|l| l.eq_ignore_ascii_case(level)).unwrap_or(0);
        if rank(severity) >= rank(&self.settings.text("client_min_messages")) {
            self.notices.push(Notice { severity, error });
        }
    }

    /// Queues PostgreSQL's notice about something that is skipped.
    pub(crate) fn skipping(&mut self, what: impl Into<String>) {
        self.notice(SqlError::new(nq_qsql::error::SqlState(*b"00000"), what.into()));
    }

    /// The catalog as statements see it now.
    pub(crate) fn current_view(&self) -> &Arc<CatalogView> {
        self.view.as_ref().expect("a statement's view is made before it runs")
    }

    /// Puts another view in the place of the current one, and returns that.
    pub(crate) fn swap_view(&mut self, view: Option<Arc<CatalogView>>) -> Option<Arc<CatalogView>> {
        let before = std::mem::replace(&mut self.view, view);
        self.announce_types();
        before
    }

    /// Makes the view's types those that the thread knows.
    fn announce_types(&self) {
        if let Some(view) = &self.view {
            nq_qsql::types::user::replace(self.backend.pid as usize, view.clone());
        }
    }

    /// The thread works for this session, and knows its types, while the guard lives.
    pub(crate) fn enter(&self) -> nq_qsql::types::user::Entered {
        let view = self.view.clone();
        nq_qsql::types::user::enter(self.backend.pid as usize, view.map(|view| view as Arc<dyn TypeSource>))
    }

    /// Makes the next statement look at the catalog anew.
    pub(crate) fn forget_view(&mut self) {
        self.view = None;
    }

    /// Makes the view of the given states, unless the present one still fits.
    pub(crate) fn refresh_view(&mut self, catalog: &Arc<CatalogState>, cluster: &Arc<ClusterState>) {
        let fits = self.view.as_ref().is_some_and(|v| {
            v.catalog.version == catalog.version
                && Arc::ptr_eq(&v.cluster, cluster)
                && v.plan_key == self.settings.derived().plan_key
                && v.temp_namespace == self.temp_namespace
                && v.user == self.current_user.oid
        });
        if fits {
            return;
        }
        let plan_key = self.settings.derived().plan_key;
        let planner = match &self.planner {
            Some((key, planner)) if *key == plan_key => planner.clone(),
            _ => Arc::new(PlannerSettings::of(&self.settings)),
        };
        self.planner = Some((plan_key, planner.clone()));
        let path = self.resolve_path(catalog, cluster);
        self.view = Some(Arc::new(CatalogView {
            catalog: catalog.clone(),
            cluster: cluster.clone(),
            database: cluster.database(self.home.oid).map_or_else(|| "".into(), |d| d.name.clone()),
            path: path.into(),
            temp_namespace: self.temp_namespace,
            planner,
            plan_key,
            user: self.current_user.oid,
            store: self.db.store.clone(),
            new_labels: self.new_labels.as_slice().into(),
            conditions: Default::default(),
        }));
        self.announce_types();
    }

    /// Turns `search_path` into schemas: those that exist and may be used, with `pg_temp` and `pg_catalog` in front unless named.
    fn resolve_path(&self, catalog: &CatalogState, cluster: &ClusterState) -> Vec<Oid> {
        let mut path = Vec::new();
        for name in self.settings.derived().search_path.iter() {
            let oid = match &**name {
                "$user" => catalog.namespace_oid(&self.current_user.name),
                "pg_temp" if self.temp_namespace != 0 => Some(self.temp_namespace),
                name => catalog.namespace_oid(name),
            };
            let usable = |oid: &Oid| {
                *oid == self.temp_namespace
                    || catalog.namespace(*oid).is_some_and(|n| {
                        let allowed = self.privileges(
                            cluster,
                            n.acl.as_deref(),
                            acl::AclKind::Schema,
                            n.owner,
                            self.current_user.oid,
                        );
                        allowed & acl::USAGE != 0
                    })
            };
            if let Some(oid) = oid.filter(usable).filter(|oid| !path.contains(oid)) {
                path.push(oid);
            }
        }
        if !path.contains(&PG_CATALOG) {
            path.insert(0, PG_CATALOG);
        }
        if self.temp_namespace != 0 && !path.contains(&self.temp_namespace) {
            path.insert(0, self.temp_namespace);
        }
        path
    }

    /// What `role` may do to an object with this list and owner.
    pub(crate) fn privileges(
        &self,
        cluster: &ClusterState,
        list: Option<&[acl::AclItem]>,
        kind: acl::AclKind,
        owner: Oid,
        role: Oid,
    ) -> acl::Privileges {
        cluster.privileges(self.home.oid, list, kind, owner, role)
    }

    /// Whether `role` has the privileges of `other`; the database's owner has those of `pg_database_owner`.
    pub(crate) fn has_privileges_of(&self, cluster: &ClusterState, role: Oid, other: Oid) -> bool {
        cluster.has_privileges_in(self.home.oid, role, other)
    }

    /// Whether the current user is a superuser.
    pub(crate) fn is_superuser(&self) -> bool {
        match &self.view {
            Some(view) => view.cluster.is_superuser(self.current_user.oid),
            None => self.db.cluster().is_superuser(self.current_user.oid),
        }
    }

    /// How values are read and printed.
    pub(crate) fn io<'a>(&self, view: &'a CatalogView) -> IoContext<'a> {
        let d = self.settings.derived();
        IoContext {
            date_style: d.date_style,
            date_order: d.date_order,
            interval_style: d.interval_style,
            time_zone: d.time_zone.clone(),
            extra_float_digits: d.extra_float_digits,
            bytea_output: d.bytea_output,
            now_micros: self.transaction_time,
            reg: Some(view),
        }
    }

    fn sequence(&self, oid: Oid) -> Result<Arc<RelationObject>> {
        let view = self.current_view();
        match view.catalog.object(oid) {
            Some(object) if object.sequence.is_some() => Ok(object.clone()),
            Some(object) => bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", object.relation.name),
            None => match view.relation_by_oid(oid) {
                Some(other) => bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", other.name),
                None => bail!(UNDEFINED_TABLE, "could not open relation with OID {oid}"),
            },
        }
    }

    fn check_sequence(&self, object: &RelationObject, wanted: acl::Privileges) -> Result<()> {
        let view = self.current_view();
        let relation = &object.relation;
        let has = self.privileges(
            &view.cluster,
            object.acl.as_deref(),
            acl::AclKind::Sequence,
            relation.owner,
            self.current_user.oid,
        );
        match has & wanted {
            0 => bail!(INSUFFICIENT_PRIVILEGE, "permission denied for sequence {}", relation.name),
            _ => Ok(()),
        }
    }

    /// Forgets `currval` and `lastval` (DISCARD SEQUENCES).
    pub(crate) fn discard_sequences(&mut self) {
        self.last_values.clear();
        self.last_sequence = None;
    }

    /// Sets a parameter, with the checks and side effects that belong to the session.
    pub(crate) fn assign(&mut self, name: &str, value: Option<&str>, scope: Scope) -> Result<String> {
        let superuser = self.is_superuser();
        let shown = self.settings.set(name, value, scope, superuser)?;
        if name.eq_ignore_ascii_case("seed")
            && let Some(seed) = self.settings.real("seed")
            && value.is_some()
        {
            Host::seed(self, seed);
        }
        Ok(shown)
    }
}

impl Host for SessionHost {
    fn transaction_time(&self) -> i64 {
        self.transaction_time
    }

    fn statement_time(&self) -> i64 {
        self.statement_time
    }

    fn clock_time(&self) -> i64 {
        self.db.now()
    }

    fn current_user(&self) -> Arc<str> {
        self.current_user.name.clone()
    }

    fn session_user(&self) -> Arc<str> {
        self.session_user.name.clone()
    }

    fn catalog(&self) -> &dyn Catalog {
        &**self.current_view()
    }

    fn nextval(&mut self, sequence: Oid) -> Result<i64> {
        let object = self.sequence(sequence)?;
        self.check_sequence(&object, acl::USAGE | acl::UPDATE)?;
        self.next_identity(sequence)
    }

    fn next_identity(&mut self, sequence: Oid) -> Result<i64> {
        let object = self.sequence(sequence)?;
        if self.modes.read_only && object.relation.persistence != nq_qsql::catalog::Persistence::Temporary {
            bail!(READ_ONLY_SQL_TRANSACTION, "cannot execute nextval() in a read-only transaction");
        }
        let options = object.sequence.as_ref().ok_or_else(|| SqlError::internal("a sequence has options"))?;
        let value = self.db.sequences.next(object.relation.tree, &object.relation.name, options)?;
        self.last_values.insert(sequence, value);
        self.last_sequence = Some(sequence);
        Ok(value)
    }

    fn may_read(&self, relation: Oid, column: usize) -> bool {
        let view = self.current_view();
        let (Some(object), user) = (view.catalog.object(relation), self.current_user.oid) else {
            return true;
        };
        self.relation_privileges(&object.relation, user) & acl::SELECT != 0
            || self.column_privileges(relation, column, user) & acl::SELECT != 0
    }

    fn currval(&mut self, sequence: Oid) -> Result<i64> {
        let object = self.sequence(sequence)?;
        self.check_sequence(&object, acl::USAGE | acl::SELECT)?;
        self.last_values.get(&sequence).copied().ok_or_else(|| {
            sql_err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "currval of sequence \"{}\" is not yet defined in this session",
                object.relation.name
            )
        })
    }

    fn lastval(&mut self) -> Result<i64> {
        let undefined =
            || sql_err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session");
        let sequence = self.last_sequence.ok_or_else(undefined)?;
        let object = self.sequence(sequence).map_err(|_| undefined())?;
        self.check_sequence(&object, acl::USAGE | acl::SELECT)?;
        self.last_values.get(&sequence).copied().ok_or_else(undefined)
    }

    fn setval(&mut self, sequence: Oid, value: i64, called: bool) -> Result<i64> {
        let object = self.sequence(sequence)?;
        self.check_sequence(&object, acl::UPDATE)?;
        if self.modes.read_only {
            bail!(READ_ONLY_SQL_TRANSACTION, "cannot execute setval() in a read-only transaction");
        }
        let options = object.sequence.as_ref().ok_or_else(|| SqlError::internal("a sequence has options"))?;
        self.db.sequences.set(object.relation.tree, &object.relation.name, options, value, called)?;
        if called {
            self.last_values.insert(sequence, value);
            self.last_sequence = Some(sequence);
        }
        Ok(value)
    }

    fn setting(&self, name: &str) -> Option<String> {
        let on = |b: bool| Some(if b { "on" } else { "off" }.to_owned());
        match name.to_ascii_lowercase().as_str() {
            "transaction_isolation" => Some(self.modes.isolation.to_owned()),
            "transaction_read_only" => on(self.modes.read_only),
            "transaction_deferrable" => on(self.modes.deferrable),
            "is_superuser" => on(self.is_superuser()),
            "session_authorization" => Some(self.session_user.name.to_string()),
            "role" => Some(match self.current_user.oid == self.session_user.oid {
                true => "none".to_owned(),
                false => self.current_user.name.to_string(),
            }),
            "server_version_num" => Some("180004".to_owned()),
            "data_directory" => Some(self.db.dir.display().to_string()),
            _ => self.settings.show(name),
        }
    }

    fn as_any(&mut self) -> Option<&mut dyn std::any::Any> {
        Some(self)
    }

    fn set_setting(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        if self.routines.in_definer()
            && ["role", "session_authorization"].contains(&&*name.to_ascii_lowercase())
        {
            bail!(INSUFFICIENT_PRIVILEGE, "cannot set parameter \"{name}\" within security-definer function");
        }
        let scope = if local { Scope::Local } else { Scope::Session };
        self.assign(name, value, scope)
    }

    /// xoroshiro128** (Blackman & Vigna 2018), as PostgreSQL has it: a seed gives the numbers that it gives there.
    fn random(&mut self) -> u64 {
        let [low, high] = self.random;
        let mixed = high ^ low;
        self.random = [low.rotate_left(24) ^ mixed ^ (mixed << 16), mixed.rotate_left(37)];
        low.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// Fills the state by splitmix64 from the seed's fraction.
    fn seed(&mut self, seed: f64) {
        let mut state = (((1_u64 << 52) - 1) as f64 * seed) as i64 as u64;
        for word in &mut self.random {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *word = z ^ (z >> 31);
        }
    }

    fn backend_pid(&self) -> i32 {
        self.backend.pid
    }

    fn sleep(&mut self, micros: i64) -> Result<()> {
        let env = self.db.env.clone();
        let end = env.monotonic_nanos().saturating_add(micros.max(0) as u64 * 1000);
        let parker = Arc::new(nq_storage::env::Parker::new());
        self.backend.interrupt.wait_with(Some(parker.clone()));
        let result = loop {
            if let Err(error) = self.check_interrupt() {
                break Err(error);
            }
            let now = env.monotonic_nanos();
            if now >= end {
                break Ok(());
            }
            let until = if self.deadline != 0 { end.min(self.deadline) } else { end };
            env.park(&parker, Some(std::time::Duration::from_nanos(until.saturating_sub(now).max(1))));
            parker.reset();
        };
        self.backend.interrupt.wait_with(None);
        result
    }

    fn system(&mut self, name: &str, args: &[Datum]) -> Result<Datum> {
        super::system_functions::call(self, name, args)
    }

    fn system_rows(&mut self, name: &str, args: &[Datum]) -> Result<Vec<Vec<Datum>>> {
        super::system_functions::rows(self, name, args)
    }

    fn check_interrupt(&self) -> Result<()> {
        self.db.env.pulse();
        match self.backend.interrupt.kind() {
            0 => self.late().map_or(Ok(()), |reason| Err(interrupted(reason))),
            kind => Err(interrupted(kind)),
        }
    }

    fn reserve(&mut self, bytes: usize) -> Result<()> {
        let aside = self
            .aside
            .get_or_insert_with(|| crate::exec::Memory::new(&self.db.budget, usize::MAX).reservation());
        let want = aside.held().saturating_add(bytes);
        aside.resize(want)
    }

    fn release(&mut self) {
        self.aside = None;
    }
}

impl SessionHost {
    /// The time-out that has passed, if one has.
    pub(crate) fn late(&self) -> Option<u8> {
        if self.deadline == 0 {
            return None;
        }
        let now = self.db.env.monotonic_nanos();
        (now >= self.deadline).then_some(match self.transaction_deadline {
            at if at != 0 && now >= at => reason::TRANSACTION_TIMEOUT,
            _ => reason::STATEMENT_TIMEOUT,
        })
    }
}

/// The monotonic time `ms` from now in nanoseconds; 0 (never) for 0.
pub(crate) fn deadline_after(env: &dyn nq_storage::env::Env, ms: u64) -> u64 {
    if ms == 0 { 0 } else { env.monotonic_nanos().saturating_add(ms.saturating_mul(1_000_000)) }
}

/// The earlier of two deadlines; 0 is none.
pub(crate) fn nearest(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

/// The error for an interrupt of this kind.
#[cold]
pub(crate) fn interrupted(kind: u8) -> SqlError {
    match kind {
        reason::STATEMENT_TIMEOUT => sql_err!(QUERY_CANCELED, "canceling statement due to statement timeout"),
        reason::TRANSACTION_TIMEOUT => {
            sql_err!(TRANSACTION_TIMEOUT, "terminating connection due to transaction timeout")
        }
        reason::TERMINATE => sql_err!(ADMIN_SHUTDOWN, "terminating connection due to administrator command"),
        reason::SHUTDOWN => sql_err!(ADMIN_SHUTDOWN, "terminating connection due to administrator command"),
        _ => sql_err!(QUERY_CANCELED, "canceling statement due to user request"),
    }
}
