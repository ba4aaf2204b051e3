//! `JSON_TABLE`: the items that its paths find, as rows.
//!
//! A row has two columns for each path: the item, and its number among those that the path has found for the item above. The paths
//! below one are joined to it as outer joins, those beside each other as a union: where one has an item, the others have NULL.

use std::collections::VecDeque;
use std::sync::Arc;

use super::make::add_value;
use super::path::{Exec, Found, Item, Stop, path_of};
use super::sql::type_of;
use crate::error::Result;
use crate::func::set::given;
use crate::func::{EvalCx, SetRows};
use crate::types::jsonb::Builder;
use crate::types::jsonpath::Path;
use crate::types::{Datum, IoContext};

struct Table {
    /// The path above, and the path; the first is the root.
    paths: Vec<(usize, Arc<Path>)>,
    vars: Vec<(Arc<str>, Item)>,
    /// ERROR ON ERROR
    fails: bool,
    items: std::vec::IntoIter<Item>,
    ordinal: i32,
    /// The rows of the root's item that was read last.
    ready: VecDeque<Vec<Datum>>,
}

/// In the options: an error of a path is one; else nothing is found.
pub(crate) const FAILS: i32 = 1;

/// The document, the options ([`FAILS`] and what [`super::sql`] says of documents), the number of paths; for each path the one above
/// it and itself; then names and values of variables in turn.
pub(in crate::func) fn rows(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let [Datum::Jsonb(json), Datum::Int4(options), Datum::Int4(count), rest @ ..] = args else {
        return Ok(given(Vec::new()));
    };
    let own = (*count as usize * 2).min(rest.len());
    let (paths, vars) = rest.split_at(own);
    let mut table = Table {
        paths: Vec::new(),
        vars: Vec::new(),
        fails: options & FAILS != 0,
        items: Vec::new().into_iter(),
        ordinal: 0,
        ready: VecDeque::new(),
    };
    for pair in paths.chunks_exact(2) {
        if let [Datum::Int4(above), Datum::Text(path)] = pair {
            table.paths.push((*above as usize, path_of(path)?));
        }
    }
    for (i, pair) in vars.chunks_exact(2).enumerate() {
        if let Datum::Text(name) = &pair[0] {
            let mut builder = Builder::new();
            add_value(&pair[1], type_of(cx, 3 + own + 2 * i + 1), cx.io, &mut builder)?;
            table.vars.push((name.clone(), Item::document(builder.finish()?)));
        }
    }
    table.items = table.find(0, Item::document(json.clone()), cx.io)?.into_iter();
    Ok(Box::new(table))
}

impl Table {
    /// What a path finds in an item.
    fn find(&self, path: usize, item: Item, io: &IoContext<'_>) -> Result<Vec<Item>> {
        let Some((_, path)) = self.paths.get(path) else { return Ok(Vec::new()) };
        let vars =
            |name: &str| self.vars.iter().find(|(known, _)| **known == *name).map(|(_, item)| item.clone());
        let mut found = Found::all();
        match Exec::new(path.strict, item, &vars, true, io).start(&path.expr, &mut found) {
            Ok(_) => Ok(found.items),
            Err(Stop::Path(_)) if !self.fails => Ok(Vec::new()),
            Err(Stop::Path(error) | Stop::Hard(error)) => Err(error),
        }
    }

    /// Adds the rows of one item of a path. `row` has what is above; it is left as it was.
    fn expand(
        &self,
        path: usize,
        item: &Item,
        ordinal: i32,
        row: &mut [Datum],
        out: &mut VecDeque<Vec<Datum>>,
        io: &IoContext<'_>,
    ) -> Result<()> {
        let value = item.to_datum()?;
        let document = match &value {
            Datum::Jsonb(root) => Item::document(root.clone()),
            _ => item.clone(),
        };
        row[2 * path] = value;
        row[2 * path + 1] = Datum::Int4(ordinal);
        let before = out.len();
        for below in path + 1..self.paths.len() {
            if self.paths[below].0 != path {
                continue;
            }
            for (item, ordinal) in self.find(below, document.clone(), io)?.iter().zip(1..) {
                self.expand(below, item, ordinal, row, out, io)?;
            }
        }
        if out.len() == before {
            out.push_back(row.to_vec());
        }
        row[2 * path] = Datum::Null;
        row[2 * path + 1] = Datum::Null;
        Ok(())
    }
}

impl SetRows for Table {
    fn next(&mut self, cx: &mut EvalCx<'_>) -> Result<Option<Vec<Datum>>> {
        while self.ready.is_empty() {
            let Some(item) = self.items.next() else { return Ok(None) };
            self.ordinal += 1;
            let mut ready = std::mem::take(&mut self.ready);
            let mut row = vec![Datum::Null; 2 * self.paths.len()];
            self.expand(0, &item, self.ordinal, &mut row, &mut ready, cx.io)?;
            self.ready = ready;
        }
        Ok(self.ready.pop_front())
    }
}
