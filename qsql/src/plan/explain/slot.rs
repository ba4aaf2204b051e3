//! Slots of a node as EXPLAIN names them in the nodes above.

use std::collections::HashMap;

use super::super::deparse::{Names, order_words};
use super::super::expr::{Expr, ExprKind};
use super::super::physical::{JoinKind, SortSlot};

/// The text of a slot and whether it is a plain column.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) text: String,
    pub(super) plain: bool,
}

impl Slot {
    /// As an operand of a node above: expressions stand in parentheses.
    pub(super) fn referenced(&self) -> String {
        if self.plain { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// The names of columns in an expression over slots.
pub(super) struct SlotNames<'s, 'p> {
    pub(super) slots: &'s [Slot],
    pub(super) params: &'p HashMap<u32, String>,
    /// Whether expressions of slots are the node's own.
    pub(super) own: bool,
}

impl Names for SlotNames<'_, '_> {
    fn qualify(&self) -> bool {
        false
    }

    fn column(&self, id: u32) -> String {
        match self.slots.get(id as usize) {
            Some(slot) if self.own => slot.text.clone(),
            Some(slot) => slot.referenced(),
            None => format!("?{id}?"),
        }
    }

    fn exec_param(&self, slot: u32) -> String {
        self.params.get(&slot).cloned().unwrap_or_else(|| format!("${slot}"))
    }
}

impl Slot {
    /// As a group key: a column as it is, an expression bare when the node computes it.
    pub(super) fn referenced_in(&self, e: &Expr) -> String {
        match e.kind {
            ExprKind::Column(_) => self.referenced(),
            _ => self.text.clone(),
        }
    }
}

/// The slots of a join.
pub(super) fn join_slots(kind: JoinKind, left: Vec<Slot>, both: Vec<Slot>) -> Vec<Slot> {
    match kind {
        JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti => left,
        JoinKind::Mark => {
            let mut slots = left;
            slots.push(Slot { text: "mark".to_owned(), plain: true });
            slots
        }
        _ => both,
    }
}

/// The keys of a sort.
pub(super) fn sort_keys(keys: &[SortSlot], slots: &[Slot]) -> Vec<String> {
    keys.iter()
        .map(|k| {
            let text = slots.get(k.slot as usize).map_or_else(|| format!("?{}?", k.slot), Slot::referenced);
            let collate =
                if k.collation == 950 && k.ty.oid != crate::types::oid::NAME { " COLLATE \"C\"" } else { "" };
            format!("{text}{collate}{}", order_words(k.descending, k.nulls_first))
        })
        .collect()
}
