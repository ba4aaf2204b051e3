//! What steps of a path pass on: parts of documents, and values that were computed.

use std::sync::Arc;

use crate::error::Result;
use crate::types::jsonb::{Builder, Kind, Node};
use crate::types::{DataType, Datum, IoContext, Numeric, Oid, oid};

/// A part of a document.
#[derive(Clone)]
pub(in crate::func) struct Part {
    root: Arc<[u8]>,
    start: usize,
    end: usize,
    /// Number of the document among those that `keyvalue()` has made; 0 for one that was given.
    pub(super) document: i64,
}

impl Part {
    /// A whole document.
    pub(in crate::func) fn whole(root: Arc<[u8]>, document: i64) -> Part {
        let end = root.len();
        Part { root, start: 0, end, document }
    }

    pub(in crate::func) fn node(&self) -> Node<'_> {
        Node::new(self.root.get(self.start..self.end).unwrap_or_default())
    }

    /// A part of this part: `node` is one of it.
    pub(super) fn inner(&self, node: Node<'_>) -> Part {
        let start = (node.bytes().as_ptr() as usize).wrapping_sub(self.root.as_ptr() as usize);
        let start = start.min(self.root.len());
        let end = (start + node.bytes().len()).min(self.root.len());
        Part { root: self.root.clone(), start, end, document: self.document }
    }

    /// A number that tells the part from others of its document; 0 is the whole.
    pub(super) fn place(&self) -> i64 {
        (self.root.len() - self.end) as i64
    }
}

/// One item of a sequence.
#[derive(Clone)]
pub(in crate::func) enum Item {
    Part(Part),
    Null,
    Bool(bool),
    Number(Numeric),
    String(Arc<str>),
    /// A date or time: its value, its type and the offset it is shown with, in seconds east.
    Time(Datum, Oid, i32),
}

impl Item {
    /// A document.
    pub(in crate::func) fn document(root: Arc<[u8]>) -> Item {
        Item::Part(Part::whole(root, 0))
    }

    pub(super) fn part(&self) -> Option<&Part> {
        match self {
            Item::Part(part) => Some(part),
            _ => None,
        }
    }

    /// What it is as JSON; a date or time is none of it.
    pub(in crate::func) fn kind(&self) -> Option<Kind> {
        match self {
            Item::Part(part) => Some(part.node().kind()),
            Item::Null => Some(Kind::Null),
            Item::Bool(_) => Some(Kind::Bool),
            Item::Number(_) => Some(Kind::Number),
            Item::String(_) => Some(Kind::String),
            Item::Time(..) => None,
        }
    }

    pub(super) fn is_array(&self) -> bool {
        self.kind() == Some(Kind::Array)
    }

    pub(in crate::func) fn str(&self) -> Option<&str> {
        match self {
            Item::Part(part) => part.node().str(),
            Item::String(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::func) fn number(&self) -> Option<Numeric> {
        match self {
            Item::Part(part) => part.node().number(),
            Item::Number(number) => Some(number.clone()),
            _ => None,
        }
    }

    pub(in crate::func) fn bool(&self) -> Option<bool> {
        match self {
            Item::Part(part) => part.node().bool(),
            Item::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Adds it to a value that is being built.
    pub(in crate::func) fn add_to(&self, builder: &mut Builder) -> Result<()> {
        match self {
            Item::Part(part) => builder.node(part.node()),
            Item::Null => builder.null(),
            Item::Bool(value) => builder.bool(*value),
            Item::Number(number) => builder.number(number),
            Item::String(text) => builder.string(text),
            Item::Time(..) => builder.string(&self.time_text()?.unwrap_or_default()),
        }
        Ok(())
    }

    /// The text of a date or time.
    pub(in crate::func) fn time_text(&self) -> Result<Option<String>> {
        let Item::Time(value, ty, offset) = self else { return Ok(None) };
        let io = IoContext {
            time_zone: crate::types::datetime::zone::Zone::offset(*offset),
            ..IoContext::default()
        };
        let mut out = Vec::new();
        crate::func::json::make::write_iso(value, DataType::of(*ty), &io, &mut out)?;
        if *ty == oid::TIMETZ {
            // `+hh` is shown with minutes here.
            let zone = out.iter().rposition(|&b| b == b'+' || b == b'-').unwrap_or(out.len());
            if out.len() - zone == 3 {
                out.extend_from_slice(b":00");
            }
        }
        crate::func::text::utf8(out).map(Some)
    }

    /// As a value of type `jsonb`.
    pub(in crate::func) fn to_datum(&self) -> Result<Datum> {
        if let Item::Part(part) = self
            && part.start == 0
            && part.end == part.root.len()
        {
            return Ok(Datum::Jsonb(part.root.clone()));
        }
        let mut builder = Builder::new();
        self.add_to(&mut builder)?;
        Ok(Datum::Jsonb(builder.finish()?))
    }
}

/// What a path has found.
pub(in crate::func) struct Found {
    pub(in crate::func) items: Vec<Item>,
    /// Whether all items are wanted; else the first one ends the search.
    pub(super) all: bool,
}

impl Found {
    /// For all items.
    pub(in crate::func) fn all() -> Found {
        Found { items: Vec::new(), all: true }
    }

    /// For the question whether there is one.
    pub(in crate::func) fn one() -> Found {
        Found { items: Vec::new(), all: false }
    }
}
