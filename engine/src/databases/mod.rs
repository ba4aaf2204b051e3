//! CREATE, ALTER and DROP DATABASE.
//!
//! A database is a catalog tree of its own. A new one starts as a copy of its template's: the catalog's records as they are, the trees
//! of tables and indexes, and the states of sequences, which get new numbers ([`copy`]). OIDs are kept, as PostgreSQL keeps them.
//!
//! 1. All of it happens in one transaction: a crash or a rollback leaves nothing.
//! 2. While a database is being dropped or renamed nobody can connect to it ([`Activity::close`](crate::activity::Activity::close)),
//!    and that nobody is connected is checked under the same lock.
//!
//! Source: PostgreSQL manual, section 22 and the reference pages of the statements.

mod alter;
mod copy;

use std::sync::Arc;
use std::time::Duration;

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{CreateDatabase, Def, DefValue, DropDatabase, RoleKind, RoleSpec};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::TreeId;
use nq_storage::env::Parker;

use crate::activity::reason;
use crate::catalog::class;
use crate::catalog::object::{Class, DatabaseObject, Object, ObjectKey};
use crate::catalog::state::{CommentKey, Via};
use crate::error::store_error;
use crate::session::Session;
use crate::session::transaction::AfterCommit;
use crate::session::utility::Done;

/// How long DROP DATABASE WITH (FORCE), and everyone else who needs a database for himself, waits for sessions to end.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a database is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Copy,
    Rename,
    Drop,
}

/// The options of CREATE DATABASE, at most once each; `None` also for DEFAULT.
#[derive(Default)]
struct Wanted<'a> {
    owner: Option<&'a str>,
    template: Option<&'a str>,
    is_template: Option<bool>,
    allow_connections: Option<bool>,
    connection_limit: Option<i32>,
    /// A locale that is not "C", to be warned about.
    locale: Option<&'a str>,
}

/// The word or number of an option; `None` for DEFAULT.
fn text(option: &Def) -> Result<Option<&str>> {
    match &option.value {
        None => Ok(None),
        Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => Ok(Some(text)),
        Some(_) => bail!(SYNTAX_ERROR, "{} requires a parameter", option.name.name),
    }
}

fn flag(option: &Def) -> Result<Option<bool>> {
    match text(option)? {
        None => Ok(None),
        Some(word) => match crate::settings::parse_bool(word) {
            Some(on) => Ok(Some(on)),
            None => bail!(SYNTAX_ERROR, "{} requires a Boolean value", option.name.name),
        },
    }
}

fn limit(option: &Def) -> Result<Option<i32>> {
    let Some(word) = text(option)? else { return Ok(None) };
    match word.parse::<i32>() {
        Ok(limit) if limit >= -1 => Ok(Some(limit)),
        Ok(limit) => bail!(INVALID_PARAMETER_VALUE, "invalid connection limit: {limit}"),
        Err(_) => bail!(SYNTAX_ERROR, "{} requires an integer value", option.name.name),
    }
}

impl<'a> Wanted<'a> {
    fn of(options: &'a [Def]) -> Result<Wanted<'a>> {
        let mut found = Wanted::default();
        for (i, option) in options.iter().enumerate() {
            let name = &*option.name.name;
            if options[..i].iter().any(|before| *before.name.name == *name) {
                return Err(sql_err!(SYNTAX_ERROR, "conflicting or redundant options").at(option.name.pos));
            }
            match name {
                "owner" => found.owner = text(option)?,
                "template" => found.template = text(option)?,
                "is_template" => found.is_template = flag(option)?,
                "allow_connections" => found.allow_connections = flag(option)?,
                "connection_limit" => found.connection_limit = limit(option)?,
                "encoding" => check_encoding(text(option)?)?,
                "locale" | "lc_collate" | "lc_ctype" | "builtin_locale" | "icu_locale" => {
                    let plain = ["C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8", "PG_C_UTF8"];
                    found.locale = text(option)?.filter(|l| !plain.contains(l)).or(found.locale);
                }
                "locale_provider" => match text(option)? {
                    None | Some("libc" | "builtin") => {}
                    Some(other) => {
                        return Err(SqlError::unsupported(format_args!("locale provider {other}")));
                    }
                },
                "tablespace" => match text(option)? {
                    None | Some("pg_default") => {}
                    Some(other) => {
                        bail!(UNDEFINED_OBJECT, "tablespace \"{other}\" does not exist");
                    }
                },
                "strategy" => match text(option)?.map(str::to_ascii_lowercase).as_deref() {
                    None | Some("wal_log" | "file_copy") => {}
                    Some(other) => {
                        return Err(sql_err!(
                            INVALID_PARAMETER_VALUE,
                            "invalid create database strategy \"{other}\""
                        )
                        .hint("Valid strategies are \"wal_log\" and \"file_copy\"."));
                    }
                },
                "collation_version" | "icu_rules" => {
                    text(option)?;
                }
                other => {
                    return Err(
                        sql_err!(SYNTAX_ERROR, "option \"{other}\" not recognized").at(option.name.pos)
                    );
                }
            }
        }
        Ok(found)
    }
}

/// There is one encoding.
fn check_encoding(name: Option<&str>) -> Result<()> {
    match name.map(|n| n.to_ascii_uppercase().replace('-', "")).as_deref() {
        None | Some("UTF8" | "UNICODE" | "6" | "-1") => Ok(()),
        Some(_) => Err(SqlError::unsupported(format_args!("encoding \"{}\"", name.unwrap_or_default()))),
    }
}

impl Session {
    /// CREATE DATABASE.
    pub(crate) fn create_database(&mut self, create: &CreateDatabase) -> Result<Done> {
        self.check_outside_block("CREATE DATABASE")?;
        let name = &*create.name.name;
        let wanted = Wanted::of(&create.options)?;
        let user = self.host.current_user.oid;
        let own = self.role(user)?;
        if !own.superuser && !own.create_db {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied to create database");
        }
        self.lock_cluster()?;
        let owner = match wanted.owner {
            Some(owner) => self.new_owner(owner)?,
            None => user,
        };
        let template_name = wanted.template.unwrap_or("template1");
        let Some(template) = self.view().cluster.database_named(template_name).cloned() else {
            bail!(INVALID_CATALOG_NAME, "template database \"{template_name}\" does not exist")
        };
        if !template.is_template && !self.owns(template.owner) {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied to copy database \"{template_name}\"");
        }
        let oid = self.db.next_oid()?;
        if self.view().cluster.database_named(name).is_some()
            || !self.claim_name(Class::Database, 0, name, oid)?
        {
            bail!(DUPLICATE_DATABASE, "database \"{name}\" already exists");
        }
        let source = format!("source database \"{template_name}\"");
        self.close_database(template.oid, &source, Why::Copy)?;
        if let Some(locale) = wanted.locale {
            self.host.warn(SqlError::new(
                SqlState(*b"01000"),
                format!("locale \"{locale}\" is not supported, the database has locale \"C\""),
            ));
        }
        let tree = self.copy_database(TreeId(template.tree))?;
        let database = DatabaseObject {
            oid,
            name: name.into(),
            owner,
            tree: tree.0,
            is_template: wanted.is_template.unwrap_or(false),
            allow_connections: wanted.allow_connections.unwrap_or(true),
            connection_limit: wanted.connection_limit.unwrap_or(-1),
            acl: None,
        };
        self.put_database(database)?;
        Done::tag("CREATE DATABASE")
    }

    fn put_database(&mut self, database: DatabaseObject) -> Result<()> {
        self.put_object(ObjectKey::new(Class::Database, database.oid), Object::Database(Arc::new(database)))
    }

    /// A role that is to own a database: the user must be able to become it.
    fn new_owner(&self, name: &str) -> Result<Oid> {
        let spec = RoleSpec {
            kind: match name {
                "current_user" | "current_role" => RoleKind::CurrentUser,
                "session_user" => RoleKind::SessionUser,
                name => RoleKind::Name(name.into()),
            },
            pos: Default::default(),
        };
        let owner = self.need_role(&spec)?;
        let user = self.host.current_user.oid;
        let cluster = &self.view().cluster;
        match cluster.is_superuser(user) || cluster.memberships(user, Via::Set).contains(&owner) {
            true => Ok(owner),
            false => bail!(INSUFFICIENT_PRIVILEGE, "must be able to SET ROLE \"{name}\""),
        }
    }

    /// DROP DATABASE.
    pub(crate) fn drop_database(&mut self, drop: &DropDatabase) -> Result<Done> {
        self.check_outside_block("DROP DATABASE")?;
        let name = &*drop.name.name;
        let mut force = false;
        for option in &drop.options {
            match &*option.name.name {
                "force" => force = true,
                other => {
                    return Err(sql_err!(SYNTAX_ERROR, "unrecognized DROP DATABASE option \"{other}\"")
                        .at(option.name.pos));
                }
            }
        }
        self.lock_cluster()?;
        let Some(database) = self.view().cluster.database_named(name).cloned() else {
            if drop.if_exists {
                self.host.skipping(format!("database \"{name}\" does not exist, skipping"));
                return Done::tag("DROP DATABASE");
            }
            bail!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist")
        };
        self.check_database_owner(&database)?;
        if database.oid == self.home.oid {
            bail!(OBJECT_IN_USE, "cannot drop the currently open database");
        }
        if database.is_template {
            bail!(WRONG_OBJECT_TYPE, "cannot drop a template database");
        }
        if force {
            for backend in self.db.activity.all().iter().filter(|b| b.database == database.oid) {
                backend.end(reason::TERMINATE);
            }
        }
        self.close_database(database.oid, &format!("database \"{name}\""), Why::Drop)?;
        self.drop_contents(TreeId(database.tree))?;
        let view = self.view().clone();
        for (of, role, _) in view.cluster.all_settings() {
            if of == database.oid {
                self.remove_object(ObjectKey { class: Class::Setting, oid: role, of, sub: 0 })?;
            }
        }
        if view.cluster.comment(CommentKey(class::DATABASE, database.oid, 0)).is_some() {
            self.remove_object(ObjectKey::comment(Class::SharedComment, class::DATABASE, database.oid, 0))?;
        }
        self.release_name(Class::Database, 0, name)?;
        self.remove_object(ObjectKey::new(Class::Database, database.oid))?;
        Done::tag("DROP DATABASE")
    }

    fn check_database_owner(&self, database: &DatabaseObject) -> Result<()> {
        match self.owns(database.owner) {
            true => Ok(()),
            false => bail!(INSUFFICIENT_PRIVILEGE, "must be owner of database {}", database.name),
        }
    }

    /// Keeps everybody out of a database until the transaction ends; the sessions in it get a moment to leave. `what` names it in the
    /// error. The own session may be in a database that is copied.
    fn close_database(&mut self, oid: Oid, what: &str, why: Why) -> Result<()> {
        let own = if why == Why::Copy { self.backend.pid } else { 0 };
        let env = self.db.env.clone();
        let end = env.monotonic_nanos() + LEAVE_TIMEOUT.as_nanos() as u64;
        let parker = Parker::new();
        loop {
            let others = self.db.activity.close(oid, own);
            if others == 0 {
                self.transaction.after_commit.push(match why {
                    Why::Drop => AfterCommit::CloseDatabase(oid),
                    Why::Copy | Why::Rename => AfterCommit::OpenDatabase(oid),
                });
                return Ok(());
            }
            if env.monotonic_nanos() >= end {
                let are = match others {
                    1 => "There is 1 other session".to_owned(),
                    n => format!("There are {n} other sessions"),
                };
                return Err(sql_err!(OBJECT_IN_USE, "{what} is being accessed by other users")
                    .detail(format!("{are} using the database.")));
            }
            nq_qsql::func::Host::check_interrupt(&self.host)?;
            env.park(&parker, Some(Duration::from_millis(20)));
            parker.reset();
        }
    }

    /// Drops all trees of a database and forgets its sequences.
    fn drop_contents(&mut self, catalog: TreeId) -> Result<()> {
        let mut trees = vec![catalog];
        for (_, object) in self.read_catalog(catalog)? {
            if let Object::Relation(relation) = &object
                && relation.sequence.is_some()
            {
                self.transaction.after_commit.push(AfterCommit::RemoveSequence(relation.relation.tree));
            }
            trees.extend(object.trees());
        }
        for tree in trees {
            self.txn().drop_tree(tree).map_err(store_error)?;
        }
        Ok(())
    }
}
