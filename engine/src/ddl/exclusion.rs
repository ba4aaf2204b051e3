//! EXCLUDE constraints: their index, and the operators by which rows exclude each other.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{Constraint, ConstraintKind, Index, IndexColumn, Relation, Timing};
use nq_qsql::error::Result;
use nq_qsql::func::access::{AccessMethod, class_by_oid};
use nq_qsql::func::opclass::ordering_operators;
use nq_qsql::func::resolve::resolve_operator;
use nq_qsql::parse::ast::{self, Ast, Ident};
use nq_qsql::types::{Oid, info};
use nq_qsql::{bail, sql_err};

use super::index::{Shape, method_named};
use super::names;
use super::options::read_index_options;
use crate::error::store_error;
use crate::session::Session;

/// EXCLUDE as it is written.
pub(crate) struct Exclude<'a> {
    pub(crate) name: Option<&'a Ident>,
    pub(crate) method: Option<&'a Ident>,
    pub(crate) elements: &'a [(ast::IndexElem, ast::OperatorName)],
    pub(crate) filter: Option<ast::ExprId>,
    pub(crate) details: &'a ast::ConstraintIndex,
    pub(crate) timing: Timing,
}

/// The operator of a column, which must be commutative and one of the index's.
fn operator(column: &IndexColumn, method: AccessMethod, written: &ast::OperatorName) -> Result<Oid> {
    let found = resolve_operator(&written.name, column.ty.oid, column.ty.oid)?.operator;
    let side = |ty: Oid| info::format_type(ty, None);
    let shown = format!("{}({},{})", found.name, side(found.left), side(found.right));
    if found.commutator != found.oid {
        return Err(sql_err!(WRONG_OBJECT_TYPE, "operator {shown} is not commutative")
            .detail("Only commutative operators can be used in exclusion constraints."));
    }
    let (member, family) = match method {
        AccessMethod::Btree => {
            let equality = ordering_operators(column.ty.oid)?.eq;
            (equality.oid == found.oid, crate::catalog::system::data::btree_family_name(column.ty.oid))
        }
        _ => match class_by_oid(column.opclass) {
            Some(class) => (class.search(found.oid).is_some(), class.family_name),
            None => (false, ""),
        },
    };
    if !member {
        return Err(sql_err!(
            WRONG_OBJECT_TYPE,
            "operator {shown} is not a member of operator family \"{family}\""
        )
        .detail("The exclusion operator must be related to the index operator class for the constraint."));
    }
    Ok(found.oid)
}

impl Session {
    /// Adds an EXCLUDE constraint with its index, whose tree is empty. Returns the index.
    pub(crate) fn add_exclusion(
        &mut self,
        ast: &Ast,
        relation: &mut Relation,
        exclude: &Exclude<'_>,
    ) -> Result<Arc<Index>> {
        let method = method_named(exclude.method)?;
        let details = exclude.details;
        let shape = Shape {
            unique: false,
            columns: exclude.elements.len(),
            include: details.include.len(),
            excludes: true,
        };
        shape.check(method)?;
        let options = read_index_options(method, &details.options)?;
        let mut columns: Vec<IndexColumn> = Vec::with_capacity(exclude.elements.len());
        let mut exclusion = Vec::with_capacity(exclude.elements.len());
        for (elem, written) in exclude.elements {
            if let ast::IndexKey::Column(name) = &elem.key
                && relation.column(name).is_none()
            {
                bail!(UNDEFINED_COLUMN, "column \"{}\" named in key does not exist", &**name);
            }
            let column = self.read_key(ast, relation, elem, &columns, method)?;
            exclusion.push(operator(&column, method, written)?);
            columns.push(column);
        }
        let mut include = Vec::with_capacity(details.include.len());
        for column in &details.include {
            include.push(relation.column(column).ok_or_else(|| {
                sql_err!(UNDEFINED_COLUMN, "column \"{}\" named in key does not exist", &**column)
                    .at(column.pos)
            })?);
        }
        let predicate = match exclude.filter {
            Some(filter) => {
                Some(self.store_expression(ast, filter, relation, StoredKind::IndexPredicate, None)?.text)
            }
            None => None,
        };
        let name: Box<str> = match exclude.name {
            Some(name) if self.name_taken(relation, name) => {
                bail!(DUPLICATE_TABLE, "relation \"{}\" already exists", &**name)
            }
            Some(name) => name.name.clone(),
            None => {
                let included = include.iter().map(|i: &usize| &*relation.columns[*i].name);
                let part = names::columns_part(columns.iter().map(|c| &*c.name).chain(included));
                names::choose(&relation.name, Some(&part), "excl", |n| self.name_taken(relation, n)).into()
            }
        };
        let constraint = self.db.next_oid()?;
        let index = Arc::new(Index {
            oid: self.db.next_oid()?,
            name: name.clone(),
            tree: self.txn().create_tree().map_err(store_error)?.0,
            unique: false,
            primary: false,
            nulls_not_distinct: false,
            columns,
            include,
            predicate,
            constraint,
            valid: true,
            deferrable: exclude.timing.is_deferrable(),
            options,
            method,
            exclusion,
            clustered: false,
        });
        let kind = ConstraintKind::Exclude(index.oid);
        let timing = exclude.timing;
        relation.constraints.push(Constraint { timing, ..Constraint::new(constraint, name, kind) });
        relation.indexes.push(index.clone());
        Ok(index)
    }
}
