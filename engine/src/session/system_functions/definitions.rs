//! Definitions of objects as SQL text (`ruleutils` of PostgreSQL).

use std::sync::Arc;

use nq_qsql::bind::{BindContext, DefinitionStyle, StoredKind};
use nq_qsql::catalog::{
    Catalog, Constraint, ConstraintKind, ForeignKey, Index, IndexColumn, IndexKey, ReferentialAction,
    Relation, Timing,
};
use nq_qsql::error::Result;
use nq_qsql::func::access::{self, AccessMethod};
use nq_qsql::plan::deparse::{Layout, deparse_list, deparse_shown};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::Datum;
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::user::UserType;
use nq_qsql::{bail, sql_err};

use super::{Answer, Call, text_or_null};
use crate::catalog::lookup::split_name;
use crate::catalog::{quote_identifier, system};
use crate::ddl::view::only_query;

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    Ok(Some(match c.name {
        "pg_get_expr" => {
            let relation = c.view.relation_by_oid(c.oid(1));
            if c.oid(1) != 0 && relation.is_none() {
                return Ok(Some(Datum::Null));
            }
            Datum::text(expressions(c, c.text(0), relation.as_deref(), c.flag(2)))
        }
        "pg_get_constraintdef" => text_or_null(constraint(c)),
        "pg_get_indexdef" => text_or_null(match c.view.catalog.index(c.oid(0)) {
            None => None,
            Some((table, index)) => match c.int(1) {
                0 => Some(index_definition(c, &table.relation, index, c.flag(2))),
                n => index_key(c, &table.relation, index, n, c.flag(2)),
            },
        }),
        "pg_get_viewdef" => text_or_null(view_definition(c)?),
        "pg_get_serial_sequence" => text_or_null(serial_sequence(c)?),
        "pg_get_ruledef" => text_or_null(rule_definition(c)?),
        "pg_get_triggerdef"
        | "pg_get_partkeydef"
        | "pg_get_partition_constraintdef"
        | "pg_get_statisticsobjdef"
        | "pg_get_statisticsobjdef_columns"
        | "pg_get_statisticsobjdef_expressions" => Datum::Null,
        _ => return Ok(None),
    }))
}

fn bound(c: &Call<'_>, text: &str, relation: Option<&Relation>) -> Result<Expr> {
    let io = c.host.io(&c.view);
    let bind = BindContext { catalog: &*c.view, params: &[], io: &io };
    nq_qsql::bind::bind_printed_expression(text, relation, None, StoredKind::Generated, &bind)
}

fn printed(c: &Call<'_>, expr: &Expr, relation: Option<&Relation>, pretty: bool) -> String {
    let name = |id: u32| {
        relation.and_then(|r| r.columns.get(id as usize)).map_or(String::new(), |c| quote_identifier(&c.name))
    };
    deparse_shown(expr, &name, &c.host.io(&c.view), pretty)
}

/// The condition of a policy for people.
fn policy_condition(c: &Call<'_>, text: &str, pretty: bool) -> Result<String> {
    let (parsed, query) = only_query(text)?;
    let io = c.host.io(&c.view);
    let bind = BindContext { catalog: &*c.view, params: &[], io: &io };
    let style = DefinitionStyle { layout: layout(pretty), wrap: 0 };
    nq_qsql::bind::condition_definition(&parsed.ast, query, style, &bind)
}

/// Stored expressions for people, of an index perhaps several.
fn expressions(c: &Call<'_>, text: &str, relation: Option<&Relation>, pretty: bool) -> String {
    let policies = relation.map_or(&[][..], |r| &r.security.policies);
    if policies.iter().any(|p| [&p.using, &p.check].iter().any(|t| t.as_deref() == Some(text))) {
        return policy_condition(c, text, pretty).unwrap_or_else(|_| text.to_owned());
    }
    match bound(c, &format!("ROW({text})"), relation).map(|row| row.kind) {
        Ok(ExprKind::Row(items)) => {
            let columns = relation.map_or(&[][..], |r| &r.columns);
            let name =
                |id: u32| columns.get(id as usize).map_or(String::new(), |c| quote_identifier(&c.name));
            deparse_list(&items, &name, &c.host.io(&c.view), pretty)
        }
        _ => text.to_owned(),
    }
}

/// A stored expression for people. What cannot be bound any more, and what is no expression (a view's query), is shown as stored.
fn expression(c: &Call<'_>, text: &str, relation: Option<&Relation>, pretty: bool) -> String {
    match bound(c, text, relation) {
        Ok(expr) => printed(c, &expr, relation, pretty),
        Err(_) => text.to_owned(),
    }
}

fn columns(table: &Relation, index: &Index) -> String {
    let name = |c: &IndexColumn| match &c.key {
        IndexKey::Column(at) => quote_identifier(&table.columns[*at].name),
        IndexKey::Expression(text) => text.to_string(),
    };
    index.columns.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn included(table: &Relation, index: &Index) -> String {
    match index.include.is_empty() {
        true => String::new(),
        false => {
            let names: Vec<String> =
                index.include.iter().map(|at| quote_identifier(&table.columns[*at].name)).collect();
            format!(" INCLUDE ({})", names.join(", "))
        }
    }
}

fn constraint(c: &Call<'_>) -> Option<String> {
    if let Some(domain) = c.view.catalog.constraint_domain(c.oid(0)) {
        return domain_constraint(c, &domain.ty);
    }
    let table = &c.view.catalog.constraint_table(c.oid(0))?.relation;
    let constraint = table.constraints.iter().find(|k| k.oid == c.oid(0))?;
    let mut text = constraint_text(c, table, constraint, c.flag(1))?;
    if constraint.no_inherit {
        text.push_str(" NO INHERIT");
    }
    text.push_str(match constraint.timing {
        Timing::Fixed => "",
        Timing::Deferrable => " DEFERRABLE",
        Timing::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    if !constraint.enforced {
        text.push_str(" NOT ENFORCED");
    } else if !constraint.validated {
        text.push_str(" NOT VALID");
    }
    Some(text)
}

/// The constraint of a domain.
fn domain_constraint(c: &Call<'_>, ty: &UserType) -> Option<String> {
    let domain = ty.domain()?;
    if domain.not_null.as_ref().is_some_and(|n| n.oid == c.oid(0)) {
        return Some("NOT NULL".to_owned());
    }
    let check = domain.checks.iter().find(|check| check.constraint.oid == c.oid(0))?;
    let value = crate::catalog::domain::value_relation(domain.over);
    let io = c.host.io(&c.view);
    let condition = match bound(c, &check.text, Some(&value)) {
        Ok(expr) => deparse_shown(&expr, &|_: u32| "VALUE".to_owned(), &io, c.flag(1)),
        Err(_) => check.text.to_string(),
    };
    let valid = if check.validated { "" } else { " NOT VALID" };
    Some(format!("CHECK ({condition}){valid}"))
}

fn constraint_text(c: &Call<'_>, table: &Relation, constraint: &Constraint, pretty: bool) -> Option<String> {
    let index = |oid| table.indexes.iter().find(|i| i.oid == oid);
    Some(match &constraint.kind {
        ConstraintKind::Check(text) => format!("CHECK ({})", expression(c, text, Some(table), pretty)),
        ConstraintKind::NotNull(at) => {
            format!("NOT NULL {}", quote_identifier(&table.columns.get(*at)?.name))
        }
        ConstraintKind::Primary(oid) => {
            let index = index(*oid)?;
            format!("PRIMARY KEY ({}){}", columns(table, index), included(table, index))
        }
        ConstraintKind::Unique(oid) => {
            let index = index(*oid)?;
            let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
            format!("UNIQUE{nulls} ({}){}", columns(table, index), included(table, index))
        }
        ConstraintKind::Exclude(oid) => exclusion(c, table, index(*oid)?, pretty),
        ConstraintKind::ForeignKey(key) => foreign_key(c, table, key)?,
    })
}

fn foreign_key(c: &Call<'_>, table: &Relation, key: &ForeignKey) -> Option<String> {
    let names = |of: &Relation, columns: &[usize]| {
        columns.iter().map(|at| quote_identifier(&of.columns[*at].name)).collect::<Vec<_>>().join(", ")
    };
    let parent = match key.table == table.oid {
        true => table,
        false => &c.view.catalog.object(key.table)?.relation,
    };
    let mut text = format!(
        "FOREIGN KEY ({}) REFERENCES {}({})",
        names(table, &key.columns),
        c.view.display_name(parent),
        names(parent, &key.ref_columns)
    );
    if key.match_full {
        text.push_str(" MATCH FULL");
    }
    for (event, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
        let words = match action {
            ReferentialAction::NoAction => continue,
            ReferentialAction::Restrict => "RESTRICT",
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        };
        text.push_str(&format!(" ON {event} {words}"));
    }
    if !key.delete_columns.is_empty() {
        text.push_str(&format!(" ({})", names(table, &key.delete_columns)));
    }
    Some(text)
}

/// The text of a key; an expression in parentheses unless it looks like a call.
fn key(c: &Call<'_>, table: &Relation, key: &IndexColumn, pretty: bool) -> String {
    match &key.key {
        IndexKey::Column(at) => quote_identifier(&table.columns[*at].name),
        IndexKey::Expression(text) => match bound(c, text, Some(table)) {
            Ok(expr) => {
                let call = matches!(
                    expr.kind,
                    ExprKind::Call { operator: 0, .. } | ExprKind::Routine { .. } | ExprKind::Coalesce(_)
                );
                let shown = printed(c, &expr, Some(table), pretty);
                if call && shown.ends_with(')') && !shown.starts_with('(') {
                    shown
                } else {
                    format!("({shown})")
                }
            }
            Err(_) => text.to_string(),
        },
    }
}

/// One column of an index: the key alone.
fn index_key(c: &Call<'_>, table: &Relation, index: &Index, number: i64, pretty: bool) -> Option<String> {
    let at = usize::try_from(number - 1).ok()?;
    match index.columns.get(at) {
        Some(column) => Some(key(c, table, column, pretty)),
        None => {
            let column = index.include.get(at - index.columns.len())?;
            Some(quote_identifier(&table.columns[*column].name))
        }
    }
}

/// The operator class of a key, where it is not the type's default.
fn class_name(index: &Index, column: &IndexColumn) -> Option<&'static str> {
    match index.method {
        AccessMethod::Btree => system::data::operator_class_name(column.opclass),
        method => {
            let default = access::default_class(method, column.ty.oid).map(|class| class.oid);
            let class = access::class_by_oid(column.opclass)?;
            (default != Some(class.oid)).then_some(class.name)
        }
    }
}

/// One key of an index with all that is said of it.
fn index_element(
    c: &Call<'_>,
    table: &Relation,
    index: &Index,
    column: &IndexColumn,
    pretty: bool,
) -> String {
    let mut text = key(c, table, column, pretty);
    let own = match &column.key {
        IndexKey::Column(at) => table.columns[*at].collation,
        IndexKey::Expression(_) => nq_qsql::bind::collation_of(column.ty.oid),
    };
    if column.collation != 0 && column.collation != own {
        let name = c.view.reg_name(nq_qsql::types::oid::REGCOLLATION, column.collation);
        text.push_str(&format!(" COLLATE {}", name.unwrap_or_default()));
    }
    if let Some(class) = class_name(index, column) {
        text.push_str(&format!(" {class}"));
    }
    text.push_str(nq_qsql::plan::deparse::order_words(column.descending, column.nulls_first));
    text
}

/// EXCLUDE as PostgreSQL prints it.
fn exclusion(c: &Call<'_>, table: &Relation, index: &Index, pretty: bool) -> String {
    let element = |(column, operator): (&IndexColumn, &nq_qsql::types::Oid)| {
        let name = nq_qsql::func::operator_by_oid(*operator).map_or("?", |o| o.name);
        format!("{} WITH {name}", index_element(c, table, index, column, pretty))
    };
    let keys: Vec<String> = index.columns.iter().zip(&index.exclusion).map(element).collect();
    let predicate = match &index.predicate {
        Some(text) => format!(" WHERE ({})", expression(c, text, Some(table), pretty)),
        None => String::new(),
    };
    format!(
        "EXCLUDE USING {} ({}){}{}{predicate}",
        index.method.name(),
        keys.join(", "),
        included(table, index),
        storage_parameters(&index.options),
    )
}

/// CREATE INDEX as PostgreSQL prints it.
fn index_definition(c: &Call<'_>, table: &Relation, index: &Index, pretty: bool) -> String {
    let keys: Vec<String> =
        index.columns.iter().map(|column| index_element(c, table, index, column, pretty)).collect();
    let deferred = index.deferrable && index.exclusion.is_empty();
    let unique = if index.unique || deferred { "UNIQUE " } else { "" };
    let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let table_name = match pretty {
        true => c.view.display_name(table),
        false => format!("{}.{}", quote_identifier(&table.schema), quote_identifier(&table.name)),
    };
    let predicate = match &index.predicate {
        Some(text) => format!(" WHERE {}", expression(c, text, Some(table), pretty)),
        None => String::new(),
    };
    format!(
        "CREATE {unique}INDEX {} ON {table_name} USING {} ({}){}{nulls}{}{predicate}",
        quote_identifier(&index.name),
        index.method.name(),
        keys.join(", "),
        included(table, index),
        storage_parameters(&index.options),
    )
}

fn storage_parameters(options: &[Box<str>]) -> String {
    if options.is_empty() {
        return String::new();
    }
    let shown = |option: &str| match option.split_once('=') {
        Some((_, value)) if quote_identifier(value) == value => option.to_owned(),
        Some((name, value)) => format!("{name}='{value}'"),
        None => option.to_string(),
    };
    format!(" WITH ({})", options.iter().map(|o| shown(o)).collect::<Vec<_>>().join(", "))
}

/// `pg_get_viewdef(view [, pretty | columns])`
fn view_definition(c: &Call<'_>) -> Result<Option<String>> {
    let relation: Option<Arc<Relation>> = match &c.args[0] {
        Datum::Text(name) => Some(relation_named(c, name)?),
        _ => c.view.relation_by_oid(c.oid(0)),
    };
    let style = match c.args.get(1) {
        Some(Datum::Int4(columns)) => DefinitionStyle { layout: layout(true), wrap: *columns },
        _ => DefinitionStyle { layout: layout(c.flag(1)), wrap: 0 },
    };
    match relation {
        Some(view) if view.view.is_some() => view_text(c, &view, style).map(Some),
        _ => Ok(None),
    }
}

fn layout(pretty: bool) -> Layout {
    Layout { pretty, lines: true }
}

/// The query of a view, a semicolon at its end.
fn view_text(c: &Call<'_>, view: &Relation, style: DefinitionStyle) -> Result<String> {
    let io = c.host.io(&c.view);
    let bind = BindContext { catalog: &*c.view, params: &[], io: &io };
    let text = view.view.as_deref().unwrap_or_default();
    let (parsed, query) = only_query(text)?;
    let columns: Vec<Arc<str>> = view.live_columns().map(|(_, column)| Arc::from(&*column.name)).collect();
    let query = nq_qsql::bind::view_definition(&parsed.ast, query, &columns, style, &bind)?;
    Ok(format!("{query};"))
}

/// `pg_get_ruledef`: views have one rule each, which has the view's OID.
fn rule_definition(c: &Call<'_>) -> Result<Option<String>> {
    let Some(view) = c.view.relation_by_oid(c.oid(0)).filter(|r| r.view.is_some()) else { return Ok(None) };
    let pretty = c.flag(1);
    let name = match pretty {
        true => c.view.display_name(&view),
        false => format!("{}.{}", quote_identifier(&view.schema), quote_identifier(&view.name)),
    };
    let query = view_text(c, &view, DefinitionStyle { layout: layout(pretty), wrap: 0 })?;
    Ok(Some(format!("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {name} DO INSTEAD {query}")))
}

/// Finds a relation by a name in a string.
pub(super) fn relation_named(c: &Call<'_>, name: &str) -> Result<Arc<Relation>> {
    let oid = c.view.resolve_reg(nq_qsql::types::oid::REGCLASS, name)?;
    c.view.relation_by_oid(oid).ok_or_else(|| sql_err!(UNDEFINED_TABLE, "relation \"{name}\" does not exist"))
}

/// The sequence that belongs to a column, quoted for use as a name.
fn serial_sequence(c: &Call<'_>) -> Result<Option<String>> {
    let table = relation_named(c, c.text(0))?;
    // The column's name is taken as it is.
    let name = c.text(1);
    let Some(at) = table.column(name) else {
        let shown = split_name(c.text(0)).ok().and_then(|mut p| p.pop()).unwrap_or_default();
        bail!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{shown}\" does not exist");
    };
    let owned = c.view.catalog.owned_sequences(table.oid, Some(at));
    Ok(owned
        .first()
        .map(|s| format!("{}.{}", quote_identifier(&s.relation.schema), quote_identifier(&s.relation.name))))
}
