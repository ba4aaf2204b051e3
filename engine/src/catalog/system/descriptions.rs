//! Comments on built-in objects: a table of text, sorted by catalog and object.
//!
//! It names all that PostgreSQL 18 has; only those whose object exists here are shown.

use std::sync::LazyLock;

use nq_qsql::func;
use nq_qsql::types::{Oid, info};

use super::data;
use crate::catalog::class;

/// `(catalog, object, text)`, ascending.
static ALL: LazyLock<Vec<(Oid, Oid, &'static str)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut fields = line.splitn(3, '\t');
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?))
    };
    include_str!("descriptions.tbl").lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
});

/// `pg_operator`
const OPERATOR: Oid = 2617;

fn exists(catalog: Oid, object: Oid) -> bool {
    match catalog {
        class::TYPE => info::by_oid(object).is_some(),
        class::PROC => func::function_by_oid(object).is_some() || data::is_support(object),
        OPERATOR => func::operator_by_oid(object).is_some(),
        _ => true,
    }
}

/// The comment on a built-in object.
pub(crate) fn built_in(catalog: Oid, object: Oid) -> Option<&'static str> {
    let at = ALL.binary_search_by_key(&(catalog, object), |d| (d.0, d.1)).ok()?;
    exists(catalog, object).then_some(ALL[at].2)
}

/// The comments on built-in objects: catalog, object, text.
pub(super) fn all() -> impl Iterator<Item = (Oid, Oid, &'static str)> {
    ALL.iter().copied().filter(|d| exists(d.0, d.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_sorted_and_of_what_exists() {
        assert!(ALL.len() > 4000 && ALL.is_sorted_by_key(|d| (d.0, d.1)));
        assert_eq!(built_in(class::PROC, 1299), Some("current transaction time"));
        assert_eq!(built_in(OPERATOR, 551), Some("add"));
        assert_eq!(built_in(class::CLASS, 1259), None);
    }
}
