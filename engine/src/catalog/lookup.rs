//! Name lookup: the catalog as statements of one session see it, through its search path.
//!
//! A view remembers which names it was asked for while a statement was planned: the plan may be used again, by any session with
//! the same settings, for as long as those questions have the same answers (see `session::plan_cache`).

use std::cell::RefCell;
use std::sync::Arc;

use nq_qsql::catalog::{Catalog, Relation, RelationKind, RelationStats, Routine, UserOperator, UserType};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::{Oid, oid};
use nq_qsql::{bail, sql_err};
use nq_storage::Store;

use super::acl::{self, AclKind};
use super::operations::Operations;
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
    /// Labels that the running transaction has added to enums that were there before.
    pub(crate) new_labels: Arc<[Oid]>,
    /// Conditions of domains, bound.
    pub(crate) conditions: super::domain::Conditions,
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
            if !tuning
                && !["work_mem", "hash_mem_multiplier", "shared_buffers", "row_security"]
                    .contains(&definition.name)
            {
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
    Relation {
        schema: Option<Box<str>>,
        name: Box<str>,
        answer: Option<Arc<Relation>>,
    },
    RelationByOid {
        oid: Oid,
        answer: Option<Arc<Relation>>,
    },
    Stats {
        relation: Oid,
        answer: Option<Arc<RelationStats>>,
    },
    Routines {
        schema: Option<Box<str>>,
        name: Box<str>,
        answer: Vec<(usize, Arc<Routine>)>,
    },
    RowType {
        ty: Oid,
        answer: Option<Arc<Relation>>,
    },
    RowSecurity {
        relation: Arc<Relation>,
        check_as: Option<Oid>,
        answer: Option<Vec<usize>>,
    },
    Type {
        schema: Option<Box<str>>,
        name: Box<str>,
        answer: Option<Arc<UserType>>,
    },
    TypeOid {
        oid: Oid,
        answer: Option<Arc<UserType>>,
    },
    /// All operators and casts of users.
    Operations {
        answer: Arc<Operations>,
    },
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

    fn row_security(&self, relation: &Relation, check_as: Option<Oid>) -> Result<Option<Vec<usize>>> {
        if !relation.security.enabled {
            return Ok(None);
        }
        let (user, cluster) = (check_as.unwrap_or(self.user), &self.cluster);
        let bypasses = cluster.is_superuser(user) || cluster.role(user).is_some_and(|r| r.bypass_rls);
        let home = cluster.database_named(&self.database).map_or(0, |d| d.oid);
        let acts_as = |role: Oid| cluster.has_privileges_in(home, user, role);
        let owns = acts_as(relation.owner);
        if bypasses || (owns && !relation.security.forced) {
            return Ok(None);
        }
        if self.planner.is_disabled("row_security") {
            let refused = sql_err!(
                INSUFFICIENT_PRIVILEGE,
                "query would be affected by row-level security policy for table \"{}\"",
                relation.name
            );
            return Err(match owns {
                true => refused.hint(
                    "To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.",
                ),
                false => refused,
            });
        }
        let policies = relation.security.policies.iter().enumerate();
        let applies = |roles: &[Oid]| roles.iter().any(|&role| role == 0 || acts_as(role));
        Ok(Some(policies.filter(|(_, policy)| applies(&policy.roles)).map(|(i, _)| i).collect()))
    }

    fn namespace_name(&self, oid: Oid) -> Option<Arc<str>> {
        self.catalog.namespace(oid).map(|n| n.name.clone())
    }

    fn search_path(&self) -> Vec<Oid> {
        self.path.to_vec()
    }

    fn user_type(&self, schema: Option<&str>, name: &str) -> Option<Arc<UserType>> {
        let oid = match schema {
            Some(schema) => self.catalog.type_oid(self.namespace(schema)?, name),
            None => self.path.iter().find_map(|n| self.catalog.type_oid(*n, name)),
        };
        self.catalog.user_type(oid?).cloned()
    }

    fn user_type_by_oid(&self, oid: Oid) -> Option<Arc<UserType>> {
        self.catalog.user_type(oid).cloned()
    }

    fn routines(&self, schema: Option<&str>, name: &str) -> Vec<(usize, Arc<Routine>)> {
        let mut named = self.catalog.routines_named(name).peekable();
        if named.peek().is_none() {
            return Vec::new();
        }
        let wanted = schema.map(|schema| self.namespace(schema));
        let place = |namespace: Oid| match wanted {
            Some(schema) => (schema == Some(namespace)).then_some(0),
            None if namespace == self.temp_namespace => None,
            None => self.path.iter().position(|n| *n == namespace),
        };
        named.filter_map(|r| Some((place(r.routine.namespace)?, r.routine.clone()))).collect()
    }

    fn operators(&self, schema: Option<&str>, name: &str) -> Vec<(usize, Arc<UserOperator>)> {
        let mut named = self.catalog.operations().operators_named(name).peekable();
        if named.peek().is_none() {
            return Vec::new();
        }
        let wanted = schema.map(|schema| self.namespace(schema));
        let place = |namespace: Oid| match wanted {
            Some(schema) => (schema == Some(namespace)).then_some(0),
            None => self.path.iter().position(|n| *n == namespace),
        };
        named.filter_map(|o| Some((place(o.namespace)?, o.clone()))).collect()
    }

    fn routine_by_oid(&self, oid: Oid) -> Option<Arc<Routine>> {
        self.catalog.routine(oid).map(|r| r.routine.clone())
    }

    fn row_type(&self, ty: Oid) -> Option<Arc<Relation>> {
        if ty < super::FIRST_NORMAL_OID {
            return system::type_by_oid(ty)?.relation().cloned();
        }
        self.catalog.row_type(ty).map(|r| r.relation.clone())
    }

    fn row_type_of(&self, relation: Oid) -> Option<Oid> {
        match relation < super::FIRST_NORMAL_OID {
            true => system::row_type_of(relation),
            false => self.catalog.object(relation).and_then(|r| r.row_type.as_ref()).map(|row| row.oid),
        }
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
        let schema = parts.len().checked_sub(2).map(|i| parts[i].as_str());
        let mut oids: Vec<Oid> = self.routines(schema, name).iter().map(|(_, r)| r.oid).collect();
        if schema.is_none_or(|schema| schema == "pg_catalog") {
            oids.extend(nq_qsql::func::functions(name).iter().map(|f| f.oid));
            oids.extend(system::data::procs_named(name).iter().map(|p| p.oid));
        }
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
        let mut parts = split_name(name)?;
        let name = parts.pop().unwrap_or_default();
        let schema = parts.pop();
        let args: Vec<Oid> = match args.trim().is_empty() {
            true => Vec::new(),
            false => args.split(',').map(|a| self.resolve_type(a)).collect::<Result<_>>()?,
        };
        let callable = nq_qsql::func::functions(&name).iter().find(|f| *f.args == *args).map(|f| f.oid);
        let support = || {
            system::data::procs_named(&name).iter().find(|p| p.args().eq(args.iter().copied())).map(|p| p.oid)
        };
        let mut users = self.routines(schema.as_deref(), &name);
        users.retain(|(_, r)| r.input_types() == args);
        users.sort_by_key(|(place, _)| *place);
        let builtins = self.path.iter().position(|n| *n == PG_CATALOG).unwrap_or(0);
        let own = users.first().filter(|(place, _)| schema.is_some() || *place < builtins);
        if let Some((_, routine)) = own {
            return Ok(routine.oid);
        }
        let built_in = match schema.as_deref() {
            None | Some("pg_catalog") => callable.or_else(support),
            Some(_) => None,
        };
        built_in.or_else(|| users.first().map(|(_, r)| r.oid)).ok_or_else(missing)
    }

    pub(super) fn resolve_type(&self, text: &str) -> Result<Oid> {
        match nq_qsql::bind::bind_type_text(text, self) {
            Ok(ty) => Ok(ty.oid),
            Err(error) => Err(error),
        }
    }
}

impl RegResolver for CatalogView {
    fn resolve_reg(&self, kind: Oid, name: &str) -> Result<Oid> {
        let bare = || split_name(name).map(|mut parts| parts.pop().unwrap_or_default());
        // Of a name that no schema can stand before.
        let only = || match split_name(name)?.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(sql_err!(INVALID_NAME, "invalid name syntax")),
        };
        match kind {
            oid::REGCLASS => self.resolve_class(name),
            oid::REGTYPE => self.resolve_type(name),
            oid::REGPROC => self.resolve_proc(name),
            oid::REGPROCEDURE => self.resolve_procedure(name),
            oid::REGNAMESPACE => {
                let name = only()?;
                self.namespace(&name)
                    .ok_or_else(|| sql_err!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist"))
            }
            oid::REGROLE => {
                let name = only()?;
                self.role(&name).ok_or_else(|| sql_err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))
            }
            oid::REGOPER => self.resolve_operator_symbol(name),
            oid::REGOPERATOR => self.resolve_operator(name),
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

    fn operator_name(&self, oid: Oid) -> Option<String> {
        let operator = self.catalog.operations().operator(oid)?;
        let found = self.find_exact_operator(None, &operator.name, operator.left, operator.right);
        Some(match found == Some(oid) {
            true => operator.name.to_string(),
            false => format!("OPERATOR({}.{})", quote_identifier(&operator.schema), operator.name),
        })
    }

    fn routine_name(&self, oid: Oid) -> Option<String> {
        let routine = &self.catalog.routine(oid)?.routine;
        let name = quote_identifier(&routine.name);
        Some(match self.is_routine_visible(routine) {
            true => name,
            false => format!("{}.{name}", quote_identifier(&routine.schema)),
        })
    }

    fn reg_name(&self, kind: Oid, object: Oid) -> Option<String> {
        match kind {
            oid::REGCLASS => self.relation_by_oid(object).map(|r| self.display_name(&r)),
            oid::REGTYPE => {
                nq_qsql::types::info::by_oid(object).map(|_| nq_qsql::types::info::format_type(object, None))
            }
            oid::REGPROC if let Some(r) = self.catalog.routine(object) => {
                let name = quote_identifier(&r.routine.name);
                let all = self.routines(None, &r.routine.name);
                let alone = matches!(all.as_slice(), [(_, only)] if only.oid == object)
                    && nq_qsql::func::functions(&r.routine.name).is_empty();
                Some(if alone { name } else { format!("{}.{name}", quote_identifier(&r.routine.schema)) })
            }
            oid::REGPROCEDURE if let Some(r) = self.catalog.routine(object) => {
                let args: Vec<String> =
                    r.routine.input_types().iter().map(|ty| self.type_name(*ty)).collect();
                let name = self.routine_name(object).unwrap_or_default();
                Some(format!("{name}({})", args.join(",")))
            }
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
            oid::REGOPER | oid::REGOPERATOR if let Some(o) = self.catalog.operations().operator(object) => {
                let all: Vec<_> = self.operators(None, &o.name);
                let schema = quote_identifier(&o.schema);
                let side = |t: Oid| if t == 0 { "NONE".to_owned() } else { self.type_name(t) };
                Some(match kind {
                    oid::REGOPER if all.len() == 1 && nq_qsql::func::operators(&o.name).is_empty() => {
                        o.name.to_string()
                    }
                    oid::REGOPER => format!("{schema}.{}", o.name),
                    _ => {
                        let seen = self.find_exact_operator(None, &o.name, o.left, o.right) == Some(object);
                        let name = if seen { o.name.to_string() } else { format!("{schema}.{}", o.name) };
                        format!("{name}({},{})", side(o.left), side(o.right))
                    }
                })
            }
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

impl CatalogView {
    /// A type's name; that of a relation's rows, too.
    pub(crate) fn type_name(&self, ty: Oid) -> String {
        nq_qsql::types::info::format_type(ty, None)
    }

    /// Whether a bare call with arguments of its parameters' types calls a routine.
    pub(crate) fn is_routine_visible(&self, routine: &Routine) -> bool {
        let inputs = routine.input_types();
        let builtins = self.path.iter().position(|n| *n == PG_CATALOG).unwrap_or(0);
        let mut same = self.routines(None, &routine.name);
        same.retain(|(_, r)| r.input_types() == inputs);
        same.sort_by_key(|(place, _)| *place);
        let hidden = nq_qsql::func::functions(&routine.name).iter().any(|f| *f.args == *inputs);
        same.first().is_some_and(|(place, first)| first.oid == routine.oid && (!hidden || *place < builtins))
    }
}

/// The name of a built-in function, of one that cannot be called, too.
fn function_name(oid: Oid) -> Option<&'static str> {
    match nq_qsql::func::function_by_oid(oid) {
        Some(f) => Some(f.name),
        None => system::data::proc(oid).map(|p| p.name()),
    }
}

fn same_type(a: Option<&Arc<UserType>>, b: Option<&Arc<UserType>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
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
        let operations = Lookup::Operations { answer: view.catalog.operations().clone() };
        RecordingView { view, lookups: RefCell::new(vec![operations]) }
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
            Lookup::Routines { schema, name, answer } => {
                let now = view.routines(schema.as_deref(), name);
                now.len() == answer.len()
                    && now.iter().zip(answer).all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1))
            }
            Lookup::RelationByOid { oid, answer } => same(&view.relation_by_oid(*oid), answer),
            Lookup::RowType { ty, answer } => same(&view.row_type(*ty), answer),
            Lookup::RowSecurity { relation, check_as, answer } => {
                view.row_security(relation, *check_as).is_ok_and(|now| now == *answer)
            }
            Lookup::Type { schema, name, answer } => {
                same_type(view.user_type(schema.as_deref(), name).as_ref(), answer.as_ref())
            }
            Lookup::TypeOid { oid, answer } => {
                same_type(view.user_type_by_oid(*oid).as_ref(), answer.as_ref())
            }
            Lookup::Operations { answer } => Arc::ptr_eq(view.catalog.operations(), answer),
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
        let answer = self.view.relation_by_oid(oid);
        if oid >= super::FIRST_NORMAL_OID {
            self.lookups.borrow_mut().push(Lookup::RelationByOid { oid, answer: answer.clone() });
        }
        answer
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
        let answer = self.view.user_type(schema, name);
        self.lookups.borrow_mut().push(Lookup::Type {
            schema: schema.map(Into::into),
            name: name.into(),
            answer: answer.clone(),
        });
        answer
    }

    fn user_type_by_oid(&self, oid: Oid) -> Option<Arc<UserType>> {
        let answer = self.view.user_type_by_oid(oid);
        self.lookups.borrow_mut().push(Lookup::TypeOid { oid, answer: answer.clone() });
        answer
    }

    fn routines(&self, schema: Option<&str>, name: &str) -> Vec<(usize, Arc<Routine>)> {
        let answer = self.view.routines(schema, name);
        self.lookups.borrow_mut().push(Lookup::Routines {
            schema: schema.map(Into::into),
            name: name.into(),
            answer: answer.clone(),
        });
        answer
    }

    fn operators(&self, schema: Option<&str>, name: &str) -> Vec<(usize, Arc<UserOperator>)> {
        self.view.operators(schema, name)
    }

    fn routine_by_oid(&self, oid: Oid) -> Option<Arc<Routine>> {
        self.view.routine_by_oid(oid)
    }

    fn row_type(&self, ty: Oid) -> Option<Arc<Relation>> {
        let answer = self.view.row_type(ty);
        if ty >= super::FIRST_NORMAL_OID {
            self.lookups.borrow_mut().push(Lookup::RowType { ty, answer: answer.clone() });
        }
        answer
    }

    fn row_type_of(&self, relation: Oid) -> Option<Oid> {
        self.view.row_type_of(relation)
    }

    fn row_security(&self, relation: &Relation, check_as: Option<Oid>) -> Result<Option<Vec<usize>>> {
        let answer = self.view.row_security(relation, check_as)?;
        if relation.security.enabled
            && let Some(relation) = self.view.relation_by_oid(relation.oid)
        {
            let answer = answer.clone();
            self.lookups.borrow_mut().push(Lookup::RowSecurity { relation, check_as, answer });
        }
        Ok(answer)
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
