//! Comments, and what objects are called.

use nq_qsql::catalog::{Catalog, Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::func::access::AccessMethod;
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::{Datum, Oid, info, oid};
use nq_qsql::{bail, func, sql_err};

use super::visibility::array;
use super::{Answer, Call, Rows, text_or_null};
use crate::catalog::{class, quote_identifier, system};

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    let comment = |catalog: Oid, object: Oid, sub: i32| {
        let built_in = || system::descriptions::built_in(catalog, object).filter(|_| sub == 0);
        match c.view.comment(catalog, object, sub) {
            Some(text) => Datum::Text(text.clone()),
            None => built_in().map_or(Datum::Null, Datum::text),
        }
    };
    Ok(Some(match c.name {
        "obj_description" => match c.args.len() {
            1 => {
                let of = [class::CLASS, class::PROC, class::TYPE, class::NAMESPACE, class::CONSTRAINT];
                let found =
                    of.into_iter().map(|catalog| comment(catalog, c.oid(0), 0)).find(|d| !d.is_null());
                found.unwrap_or(Datum::Null)
            }
            _ => match c.view.relation(Some("pg_catalog"), c.text(1)) {
                Some(catalog) => comment(catalog.oid, c.oid(0), 0),
                None => Datum::Null,
            },
        },
        "shobj_description" => match c.view.relation(Some("pg_catalog"), c.text(1)) {
            Some(catalog) => comment(catalog.oid, c.oid(0), 0),
            None => Datum::Null,
        },
        "col_description" => comment(class::CLASS, c.oid(0), c.int(1) as i32),
        "pg_describe_object" => text_or_null(describe(c, c.oid(0), c.oid(1), c.int(2) as i32)),
        "pg_get_userbyid" => match c.view.role_name(c.oid(0)) {
            Some(name) => Datum::Text(name),
            None => Datum::text(format!("unknown (OID={})", c.oid(0))),
        },
        "pg_sequence_last_value" => {
            let object = c.view.catalog.object(c.oid(0)).filter(|o| o.sequence.is_some());
            let Some(object) = object else {
                bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", relation_name(c, c.oid(0)));
            };
            let state = c.host.db.sequences.state(object.relation.tree)?;
            if state.called { Datum::Int8(state.last) } else { Datum::Null }
        }
        "pg_relation_filenode" => match c.view.relation_by_oid(c.oid(0)) {
            Some(relation) if relation.tree != 0 => Datum::Oid(relation.tree),
            _ => Datum::Null,
        },
        "pg_relation_filepath" | "pg_filenode_relation" => Datum::Null,
        "pg_relation_is_publishable" => match c.view.relation_by_oid(c.oid(0)) {
            Some(relation) => Datum::Bool(relation.kind == RelationKind::Table),
            None => Datum::Null,
        },
        "pg_get_replica_identity_index" => {
            let object = c.view.catalog.object(c.oid(0));
            let primary = object.and_then(|o| o.relation.indexes.iter().find(|i| i.primary).map(|i| i.oid));
            primary.map_or(Datum::Null, Datum::Oid)
        }
        "pg_relation_is_updatable" => Datum::Int4(match c.view.relation_by_oid(c.oid(0)) {
            Some(relation) if is_catalog(&relation) => 28,
            Some(relation) => {
                let can = writable(c, &relation);
                i32::from(can.insert) * 12 + i32::from(can.delete) * 16
            }
            None => 0,
        }),
        "pg_column_is_updatable" => match c.view.relation_by_oid(c.oid(0)) {
            Some(relation) if is_catalog(&relation) => Datum::Bool(c.int(1) > 0),
            Some(relation) => {
                let column = usize::try_from(c.int(1) - 1).ok();
                let can = writable(c, &relation);
                let yes = column.and_then(|i| can.columns.get(i).copied());
                Datum::Bool(yes.unwrap_or(false) && can.delete)
            }
            None => Datum::Bool(false),
        },
        "pg_partition_root" => Datum::Null,
        "row_security_active" => {
            let relation = match &c.args[0] {
                Datum::Text(name) => Some(super::definitions::relation_named(c, name)?),
                _ => c.view.relation_by_oid(c.oid(0)),
            };
            match relation {
                // What `row_security` refuses to answer is active.
                Some(relation) => {
                    let asked = c.view.row_security(&relation, None);
                    Datum::Bool(asked.map_or(true, |policies| policies.is_some()))
                }
                None => Datum::Null,
            }
        }
        "pg_index_column_has_property" => index_column_property(c),
        "pg_index_has_property" => match (c.view.catalog.index(c.oid(0)), c.text(1)) {
            (None, _) => Datum::Null,
            (Some((_, index)), property) => match property {
                "clusterable" => {
                    Datum::Bool(matches!(index.method, AccessMethod::Btree | AccessMethod::Gist))
                }
                "index_scan" => Datum::Bool(index.method.scans()),
                "bitmap_scan" => Datum::Bool(index.method != AccessMethod::Btree),
                "backward_scan" => {
                    Datum::Bool(matches!(index.method, AccessMethod::Btree | AccessMethod::Hash))
                }
                _ => Datum::Null,
            },
        },
        "pg_indexam_has_property" => match (AccessMethod::by_oid(c.oid(0)), c.text(1)) {
            (Some(method), "can_order") => Datum::Bool(method.orders()),
            (Some(method), "can_unique") => Datum::Bool(method.is_unique()),
            (Some(method), "can_multi_col") => Datum::Bool(method.takes_columns()),
            (Some(method), "can_include") => Datum::Bool(method.takes_include()),
            (Some(method), "can_exclude") => Datum::Bool(method.excludes()),
            _ => Datum::Null,
        },
        "pg_indexam_progress_phasename" => Datum::Null,
        _ => return Ok(None),
    }))
}

/// Whether clients know a system relation as a table, whose rows may be changed as far as they are told.
fn is_catalog(relation: &Relation) -> bool {
    relation.kind == RelationKind::Virtual && !system::is_view(relation)
}

fn index_column_property(c: &Call<'_>) -> Datum {
    let Some((_, index)) = c.view.catalog.index(c.oid(0)) else { return Datum::Null };
    let number = c.int(1);
    let count = index.columns.len() + index.include.len();
    if number < 1 || number as usize > count {
        return Datum::Null;
    }
    let key = index.columns.get(number as usize - 1);
    let of_key = |test: &dyn Fn(&nq_qsql::catalog::IndexColumn) -> bool| match key {
        Some(key) => Datum::Bool(test(key)),
        None => Datum::Null,
    };
    let method = index.method;
    match c.text(2) {
        "asc" | "desc" | "nulls_first" | "nulls_last" | "orderable" if !method.orders() => Datum::Bool(false),
        "search_array" => Datum::Bool(key.is_some() && method == AccessMethod::Btree),
        // Only B-trees keep NULLs.
        "search_nulls" => Datum::Bool(key.is_some() && method == AccessMethod::Btree),
        "returnable" => Datum::Bool(key.is_some() && method == AccessMethod::Btree),
        "asc" => of_key(&|k| !k.descending),
        "desc" => of_key(&|k| k.descending),
        "nulls_first" => of_key(&|k| k.nulls_first),
        "nulls_last" => of_key(&|k| !k.nulls_first),
        "orderable" => Datum::Bool(key.is_some()),
        "distance_orderable" => Datum::Bool(false),
        _ => Datum::Null,
    }
}

/// A relation's name as the search path finds it; its number when it is gone.
pub(super) fn relation_name(c: &Call<'_>, oid: Oid) -> String {
    match c.view.relation_by_oid(oid) {
        Some(relation) => c.view.display_name(&relation),
        None => oid.to_string(),
    }
}

fn kind_word(kind: RelationKind, view: bool) -> &'static str {
    match kind {
        RelationKind::Virtual if view => "view",
        RelationKind::Table | RelationKind::Virtual => "table",
        RelationKind::Index => "index",
        RelationKind::View => "view",
        RelationKind::Sequence => "sequence",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Composite => "composite type",
    }
}

fn describe(c: &Call<'_>, catalog: Oid, object: Oid, sub: i32) -> Option<String> {
    Some(match catalog {
        class::CLASS => {
            let relation = c.view.relation_by_oid(object)?;
            let shown = format!("{} {}", kind_word(relation.kind, false), c.view.display_name(&relation));
            match sub {
                0 => shown,
                n => {
                    let column = relation.columns.get(usize::try_from(n - 1).ok()?)?;
                    format!("column {} of {shown}", column.name)
                }
            }
        }
        class::NAMESPACE => format!("schema {}", c.view.namespace_name(object)?),
        class::TYPE => format!("type {}", info::format_type(object, None)),
        class::PROC => format!("function {}", c.view.reg_name(oid::REGPROCEDURE, object)?),
        class::AUTHID => format!("role {}", c.view.role_name(object)?),
        class::DATABASE => {
            format!("database {}", c.view.cluster.database(object)?.name)
        }
        class::CONSTRAINT => {
            let table = c.view.catalog.constraint_table(object)?;
            let constraint = table.relation.constraints.iter().find(|k| k.oid == object)?;
            let table = c.view.display_name(&table.relation);
            format!("constraint {} on table {table}", constraint.name)
        }
        _ => return None,
    })
}

/// `pg_identify_object`: type, schema, name, identity.
pub(super) fn identify(c: &Call<'_>) -> Result<Rows> {
    let (catalog, object, sub) = (c.oid(0), c.oid(1), c.int(2));
    let text = |t: &str| Datum::text(quote_identifier(t));
    let row = match catalog {
        class::CLASS => c.view.relation_by_oid(object).map(|r| {
            let full = format!("{}.{}", quote_identifier(&r.schema), quote_identifier(&r.name));
            let kind = kind_word(r.kind, false);
            let column = usize::try_from(sub - 1).ok().and_then(|at| r.columns.get(at));
            match column {
                Some(column) => vec![
                    Datum::text(format!("{kind} column")),
                    text(&r.schema),
                    text(&r.name),
                    Datum::text(format!("{full}.{}", quote_identifier(&column.name))),
                ],
                None => vec![Datum::text(kind), text(&r.schema), text(&r.name), Datum::text(full)],
            }
        }),
        class::NAMESPACE => c
            .view
            .namespace_name(object)
            .map(|n| vec![Datum::text("schema"), Datum::Null, text(&n), text(&n)]),
        class::AUTHID => {
            c.view.role_name(object).map(|n| vec![Datum::text("role"), Datum::Null, text(&n), text(&n)])
        }
        class::TYPE => info::by_oid(object).map(|t| {
            let shown = Datum::text(info::format_type(object, None));
            let schema = match &t {
                info::TypeRef::BuiltIn(_) => text("pg_catalog"),
                info::TypeRef::User(ty) => text(&ty.schema),
            };
            vec![Datum::text("type"), schema, text(&t.name), shown]
        }),
        class::PROC => func::function_by_oid(object).map(|_| {
            let shown = c.view.reg_name(oid::REGPROCEDURE, object).unwrap_or_default();
            vec![
                Datum::text("function"),
                text("pg_catalog"),
                Datum::Null,
                Datum::text(format!("pg_catalog.{shown}")),
            ]
        }),
        class::CONSTRAINT => c.view.catalog.constraint_table(object).and_then(|table| {
            let constraint = table.relation.constraints.iter().find(|k| k.oid == object)?;
            let r = &table.relation;
            let shown = format!(
                "{} on {}.{}",
                quote_identifier(&constraint.name),
                quote_identifier(&r.schema),
                quote_identifier(&r.name)
            );
            Some(vec![Datum::text("table constraint"), text(&r.schema), Datum::Null, Datum::text(shown)])
        }),
        other => bail!(INTERNAL_ERROR, "unsupported object class: {other}"),
    };
    Ok(vec![row.unwrap_or_else(|| vec![Datum::Null; 4])])
}

/// `pg_identify_object_as_address`: type, names, arguments.
pub(super) fn identify_as_address(c: &Call<'_>) -> Result<Rows> {
    let (catalog, object, sub) = (c.oid(0), c.oid(1), c.int(2));
    let parts = |kind: &str, names: &[&str], args: Vec<Datum>| {
        let names = names.iter().map(|n| Datum::text(*n)).collect();
        vec![Datum::text(kind), array(oid::TEXT, names), array(oid::TEXT, args)]
    };
    let row = match catalog {
        class::CLASS => c.view.relation_by_oid(object).map(|r| {
            let kind = kind_word(r.kind, system::is_view(&r));
            match usize::try_from(sub - 1).ok().and_then(|at| r.columns.get(at)) {
                Some(column) => {
                    parts(&format!("{kind} column"), &[&r.schema, &r.name, &column.name], Vec::new())
                }
                None => parts(kind, &[&r.schema, &r.name], Vec::new()),
            }
        }),
        class::NAMESPACE => c.view.namespace_name(object).map(|n| parts("schema", &[&n], Vec::new())),
        class::AUTHID => c.view.role_name(object).map(|n| parts("role", &[&n], Vec::new())),
        class::DATABASE => c.view.cluster.database(object).map(|d| parts("database", &[&d.name], Vec::new())),
        class::TYPE => {
            info::by_oid(object).map(|_| parts("type", &[&info::format_type(object, None)], Vec::new()))
        }
        class::PROC => func::function_by_oid(object).map(|f| {
            let full = |ty: &Oid| match info::by_oid(*ty) {
                Some(info::TypeRef::BuiltIn(t)) if info::format_type(*ty, None) == t.name => {
                    Datum::text(format!("pg_catalog.{}", t.name))
                }
                _ => Datum::text(info::format_type(*ty, None)),
            };
            parts("function", &["pg_catalog", f.name], f.args.iter().map(full).collect())
        }),
        other => bail!(INTERNAL_ERROR, "unsupported object class: {other}"),
    };
    Ok(vec![row.unwrap_or_else(|| vec![Datum::Null; 3])])
}

/// `pg_sequence_parameters`
pub(super) fn sequence_parameters(c: &Call<'_>) -> Result<Rows> {
    let object = c.view.catalog.object(c.oid(0));
    let options = object.and_then(|o| o.sequence).ok_or_else(|| no_sequence(c))?;
    let row = [options.start, options.min, options.max, options.increment].map(Datum::Int8);
    let mut row = row.to_vec();
    row.extend([Datum::Bool(options.cycle), Datum::Int8(options.cache), Datum::Oid(options.ty)]);
    Ok(vec![row])
}

/// `pg_get_sequence_data`: the last value and whether it was handed out.
pub(super) fn sequence_data(c: &Call<'_>) -> Result<Rows> {
    let object = c.view.catalog.object(c.oid(0)).filter(|o| o.sequence.is_some());
    let object = object.ok_or_else(|| no_sequence(c))?;
    let state = c.host.db.sequences.state(object.relation.tree)?;
    Ok(vec![vec![Datum::Int8(state.last), Datum::Bool(state.called)]])
}

fn no_sequence(c: &Call<'_>) -> nq_qsql::error::SqlError {
    sql_err!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", relation_name(c, c.oid(0)))
}

/// `pg_partition_tree` and `pg_partition_ancestors`: nothing is partitioned.
pub(super) fn partitions(c: &Call<'_>) -> Result<Rows> {
    match c.view.relation_by_oid(c.oid(0)) {
        Some(_) => Ok(Rows::new()),
        None => bail!(UNDEFINED_TABLE, "relation with OID {} does not exist", c.oid(0)),
    }
}

/// What can be done to the rows of a relation.
fn writable(c: &Call<'_>, relation: &std::sync::Arc<nq_qsql::catalog::Relation>) -> nq_qsql::bind::Updatable {
    let io = c.host.io(&c.view);
    let cx = nq_qsql::bind::BindContext { catalog: &*c.view, params: &[], io: &io };
    nq_qsql::bind::updatable(relation, &cx)
}
