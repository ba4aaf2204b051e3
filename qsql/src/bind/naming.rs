//! Names of result columns that have no alias: PostgreSQL's `FigureColname`.

use crate::parse::ast::{Ast, ChooseFunc, ExprId, ExprKind, QueryBody, QueryId, SqlValueFunc, Target};

/// Returns the name of an expression's column; `?column?` when nothing gives one.
pub(crate) fn column_name(ast: &Ast, expr: ExprId) -> String {
    figure(ast, expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// Returns the name that an expression suggests for its column, for index columns; `None` when nothing gives one.
pub fn expression_name(ast: &Ast, expr: ExprId) -> Option<String> {
    figure(ast, expr).map(|(name, _)| name)
}

/// The name and whether it is strong (1 = weak: a cast's type name, 2 = from the expression itself).
fn figure(ast: &Ast, expr: ExprId) -> Option<(String, u8)> {
    let strong = |name: &str| Some((name.to_owned(), 2));
    match &ast[expr].kind {
        ExprKind::Column(parts) => strong(&parts[parts.len() - 1].name),
        ExprKind::Field { name, .. } => strong(&name.name),
        ExprKind::Subscript { arg, .. } => figure(ast, *arg),
        ExprKind::Call(call) => strong(&call.name.object().name),
        ExprKind::Choose { func, .. } => strong(match func {
            ChooseFunc::Coalesce => "coalesce",
            ChooseFunc::Greatest => "greatest",
            ChooseFunc::Least => "least",
            ChooseFunc::NullIf => "nullif",
        }),
        ExprKind::Cast { arg, ty } => match figure(ast, *arg) {
            Some((name, 2)) => Some((name, 2)),
            _ => Some((ty.name.object().name.to_string(), 1)),
        },
        ExprKind::Collate { arg, .. } => figure(ast, *arg),
        ExprKind::Case(case) => match case.otherwise.and_then(|e| figure(ast, e)) {
            Some((name, 2)) => Some((name, 2)),
            _ => Some(("case".to_owned(), 1)),
        },
        ExprKind::Array(_) | ExprKind::ArrayQuery(_) => strong("array"),
        ExprKind::Row { .. } => strong("row"),
        ExprKind::Exists(_) => strong("exists"),
        ExprKind::Subquery(query) => Some((subquery_name(ast, *query), 2)),
        ExprKind::Grouping(_) => strong("grouping"),
        ExprKind::SqlValue { func, .. } => strong(match func {
            SqlValueFunc::CurrentDate => "current_date",
            SqlValueFunc::CurrentTime => "current_time",
            SqlValueFunc::CurrentTimestamp => "current_timestamp",
            SqlValueFunc::LocalTime => "localtime",
            SqlValueFunc::LocalTimestamp => "localtimestamp",
            SqlValueFunc::CurrentRole => "current_role",
            SqlValueFunc::CurrentUser => "current_user",
            SqlValueFunc::User => "user",
            SqlValueFunc::SessionUser => "session_user",
            SqlValueFunc::SystemUser => "system_user",
            SqlValueFunc::CurrentCatalog => "current_catalog",
            SqlValueFunc::CurrentSchema => "current_schema",
        }),
        ExprKind::MergeAction => strong("merge_action"),
        ExprKind::SqlJson(json) => strong(json.form.name()),
        ExprKind::IsNormalized { .. } => strong("is_normalized"),
        _ => None,
    }
}

/// The name of a scalar subquery's only column.
fn subquery_name(ast: &Ast, mut query: QueryId) -> String {
    loop {
        match &ast[query].body {
            QueryBody::Select(select) => {
                return match select.targets.first() {
                    Some(Target { alias: Some(alias), .. }) => alias.name.to_string(),
                    Some(target) => column_name(ast, target.expr),
                    None => "?column?".to_owned(),
                };
            }
            QueryBody::Values(_) => return "column1".to_owned(),
            QueryBody::SetOp { left, .. } => query = *left,
        }
    }
}
