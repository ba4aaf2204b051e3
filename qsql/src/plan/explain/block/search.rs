//! Searches by indexes that are not read in their order.

use super::super::super::deparse::{deparse_conjunction, quote_identifier};
use super::super::super::expr::Expr;
use super::super::super::physical::{Cost, Node, Scan};
use super::super::slot::Slot;
use super::{Block, Builder, Fact};
use crate::catalog::Index;

/// Rows up to which PostgreSQL would mostly take them one by one.
const BITMAP_ROWS: f64 = 3.0;

impl Builder<'_> {
    /// A search by an index: as a bitmap, or as an index scan where few rows are expected and the method has one.
    pub(super) fn search(
        &mut self,
        node: &Node,
        scan: &Scan,
        index: &Index,
        shown: &[Expr],
    ) -> (Block, Vec<Slot>) {
        let actual = self.actual(node);
        let searches = actual.map(|a| ("Index Searches".to_owned(), Fact::Count(a.searches as f64)));
        if index.method.scans() && node.cost.rows <= BITMAP_ROWS {
            let (mut block, slots) = self.scan(node, scan, "Index Scan", Some((&index.name, false, shown)));
            block.details.extend(searches);
            return (block, slots);
        }
        let (mut block, slots) = self.scan(node, scan, "Bitmap Heap Scan", None);
        let all: Vec<Slot> =
            scan.relation.columns.iter().map(|c| self.own_column(&scan.alias, &c.name)).collect();
        let text = deparse_conjunction(shown, &self.names(&all));
        let at = block.details.iter().position(|d| d.0 == "Filter").unwrap_or(block.details.len());
        block.details.insert(at, ("Recheck Cond".to_owned(), Fact::Text(text.clone())));
        let mut inner = self.leaf("Bitmap Index Scan", node);
        inner.relationship = "Outer";
        inner.label = format!("Bitmap Index Scan on {}", quote_identifier(&index.name));
        inner.facts.push(("Index Name", Fact::Text(index.name.to_string())));
        inner.cost = Cost { startup: 0.0, total: node.cost.startup, rows: node.cost.rows, width: 0.0 };
        inner.details.push(("Index Cond".to_owned(), Fact::Text(text)));
        inner.details.extend(searches);
        block.children = vec![inner];
        (block, slots)
    }
}
