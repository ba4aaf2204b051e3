//! Operators and casts of users.
//!
//! There are few of them, and every expression asks for some: they stand together in one table, of which a change makes a new one. A
//! plan remembers the table that it was made with.

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::catalog::{Catalog, UserCast, UserOperator};
use nq_qsql::error::Result;
use nq_qsql::sql_err;
use nq_qsql::types::Oid;

use super::PG_CATALOG;
use super::lookup::{CatalogView, split_name};

/// The operators and casts of a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operations {
    operators: HashMap<Oid, Arc<UserOperator>>,
    /// Operators of a name, in all schemas.
    names: HashMap<Arc<str>, Vec<Oid>>,
    casts: HashMap<Oid, Arc<UserCast>>,
    /// By source and target.
    pairs: HashMap<(Oid, Oid), Oid>,
}

impl Operations {
    /// Puts an operator in the place of the one with its OID.
    pub(crate) fn put_operator(&mut self, operator: Arc<UserOperator>) {
        self.remove_operator(operator.oid);
        self.names.entry((&*operator.name).into()).or_default().push(operator.oid);
        self.operators.insert(operator.oid, operator);
    }

    pub(crate) fn remove_operator(&mut self, oid: Oid) {
        let Some(old) = self.operators.remove(&oid) else { return };
        if let Some(same) = self.names.get_mut(&*old.name) {
            same.retain(|other| *other != oid);
        }
    }

    /// Puts a cast in the place of the one with its OID.
    pub(crate) fn put_cast(&mut self, cast: Arc<UserCast>) {
        self.remove_cast(cast.oid);
        self.pairs.insert((cast.source, cast.target), cast.oid);
        self.casts.insert(cast.oid, cast);
    }

    pub(crate) fn remove_cast(&mut self, oid: Oid) {
        if let Some(old) = self.casts.remove(&oid) {
            self.pairs.remove(&(old.source, old.target));
        }
    }

    /// An operator by OID.
    pub(crate) fn operator(&self, oid: Oid) -> Option<&Arc<UserOperator>> {
        self.operators.get(&oid)
    }

    /// The operators of a name, in all schemas.
    pub(crate) fn operators_named(&self, name: &str) -> impl Iterator<Item = &Arc<UserOperator>> {
        let oids = self.names.get(name).map_or(&[][..], |oids| oids);
        oids.iter().filter_map(|oid| self.operators.get(oid))
    }

    /// All operators, sorted by OID.
    pub(crate) fn operators(&self) -> Vec<&Arc<UserOperator>> {
        let mut all: Vec<_> = self.operators.values().collect();
        all.sort_unstable_by_key(|o| o.oid);
        all
    }

    /// A cast by OID.
    pub(crate) fn cast(&self, oid: Oid) -> Option<&Arc<UserCast>> {
        self.casts.get(&oid)
    }

    /// The cast between two types.
    pub(crate) fn cast_between(&self, source: Oid, target: Oid) -> Option<&Arc<UserCast>> {
        self.casts.get(self.pairs.get(&(source, target))?)
    }

    /// All casts, sorted by OID.
    pub(crate) fn casts(&self) -> Vec<&Arc<UserCast>> {
        let mut all: Vec<_> = self.casts.values().collect();
        all.sort_unstable_by_key(|c| c.oid);
        all
    }
}

impl CatalogView {
    /// The operator of a name that takes operands of exactly these types; the left one 0 for a prefix operator.
    pub(crate) fn find_exact_operator(
        &self,
        schema: Option<&str>,
        name: &str,
        left: Oid,
        right: Oid,
    ) -> Option<Oid> {
        let builtin = match schema {
            None | Some("pg_catalog") => {
                nq_qsql::func::operators(name).iter().find(|o| o.left == left && o.right == right)
            }
            Some(_) => None,
        };
        let place = self.path.iter().position(|n| *n == PG_CATALOG).unwrap_or(0);
        let mut users = self.operators(schema, name);
        users.retain(|(_, o)| o.left == left && o.right == right);
        let user = users.into_iter().min_by_key(|(place, _)| *place);
        match (user, builtin) {
            (Some((at, user)), Some(builtin)) => Some(if at < place { user.oid } else { builtin.oid }),
            (Some((_, user)), None) => Some(user.oid),
            (None, builtin) => builtin.map(|o| o.oid),
        }
    }

    pub(super) fn resolve_operator_symbol(&self, text: &str) -> Result<Oid> {
        let (schema, symbol) = split_operator(text)?;
        let mut found: Vec<Oid> = match schema.as_deref() {
            None | Some("pg_catalog") => nq_qsql::func::operators(symbol).iter().map(|o| o.oid).collect(),
            Some(_) => Vec::new(),
        };
        found.extend(self.operators(schema.as_deref(), symbol).iter().map(|(_, o)| o.oid));
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(sql_err!(UNDEFINED_FUNCTION, "operator does not exist: {text}")),
            _ => Err(sql_err!(AMBIGUOUS_FUNCTION, "more than one operator named {text}")),
        }
    }

    /// The operator of `+(integer,integer)`; NONE stands for an operand that is not there.
    pub(super) fn resolve_operator(&self, name: &str) -> Result<Oid> {
        let missing = || sql_err!(UNDEFINED_FUNCTION, "operator does not exist: {name}");
        let (symbol, rest) = name
            .split_once('(')
            .ok_or_else(|| sql_err!(INVALID_TEXT_REPRESENTATION, "expected a left parenthesis"))?;
        let operands = rest
            .trim_end()
            .strip_suffix(')')
            .ok_or_else(|| sql_err!(INVALID_TEXT_REPRESENTATION, "expected a right parenthesis"))?;
        let mut types = Vec::with_capacity(2);
        for operand in operands.split(',') {
            let operand = operand.trim();
            types.push(match operand.eq_ignore_ascii_case("none") {
                true => 0,
                false => self.resolve_type(operand)?,
            });
        }
        let [left, right] = types[..] else {
            return Err(match types.len() {
                1 => sql_err!(UNDEFINED_PARAMETER, "missing argument")
                    .hint("Use NONE to denote the missing argument of a unary operator."),
                _ => sql_err!(TOO_MANY_ARGUMENTS, "too many arguments")
                    .hint("Provide two argument types for operator."),
            });
        };
        let (schema, symbol) = split_operator(symbol)?;
        self.find_exact_operator(schema.as_deref(), symbol, left, right).ok_or_else(missing)
    }
}

/// A possibly qualified operator: its schema and its symbol.
fn split_operator(text: &str) -> Result<(Option<String>, &str)> {
    let text = text.trim();
    match text.rsplit_once('.') {
        Some((schema, symbol)) if !schema.is_empty() => {
            Ok((Some(split_name(schema)?.pop().unwrap_or_default()), symbol))
        }
        _ => Ok((None, text)),
    }
}
