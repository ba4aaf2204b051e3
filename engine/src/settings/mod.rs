//! Configuration parameters (GUCs): the session's values, their scopes, and what the hot paths read of them.
//!
//! A parameter's value is the first of: the transaction's (`SET LOCAL`), the session's (`SET`), the client's start-up packet or the
//! role's and database's settings, the server's configuration, the table's default. Every change is journalled, so that a rollback
//! (to a savepoint, too) takes it back: a plain `SET` survives its transaction's commit, a `SET LOCAL` does not.
//!
//! 1. What statements need often is kept decoded in [`Derived`], rebuilt after each change.
//! 2. `Derived::plan_key` changes whenever a parameter changes that could make another plan of the same text.
//!
//! Source: PostgreSQL manual, chapter 19 "Server Configuration" and the reference pages of SET and SHOW.

pub(crate) mod auto;
mod check;
pub mod definition;
mod value;

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::error::Result;
use nq_qsql::parse::ast::Isolation;
use nq_qsql::types::datetime::zone::Zone;
use nq_qsql::types::io::{ByteaOutput, DateOrder, DateStyle, IntervalStyle};
use nq_qsql::{bail, sql_err};
use nq_storage::env::Env;

use crate::session::transaction::isolation_named;

pub use definition::{Context, Definition, Kind};
pub use value::{Value, general, parse_bool};

/// Where a value comes from (`pg_settings.source`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "PostgreSQL's own words")]
pub enum Source {
    Default,
    Configuration,
    Arguments,
    Database,
    User,
    Client,
    Session,
}

impl Source {
    /// The word in `pg_settings.source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Configuration => "configuration file",
            Source::Arguments => "command line",
            Source::Database => "database",
            Source::User => "user",
            Source::Client => "client",
            Source::Session => "session",
        }
    }
}

/// How long a change lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `SET`, `SET SESSION`
    Session,
    /// `SET LOCAL`
    Local,
}

/// The server-wide values that sessions start from.
#[derive(Clone, Debug, Default)]
pub struct BaseSettings {
    values: HashMap<&'static str, Value>,
    /// What ALTER SYSTEM has set, with the line of its file.
    auto: HashMap<&'static str, (Value, i32)>,
    /// What the command line says: nothing overrides it.
    arguments: HashMap<&'static str, Value>,
    /// What a restart would change, as it is until then.
    until_restart: HashMap<&'static str, Value>,
    /// How often the settings have been read again.
    generation: u64,
}

impl BaseSettings {
    /// Sets a parameter of the configuration file.
    ///
    /// # Errors
    /// 42704 for an unknown name, 22023 for a value that does not fit.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        let (name, value) = known(name, text)?;
        self.values.insert(name, value);
        Ok(())
    }

    /// Sets a parameter of the command line.
    ///
    /// # Errors
    /// As [`BaseSettings::set`].
    pub fn set_argument(&mut self, name: &str, text: &str) -> Result<()> {
        let (name, value) = known(name, text)?;
        self.arguments.insert(name, value);
        Ok(())
    }

    /// Reads what ALTER SYSTEM has set for the server of a data directory.
    ///
    /// # Errors
    /// 58030 for a file that cannot be read, F0000, 42704 and 22023 for what is wrong in it.
    pub fn read_auto(&mut self, env: &dyn Env, dir: &Path) -> Result<()> {
        let mut auto = HashMap::new();
        for entry in auto::read(env, dir)? {
            let (name, value) = known(&entry.name, &entry.value)?;
            auto.insert(name, (value, entry.line));
        }
        self.auto = auto;
        Ok(())
    }

    /// The settings with what ALTER SYSTEM has set since; what only a restart can change stays as it is.
    ///
    /// # Errors
    /// As [`BaseSettings::read_auto`].
    pub(crate) fn read_again(&self, env: &dyn Env, dir: &Path) -> Result<BaseSettings> {
        let mut next =
            BaseSettings { until_restart: HashMap::new(), generation: self.generation + 1, ..self.clone() };
        next.read_auto(env, dir)?;
        let fixed = |d: &&Definition| matches!(d.context, Context::Postmaster | Context::Internal);
        for definition in definition::all().iter().filter(fixed) {
            let now = self.get(definition);
            if next.get(definition) != now {
                next.until_restart.insert(definition.name, now);
            }
        }
        Ok(next)
    }

    /// Chooses what is not configured by what is: a server that was given memory gives its queries some.
    pub fn choose_defaults(&mut self) {
        let buffers = definition::find("shared_buffers").map(|d| self.get(d));
        if let (Some(Value::Int(blocks)), None) = (buffers, self.configured("work_mem")) {
            // A sixteenth, in kB; blocks are of 8 kB.
            self.values.insert("work_mem", Value::Int((blocks / 2).max(4096)));
        }
    }

    fn configured(&self, name: &str) -> Option<&Value> {
        let auto = || self.auto.get(name).map(|(value, _)| value);
        self.arguments.get(name).or_else(auto).or_else(|| self.values.get(name))
    }

    /// The configured value of a parameter.
    pub fn get(&self, definition: &Definition) -> Value {
        let now = self.until_restart.get(definition.name).or_else(|| self.configured(definition.name));
        now.unwrap_or(&definition.default).clone()
    }

    /// Whether another value waits for a restart.
    pub(crate) fn waits_for_restart(&self, definition: &Definition) -> bool {
        self.until_restart.contains_key(definition.name)
    }

    /// The line of the file of ALTER SYSTEM that a value comes from.
    pub(crate) fn auto_line(&self, definition: &Definition) -> Option<i32> {
        let (_, line) = self.auto.get(definition.name)?;
        (!self.arguments.contains_key(definition.name)).then_some(*line)
    }
}

/// A parameter that the server knows, with a value.
fn known(name: &str, text: &str) -> Result<(&'static str, Value)> {
    let Some(definition) = definition::find(name) else {
        bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
    };
    let value = check::canonical(definition, value::parse(definition, text)?, &definition.default)?;
    Ok((definition.name, value))
}

/// Checks what ALTER SYSTEM sets: the parameter's name as it is spelled.
///
/// # Errors
/// 42704, 55P02, 22023 as PostgreSQL raises them.
pub(crate) fn check_system(name: &str, text: Option<&str>) -> Result<&'static str> {
    const NOT_IN_FILE: [&str; 10] = [
        "allow_alter_system",
        "config_file",
        "data_directory",
        "is_superuser",
        "role",
        "seed",
        "session_authorization",
        "transaction_deferrable",
        "transaction_isolation",
        "transaction_read_only",
    ];
    let Some(definition) = definition::find(name) else {
        bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
    };
    if definition.context == Context::Internal || NOT_IN_FILE.contains(&definition.name) {
        bail!(CANT_CHANGE_RUNTIME_PARAM, "parameter \"{name}\" cannot be changed");
    }
    if let Some(text) = text {
        known(name, text)?;
        if text.contains('\n') {
            bail!(INVALID_PARAMETER_VALUE, "parameter value for ALTER SYSTEM must not contain a newline");
        }
    }
    Ok(definition.name)
}

/// A parameter's state in a session.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// What RESET returns to, where it differs from the server's value.
    reset: Option<(Value, Source)>,
    session: Option<Value>,
    local: Option<Value>,
}

/// A parameter's values; see [`Settings::save`].
pub struct Saved {
    name: Arc<str>,
    slot: Slot,
}

/// A change that may have to be taken back.
#[derive(Debug)]
struct Change {
    name: Arc<str>,
    before: Slot,
}

/// What statements read often, decoded.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the parameters")]
pub struct Derived {
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub time_zone: Zone,
    pub extra_float_digits: i32,
    pub bytea_output: ByteaOutput,
    /// Elements of `search_path`, unquoted, `$user` not yet replaced.
    pub search_path: Arc<[Box<str>]>,
    pub statement_timeout_ms: u64,
    pub lock_timeout_ms: u64,
    pub transaction_timeout_ms: u64,
    pub idle_in_transaction_session_timeout_ms: u64,
    pub idle_session_timeout_ms: u64,
    pub work_mem_kb: i64,
    pub synchronous_commit: bool,
    pub default_transaction_isolation: Isolation,
    pub default_transaction_read_only: bool,
    pub default_transaction_deferrable: bool,
    /// Changes whenever the same text could give another plan.
    pub plan_key: u64,
}

/// The parameters of one session.
pub struct Settings {
    base: Arc<BaseSettings>,
    slots: HashMap<Arc<str>, Slot>,
    journal: Vec<Change>,
    changed: Vec<&'static Definition>,
    derived: Derived,
}

impl Settings {
    /// Starts from the server's values.
    pub fn new(base: Arc<BaseSettings>) -> Settings {
        let mut settings = Settings {
            base,
            slots: HashMap::new(),
            journal: Vec::new(),
            changed: Vec::new(),
            derived: Derived {
                date_style: DateStyle::Iso,
                date_order: DateOrder::Mdy,
                interval_style: IntervalStyle::Postgres,
                time_zone: Zone::utc(),
                extra_float_digits: 1,
                bytea_output: ByteaOutput::Hex,
                search_path: Arc::from([]),
                statement_timeout_ms: 0,
                lock_timeout_ms: 0,
                transaction_timeout_ms: 0,
                idle_in_transaction_session_timeout_ms: 0,
                idle_session_timeout_ms: 0,
                work_mem_kb: 4096,
                synchronous_commit: true,
                default_transaction_isolation: Isolation::ReadCommitted,
                default_transaction_read_only: false,
                default_transaction_deferrable: false,
                plan_key: 0,
            },
        };
        settings.derive();
        settings
    }

    /// The server's values that the session's start from.
    pub(crate) fn base(&self) -> &BaseSettings {
        &self.base
    }

    /// Goes on with other values of the server.
    pub(crate) fn follow(&mut self, base: &Arc<BaseSettings>) {
        let shown = |settings: &Settings, d: &Definition| settings.value(d);
        let reported = || definition::all().iter().filter(|d| d.report);
        let before: Vec<Value> = reported().map(|d| shown(self, d)).collect();
        self.base = base.clone();
        for (definition, before) in reported().zip(before) {
            if shown(self, definition) != before && !self.changed.iter().any(|d| std::ptr::eq(*d, definition))
            {
                self.changed.push(definition);
            }
        }
        self.derive();
    }

    /// Whether the session's values start from these.
    pub(crate) fn follows(&self, base: &Arc<BaseSettings>) -> bool {
        Arc::ptr_eq(&self.base, base)
    }

    /// The decoded values.
    pub fn derived(&self) -> &Derived {
        &self.derived
    }

    /// A parameter's value as `SHOW` prints it; `None` for an unknown name.
    pub fn show(&self, name: &str) -> Option<String> {
        match definition::find(name) {
            Some(definition) => Some(definition.show(&self.value(definition))),
            None => {
                self.slots.get(name.to_ascii_lowercase().as_str()).and_then(Slot::current).map(Value::plain)
            }
        }
    }

    /// The current value of a parameter.
    pub fn value(&self, definition: &Definition) -> Value {
        match self.slots.get(definition.name).and_then(Slot::current) {
            Some(value) => value.clone(),
            None => self.base.get(definition),
        }
    }

    /// The value of a Boolean parameter; false when there is none of that name.
    pub fn flag(&self, name: &str) -> bool {
        definition::find(name).is_some_and(|d| self.value(d) == Value::Bool(true))
    }

    /// The value of an integer parameter, in its base unit.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.value(definition::find(name)?) {
            Value::Int(v) => Some(v),
            _ => None,
        }
    }

    /// The value of a parameter that is a floating point number.
    pub fn real(&self, name: &str) -> Option<f64> {
        match self.value(definition::find(name)?) {
            Value::Real(v) => Some(v),
            _ => None,
        }
    }

    /// The value of a text or enumerated parameter; empty when there is none of that name.
    pub fn text(&self, name: &str) -> Arc<str> {
        match definition::find(name).map(|d| self.value(d)) {
            Some(Value::Text(t)) => t,
            _ => "".into(),
        }
    }

    /// Where a parameter's value comes from, and what RESET would make of it.
    pub fn source(&self, definition: &Definition) -> (Source, Value) {
        let slot = self.slots.get(definition.name);
        let (reset_source, reset) = match slot.and_then(|s| s.reset.as_ref()) {
            Some((value, source)) => (*source, value.clone()),
            None if self.base.arguments.contains_key(definition.name) => {
                (Source::Arguments, self.base.get(definition))
            }
            None if self.base.configured(definition.name).is_some() => {
                (Source::Configuration, self.base.get(definition))
            }
            None => (Source::Default, definition.default.clone()),
        };
        match slot.is_some_and(|s| s.local.is_some() || s.session.is_some()) {
            true => (Source::Session, reset),
            false => (reset_source, reset),
        }
    }

    /// Names of the parameters that the session made up (`my.name`).
    pub fn custom_names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter(|(n, s)| n.contains('.') && s.current().is_some()).map(|(n, _)| &**n)
    }

    /// Carries out `SET`; returns the value as `SHOW` would print it. `None` is `SET ... TO DEFAULT`.
    ///
    /// # Errors
    /// 42704, 42501, 55P02, 22023 as PostgreSQL raises them.
    pub fn set(&mut self, name: &str, text: Option<&str>, scope: Scope, superuser: bool) -> Result<String> {
        let Some(definition) = definition::find(name) else { return self.set_custom(name, text, scope) };
        check::may_change(definition, superuser)?;
        let value = match text {
            Some(text) => {
                Some(check::canonical(definition, value::parse(definition, text)?, &self.value(definition))?)
            }
            None => None,
        };
        self.assign(definition, value, scope);
        Ok(definition.show(&self.value(definition)))
    }

    /// Changes a parameter that the session itself keeps up to date (`session_authorization`, `is_superuser`, ...), unchecked.
    pub fn force(&mut self, name: &str, text: &str, scope: Scope) -> Result<()> {
        let Some(definition) = definition::find(name) else {
            bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
        };
        let value = check::canonical(definition, value::parse(definition, text)?, &self.value(definition))?;
        self.assign(definition, Some(value), scope);
        Ok(())
    }

    /// Sets what the parameter starts from in this session: start-up packet, role or database settings.
    ///
    /// # Errors
    /// As [`Settings::set`]; parameters of context `backend` are allowed.
    pub fn set_initial(&mut self, name: &str, text: &str, source: Source, superuser: bool) -> Result<()> {
        let (key, value) = match definition::find(name) {
            Some(definition) => {
                if !matches!(definition.context, Context::Backend) {
                    check::may_change(definition, superuser)?;
                }
                (
                    definition.name,
                    check::canonical(definition, value::parse(definition, text)?, &self.value(definition))?,
                )
            }
            None => {
                check::custom_name(name)?;
                self.slots.entry(name.to_ascii_lowercase().into()).or_default().reset =
                    Some((Value::Text(text.into()), source));
                return Ok(());
            }
        };
        self.slots.entry(key.into()).or_default().reset = Some((value, source));
        self.derive();
        Ok(())
    }

    /// Carries out `RESET ALL`.
    pub fn reset_all(&mut self) {
        let names: Vec<Arc<str>> = self.slots.keys().cloned().collect();
        for name in names {
            let keep = [
                "session_authorization",
                "role",
                "is_superuser",
                "transaction_isolation",
                "transaction_read_only",
            ];
            if keep.contains(&&*name) {
                continue;
            }
            match definition::find(&name) {
                Some(definition) => self.assign(definition, None, Scope::Session),
                None => {
                    self.remember(&name);
                    if let Some(slot) = self.slots.get_mut(&name) {
                        (slot.session, slot.local) = (None, None);
                    }
                }
            }
        }
    }

    fn set_custom(&mut self, name: &str, text: Option<&str>, scope: Scope) -> Result<String> {
        check::custom_name(name)?;
        let key: Arc<str> = name.to_ascii_lowercase().into();
        self.remember(&key);
        let slot = self.slots.entry(key).or_default();
        if text.is_none() && slot.reset.is_none() {
            // A name that was set once is known from then on.
            slot.reset = Some((Value::Text("".into()), Source::Default));
        }
        slot.put(text.map(|t| Value::Text(t.into())), scope);
        Ok(text.unwrap_or_default().to_owned())
    }

    fn assign(&mut self, definition: &'static Definition, value: Option<Value>, scope: Scope) {
        let key: Arc<str> = definition.name.into();
        self.remember(&key);
        self.slots.entry(key).or_default().put(value, scope);
        self.after_change(definition);
    }

    fn remember(&mut self, name: &Arc<str>) {
        let before = self.slots.get(name).cloned().unwrap_or_default();
        self.journal.push(Change { name: name.clone(), before });
    }

    fn after_change(&mut self, definition: &'static Definition) {
        if definition.report && !self.changed.iter().any(|d| std::ptr::eq(*d, definition)) {
            self.changed.push(definition);
        }
        self.derive();
    }

    /// A parameter's values as they are now, to be put back.
    pub fn save(&self, name: &str) -> Saved {
        let name: Arc<str> = match definition::find(name) {
            Some(definition) => definition.name.into(),
            None => name.to_ascii_lowercase().into(),
        };
        Saved { slot: self.slots.get(&name).cloned().unwrap_or_default(), name }
    }

    /// Whether the parameter still has a value of the transaction's.
    pub fn is_local(&self, saved: &Saved) -> bool {
        self.slots.get(&saved.name).is_some_and(|slot| slot.local.is_some())
    }

    /// Puts a parameter's values back.
    pub fn put_back(&mut self, saved: Saved) {
        self.remember(&saved.name);
        let definition = definition::find(&saved.name);
        self.slots.insert(saved.name, saved.slot);
        if let Some(definition) = definition {
            self.after_change(definition);
        }
    }

    /// A mark to roll back to.
    pub fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Takes back the changes since `mark`.
    pub fn rollback_to(&mut self, mark: usize) {
        let mut undone = false;
        while self.journal.len() > mark {
            if let Some(change) = self.journal.pop() {
                if let Some(definition) = definition::find(&change.name)
                    && definition.report
                    && !self.changed.iter().any(|d| std::ptr::eq(*d, definition))
                {
                    self.changed.push(definition);
                }
                self.slots.insert(change.name, change.before);
                undone = true;
            }
        }
        if undone {
            self.derive();
        }
    }

    /// Ends a transaction that committed: local values end, the others stay.
    pub fn commit(&mut self) {
        if self.journal.is_empty() {
            return;
        }
        for change in std::mem::take(&mut self.journal) {
            let Some(slot) = self.slots.get_mut(&change.name) else { continue };
            if slot.local.take().is_some()
                && let Some(definition) = definition::find(&change.name)
            {
                self.after_change(definition);
            }
        }
        self.derive();
    }

    /// Parameters to report to the client since the last call, with their values.
    pub fn take_changes(&mut self) -> Vec<(&'static str, String)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|d| (d.name, d.show(&self.value(d)))).collect()
    }

    /// All reported parameters with their values, for the start of a connection.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        definition::all().iter().filter(|d| d.report).map(|d| (d.name, d.show(&self.value(d)))).collect()
    }

    fn derive(&mut self) {
        let millis = |settings: &Settings, name: &str| settings.int(name).unwrap_or(0).max(0) as u64;
        let (date_style, date_order) = check::date_style(&self.text("DateStyle"));
        let zone = self.text("TimeZone");
        let time_zone = match self.derived.time_zone.name() == &*zone {
            true => self.derived.time_zone.clone(),
            false => check::time_zone(&zone).unwrap_or_else(|_| Zone::utc()),
        };
        self.derived = Derived {
            date_style,
            date_order,
            interval_style: match &*self.text("IntervalStyle") {
                "postgres_verbose" => IntervalStyle::PostgresVerbose,
                "sql_standard" => IntervalStyle::SqlStandard,
                "iso_8601" => IntervalStyle::Iso8601,
                _ => IntervalStyle::Postgres,
            },
            time_zone,
            extra_float_digits: self.int("extra_float_digits").unwrap_or(1) as i32,
            bytea_output: if &*self.text("bytea_output") == "escape" {
                ByteaOutput::Escape
            } else {
                ByteaOutput::Hex
            },
            search_path: check::split_identifiers(&self.text("search_path")).unwrap_or_default().into(),
            statement_timeout_ms: millis(self, "statement_timeout"),
            lock_timeout_ms: millis(self, "lock_timeout"),
            transaction_timeout_ms: millis(self, "transaction_timeout"),
            idle_in_transaction_session_timeout_ms: millis(self, "idle_in_transaction_session_timeout"),
            idle_session_timeout_ms: millis(self, "idle_session_timeout"),
            work_mem_kb: self.int("work_mem").unwrap_or(4096),
            synchronous_commit: &*self.text("synchronous_commit") != "off",
            default_transaction_isolation: isolation_named(&self.text("default_transaction_isolation"))
                .unwrap_or(Isolation::ReadCommitted),
            default_transaction_read_only: self.flag("default_transaction_read_only"),
            default_transaction_deferrable: self.flag("default_transaction_deferrable"),
            plan_key: self.plan_key(),
        };
    }

    /// Hashes the session's deviations in parameters that decide plans or how literals are read.
    fn plan_key(&self) -> u64 {
        use std::hash::{BuildHasher, Hash, Hasher};
        const LITERALS: [&str; 8] = [
            "DateStyle",
            "TimeZone",
            "IntervalStyle",
            "search_path",
            "array_nulls",
            "backslash_quote",
            "work_mem",
            "row_security",
        ];
        let mut names: Vec<&Arc<str>> = self
            .slots
            .iter()
            .filter(|(name, slot)| {
                slot.current().is_some()
                    && (LITERALS.contains(&&***name)
                        || definition::find(name).is_some_and(|d| d.category.starts_with("Query Tuning")))
            })
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        self.base.generation.hash(&mut hasher);
        for name in names {
            name.hash(&mut hasher);
            if let Some(value) = self.slots[name].current() {
                value.plain().hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

impl Slot {
    fn current(&self) -> Option<&Value> {
        self.local.as_ref().or(self.session.as_ref()).or(self.reset.as_ref().map(|(v, _)| v))
    }

    fn put(&mut self, value: Option<Value>, scope: Scope) {
        match scope {
            Scope::Session => {
                self.session = value;
                self.local = None;
            }
            Scope::Local => self.local = value.or_else(|| self.reset.as_ref().map(|(v, _)| v.clone())),
        }
    }
}

/// Joins the arguments of `SET name TO a, b` into the parameter's text.
///
/// # Errors
/// 22023 when the parameter takes one argument only, 42704 for an unknown one.
pub fn join_arguments(name: &str, arguments: &[String]) -> Result<String> {
    match (definition::find(name), arguments) {
        (Some(d), _) if d.list && d.name != "DateStyle" => {
            Ok(arguments.iter().map(|a| check::quote_identifier(a)).collect::<Vec<_>>().join(", "))
        }
        (Some(d), _) if d.list => Ok(arguments.join(", ")),
        (_, [one]) => Ok(one.clone()),
        _ => Err(sql_err!(INVALID_PARAMETER_VALUE, "SET {name} takes only one argument")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(Arc::new(BaseSettings::default()))
    }

    #[test]
    fn queries_get_a_share_of_the_memory_unless_it_is_said_how_much() {
        let work_mem = |configured: &[(&str, &str)]| {
            let mut base = BaseSettings::default();
            configured.iter().for_each(|(name, text)| base.set(name, text).unwrap());
            base.choose_defaults();
            base.get(definition::find("work_mem").unwrap())
        };
        assert_eq!(work_mem(&[]), Value::Int(4096));
        assert_eq!(work_mem(&[("shared_buffers", "1GB")]), Value::Int(65_536));
        assert_eq!(work_mem(&[("shared_buffers", "1GB"), ("work_mem", "1MB")]), Value::Int(1024));
    }

    #[test]
    fn rollback_takes_back_set() {
        let mut s = settings();
        s.set("work_mem", Some("64MB"), Scope::Session, false).unwrap();
        s.commit();
        let mark = s.mark();
        s.set("work_mem", Some("1MB"), Scope::Session, false).unwrap();
        assert_eq!(s.show("work_mem").unwrap(), "1MB");
        s.rollback_to(mark);
        assert_eq!(s.show("work_mem").unwrap(), "64MB");
    }

    #[test]
    fn local_ends_with_the_transaction() {
        let mut s = settings();
        s.set("work_mem", Some("2MB"), Scope::Session, false).unwrap();
        s.set("work_mem", Some("1MB"), Scope::Local, false).unwrap();
        assert_eq!(s.derived().work_mem_kb, 1024);
        s.commit();
        assert_eq!(s.derived().work_mem_kb, 2048);
    }

    #[test]
    fn errors_and_reports() {
        let mut s = settings();
        let code = |r: Result<String>| r.unwrap_err().code().as_str().to_owned();
        assert_eq!(code(s.set("no_such", Some("1"), Scope::Session, true)), "42704");
        assert_eq!(code(s.set("server_version", Some("1"), Scope::Session, true)), "55P02");
        assert_eq!(code(s.set("shared_buffers", Some("1"), Scope::Session, true)), "55P02");
        assert_eq!(code(s.set("log_statement", Some("all"), Scope::Session, false)), "42501");
        s.set("application_name", Some("x"), Scope::Session, false).unwrap();
        assert_eq!(s.take_changes(), vec![("application_name", "x".to_owned())]);
        assert_eq!(s.set("my.name", Some("v"), Scope::Session, false).unwrap(), "v");
        assert_eq!(s.show("My.Name").unwrap(), "v");
    }

    #[test]
    fn date_style_is_canonical_and_search_path_is_split() {
        let mut s = settings();
        assert_eq!(s.set("datestyle", Some("sql, dmy"), Scope::Session, false).unwrap(), "SQL, DMY");
        assert_eq!(s.derived().date_order, DateOrder::Dmy);
        let path = join_arguments("search_path", &["$user".into(), "A b".into(), "public".into()]).unwrap();
        assert_eq!(path, "\"$user\", \"A b\", public");
        let before = s.derived().plan_key;
        s.set("search_path", Some(&path), Scope::Session, false).unwrap();
        assert_eq!(
            s.derived().search_path.iter().map(|x| &**x).collect::<Vec<_>>(),
            ["$user", "A b", "public"]
        );
        assert_ne!(before, s.derived().plan_key);
    }
}
