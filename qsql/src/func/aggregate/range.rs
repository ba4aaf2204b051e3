//! `range_agg`, `range_intersect_agg`: ranges and multiranges put together.

use std::sync::Arc;

use super::{State, first_type};
use crate::error::Result;
use crate::func::args::{Spans, arg};
use crate::func::{Aggregate, EvalCx};
use crate::types::range::spans::{canonical, heap_bytes, intersection};
use crate::types::range::{RangeInfo, Span, of_range};
use crate::types::{DataType, Datum, Multirange, Range};

/// As many spans as are kept before they are put together for the first time.
const FOLD_FROM: usize = 64;

/// The values in any of the inputs.
#[derive(Default)]
struct Union {
    /// The type; `None` before the first input that is not NULL.
    info: Option<RangeInfo>,
    spans: Vec<Span>,
    /// Number of spans at which they are put together.
    fold_at: usize,
    heap: usize,
}

impl Union {
    fn fold(&mut self) {
        if let Some(info) = self.info {
            self.spans = canonical(std::mem::take(&mut self.spans), info.element);
            self.heap = heap_bytes(&self.spans);
        }
        self.fold_at = (self.spans.len() * 2).max(FOLD_FROM);
    }

    fn push(&mut self, spans: &[Span]) {
        self.heap += heap_bytes(spans);
        self.spans.extend_from_slice(spans);
        if self.spans.len() >= self.fold_at.max(FOLD_FROM) {
            self.fold();
        }
    }
}

impl State for Union {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        if let Some(Spans(info, spans)) = arg(args, 0)? {
            self.info = Some(info);
            self.push(spans);
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.info = self.info.or(other.info);
        self.push(&std::mem::take(&mut other.spans));
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        self.fold();
        Ok(match self.info {
            Some(info) => Datum::Multirange(Arc::new(Multirange { info, spans: self.spans.clone() })),
            None => Datum::Null,
        })
    }

    fn heap_bytes(&self) -> usize {
        self.heap
    }
}

/// The values in all of the inputs.
struct Intersection {
    multi: bool,
    info: Option<RangeInfo>,
    spans: Vec<Span>,
}

impl Intersection {
    fn meet(&mut self, info: RangeInfo, spans: &[Span]) {
        self.spans = match self.info {
            Some(info) => intersection(&self.spans, spans, info.element),
            None => spans.to_vec(),
        };
        self.info = Some(info);
    }
}

impl State for Intersection {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        if let Some(Spans(info, spans)) = arg(args, 0)? {
            self.meet(info, spans);
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if let Some(info) = other.info {
            self.meet(info, &other.spans);
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        let Some(info) = self.info else { return Ok(Datum::Null) };
        let spans = self.spans.clone();
        Ok(match self.multi {
            true => Datum::Multirange(Arc::new(Multirange { info, spans })),
            false => Datum::Range(Arc::new(Range { info, span: spans.into_iter().next() })),
        })
    }

    fn heap_bytes(&self) -> usize {
        heap_bytes(&self.spans)
    }
}

/// `range_agg`
pub(in crate::func) fn range_agg(_: &[DataType]) -> Box<dyn Aggregate> {
    Box::new(Union::default())
}

/// `range_intersect_agg`
pub(in crate::func) fn range_intersect_agg(types: &[DataType]) -> Box<dyn Aggregate> {
    let multi = of_range(first_type(types)).is_none();
    Box::new(Intersection { multi, info: None, spans: Vec::new() })
}
