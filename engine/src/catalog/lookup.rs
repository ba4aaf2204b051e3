//! Name lookup: the catalog as statements of one session see it, through its search path.
//!
//! A view remembers which names it was asked for while a statement was planned: the plan may be used again, by any session with
//! the same settings, for as long as those questions have the same answers (see `session::plan_cache`).

use std::cell::RefCell;
use std::sync::Arc;

use nq_qsql::catalog::{Catalog, Relation, RelationKind, RelationStats, UserType};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::{Oid, oid};
use nq_qsql::{bail, sql_err};
use nq_storage::Store;

use super::acl::{self, AclKind};
use super::state::{CatalogState, ClusterState, CommentKey};
use super::{PG_CATALOG, quote_identifier, system};
use crate::settings::Settings;

/// The catalog under one version and one search path.
pub(crate) struct CatalogView {
    pub(crate) catalog: Arc<CatalogState>,
    pub(crate) cluster: Arc<ClusterState>,
    pub(crate) database: Arc<str>,
    /// Searched schemas in order; `pg_catalog` and the temporary schema included.
    pub(crate) path: Arc<[Oid]>,
    /// The session's temporary schema; 0 for none.
    pub(crate) temp_namespace: Oid,
    pub(crate) planner: Arc<PlannerSettings>,
    /// `Derived::plan_key` that the view was made under.
    pub(crate) plan_key: u64,
    /// The user whose `$user` and privileges the path is made of.
    pub(crate) user: Oid,
    pub(crate) store: Store,
}

/// What the planner reads of the settings, taken out of them once per change.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlannerSettings {
    disabled: Vec<&'static str>,
    numbers: Vec<(&'static str, i64)>,
}

impl PlannerSettings {
    /// Takes them out of a session's settings.
    pub(crate) fn of(settings: &Settings) -> PlannerSettings {
        use crate::settings::Value;
        let mut planner = PlannerSettings::default();
        for definition in crate::settings::definition::all() {
            let tuning = definition.category.starts_with("Query Tuning");
            if !tuning && !["work_mem", "hash_mem_multiplier", "shared_buffers"].contains(&definition.name) {
                continue;
            }
            match settings.value(definition) {
                Value::Bool(false) => planner.disabled.push(definition.name),
                Value::Int(v) => planner.numbers.push((definition.name, v)),
                Value::Real(v) => planner.numbers.push((definition.name, v as i64)),
                _ => {}
            }
        }
        planner
    }

    /// Whether an `enable_*` parameter is off.
    pub(crate) fn is_disabled(&self, name: &str) -> bool {
        self.disabled.contains(&name)
    }
}

/// A question that was asked while planning, with its answer.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    Relation { schema: Option<Box<str>>, name: Box<str>, answer: Option<Arc<Relation>> },
    Stats { relation: Oid, answer: Option<Arc<RelationStats>> },
}

impl CatalogView {
    /// The schema that unqualified new objects go into.
    pub(crate) fn creation_namespace(&self) -> Option<Oid> {
        self.path.iter().copied().find(|n| *n != self.temp_namespace && *n != PG_CATALOG)
    }

    /// Finds the OID of a relation of any kind.
    pub(crate) fn relation_oid(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let within = |namespace: Oid| match system::by_name(namespace, name) {
            Some(relation) => Some(relation.oid),
            None => self.catalog.relation_oid(namespace, name),
        };
        match schema {
            Some(schema) => within(self.namespace(schema)?),
            None => self.path.iter().find_map(|n| within(*n)),
        }
    }

    /// Whether a relation is found by its bare name.
    pub(crate) fn is_visible(&self, relation: &Relation) -> bool {
        self.relation_oid(None, &relation.name) == Some(relation.oid)
    }

    /// The relation's name, with its schema where the bare name would not find it; quoted where needed.
    pub(crate) fn display_name(&self, relation: &Relation) -> String {
        match self.is_visible(relation) {
            true => quote_identifier(&relation.name),
            false => format!("{}.{}", quote_identifier(&relation.schema), quote_identifier(&relation.name)),
        }
    }

    /// The comment on an object.
    pub(crate) fn comment(&self, class: Oid, object: Oid, sub: i32) -> Option<&Arc<str>> {
        let key = CommentKey(class, object, sub);
        self.catalog.comment(key).or_else(|| self.cluster.comment(key))
    }
}

impl Catalog for CatalogView {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Arc<Relation>> {
        self.relation_by_oid(self.relation_oid(schema, name)?)
    }

    fn relation_by_oid(&self, oid: Oid) -> Option<Arc<Relation>> {
        system::by_oid(oid).cloned().or_else(|| self.catalog.relation(oid))
    }

    fn namespace(&self, name: &str) -> Option<Oid> {
        match name {
            "pg_temp" if self.temp_namespace != 0 => Some(self.temp_namespace),
            _ => self.catalog.namespace_oid(name),
        }
    }

    fn may_use_namespace(&self, name: &str) -> bool {
        let Some(namespace) = self.namespace(name).and_then(|oid| self.catalog.namespace(oid)) else {
            return true;
        };
        let list = namespace.acl.as_deref();
        let home = self.cluster.database_named(&self.database).map_or(0, |d| d.oid);
        let held = self.cluster.privileges(home, list, AclKind::Schema, namespace.owner, self.user);
        namespace.oid == self.temp_namespace || held & acl::USAGE != 0
    }

    fn namespace_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.catalog.namespace(oid).map(|n| n.name.clone())
    }

    fn search_path(&self) -> Vec<Oid> {
        self.path.to_vec()
    }

    fn user_type(&self, _schema: Option<&str>, _name: &str) -> Option<Arc<UserType>> {
        None
    }

    fn role(&self, name: &str) -> Option<Oid> {
        self.cluster.role_named(name).map(|r| r.oid)
    }

    fn role_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.cluster.role(oid).map(|r| r.name.clone())
    }

    fn database(&self) -> Arc<str> {
        self.database.clone()
    }

    /// The row and page counts are always those of the tree; the columns' are what ANALYZE found.
    fn stats(&self, relation: Oid) -> Option<Arc<RelationStats>> {
        let object = self.catalog.object(relation)?;
        if !matches!(object.relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
            return None;
        }
        let tree = self.store.recent_tree_stats(nq_storage::TreeId(object.relation.tree)).ok()?;
        let columns = self.catalog.stats(relation).map(|s| s.columns.clone()).unwrap_or_default();
        Some(Arc::new(RelationStats {
            rows: tree.records as f64,
            pages: (tree.pages as f64).max(1.0),
            columns,
        }))
    }

    fn enabled(&self, setting: &str) -> bool {
        !self.planner.disabled.contains(&setting)
    }

    fn setting_i64(&self, setting: &str) -> Option<i64> {
        self.planner.numbers.iter().find(|(n, _)| *n == setting).map(|(_, v)| *v)
    }
}

/// Splits a possibly qualified name; quoted parts keep their case, others are folded.
///
/// # Errors
/// 42602 `invalid name syntax`.
pub(crate) fn split_name(text: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut chars = quoted.char_indices().peekable();
            let end = loop {
                match chars.next() {
                    Some((_, '"')) if chars.peek().is_some_and(|(_, c)| *c == '"') => {
                        chars.next();
                        name.push('"');
                    }
                    Some((i, '"')) => break i,
                    Some((_, c)) => name.push(c),
                    None => bail!(INVALID_NAME, "invalid name syntax"),
                }
            };
            parts.push(name);
            rest = &quoted[end + 1..];
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let name = rest[..end].trim();
            if name.is_empty() {
                bail!(INVALID_NAME, "invalid name syntax");
            }
            parts.push(name.to_lowercase());
            rest = &rest[end..];
        }
        match rest.trim_start().strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None if rest.trim().is_empty() => return Ok(parts),
            None => bail!(INVALID_NAME, "invalid name syntax"),
        }
    }
}

impl CatalogView {
    fn resolve_class(&self, text: &str) -> Result<Oid> {
        let parts = split_name(text)?;
        let (schema, name) = match parts.as_slice() {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            [database, schema, name] if **database == *self.database => (Some(schema.as_str()), name),
            [_, _, _] => bail!(
                FEATURE_NOT_SUPPORTED,
                "cross-database references are not implemented: \"{}\"",
                parts.join(".")
            ),
            _ => bail!(SYNTAX_ERROR, "improper relation name (too many dotted names): {}", parts.join(".")),
        };
        if let Some(schema) = schema
            && !self.may_use_namespace(schema)
        {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {schema}");
        }
        match (self.relation_oid(schema, name), schema) {
            (Some(oid), _) => Ok(oid),
            (None, Some(s)) => bail!(UNDEFINED_TABLE, "relation \"{s}.{name}\" does not exist"),
            (None, None) => bail!(UNDEFINED_TABLE, "relation \"{name}\" does not exist"),
        }
    }

    fn resolve_proc(&self, text: &str) -> Result<Oid> {
        let parts = split_name(text)?;
        let name = parts.last().map_or("", String::as_str);
        let mut oids: Vec<Oid> = nq_qsql::func::functions(name).iter().map(|f| f.oid).collect();
        oids.extend(system::data::procs_named(name).iter().map(|p| p.oid));
        oids.sort_unstable();
        oids.dedup();
        match oids.as_slice() {
            [one] => Ok(*one),
            [] => bail!(UNDEFINED_FUNCTION, "function \"{text}\" does not exist"),
            _ => bail!(AMBIGUOUS_FUNCTION, "more than one function named \"{text}\""),
        }
    }

    fn resolve_procedure(&self, text: &str) -> Result<Oid> {
        let missing = || sql_err!(UNDEFINED_FUNCTION, "function \"{text}\" does not exist");
        let (name, args) = text
            .trim()
            .strip_suffix(')')
            .and_then(|t| t.split_once('('))
            .ok_or_else(|| sql_err!(INVALID_TEXT_REPRESENTATION, "expected a left parenthesis"))?;
        let name = split_name(name)?.pop().unwrap_or_default();
        let args: Vec<Oid> = match args.trim().is_empty() {
            true => Vec::new(),
            false => args.split(',').map(|a| self.resolve_type(a)).collect::<Result<_>>()?,
        };
        let callable = nq_qsql::func::functions(&name).iter().find(|f| *f.args == *args).map(|f| f.oid);
        let support = || {
            system::data::procs_named(&name).iter().find(|p| p.args().eq(args.iter().copied())).map(|p| p.oid)
        };
        callable.or_else(support).ok_or_else(missing)
    }

    fn resolve_type(&self, text: &str) -> Result<Oid> {
        nq_qsql::bind::bind_type_text(text, self).map(|ty| ty.oid)
    }
}

impl RegResolver for CatalogView {
    fn resolve_reg(&self, kind: Oid, name: &str) -> Result<Oid> {
        let bare = || split_name(name).map(|mut parts| parts.pop().unwrap_or_default());
        match kind {
            oid::REGCLASS => self.resolve_class(name),
            oid::REGTYPE => self.resolve_type(name),
            oid::REGPROC => self.resolve_proc(name),
            oid::REGPROCEDURE => self.resolve_procedure(name),
            oid::REGNAMESPACE => {
                let name = bare()?;
                self.namespace(&name)
                    .ok_or_else(|| sql_err!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist"))
            }
            oid::REGROLE => {
                let name = bare()?;
                self.role(&name).ok_or_else(|| sql_err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))
            }
            oid::REGOPER | oid::REGOPERATOR => {
                let symbol = name.split('(').next().unwrap_or(name).trim();
                let symbol = symbol.rsplit('.').next().unwrap_or(symbol);
                match nq_qsql::func::operators(symbol) {
                    [one] => Ok(one.oid),
                    [] => Err(sql_err!(UNDEFINED_FUNCTION, "operator does not exist: {name}")),
                    _ => Err(sql_err!(AMBIGUOUS_FUNCTION, "more than one operator named {name}")),
                }
            }
            oid::REGCOLLATION => match bare()?.as_str() {
                "default" => Ok(100),
                "C" => Ok(950),
                "POSIX" => Ok(951),
                other => Err(sql_err!(
                    UNDEFINED_OBJECT,
                    "collation \"{other}\" for encoding \"UTF8\" does not exist"
                )),
            },
            _ => Err(SqlError::unsupported(format_args!("input of object names for type {kind}"))),
        }
    }

    fn reg_name(&self, kind: Oid, object: Oid) -> Option<String> {
        match kind {
            oid::REGCLASS => self.relation_by_oid(object).map(|r| self.display_name(&r)),
            oid::REGTYPE => match nq_qsql::types::info::by_oid(object) {
                Some(_) => Some(nq_qsql::types::info::format_type(object, None)),
                None => self.catalog.row_type(object).map(|r| self.display_name(&r.relation)),
            },
            oid::REGPROC => function_name(object).map(|name| match system::data::is_overloaded(name) {
                true => format!("pg_catalog.{}", quote_identifier(name)),
                false => quote_identifier(name),
            }),
            oid::REGPROCEDURE => function_name(object).map(|name| {
                let args: Vec<Oid> = match nq_qsql::func::function_by_oid(object) {
                    Some(f) => f.args.to_vec(),
                    None => system::data::proc(object).map_or(Vec::new(), |p| p.args().collect()),
                };
                let args: Vec<String> =
                    args.iter().map(|a| nq_qsql::types::info::format_type(*a, None)).collect();
                format!("{}({})", quote_identifier(name), args.join(","))
            }),
            oid::REGNAMESPACE => self.namespace_name(object).map(|n| quote_identifier(&n)),
            oid::REGROLE => self.role_name(object).map(|n| quote_identifier(&n)),
            oid::REGOPER => nq_qsql::func::operator_by_oid(object).map(|o| {
                let alone = nq_qsql::func::operators(o.name).len() == 1;
                if alone { o.name.to_owned() } else { format!("pg_catalog.{}", o.name) }
            }),
            oid::REGOPERATOR => nq_qsql::func::operator_by_oid(object).map(|o| {
                let side = |t: Oid| {
                    if t == 0 { "NONE".to_owned() } else { nq_qsql::types::info::format_type(t, None) }
                };
                format!("{}({},{})", o.name, side(o.left), side(o.right))
            }),
            oid::REGCOLLATION => match object {
                100 => Some("\"default\"".to_owned()),
                950 => Some("\"C\"".to_owned()),
                951 => Some("\"POSIX\"".to_owned()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The name of a built-in function, of one that cannot be called, too.
fn function_name(oid: Oid) -> Option<&'static str> {
    match nq_qsql::func::function_by_oid(oid) {
        Some(f) => Some(f.name),
        None => system::data::proc(oid).map(|p| p.name()),
    }
}

/// A view that notes what it is asked.
pub(crate) struct RecordingView<'a> {
    view: &'a CatalogView,
    lookups: RefCell<Vec<Lookup>>,
}

impl<'a> RecordingView<'a> {
    /// Starts with no notes.
    pub(crate) fn new(view: &'a CatalogView) -> Self {
        RecordingView { view, lookups: RefCell::default() }
    }

    /// The notes.
    pub(crate) fn into_lookups(self) -> Vec<Lookup> {
        self.lookups.into_inner()
    }

    /// Whether all questions still have the answers they had.
    pub(crate) fn still_valid(view: &CatalogView, lookups: &[Lookup]) -> bool {
        let same = |a: &Option<Arc<Relation>>, b: &Option<Arc<Relation>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        lookups.iter().all(|lookup| match lookup {
            Lookup::Relation { schema, name, answer } => {
                same(&view.relation(schema.as_deref(), name), answer)
            }
            Lookup::Stats { relation, answer } => match (view.catalog.stats(*relation), answer) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            },
        })
    }
}

impl Catalog for RecordingView<'_> {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Arc<Relation>> {
        let answer = self.view.relation(schema, name);
        self.lookups.borrow_mut().push(Lookup::Relation {
            schema: schema.map(Into::into),
            name: name.into(),
            answer: answer.clone(),
        });
        answer
    }

    fn relation_by_oid(&self, oid: Oid) -> Option<Arc<Relation>> {
        self.view.relation_by_oid(oid)
    }

    fn namespace(&self, name: &str) -> Option<Oid> {
        self.view.namespace(name)
    }

    fn may_use_namespace(&self, name: &str) -> bool {
        self.view.may_use_namespace(name)
    }

    fn namespace_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.view.namespace_name(oid)
    }

    fn search_path(&self) -> Vec<Oid> {
        self.view.search_path()
    }

    fn user_type(&self, schema: Option<&str>, name: &str) -> Option<Arc<UserType>> {
        self.view.user_type(schema, name)
    }

    fn role(&self, name: &str) -> Option<Oid> {
        self.view.role(name)
    }

    fn role_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.view.role_name(oid)
    }

    fn database(&self) -> Arc<str> {
        self.view.database()
    }

    fn stats(&self, relation: Oid) -> Option<Arc<RelationStats>> {
        self.lookups
            .borrow_mut()
            .push(Lookup::Stats { relation, answer: self.view.catalog.stats(relation).cloned() });
        self.view.stats(relation)
    }

    fn enabled(&self, setting: &str) -> bool {
        self.view.enabled(setting)
    }

    fn setting_i64(&self, setting: &str) -> Option<i64> {
        self.view.setting_i64(setting)
    }
}
