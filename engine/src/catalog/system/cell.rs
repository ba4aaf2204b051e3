//! Making rows: values of the catalogs' column types from Rust's.

use std::sync::Arc;

use nq_qsql::types::{Array, Datum, Oid};

/// What can stand in a row.
pub(super) trait Cell {
    /// The value.
    fn cell(self) -> Datum;
}

impl Cell for Datum {
    fn cell(self) -> Datum {
        self
    }
}

impl Cell for bool {
    fn cell(self) -> Datum {
        Datum::Bool(self)
    }
}

impl Cell for i16 {
    fn cell(self) -> Datum {
        Datum::Int2(self)
    }
}

impl Cell for i32 {
    fn cell(self) -> Datum {
        Datum::Int4(self)
    }
}

impl Cell for i64 {
    fn cell(self) -> Datum {
        Datum::Int8(self)
    }
}

impl Cell for f32 {
    fn cell(self) -> Datum {
        Datum::Float4(self)
    }
}

impl Cell for f64 {
    fn cell(self) -> Datum {
        Datum::Float8(self)
    }
}

/// A bare number is an OID: nothing else in the catalogs is unsigned.
impl Cell for Oid {
    fn cell(self) -> Datum {
        Datum::Oid(self)
    }
}

/// The type `"char"`.
impl Cell for u8 {
    fn cell(self) -> Datum {
        Datum::Char(self)
    }
}

impl Cell for &str {
    fn cell(self) -> Datum {
        Datum::text(self)
    }
}

impl Cell for String {
    fn cell(self) -> Datum {
        Datum::text(self)
    }
}

impl Cell for Arc<str> {
    fn cell(self) -> Datum {
        Datum::Text(self)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(self) -> Datum {
        self.map_or(Datum::Null, T::cell)
    }
}

/// NULL.
pub(super) const NULL: Datum = Datum::Null;

/// A one-dimensional array with lower bound 1.
pub(super) fn array<T: Cell>(element: Oid, items: impl IntoIterator<Item = T>) -> Datum {
    list(element, 1, items)
}

/// An `int2vector` or `oidvector`: lower bound 0.
pub(super) fn vector<T: Cell>(element: Oid, items: impl IntoIterator<Item = T>) -> Datum {
    list(element, 0, items)
}

fn list<T: Cell>(element: Oid, lower: i32, items: impl IntoIterator<Item = T>) -> Datum {
    let items: Vec<Datum> = items.into_iter().map(T::cell).collect();
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, lower)] };
    Datum::Array(Arc::new(Array { element, dims, items }))
}

/// An array of text.
pub(super) fn texts<T: Cell>(items: impl IntoIterator<Item = T>) -> Datum {
    array(nq_qsql::types::oid::TEXT, items)
}

/// NULL for an empty list of text, else its array.
pub(super) fn texts_or_null(items: &[Box<str>]) -> Datum {
    match items.is_empty() {
        true => NULL,
        false => texts(items.iter().map(|i| &**i)),
    }
}

/// An access control list as `aclitem[]`; NULL for none.
pub(super) fn acl_texts(cx: &super::SystemCx<'_>, list: Option<&[crate::catalog::acl::AclItem]>) -> Datum {
    let name = |role: Oid| cx.view.cluster.role_name(role);
    match list {
        Some(list) => array(
            nq_qsql::types::oid::ACLITEM,
            list.iter().map(|item| crate::catalog::acl::print(item, &name)),
        ),
        None => NULL,
    }
}
