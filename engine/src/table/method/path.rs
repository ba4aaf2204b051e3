//! What a `jsonpath` asks of an index: the keys that it must meet, and the scalars that it compares with.
//!
//! A path without its keys finds nothing, so for `jsonb_ops` they are looked for; `jsonb_path_ops` knows whole paths to scalars only,
//! so it is asked where a path of keys is compared with one. What is denied, or may be unknown, tells nothing.

use nq_qsql::error::Result;
use nq_qsql::func::access::KeyForm;
use nq_qsql::types::jsonb::{Builder, Node};
use nq_qsql::types::jsonpath::{self, Operator, Step, is_predicate};

use super::Source;
use super::entries::{KEY, ROOT, STRING, path_end, path_key, scalar_entry, text_entry};

/// Where a chain leads.
struct Place {
    /// What must be there for it to lead anywhere.
    needs: Vec<Source>,
    /// The digest of its keys, while they are all.
    path: Option<u64>,
    /// It ends in accessors: its values are parts of the document.
    plain: bool,
}

/// What a path needs.
struct Paths<'a> {
    form: KeyForm,
    entry: &'a dyn Fn(&[u8]) -> Source,
}

/// Where the documents are for which a path finds something, or (`holds`) is true.
pub(super) fn source(
    form: KeyForm,
    text: &str,
    holds: bool,
    entry: &dyn Fn(&[u8]) -> Source,
) -> Result<Source> {
    let path = jsonpath::parse(text)?;
    let paths = Paths { form, entry };
    Ok(match is_predicate(&path.expr) {
        // A condition has a value for every document.
        true if !holds => Source::All,
        true => paths.condition(&path.expr, None),
        false => Source::and(paths.place(&path.expr, None).map(|p| p.needs).unwrap_or_default()),
    })
}

impl Paths<'_> {
    /// Where a chain leads; `current` is the digest of the path to `@`. `None`: nobody knows.
    fn place(&self, chain: &[Step], current: Option<u64>) -> Option<Place> {
        let (head, rest) = chain.split_first()?;
        let path = match head {
            Step::Root => Some(ROOT),
            Step::Current => current,
            _ => return None,
        };
        let mut place = Place { needs: Vec::new(), path, plain: true };
        for step in rest {
            match step {
                Step::Key(key) => {
                    if self.form == KeyForm::JsonKeys {
                        place.needs.push((self.entry)(&text_entry(KEY, key)));
                    }
                    place.path = place.path.map(|path| path_key(path, key));
                }
                Step::AnyElement | Step::Elements(_) => {}
                Step::AnyKey | Step::Any(..) => place.path = None,
                Step::Filter(condition) => {
                    let of_filter = self.condition(condition, place.path);
                    place.needs.push(of_filter);
                }
                _ => {
                    place.plain = false;
                    break;
                }
            }
        }
        Some(place)
    }

    /// Where a condition may be true.
    fn condition(&self, chain: &[Step], current: Option<u64>) -> Source {
        let [step] = chain else { return Source::All };
        match step {
            Step::Binary(Operator::And, a, b) => {
                Source::and(vec![self.condition(a, current), self.condition(b, current)])
            }
            Step::Binary(Operator::Or, a, b) => {
                Source::or(vec![self.condition(a, current), self.condition(b, current)])
            }
            Step::Exists(chain) => match self.place(chain, current) {
                Some(place) => Source::and(place.needs),
                None => Source::All,
            },
            Step::Binary(Operator::Equal, a, b) => match (scalar(a), scalar(b)) {
                (None, Some(value)) => self.equal(a, &value, current),
                (Some(value), None) => self.equal(b, &value, current),
                _ => Source::All,
            },
            _ => Source::All,
        }
    }

    /// Where what a chain leads to may be equal to a scalar.
    fn equal(&self, chain: &[Step], value: &[u8], current: Option<u64>) -> Source {
        let Some(place) = self.place(chain, current) else { return Source::All };
        let (mut needs, value) = (place.needs, Node::new(value));
        if place.plain {
            match self.form {
                KeyForm::JsonKeys => {
                    let marks: &[u8] = if value.str().is_some() { &[KEY, STRING] } else { &[STRING] };
                    let one = |mark: &u8| (self.entry)(&scalar_entry(value, *mark));
                    needs.push(Source::or(marks.iter().map(one).collect()));
                }
                _ => needs.extend(place.path.map(|p| (self.entry)(&path_end(p, value).to_be_bytes()))),
            }
        }
        Source::and(needs)
    }
}

/// A literal as a `jsonb`.
fn scalar(chain: &[Step]) -> Option<Vec<u8>> {
    let mut builder = Builder::new();
    match chain {
        [Step::Null] => builder.null(),
        [Step::Bool(value)] => builder.bool(*value),
        [Step::Number(value)] => builder.number(value),
        [Step::String(value)] => builder.string(value),
        _ => return None,
    }
    builder.finish().ok().map(|bytes| bytes.to_vec())
}
