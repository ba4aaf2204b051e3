//! A session's types as the ambient ones of its thread, and the conditions of domains, bound when they are first needed.

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::bind::{BindContext, StoredKind, bind_expression};
use nq_qsql::catalog::{Column, Relation, RelationKind, UserCast, UserOperator};
use nq_qsql::error::Result;
use nq_qsql::func::EvalCx;
use nq_qsql::func::eval::{self, ConstantHost};
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::user::{Domain, TypeSource, UserKind, UserType};
use nq_qsql::types::{DataType, Datum, IoContext, Oid, oid};
use parking_lot::Mutex;

use super::lookup::CatalogView;
use super::quote_identifier;

/// The name by which a domain's conditions call the value.
pub(crate) const VALUE: &str = "value";

/// A domain's conditions with the names of their constraints.
type Bound = Arc<[(Box<str>, Expr)]>;

/// The conditions of a view's domains.
#[derive(Default)]
pub(crate) struct Conditions {
    bound: Mutex<HashMap<Oid, Bound>>,
}

/// What the conditions of a domain see: one column, the value.
pub(crate) fn value_relation(over: DataType) -> Relation {
    let column = Column::new(VALUE.into(), over, nq_qsql::bind::collation_of(over.oid));
    Relation::bare(RelationKind::Composite, vec![column])
}

impl CatalogView {
    /// The conditions of a domain.
    fn conditions(&self, ty: &UserType, domain: &Domain, io: &IoContext<'_>) -> Result<Bound> {
        if let Some(found) = self.conditions.bound.lock().get(&ty.info.oid) {
            return Ok(found.clone());
        }
        let cx = BindContext { catalog: self, params: &[], io };
        let value = value_relation(domain.over);
        let mut bound = Vec::with_capacity(domain.checks.len());
        for check in &domain.checks {
            let mut condition = bind_expression(&check.text, Some(&value), None, StoredKind::Check, &cx)?;
            nq_qsql::optimize::inline_calls(&mut condition, &cx);
            bound.push((check.constraint.name.clone(), condition));
        }
        let bound: Bound = bound.into();
        self.conditions.bound.lock().insert(ty.info.oid, bound.clone());
        Ok(bound)
    }

    /// Whether a bare name finds a type.
    pub(crate) fn is_type_visible(&self, ty: &UserType) -> bool {
        use nq_qsql::catalog::Catalog;
        self.user_type(None, &ty.info.name).is_some_and(|found| found.info.oid == ty.info.oid)
            && nq_qsql::types::info::by_name(&ty.info.name).is_none()
    }
}

/// The text of a domain's default as it is shown.
pub(crate) fn shown_default(view: &CatalogView, text: &str) -> String {
    let io = IoContext { reg: Some(view), ..IoContext::default() };
    let cx = BindContext { catalog: view, params: &[], io: &io };
    match nq_qsql::bind::bind_printed_expression(text, None, None, StoredKind::Generated, &cx) {
        Ok(expr) => nq_qsql::plan::deparse::deparse_shown(&expr, &|_: u32| String::new(), &io, false),
        Err(_) => text.to_owned(),
    }
}

impl TypeSource for CatalogView {
    fn by_oid(&self, oid: Oid) -> Option<Arc<UserType>> {
        self.catalog.user_type(oid).cloned()
    }

    fn shown_name(&self, ty: &UserType) -> String {
        let element = match ty.kind {
            UserKind::Array => self.catalog.user_type(ty.info.element_oid),
            _ => None,
        };
        if let Some(element) = element {
            return format!("{}[]", self.shown_name(element));
        }
        let name = quote_identifier(&ty.info.name);
        match self.is_type_visible(ty) {
            true => name,
            false => format!("{}.{name}", quote_identifier(&ty.schema)),
        }
    }

    fn cast(&self, from: Oid, to: Oid) -> Option<Arc<UserCast>> {
        self.catalog.operations().cast_between(from, to).cloned()
    }

    fn operator(&self, oid: Oid) -> Option<Arc<UserOperator>> {
        self.catalog.operations().operator(oid).cloned()
    }

    fn is_new_label(&self, label: Oid) -> bool {
        self.new_labels.contains(&label)
    }

    fn violated(&self, ty: &UserType, value: &Datum, io: &IoContext<'_>) -> Result<Option<Box<str>>> {
        let Some(domain) = ty.domain() else { return Ok(None) };
        let mut host = ConstantHost { catalog: self, time: io.now_micros };
        for (name, condition) in self.conditions(ty, domain, io)?.iter() {
            let mut cx = EvalCx { io, host: &mut host, arg_types: &[], result: DataType::of(oid::BOOL) };
            let answer = eval::eval(condition, std::slice::from_ref(value), &[], &mut cx)?;
            if matches!(answer, Datum::Bool(false)) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}
