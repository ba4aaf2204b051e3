//! `pg_catalog` and `information_schema`: relations that are computed from the catalog when they are read.
//!
//! Their names, OIDs and columns are those of PostgreSQL 18 (`relations.tbl`). A relation is one of
//!
//! - a view over others (`views.sql`), expanded by the binder like any view;
//! - a function here that makes its rows, which knows the values that the scan compares columns with (see [`Keys`]);
//! - constant rows (`static.tbl`, `procs.tbl`): what PostgreSQL 18 has of functions, operator classes and the like;
//! - empty: it describes something that does not exist here.

mod activity;
mod cell;
mod cluster;
pub(crate) mod data;
pub(crate) mod descriptions;
mod objects;
mod record;
mod relations;
mod routines;
mod statistics;
mod types;
mod views;

pub(crate) use activity::address;
pub(crate) use types::storage;

use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use nq_qsql::catalog::{Column, Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::types::user::{UserKind, UserType};
use nq_qsql::types::{DataType, Datum, Oid, oid};

use super::lookup::CatalogView;
use super::{BOOTSTRAP_SUPERUSER, INFORMATION_SCHEMA, PG_CATALOG};
use crate::database::Database;
use crate::exec::Keys;

/// What rows are computed from.
pub(crate) struct SystemCx<'a> {
    pub(crate) view: &'a CatalogView,
    pub(crate) db: &'a Database,
    /// OID of the current database.
    pub(crate) database: Oid,
    /// The current user.
    pub(crate) user: Oid,
    /// What only the session knows.
    pub(crate) session: &'a SessionFacts,
}

/// A row of `pg_prepared_statements`.
pub(crate) type StatementFact = (Box<str>, Arc<str>, Vec<Oid>, Vec<Oid>, bool, i64);

/// A row of `pg_cursors`.
pub(crate) type CursorFact = (Box<str>, Arc<str>, bool, bool, bool, i64);

/// What the catalog's views show of the session itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionFacts {
    /// `pg_settings`: rows as the view has them.
    pub(crate) settings: Vec<SettingFact>,
    /// `pg_prepared_statements`: name, text, parameter types, result types, made by SQL, time.
    pub(crate) statements: Vec<StatementFact>,
    /// `pg_cursors`: name, text, holdable, binary, scrollable, time.
    pub(crate) cursors: Vec<CursorFact>,
    /// Offset of each time zone now is computed at this instant.
    pub(crate) now: i64,
}

/// A parameter with its present value.
#[derive(Clone, Debug)]
pub(crate) struct SettingFact {
    pub(crate) definition: &'static crate::settings::Definition,
    pub(crate) setting: String,
    pub(crate) source: &'static str,
    pub(crate) reset: String,
    /// The file that says it and the line, for who may see that.
    pub(crate) file: Option<(String, i32)>,
    pub(crate) pending_restart: bool,
}

/// The rows of a relation.
type RowList = Vec<Vec<Datum>>;

struct SystemRelations {
    by_oid: HashMap<Oid, Arc<Relation>>,
    /// Row types and the array types over them.
    types: HashMap<Oid, Arc<UserType>>,
    type_by_name: HashMap<Box<str>, Arc<UserType>>,
    /// Row types by relation.
    row_types: HashMap<Oid, Oid>,
    by_name: HashMap<&'static str, Arc<Relation>>,
    schema_by_name: HashMap<&'static str, Arc<Relation>>,
}

static RELATIONS: LazyLock<SystemRelations> = LazyLock::new(|| {
    let mut all = SystemRelations {
        by_oid: HashMap::new(),
        types: HashMap::new(),
        type_by_name: HashMap::new(),
        row_types: HashMap::new(),
        by_name: HashMap::new(),
        schema_by_name: HashMap::new(),
    };
    for line in include_str!("relations.tbl").lines().filter(|l| !l.starts_with('#')) {
        let (name, (row, array), relation) = parse_relation(line);
        all.by_oid.insert(relation.oid, relation.clone());
        all.row_types.insert(relation.oid, row);
        let kind = UserKind::Composite(relation.clone());
        let (namespace, schema) = (relation.namespace, relation.schema.clone());
        let ty = UserType::new(row, name, array, namespace, schema, relation.owner, kind);
        for ty in [ty.array(&format!("_{name}")), ty] {
            let ty = Arc::new(ty);
            // Statements find types of the information schema with their schema alone.
            if namespace == PG_CATALOG {
                all.type_by_name.insert((&*ty.info.name).into(), ty.clone());
            } else {
                all.type_by_name.insert(format!("{INFORMATION_SCHEMA}.{}", ty.info.name).into(), ty.clone());
            }
            all.types.insert(ty.info.oid, ty);
        }
        match relation.namespace {
            PG_CATALOG => all.by_name.insert(name, relation),
            _ => all.schema_by_name.insert(name, relation),
        };
    }
    all
});

fn parse_relation(line: &'static str) -> (&'static str, (Oid, Oid), Arc<Relation>) {
    let mut words = line.split(' ');
    let kind = words.next().unwrap_or_default();
    let oid =
        words.next().and_then(|w| w.parse().ok()).expect("relations.tbl has an OID in the second place");
    let types = words
        .next()
        .and_then(|w| w.split_once('/'))
        .and_then(|(row, array)| Some((row.parse().ok()?, array.parse().ok()?)))
        .expect("relations.tbl has two types in the third place");
    let name = words.next().expect("relations.tbl has a name in the fourth place");
    let (namespace, schema) = match kind.starts_with('c') {
        true => (PG_CATALOG, "pg_catalog"),
        false => (INFORMATION_SCHEMA, "information_schema"),
    };
    let columns: Vec<Column> = words.map(parse_column).collect();
    let view = views::definition(schema, name, &columns);
    let made = if view.is_some() { RelationKind::View } else { RelationKind::Virtual };
    let relation = Relation {
        oid,
        namespace,
        schema: schema.into(),
        name: name.into(),
        owner: BOOTSTRAP_SUPERUSER,
        view,
        options: match kind.ends_with('v') {
            true => vec!["view".into()],
            false => Vec::new(),
        },
        ..Relation::bare(made, columns)
    };
    (name, types, Arc::new(relation))
}

fn parse_column(word: &str) -> Column {
    let (word, not_null) = match word.strip_suffix('!') {
        Some(word) => (word, true),
        None => (word, false),
    };
    let (name, ty) = word.split_once(':').expect("relations.tbl has columns as name:type");
    let (ty, collation) = column_type(ty);
    Column { not_null, ..Column::new(name.into(), ty, collation) }
}

/// Types by the names that `relations.tbl` uses, with their collations. The domains of the information schema are known to clients
/// by their base types.
fn column_type(name: &str) -> (DataType, Oid) {
    let (oid, collation) = match name {
        "aclitem[]" => (1034, 0),
        "anyarray" => (oid::ANYARRAY, 0),
        "bool" => (oid::BOOL, 0),
        "bool[]" => (1000, 0),
        "bytea" => (oid::BYTEA, 0),
        "cardinal_number" => (oid::INT4, 0),
        "character_data" => (oid::VARCHAR, 950),
        "char" => (oid::CHAR, 0),
        "char[]" => (1002, 0),
        "cid" => (oid::CID, 0),
        "float4" => (oid::FLOAT4, 0),
        "float4[]" => (1021, 0),
        "float8" => (oid::FLOAT8, 0),
        "float8[]" => (1022, 0),
        "inet" => (869, 0),
        "int2" => (oid::INT2, 0),
        "int2[]" => (1005, 0),
        "int2vector" => (oid::INT2VECTOR, 0),
        "int4" => (oid::INT4, 0),
        "int4[]" => (1007, 0),
        "int8" => (oid::INT8, 0),
        "interval" => (oid::INTERVAL, 0),
        "name" | "sql_identifier" => (oid::NAME, 950),
        "name[]" => (1003, 950),
        "numeric" => (oid::NUMERIC, 0),
        "oid" => (oid::OID, 0),
        "oid[]" => (1028, 0),
        "oidvector" => (oid::OIDVECTOR, 0),
        "pg_dependencies" => (3402, 100),
        "pg_lsn" => (3220, 0),
        "pg_mcv_list" => (5017, 100),
        "pg_ndistinct" => (3361, 100),
        "pg_node_tree" => (oid::PG_NODE_TREE, 100),
        "pg_statistic[]" => (10028, 0),
        "regproc" => (oid::REGPROC, 0),
        "regtype" => (oid::REGTYPE, 0),
        "regtype[]" => (2211, 0),
        "text[]" => (1009, 100),
        "tid" => (oid::TID, 0),
        "time_stamp" | "timestamptz" => (oid::TIMESTAMPTZ, 0),
        "xid" => (oid::XID, 0),
        "yes_or_no" => return (DataType { oid: oid::VARCHAR, typmod: 7 }, 950),
        _ => (oid::TEXT, 100),
    };
    (DataType::of(oid), collation)
}

/// Finds a system relation by name.
pub(crate) fn by_name(namespace: Oid, name: &str) -> Option<&'static Arc<Relation>> {
    match namespace {
        PG_CATALOG => RELATIONS.by_name.get(name),
        INFORMATION_SCHEMA => RELATIONS.schema_by_name.get(name),
        _ => None,
    }
}

/// Finds a system relation by OID.
pub(crate) fn by_oid(oid: Oid) -> Option<&'static Arc<Relation>> {
    match oid < super::FIRST_NORMAL_OID {
        true => RELATIONS.by_oid.get(&oid),
        false => None,
    }
}

/// Finds the type of a system relation's rows, or the array type over it, by OID.
pub(crate) fn type_by_oid(oid: Oid) -> Option<&'static Arc<UserType>> {
    match oid < super::FIRST_NORMAL_OID {
        true => RELATIONS.types.get(&oid),
        false => None,
    }
}

/// Finds the type of a system relation's rows, or the array type over it, by name.
pub(crate) fn type_by_name(namespace: Oid, name: &str) -> Option<&'static Arc<UserType>> {
    match namespace {
        PG_CATALOG => RELATIONS.type_by_name.get(name),
        INFORMATION_SCHEMA => RELATIONS.type_by_name.get(&*format!("{INFORMATION_SCHEMA}.{name}")),
        _ => None,
    }
}

/// The type of a system relation's rows.
pub(crate) fn row_type_of(relation: Oid) -> Option<Oid> {
    match relation < super::FIRST_NORMAL_OID {
        true => RELATIONS.row_types.get(&relation).copied(),
        false => None,
    }
}

/// The types of all system relations' rows and the arrays over them, sorted by OID.
fn row_types() -> Vec<&'static Arc<UserType>> {
    let mut all: Vec<_> = RELATIONS.types.values().collect();
    all.sort_unstable_by_key(|ty| ty.info.oid);
    all
}

/// All system relations, sorted by OID.
fn all() -> Vec<&'static Arc<Relation>> {
    let mut all: Vec<_> = RELATIONS.by_oid.values().collect();
    all.sort_unstable_by_key(|r| r.oid);
    all
}

/// Whether clients know a system relation as a view.
pub(crate) fn is_view(relation: &Relation) -> bool {
    relation.options.iter().any(|o| &**o == "view")
}

/// Whether a relation is one of these: no name of it can be dropped or changed.
pub(crate) fn is_system(relation: &Relation) -> bool {
    by_oid(relation.oid).is_some()
}

/// Whether only superusers may read a system catalog, for the passwords in it.
pub(crate) fn is_secret(relation: &Relation) -> bool {
    const SECRET: [&str; 5] =
        ["pg_authid", "pg_shadow", "pg_statistic", "pg_statistic_ext_data", "pg_user_mapping"];
    relation.namespace == PG_CATALOG && SECRET.contains(&&*relation.name)
}

/// Computes the rows of a system relation, or a sequence's; those that contradict `keys` may be left out.
pub(crate) fn rows(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> Result<RowList> {
    if of.kind == RelationKind::Sequence {
        let state = cx.db.sequences.state(of.tree)?;
        return Ok(vec![vec![Datum::Int8(state.last), Datum::Int8(state.logged), Datum::Bool(state.called)]]);
    }
    let rows = match of.namespace {
        PG_CATALOG => pg_catalog(cx, of, keys)?,
        _ => views::information_schema(of)?,
    };
    debug_assert!(
        rows.iter().all(|r| r.len() == of.columns.len()),
        "rows of {} have a wrong number of columns",
        of.name
    );
    Ok(rows)
}

/// The rows of `pg_settings`.
pub(crate) fn settings_rows(settings: &[SettingFact]) -> RowList {
    by_name(PG_CATALOG, "pg_settings").map_or_else(RowList::new, |of| cluster::pg_settings(settings, of))
}

fn pg_catalog(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> Result<RowList> {
    Ok(match &*of.name {
        "pg_class" => relations::pg_class(cx, of, keys),
        "pg_attribute" => relations::pg_attribute(cx, of, keys),
        "pg_attrdef" => relations::pg_attrdef(cx, of, keys),
        "pg_index" => relations::pg_index(cx, of, keys),
        "pg_constraint" => relations::pg_constraint(cx, of, keys),
        "pg_policy" => relations::pg_policy(cx, of, keys),
        "pg_sequence" => objects::pg_sequence(cx, of),
        "pg_depend" => objects::pg_depend(cx, of),
        "pg_rewrite" => objects::pg_rewrite(cx, of),
        "pg_namespace" => objects::pg_namespace(cx, of),
        "pg_default_acl" => objects::pg_default_acl(cx, of),
        "pg_description" => objects::pg_description(cx, of, keys),
        "pg_shdescription" => objects::pg_shdescription(cx, of),
        "pg_database" => cluster::pg_database(cx, of),
        "pg_authid" => cluster::pg_authid(cx, of),
        "pg_auth_members" => cluster::pg_auth_members(cx, of),
        "pg_db_role_setting" => cluster::pg_db_role_setting(cx, of),
        "pg_settings" => cluster::pg_settings(&cx.session.settings, of),
        "pg_tablespace" => cluster::pg_tablespace(of),
        "pg_type" => types::pg_type(cx, of, keys),
        "pg_enum" => types::pg_enum(cx, of, keys),
        "pg_collation" => types::pg_collation(of),
        "pg_am" => types::pg_am(of),
        "pg_cast" => types::pg_cast(cx, of),
        "pg_proc" => routines::pg_proc(cx, of, keys),
        "pg_aggregate" => routines::pg_aggregate(cx, of)?,
        "pg_operator" => routines::pg_operator(cx, of, keys),
        "pg_statistic" => statistics::pg_statistic(cx, of),
        "pg_stats" => statistics::pg_stats(cx, of)?,
        "pg_stat_activity" => activity::pg_stat_activity(cx, of),
        "pg_stat_ssl" => activity::pg_stat_ssl(cx, of),
        "pg_stat_database" => activity::pg_stat_database(cx, of),
        "pg_locks" => activity::pg_locks(cx, of),
        "pg_prepared_statements" => activity::pg_prepared_statements(cx, of),
        "pg_cursors" => activity::pg_cursors(cx, of),
        "pg_timezone_names" => activity::pg_timezone_names(cx, of),
        "pg_timezone_abbrevs" => activity::pg_timezone_abbrevs(cx, of),
        "pg_stat_bgwriter" | "pg_stat_checkpointer" | "pg_stat_wal" | "pg_stat_archiver" => {
            activity::one_row_of_counters(of)
        }
        "pg_range" => types::pg_range(cx, of)?,
        "pg_opclass" | "pg_opfamily" | "pg_amop" | "pg_amproc" | "pg_language" => data::static_rows(of)?,
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_postgresqls() {
        assert!(RELATIONS.by_oid.len() > 200);
        let class = by_name(PG_CATALOG, "pg_class").unwrap();
        assert_eq!((class.oid, class.columns.len(), is_view(class)), (1259, 34, false));
        let columns = by_name(INFORMATION_SCHEMA, "columns").unwrap();
        assert_eq!(columns.columns[6].ty.typmod, 7);
        assert!(by_oid(1259).is_some() && by_oid(70000).is_none());
    }
}
