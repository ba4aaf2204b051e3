//! Running paths: `jsonb_path_exists` and its relatives, `@?` and `@@`.
//!
//! A step takes an item and gives what is behind it to the steps that follow, until a [`Found`] has enough. Errors of the path
//! (`Stop::Path`) make a condition unknown and are raised only at the top, unless they are to be silent; others go through.
//!
//! 1. In `lax` mode arrays are unwrapped where a step wants something else, what is no array is an array of one where a step wants
//!    an array, and what is not there is nothing; in `strict` mode each of these is an error.
//! 2. Depth is counted, never trusted to the thread's stack.
//!
//! Source: PostgreSQL manual 9.16.2 "The SQL/JSON Path Language"; behaviour checked against PostgreSQL 18.

mod exec;
pub(in crate::func) mod functions;
mod item;
mod method;
mod predicate;
mod time;

pub(in crate::func) use exec::{Exec, Stop};
pub(in crate::func) use item::{Found, Item};

use std::cell::RefCell;
use std::sync::Arc;

use crate::error::Result;
use crate::types::jsonpath::{self, Path};

/// Paths that were read last are kept: most calls run the same one for each row.
const KEPT: usize = 8;

thread_local! {
    static READ: RefCell<Vec<(Arc<str>, Arc<Path>)>> = const { RefCell::new(Vec::new()) };
}

/// The path that a value of type `jsonpath` is.
pub(in crate::func) fn path_of(text: &Arc<str>) -> Result<Arc<Path>> {
    let known = READ.with_borrow_mut(|read| {
        let at = read.iter().position(|(have, _)| Arc::ptr_eq(have, text) || **have == **text)?;
        read[..=at].rotate_right(1);
        Some(read[0].1.clone())
    });
    if let Some(path) = known {
        return Ok(path);
    }
    let path = Arc::new(jsonpath::parse(text)?);
    READ.with_borrow_mut(|read| {
        read.truncate(KEPT - 1);
        read.insert(0, (text.clone(), path.clone()));
    });
    Ok(path)
}
