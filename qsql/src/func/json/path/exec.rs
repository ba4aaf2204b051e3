//! The steps: accessors, filters, arithmetic.

use super::item::{Found, Item, Part};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::json::too_deep;
use crate::types::jsonb::{Kind, Node};
use crate::types::jsonpath::{Chain, LAST, Operator, Step};
use crate::types::{IoContext, Numeric};

/// Deepest recursion of a path over a document.
const DEPTH_MAX: u32 = 1000;

/// Why a path stops.
pub(in crate::func) enum Stop {
    /// An error of the path itself: a condition around it is unknown.
    Path(SqlError),
    /// Any other.
    Hard(SqlError),
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Stop {
        Stop::Hard(error)
    }
}

/// Whether something was found.
pub(super) type Outcome = Result<bool, Stop>;

/// An error of the path.
macro_rules! fail {
    ($state:ident, $($message:tt)+) => { return Err($crate::func::json::path::Stop::Path($crate::sql_err!($state, $($message)+))) };
}
pub(super) use fail;

/// A run of a path over a document.
pub(in crate::func) struct Exec<'a> {
    pub(super) io: &'a IoContext<'a>,
    /// The values of variables by name.
    vars: &'a dyn Fn(&str) -> Option<Item>,
    root: Item,
    pub(super) current: Item,
    pub(super) lax: bool,
    pub(super) ignore_structure: bool,
    /// Whether the time zone of the session may decide.
    pub(super) use_zone: bool,
    /// Length of the innermost array that is subscripted.
    array_len: Option<usize>,
    /// Documents that `keyvalue()` has made.
    pub(super) documents: i64,
    depth: u32,
}

impl<'a> Exec<'a> {
    pub(in crate::func) fn new(
        strict: bool,
        root: Item,
        vars: &'a dyn Fn(&str) -> Option<Item>,
        use_zone: bool,
        io: &'a IoContext<'a>,
    ) -> Exec<'a> {
        Exec {
            io,
            vars,
            current: root.clone(),
            root,
            lax: !strict,
            ignore_structure: !strict,
            use_zone,
            array_len: None,
            documents: 1,
            depth: 0,
        }
    }

    /// Runs the path on its document.
    pub(in crate::func) fn start(&mut self, steps: &[Step], found: &mut Found) -> Outcome {
        let root = self.root.clone();
        if !self.lax && !found.all {
            // In strict mode all items count: there may be an error behind the first one.
            let mut all = Found::all();
            self.run(steps, &root, &mut all, false)?;
            return Ok(!all.items.is_empty());
        }
        self.run(steps, &root, found, self.lax)
    }

    pub(super) fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth >= DEPTH_MAX {
            return Err(Stop::Hard(too_deep()));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Hands an item to the steps that follow, or to `found` when there are none.
    pub(super) fn next(&mut self, rest: &[Step], item: Item, found: &mut Found) -> Outcome {
        if rest.is_empty() {
            if found.all {
                found.items.push(item);
            }
            return Ok(true);
        }
        self.run(rest, &item, found, self.lax)
    }

    /// Runs steps on an item; `unwrap`: an array stands for its elements where the first step wants something else.
    pub(super) fn run(&mut self, steps: &[Step], item: &Item, found: &mut Found, unwrap: bool) -> Outcome {
        self.nested(|exec| exec.step(steps, item, found, unwrap))
    }

    fn step(&mut self, steps: &[Step], item: &Item, found: &mut Found, unwrap: bool) -> Outcome {
        let Some((step, rest)) = steps.split_first() else { return self.next(&[], item.clone(), found) };
        match step {
            Step::Null => self.next(rest, Item::Null, found),
            Step::Bool(value) => self.next(rest, Item::Bool(*value), found),
            Step::Number(number) => self.next(rest, Item::Number(number.clone()), found),
            Step::String(text) => self.next(rest, Item::String(text.clone()), found),
            Step::Root => {
                let root = self.root.clone();
                self.next(rest, root, found)
            }
            Step::Current => {
                let current = self.current.clone();
                self.next(rest, current, found)
            }
            Step::Variable(name) => match (self.vars)(name) {
                Some(value) => self.next(rest, value, found),
                None => {
                    Err(Stop::Hard(sql_err!(UNDEFINED_OBJECT, "could not find jsonpath variable \"{name}\"")))
                }
            },
            Step::Last => match self.array_len {
                Some(len) => self.next(rest, Item::Number(Numeric::from_i64(len as i64 - 1)), found),
                None => {
                    Err(Stop::Hard(SqlError::internal("evaluating jsonpath LAST outside of array subscript")))
                }
            },
            Step::Key(key) => self.key(key, steps, rest, item, found, unwrap),
            Step::AnyKey => match item.part() {
                Some(part) if part.node().kind() == Kind::Object => {
                    self.any(rest, part, found, 1, (1, 1), false, self.lax)
                }
                Some(part) if unwrap && part.node().kind() == Kind::Array => {
                    self.elements(steps, part, found)
                }
                _ if self.ignore_structure => Ok(false),
                _ => fail!(
                    SQL_JSON_OBJECT_NOT_FOUND,
                    "jsonpath wildcard member accessor can only be applied to an object"
                ),
            },
            Step::AnyElement => match item.part() {
                Some(part) if part.node().kind() == Kind::Array => {
                    self.any(rest, part, found, 1, (1, 1), false, self.lax)
                }
                _ if self.lax => self.next(rest, item.clone(), found),
                _ if self.ignore_structure => Ok(false),
                _ => fail!(
                    SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath wildcard array accessor can only be applied to an array"
                ),
            },
            Step::Elements(list) => self.subscript(list, rest, item, found),
            Step::Any(first, last) => self.all_levels(*first, *last, rest, item, found),
            Step::Filter(condition) => {
                if let (true, Some(part), true) = (unwrap, item.part(), item.is_array()) {
                    return self.elements(steps, part, found);
                }
                let outer = std::mem::replace(&mut self.current, item.clone());
                let truth = self.truth(condition, item);
                self.current = outer;
                match truth? {
                    Some(true) => self.next(rest, item.clone(), found),
                    _ => Ok(false),
                }
            }
            Step::Binary(operator, left, right) if !step.is_predicate() => {
                let number = self.arithmetic(*operator, left, right, item)?;
                self.next(rest, Item::Number(number), found)
            }
            Step::Sign(negative, arg) => self.sign(*negative, arg, rest, item, found),
            Step::Binary(..)
            | Step::Not(_)
            | Step::IsUnknown(_)
            | Step::Exists(_)
            | Step::LikeRegex { .. } => {
                let value = match self.truth(std::slice::from_ref(step), item)? {
                    Some(truth) => Item::Bool(truth),
                    None => Item::Null,
                };
                self.next(rest, value, found)
            }
            Step::Method(..) | Step::Datetime(_) | Step::Decimal(..) => {
                self.method(steps, item, found, unwrap)
            }
        }
    }

    fn key(
        &mut self,
        key: &str,
        steps: &[Step],
        rest: &[Step],
        item: &Item,
        found: &mut Found,
        unwrap: bool,
    ) -> Outcome {
        match item.part() {
            Some(part) if part.node().kind() == Kind::Object => match part.node().field(key) {
                Some(value) => self.next(rest, Item::Part(part.inner(value)), found),
                None if self.ignore_structure => Ok(false),
                None => fail!(SQL_JSON_MEMBER_NOT_FOUND, "JSON object does not contain key \"{key}\""),
            },
            Some(part) if unwrap && part.node().kind() == Kind::Array => self.elements(steps, part, found),
            _ if self.ignore_structure => Ok(false),
            _ => {
                fail!(SQL_JSON_MEMBER_NOT_FOUND, "jsonpath member accessor can only be applied to an object")
            }
        }
    }

    /// Runs steps on each element of an array, which are not unwrapped in turn.
    pub(super) fn elements(&mut self, steps: &[Step], array: &Part, found: &mut Found) -> Outcome {
        self.any(steps, array, found, 1, (1, 1), false, false)
    }

    /// Runs steps on the parts of a container, level by level, as far as the levels are within the bounds.
    #[allow(clippy::too_many_arguments, reason = "the state of a walk")]
    fn any(
        &mut self,
        steps: &[Step],
        container: &Part,
        found: &mut Found,
        level: u32,
        (first, last): (u32, u32),
        ignore_structure: bool,
        unwrap_next: bool,
    ) -> Outcome {
        if level > last {
            return Ok(false);
        }
        self.nested(|exec| {
            let node = container.node();
            let (array, object) = (node.array(), node.object());
            let mut any = false;
            for i in 0..array.len() + object.len() {
                let part: Node<'_> =
                    if i < array.len() { array.get(i) } else { object.value(i - array.len()) };
                let leaf = part.is_scalar();
                let part = container.inner(part);
                if level >= first || (first == LAST && last == LAST && leaf) {
                    let item = Item::Part(part.clone());
                    let before = exec.ignore_structure;
                    exec.ignore_structure |= ignore_structure;
                    let result = match steps {
                        [] => exec.next(&[], item, found),
                        steps => exec.run(steps, &item, found, unwrap_next),
                    };
                    exec.ignore_structure = before;
                    any |= result?;
                    if any && !found.all {
                        break;
                    }
                }
                if level < last && !leaf {
                    any |= exec.any(
                        steps,
                        &part,
                        found,
                        level + 1,
                        (first, last),
                        ignore_structure,
                        unwrap_next,
                    )?;
                    if any && !found.all {
                        break;
                    }
                }
            }
            Ok(any)
        })
    }

    fn all_levels(
        &mut self,
        first: u32,
        last: u32,
        rest: &[Step],
        item: &Item,
        found: &mut Found,
    ) -> Outcome {
        let mut any = false;
        if first == 0 {
            let before = std::mem::replace(&mut self.ignore_structure, true);
            let result = self.next(rest, item.clone(), found);
            self.ignore_structure = before;
            any = result?;
            if any && !found.all {
                return Ok(true);
            }
        }
        match item.part() {
            Some(part) if !part.node().is_scalar() => {
                Ok(self.any(rest, part, found, 1, (first, last), true, self.lax)? || any)
            }
            _ => Ok(any),
        }
    }

    fn subscript(
        &mut self,
        list: &[(Chain, Option<Chain>)],
        rest: &[Step],
        item: &Item,
        found: &mut Found,
    ) -> Outcome {
        let array = item.part().filter(|part| part.node().kind() == Kind::Array);
        if array.is_none() && !self.lax {
            if self.ignore_structure {
                return Ok(false);
            }
            fail!(SQL_JSON_ARRAY_NOT_FOUND, "jsonpath array accessor can only be applied to an array");
        }
        let len = array.map_or(1, |part| part.node().array().len());
        let outer = self.array_len.replace(len);
        let result = self.places(list, rest, item, array, len as i64, found);
        self.array_len = outer;
        result
    }

    fn places(
        &mut self,
        list: &[(Chain, Option<Chain>)],
        rest: &[Step],
        item: &Item,
        array: Option<&Part>,
        len: i64,
        found: &mut Found,
    ) -> Outcome {
        let mut any = false;
        for (from, to) in list {
            let from = self.place(from, item)?;
            let to = match to {
                Some(to) => self.place(to, item)?,
                None => from,
            };
            if !self.ignore_structure && (from < 0 || from > to || to >= len) {
                fail!(INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of bounds");
            }
            for i in from.max(0)..=to.min(len - 1) {
                let element = match array {
                    Some(part) => Item::Part(part.inner(part.node().array().get(i as usize))),
                    None => item.clone(),
                };
                any |= self.next(rest, element, found)?;
                if any && !found.all {
                    return Ok(true);
                }
            }
        }
        Ok(any)
    }

    fn place(&mut self, chain: &[Step], item: &Item) -> Result<i64, Stop> {
        let mut found = Found::all();
        self.run(chain, item, &mut found, self.lax)?;
        let [place] = found.items.as_slice() else {
            fail!(INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is not a single numeric value");
        };
        let Some(number) = place.number() else {
            fail!(INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is not a single numeric value");
        };
        match number.trunc(0).and_then(|n| n.to_i32()) {
            Ok(place) => Ok(i64::from(place)),
            Err(_) => fail!(INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of integer range"),
        }
    }

    /// Runs a chain; with `unwrap`, in lax mode, arrays among the results stand for their elements.
    pub(super) fn operand(&mut self, chain: &[Step], item: &Item, unwrap: bool) -> Result<Vec<Item>, Stop> {
        let mut found = Found::all();
        self.run(chain, item, &mut found, self.lax)?;
        if !(unwrap && self.lax && found.items.iter().any(Item::is_array)) {
            return Ok(found.items);
        }
        let mut flat = Vec::with_capacity(found.items.len());
        for item in found.items {
            match item.part().filter(|part| part.node().kind() == Kind::Array) {
                Some(part) => {
                    flat.extend(part.node().array().iter().map(|element| Item::Part(part.inner(element))))
                }
                None => flat.push(item),
            }
        }
        Ok(flat)
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &[Step],
        right: &[Step],
        item: &Item,
    ) -> Result<Numeric, Stop> {
        let symbol = operator.symbol();
        let mut one = |chain: &[Step], side: &str| -> Result<Numeric, Stop> {
            let items = self.operand(chain, item, true)?;
            match items.as_slice() {
                [one] if one.number().is_some() => Ok(one.number().unwrap_or(Numeric::ZERO)),
                _ => fail!(
                    SINGLETON_SQL_JSON_ITEM_REQUIRED,
                    "{side} operand of jsonpath operator {symbol} is not a single numeric value"
                ),
            }
        };
        let (a, b) = (one(left, "left")?, one(right, "right")?);
        match operator {
            Operator::Add => a.add(&b),
            Operator::Subtract => a.sub(&b),
            Operator::Multiply => a.mul(&b),
            Operator::Divide => a.div(&b),
            _ => a.rem(&b),
        }
        .map_err(Stop::Path)
    }

    fn sign(
        &mut self,
        negative: bool,
        arg: &[Step],
        rest: &[Step],
        item: &Item,
        found: &mut Found,
    ) -> Outcome {
        let mut any = false;
        for operand in self.operand(arg, item, true)? {
            let Some(number) = operand.number() else {
                if !found.all && rest.is_empty() {
                    continue;
                }
                let symbol = if negative { "-" } else { "+" };
                fail!(
                    SQL_JSON_NUMBER_NOT_FOUND,
                    "operand of unary jsonpath operator {symbol} is not a numeric value"
                );
            };
            let number = if negative { number.neg() } else { number };
            any |= self.next(rest, Item::Number(number), found)?;
            if any && !found.all {
                break;
            }
        }
        Ok(any)
    }
}
