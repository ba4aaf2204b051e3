//! Log records of the upper half: what they say and how they are written.
//!
//! A record is a kind byte followed by fields; numbers are LEB128 varints, byte strings are preceded by their length.
//!
//! ```text
//! KIND NAME         WHAT REDO DOES                         WHAT UNDO OF A LOSER DOES
//!    1 Insert       inserts a record in a leaf             removes it
//!    2 Change       new value and flags for a record       old value and flags
//!    3 InsertRange  inserts consecutive row ids in a leaf  removes them
//!    4 NewPage      makes a page from its image            frees it
//!    5 Compensate   one page operation of a rollback       nothing: names what it compensated
//!    6 LinkBulk     page operations                        nothing: forgets the pages since `back_to`
//!    7 Structure    page operations of one atomic change   nothing
//!    8 Commit       -                                      the transaction is no loser
//!    9 Abort        -                                      the transaction is undone completely
//!   10 InsertMany   inserts records in a leaf              removes them
//! ```
//!
//! Redo is physiological (the page is named, the place in it is found by key), undo is logical (by tree and key).
//! Values are logged as the difference to the old value: common start and end are left out.

use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId, TreeId};
use crate::page::SlotFlags;

/// An operation on one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op<'a> {
    /// (Re)makes the page from an image.
    Image(&'a [u8]),
    /// Keeps the first slots and sets a new upper fence.
    Truncate {
        /// Slots that stay.
        keep: usize,
        /// The upper fence.
        upper: &'a [u8],
    },
    /// A child split: `left` stays below the separator, `right` is new above it.
    AddChild {
        /// The separator.
        key: &'a [u8],
        /// The child that was split.
        left: PageId,
        /// The new child.
        right: PageId,
    },
    /// Two children merged into `left`: the separator at `at` goes.
    DropChild {
        /// Index of the separator between them.
        at: usize,
        /// The child that stays.
        left: PageId,
    },
    /// Drops the first slots and sets a new lower fence.
    Behead {
        /// Slots that go.
        drop: usize,
        /// The lower fence.
        lower: &'a [u8],
    },
    /// Takes a neighbour's records over: those of the node in the image, with its outer fence.
    Receive {
        /// They come before the own ones.
        front: bool,
        /// The image.
        image: &'a [u8],
    },
    /// Children have moved records between them: the separator at `at` is another one now.
    Separate {
        /// Index of the separator.
        at: usize,
        /// The new separator.
        key: &'a [u8],
    },
    /// Drops stamps and ghosts older than the horizon.
    Prune {
        /// Transactions below it are visible to all.
        horizon: u64,
    },
    /// The page is free.
    Free,
    /// Removes a record.
    Remove {
        /// Its key.
        key: &'a [u8],
    },
    /// Sets a record's content; `xid` 0 means unstamped.
    Set {
        /// Its key.
        key: &'a [u8],
        /// Flags of the restored version.
        flags: SlotFlags,
        /// Its writer.
        xid: u64,
        /// Its value.
        value: &'a [u8],
    },
    /// Removes the row ids from `first` to `last` stamped by `xid`.
    RemoveRange {
        /// First row id.
        first: u64,
        /// Last row id, included.
        last: u64,
        /// The writer whose rows go.
        xid: u64,
    },
    /// Removes those of these records that `xid` stamped.
    RemoveMany {
        /// Their keys, without values.
        keys: Entries<'a>,
        /// The writer whose records go.
        xid: u64,
    },
}

/// An operation and its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The page.
    pub page: PageId,
    /// What happens to it.
    pub op: Op<'a>,
}

/// The difference between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta<'a> {
    /// Bytes both start with.
    pub prefix: usize,
    /// Bytes both end with.
    pub suffix: usize,
    /// What stood between.
    pub old: &'a [u8],
    /// What stands between now.
    pub new: &'a [u8],
}

impl<'a> Delta<'a> {
    /// Compares two values.
    pub fn between(old: &'a [u8], new: &'a [u8]) -> Delta<'a> {
        // Eight bytes at a time, then the rest one by one.
        let words = old.chunks_exact(8).zip(new.chunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
        let rest = old[words..].iter().zip(&new[words..]).take_while(|(a, b)| a == b).count();
        let prefix = words + rest;
        let (old, new) = (&old[prefix..], &new[prefix..]);
        let words = old.rchunks_exact(8).zip(new.rchunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
        let (left, right) = (&old[..old.len() - words], &new[..new.len() - words]);
        let rest = left.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
        let suffix = words + rest;
        Delta { prefix, suffix, old: &old[..old.len() - suffix], new: &new[..new.len() - suffix] }
    }

    /// The value after the change; `None` when `old` does not fit.
    pub fn forward(&self, old: &[u8]) -> Option<Vec<u8>> {
        splice(old, self.prefix, self.old.len(), self.suffix, self.new)
    }

    /// The value before the change; `None` when `new` does not fit.
    pub fn backward(&self, new: &[u8]) -> Option<Vec<u8>> {
        splice(new, self.prefix, self.new.len(), self.suffix, self.old)
    }
}

fn splice(from: &[u8], prefix: usize, middle: usize, suffix: usize, with: &[u8]) -> Option<Vec<u8>> {
    (from.len() == prefix + middle + suffix)
        .then(|| [&from[..prefix], with, &from[prefix + middle..]].concat())
}

/// Rows of an [`Record::InsertRange`], encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows<'a>(pub &'a [u8]);

impl<'a> Rows<'a> {
    /// Appends one row to an encoding.
    pub fn push(out: &mut Vec<u8>, row: &[u8]) {
        put_bytes(out, row);
    }

    /// Appends what of a [`Record::InsertRange`] stands before its rows, which are so many bytes.
    pub fn head(
        out: &mut Vec<u8>,
        xid: u64,
        tree: TreeId,
        page: PageId,
        first: u64,
        count: u64,
        bytes: usize,
    ) {
        put_head(out, 3, xid, tree, page);
        put(out, first);
        put(out, count);
        put(out, bytes as u64);
    }

    /// The rows in order.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader(self.0);
        std::iter::from_fn(move || reader.bytes().ok())
    }
}

/// Records with ascending keys, encoded: of each key only what it does not share with the one before is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries<'a>(pub &'a [u8]);

impl<'a> Entries<'a> {
    /// Appends one record to an encoding; `before` is the key before it, empty for the first.
    pub fn push(out: &mut Vec<u8>, before: &[u8], key: &[u8], value: &[u8]) {
        let shared = before.iter().zip(key).take_while(|(a, b)| a == b).count();
        put(out, shared as u64);
        put_bytes(out, &key[shared..]);
        put_bytes(out, value);
    }

    /// Shows the records in order, until `f` fails.
    ///
    /// # Errors
    /// `Corrupt` for what [`Entries::push`] never wrote, and those of `f`.
    pub fn try_for_each(self, mut f: impl FnMut(&[u8], &'a [u8]) -> Result<()>) -> Result<()> {
        let mut reader = Reader(self.0);
        let mut key = Vec::new();
        while !reader.0.is_empty() {
            let shared = reader.number()? as usize;
            if shared > key.len() {
                return Err(malformed());
            }
            key.truncate(shared);
            key.extend_from_slice(reader.bytes()?);
            f(&key, reader.bytes()?)?;
        }
        Ok(())
    }
}

/// A log record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained in the module's table")]
pub enum Record<'a> {
    Insert {
        xid: u64,
        tree: TreeId,
        page: PageId,
        key: &'a [u8],
        flags: SlotFlags,
        value: &'a [u8],
    },
    Change {
        xid: u64,
        tree: TreeId,
        page: PageId,
        key: &'a [u8],
        before: SlotFlags,
        after: SlotFlags,
        delta: Delta<'a>,
    },
    InsertRange {
        xid: u64,
        tree: TreeId,
        page: PageId,
        first: u64,
        count: u64,
        rows: Rows<'a>,
    },
    InsertMany {
        xid: u64,
        tree: TreeId,
        page: PageId,
        entries: Entries<'a>,
    },
    NewPage {
        xid: u64,
        page: PageId,
        image: &'a [u8],
    },
    Compensate {
        xid: u64,
        undone: Lsn,
        done: bool,
        part: Option<Part<'a>>,
    },
    LinkBulk {
        xid: u64,
        back_to: Lsn,
        parts: Vec<Part<'a>>,
    },
    Structure {
        parts: Vec<Part<'a>>,
    },
    Commit {
        xid: u64,
        micros: i64,
    },
    Abort {
        xid: u64,
    },
}

impl<'a> Record<'a> {
    /// The transaction the record belongs to; `None` for system changes.
    pub fn xid(&self) -> Option<u64> {
        match *self {
            Record::Insert { xid, .. }
            | Record::Change { xid, .. }
            | Record::InsertRange { xid, .. }
            | Record::InsertMany { xid, .. }
            | Record::NewPage { xid, .. }
            | Record::Compensate { xid, .. }
            | Record::LinkBulk { xid, .. }
            | Record::Commit { xid, .. }
            | Record::Abort { xid } => Some(xid),
            Record::Structure { .. } => None,
        }
    }

    /// Appends the record's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Insert { xid, tree, page, key, flags, value } => {
                put_head(out, 1, *xid, *tree, *page);
                put_bytes(out, key);
                out.push(flags.0 as u8);
                put_bytes(out, value);
            }
            Record::Change { xid, tree, page, key, before, after, delta } => {
                put_head(out, 2, *xid, *tree, *page);
                put_bytes(out, key);
                out.push(before.0 as u8);
                out.push(after.0 as u8);
                put(out, delta.prefix as u64);
                put(out, delta.suffix as u64);
                put_bytes(out, delta.old);
                put_bytes(out, delta.new);
            }
            Record::InsertRange { xid, tree, page, first, count, rows } => {
                Rows::head(out, *xid, *tree, *page, *first, *count, rows.0.len());
                out.extend_from_slice(rows.0);
            }
            Record::NewPage { xid, page, image } => {
                out.push(4);
                put(out, *xid);
                put(out, page.0);
                put_bytes(out, image);
            }
            Record::Compensate { xid, undone, done, part } => {
                out.push(5);
                put(out, *xid);
                put(out, undone.0);
                out.push(u8::from(*done));
                put_parts(out, part.as_slice());
            }
            Record::LinkBulk { xid, back_to, parts } => {
                out.push(6);
                put(out, *xid);
                put(out, back_to.0);
                put_parts(out, parts);
            }
            Record::Structure { parts } => {
                out.push(7);
                put_parts(out, parts);
            }
            Record::Commit { xid, micros } => {
                out.push(8);
                put(out, *xid);
                put(out, *micros as u64);
            }
            Record::Abort { xid } => {
                out.push(9);
                put(out, *xid);
            }
            Record::InsertMany { xid, tree, page, entries } => {
                put_head(out, 10, *xid, *tree, *page);
                put_bytes(out, entries.0);
            }
        }
    }

    /// Reads a record back.
    pub fn decode(raw: &'a [u8]) -> Result<Record<'a>> {
        let mut r = Reader(raw);
        let kind = r.byte()?;
        let record = match kind {
            1 => Record::Insert {
                xid: r.number()?,
                tree: r.tree()?,
                page: r.page()?,
                key: r.bytes()?,
                flags: r.flags()?,
                value: r.bytes()?,
            },
            2 => Record::Change {
                xid: r.number()?,
                tree: r.tree()?,
                page: r.page()?,
                key: r.bytes()?,
                before: r.flags()?,
                after: r.flags()?,
                delta: Delta {
                    prefix: r.number()? as usize,
                    suffix: r.number()? as usize,
                    old: r.bytes()?,
                    new: r.bytes()?,
                },
            },
            3 => Record::InsertRange {
                xid: r.number()?,
                tree: r.tree()?,
                page: r.page()?,
                first: r.number()?,
                count: r.number()?,
                rows: Rows(r.bytes()?),
            },
            4 => Record::NewPage { xid: r.number()?, page: r.page()?, image: r.bytes()? },
            5 => Record::Compensate {
                xid: r.number()?,
                undone: Lsn(r.number()?),
                done: r.byte()? != 0,
                part: r.parts()?.pop(),
            },
            6 => Record::LinkBulk { xid: r.number()?, back_to: Lsn(r.number()?), parts: r.parts()? },
            7 => Record::Structure { parts: r.parts()? },
            8 => Record::Commit { xid: r.number()?, micros: r.number()? as i64 },
            9 => Record::Abort { xid: r.number()? },
            10 => Record::InsertMany {
                xid: r.number()?,
                tree: r.tree()?,
                page: r.page()?,
                entries: Entries(r.bytes()?),
            },
            _ => return Err(malformed()),
        };
        if r.0.is_empty() { Ok(record) } else { Err(malformed()) }
    }
}

fn malformed() -> StoreError {
    StoreError::Corrupt { page: None, what: "a log record is malformed".into() }
}

fn put(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_head(out: &mut Vec<u8>, kind: u8, xid: u64, tree: TreeId, page: PageId) {
    out.push(kind);
    put(out, xid);
    put(out, u64::from(tree.0));
    put(out, page.0);
}

fn put_parts(out: &mut Vec<u8>, parts: &[Part<'_>]) {
    put(out, parts.len() as u64);
    for part in parts {
        put(out, part.page.0);
        match &part.op {
            Op::Image(image) => {
                out.push(1);
                put_bytes(out, image);
            }
            Op::Truncate { keep, upper } => {
                out.push(2);
                put(out, *keep as u64);
                put_bytes(out, upper);
            }
            Op::AddChild { key, left, right } => {
                out.push(3);
                put_bytes(out, key);
                put(out, left.0);
                put(out, right.0);
            }
            Op::DropChild { at, left } => {
                out.push(4);
                put(out, *at as u64);
                put(out, left.0);
            }
            Op::Behead { drop, lower } => {
                out.push(12);
                put(out, *drop as u64);
                put_bytes(out, lower);
            }
            Op::Receive { front, image } => {
                out.push(13);
                out.push(u8::from(*front));
                put_bytes(out, image);
            }
            Op::Separate { at, key } => {
                out.push(14);
                put(out, *at as u64);
                put_bytes(out, key);
            }
            Op::Prune { horizon } => {
                out.push(5);
                put(out, *horizon);
            }
            Op::Free => out.push(7),
            Op::Remove { key } => {
                out.push(8);
                put_bytes(out, key);
            }
            Op::Set { key, flags, xid, value } => {
                out.push(9);
                put_bytes(out, key);
                out.push(flags.0 as u8);
                put(out, *xid);
                put_bytes(out, value);
            }
            Op::RemoveRange { first, last, xid } => {
                out.push(10);
                put(out, *first);
                put(out, *last);
                put(out, *xid);
            }
            Op::RemoveMany { keys, xid } => {
                out.push(11);
                put_bytes(out, keys.0);
                put(out, *xid);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8> {
        let (&first, rest) = self.0.split_first().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self) -> Result<u64> {
        let mut v = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            v |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(v);
            }
        }
        Err(malformed())
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.number()? as usize;
        if len > self.0.len() {
            return Err(malformed());
        }
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        Ok(bytes)
    }

    fn tree(&mut self) -> Result<TreeId> {
        u32::try_from(self.number()?).map(TreeId).map_err(|_| malformed())
    }

    fn page(&mut self) -> Result<PageId> {
        self.number().map(PageId)
    }

    fn flags(&mut self) -> Result<SlotFlags> {
        Ok(SlotFlags(u16::from(self.byte()?)))
    }

    fn parts(&mut self) -> Result<Vec<Part<'a>>> {
        let count = self.number()? as usize;
        let mut parts = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            let page = self.page()?;
            let op = match self.byte()? {
                1 => Op::Image(self.bytes()?),
                2 => Op::Truncate { keep: self.number()? as usize, upper: self.bytes()? },
                3 => Op::AddChild { key: self.bytes()?, left: self.page()?, right: self.page()? },
                4 => Op::DropChild { at: self.number()? as usize, left: self.page()? },
                5 => Op::Prune { horizon: self.number()? },
                7 => Op::Free,
                8 => Op::Remove { key: self.bytes()? },
                9 => Op::Set {
                    key: self.bytes()?,
                    flags: self.flags()?,
                    xid: self.number()?,
                    value: self.bytes()?,
                },
                10 => Op::RemoveRange { first: self.number()?, last: self.number()?, xid: self.number()? },
                11 => Op::RemoveMany { keys: Entries(self.bytes()?), xid: self.number()? },
                12 => Op::Behead { drop: self.number()? as usize, lower: self.bytes()? },
                13 => Op::Receive { front: self.byte()? != 0, image: self.bytes()? },
                14 => Op::Separate { at: self.number()? as usize, key: self.bytes()? },
                _ => return Err(malformed()),
            };
            parts.push(Part { page, op });
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_as_written() {
        let delta = Delta::between(b"balance=100;x", b"balance=2;x");
        assert_eq!((delta.old, delta.new), (&b"100"[..], &b"2"[..]));
        assert_eq!(delta.forward(b"balance=100;x").as_deref(), Some(&b"balance=2;x"[..]));
        assert_eq!(delta.backward(b"balance=2;x").as_deref(), Some(&b"balance=100;x"[..]));
        let flags = SlotFlags::DELETED;
        let mut rows = Vec::new();
        Rows::push(&mut rows, b"one");
        Rows::push(&mut rows, b"");
        let mut entries = Vec::new();
        let pairs = [(&b"abc"[..], &b"1"[..]), (b"abd", b""), (b"b", b"22")];
        for (i, (key, value)) in pairs.iter().enumerate() {
            let before = if i == 0 { b"" } else { pairs[i - 1].0 };
            Entries::push(&mut entries, before, key, value);
        }
        let (tree, page, key) = (TreeId(300), PageId(1 << 40), &b"k"[..]);
        let parts = vec![
            Part { page, op: Op::Image(b"img") },
            Part { page, op: Op::Truncate { keep: 3, upper: b"m" } },
            Part { page, op: Op::AddChild { key, left: PageId(1), right: PageId(2) } },
            Part { page, op: Op::DropChild { at: 1, left: PageId(1) } },
            Part { page, op: Op::Behead { drop: 2, lower: b"c" } },
            Part { page, op: Op::Receive { front: true, image: b"img" } },
            Part { page, op: Op::Separate { at: 1, key } },
            Part { page, op: Op::Prune { horizon: 9 } },
            Part { page, op: Op::Free },
            Part { page, op: Op::Remove { key } },
            Part { page, op: Op::Set { key, flags, xid: 4, value: b"v" } },
            Part { page, op: Op::RemoveMany { keys: Entries(&entries), xid: 3 } },
            Part { page, op: Op::RemoveRange { first: 1, last: 2, xid: 3 } },
        ];
        let records = [
            Record::Insert { xid: 1, tree, page, key, flags, value: b"v" },
            Record::Change { xid: u64::MAX, tree, page, key, before: flags, after: SlotFlags(0), delta },
            Record::InsertRange { xid: 2, tree, page, first: 7, count: 2, rows: Rows(&rows) },
            Record::InsertMany { xid: 2, tree, page, entries: Entries(&entries) },
            Record::NewPage { xid: 3, page, image: b"i" },
            Record::Compensate { xid: 3, undone: Lsn(88), done: true, part: parts.last().cloned() },
            Record::LinkBulk { xid: 3, back_to: Lsn(5), parts: parts.clone() },
            Record::Structure { parts },
            Record::Commit { xid: 8, micros: -5 },
            Record::Abort { xid: 8 },
        ];
        for record in records {
            let mut raw = Vec::new();
            record.encode(&mut raw);
            assert_eq!(Record::decode(&raw).unwrap(), record);
            for cut in 0..raw.len() {
                assert!(Record::decode(&raw[..cut]).is_err(), "cut at {cut}: {record:?}");
            }
        }
        assert_eq!(Rows(&rows).iter().collect::<Vec<_>>(), [&b"one"[..], b""]);
        let mut seen = Vec::new();
        let shown = Entries(&entries).try_for_each(|key, value| {
            seen.push((key.to_vec(), value));
            Ok(())
        });
        assert!(shown.is_ok() && seen.iter().map(|(k, v)| (&k[..], *v)).eq(pairs));
        assert!(Entries(&entries[1..]).try_for_each(|_, _| Ok(())).is_err());
    }
}
