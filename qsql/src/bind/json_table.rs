//! `JSON_TABLE`: a function gives the items that its paths find, and columns are queries of them.

use std::sync::Arc;

use super::Binder;
use super::expr::literal;
use super::from::with_alias;
use super::json::{self, JsonInput};
use super::scope::{Clause, NsColumn, NsItem};
use crate::error::{Result, SqlError};
use crate::func::JSON_TABLE;
use crate::func::json_table::FAILS;
use crate::func::sql_json::Behavior;
use crate::parse::ast::{
    FromId, Ident, JsonBehaviorKind, JsonTable, JsonTableColumn, JsonTablePath, Pos, SqlJson, SqlJsonForm,
};
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::logical::Logical;
use crate::sql_err;
use crate::types::{DataType, Datum, info, io_text, oid, rowtype};

/// What the paths of a table have come to.
#[derive(Default)]
struct Parts {
    /// For each path the one above it and itself.
    paths: Vec<Expr>,
    /// For each path the columns of its items and of their numbers.
    items: Vec<ColumnId>,
    /// The columns that are seen.
    columns: Vec<(Arc<str>, Expr)>,
    /// Names and values of PASSING in turn.
    vars: Vec<Expr>,
}

/// The path of a column that has none: the member of its name.
pub(super) fn member_path(name: &str) -> String {
    let mut out = b"$.".to_vec();
    crate::types::json::quote(name, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// 42712 if a name of a column or a path is taken.
fn check_names(path: &JsonTablePath, seen: &mut Vec<Box<str>>) -> Result<()> {
    let mut add = |name: &Ident, pos: Pos| {
        if seen.contains(&name.name) {
            let error = sql_err!(DUPLICATE_ALIAS, "duplicate JSON_TABLE column or path name: {}", name.name);
            return Err(error.at(pos));
        }
        seen.push(name.name.clone());
        Ok(())
    };
    if let Some(name) = &path.name {
        add(name, name.pos)?;
    }
    for column in &path.columns {
        match column {
            JsonTableColumn::Ordinality(name) | JsonTableColumn::Value { name, .. } => add(name, name.pos)?,
            JsonTableColumn::Nested(_) => {}
        }
    }
    path.columns.iter().try_for_each(|column| match column {
        JsonTableColumn::Nested(path) => check_names(path, seen),
        _ => Ok(()),
    })
}

impl Binder<'_> {
    pub(super) fn bind_json_table(&mut self, id: FromId, table: &JsonTable) -> Result<(Logical, NsItem)> {
        let pos = self.ast[id].pos;
        let fails = match &table.on_error {
            None => false,
            Some(given) => match given.kind {
                JsonBehaviorKind::Error => true,
                JsonBehaviorKind::EmptyArray => false,
                _ => {
                    return Err(sql_err!(SYNTAX_ERROR, "invalid ON ERROR behavior")
                        .detail("Only EMPTY [ ARRAY ] or ERROR is allowed in the top-level ON ERROR clause.")
                        .at(given.pos));
                }
            },
        };
        check_names(&table.root, &mut Vec::new())?;
        let before = std::mem::replace(&mut self.scope().lateral_active, true);
        let bound = self.within(Clause::FunctionInFrom, |b| b.bind_json_table_parts(table, fails, pos));
        self.scope().lateral_active = before;
        let (call, parts) = bound?;
        let mut noted = vec![call.clone()];
        noted.extend(parts.columns.iter().map(|(_, expr)| expr.clone()));
        self.note_calls(id, &noted);
        let shown: Arc<str> = Arc::from(table.alias.as_ref().map_or("json_table", |a| &*a.name.name));
        let input = Logical::Function {
            calls: vec![call],
            columns: parts.items,
            ordinality: false,
            alias: shown.clone(),
        };
        let mut exprs = Vec::with_capacity(parts.columns.len());
        let mut columns = Vec::with_capacity(parts.columns.len());
        for (name, expr) in parts.columns {
            let id = self.new_column(expr.ty);
            self.s.collations[id as usize] = expr.collation;
            columns.push(NsColumn::new(name, self.column(id)));
            exprs.push((id, expr));
        }
        let item = with_alias(NsItem::new(Some(shown), columns), table.alias.as_ref())?;
        Ok((Logical::Project { input: Box::new(input), exprs }, item))
    }

    fn bind_json_table_parts(&mut self, table: &JsonTable, fails: bool, pos: Pos) -> Result<(Expr, Parts)> {
        let (document, flags) = self.bind_json_document(table.context, table.format)?;
        let mut parts = Parts::default();
        for arg in &table.passing {
            parts.vars.push(json::text(&arg.name.name, arg.name.pos));
            parts.vars.push(self.bind_json_value(arg.value, arg.format)?);
        }
        self.bind_json_table_path(&table.root, 0, &mut parts)?;
        let fields: Vec<(Arc<str>, DataType)> = parts
            .items
            .iter()
            .enumerate()
            .map(|(i, _)| {
                let ty = if i % 2 == 0 { oid::JSONB } else { oid::INT4 };
                (Arc::from(format!("column{}", i + 1)), DataType::of(ty))
            })
            .collect();
        let modifier = rowtype::modifier(&fields);
        if modifier < 0 {
            return Err(SqlError::unsupported("another shape of JSON_TABLE"));
        }
        let count = parts.items.len() as i32 / 2;
        let options = if fails { flags | FAILS } else { flags };
        let mut args = vec![document, json::int(options, pos), json::int(count, pos)];
        args.append(&mut parts.paths);
        args.append(&mut parts.vars.clone());
        let ty = DataType { typmod: modifier, ..DataType::of(oid::RECORD) };
        Ok((json::call(&JSON_TABLE, args, ty, pos), parts))
    }

    fn bind_json_table_path(&mut self, path: &JsonTablePath, above: usize, parts: &mut Parts) -> Result<()> {
        let place = parts.items.len() / 2;
        let given = self.json_path(literal(Datum::text(&*path.path), oid::UNKNOWN, path.pos))?;
        parts.paths.push(json::int(above as i32, path.pos));
        parts.paths.push(given);
        let (item, number) =
            (self.new_column(DataType::of(oid::JSONB)), self.new_column(DataType::of(oid::INT4)));
        parts.items.extend([item, number]);
        let mut numbered = false;
        for column in &path.columns {
            match column {
                JsonTableColumn::Nested(_) => {}
                JsonTableColumn::Ordinality(name) => {
                    if std::mem::replace(&mut numbered, true) {
                        return Err(
                            sql_err!(SYNTAX_ERROR, "only one FOR ORDINALITY column is allowed").at(name.pos)
                        );
                    }
                    parts.columns.push((Arc::from(&*name.name), self.column(number)));
                }
                JsonTableColumn::Value { name, path, call } => {
                    let (text, at) = match path {
                        Some((path, at)) => (path.to_string(), *at),
                        None => (member_path(&name.name), name.pos),
                    };
                    let path = self.json_path(literal(Datum::text(text), oid::UNKNOWN, at))?;
                    let input = JsonInput {
                        document: self.column(item),
                        flags: 0,
                        path,
                        vars: parts.vars.clone(),
                        column: Some(&name.name),
                        pos: name.pos,
                    };
                    let value = self.bind_json_table_column(call, input)?;
                    parts.columns.push((Arc::from(&*name.name), value));
                }
            }
        }
        path.columns.iter().try_for_each(|column| match column {
            JsonTableColumn::Nested(path) => self.bind_json_table_path(path, place, parts),
            _ => Ok(()),
        })
    }

    fn bind_json_table_column(&mut self, call: &SqlJson, input: JsonInput<'_>) -> Result<Expr> {
        let ty = match &call.returning {
            Some(ty) => self.bind_type(ty)?,
            None => DataType::of(oid::TEXT),
        };
        let base = info::base_type(ty.oid);
        let whole = matches!(ty.oid, oid::JSON | oid::JSONB)
            || matches!(base, oid::RECORD)
            || info::is_composite(base)
            || info::element_of(ty.oid).is_some();
        let form = match call.form {
            SqlJsonForm::Value if whole => SqlJsonForm::Query,
            form => form,
        };
        if form != SqlJsonForm::Exists {
            return self.json_query(call, form, ty, input);
        }
        let pos = input.pos;
        let exists = self.json_query(call, form, DataType::of(oid::BOOL), input)?;
        match base {
            oid::BOOL if ty.oid == oid::BOOL => Ok(exists),
            oid::INT4 => self.cast(exists, ty, pos),
            _ => {
                check_exists(call, ty)?;
                let text = self.cast(exists, DataType::of(oid::TEXT), pos)?;
                self.cast(text, ty, pos)
            }
        }
    }
}

/// 42804 if a truth value that stands for an error is none of the type of an EXISTS column.
fn check_exists(call: &SqlJson, ty: DataType) -> Result<()> {
    let otherwise = match call.on_error.as_ref().map(|given| &given.kind) {
        None | Some(JsonBehaviorKind::False) => Behavior::False,
        Some(JsonBehaviorKind::True) => Behavior::True,
        _ => return Ok(()),
    };
    let (word, shown) = if otherwise == Behavior::True { ("true", "TRUE") } else { ("false", "FALSE") };
    let io = crate::types::IoContext::default();
    let value = io_text::parse_text(ty.oid, ty.typmod, word, &io)
        .and_then(|value| crate::types::coerce::apply_typmod(value, ty.oid, ty.typmod, false));
    match value {
        Ok(_) => Ok(()),
        Err(error) => Err(sql_err!(
            DATATYPE_MISMATCH,
            "could not coerce ON ERROR expression ({shown}) to the RETURNING type"
        )
        .detail(error.message().to_owned())),
    }
}
