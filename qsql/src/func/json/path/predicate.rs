//! Conditions: true, false or unknown (`None`). An error of the path on either side makes a condition unknown.

use std::cmp::Ordering;

use super::exec::{Exec, Stop};
use super::item::{Found, Item};
use crate::error::Result;
use crate::func::pattern::matches_path_regex;
use crate::types::jsonb::Kind;
use crate::types::jsonpath::{Operator, Step};

/// True, false or unknown.
type Truth = Option<bool>;

impl Exec<'_> {
    /// The truth of a condition.
    pub(super) fn truth(&mut self, condition: &[Step], item: &Item) -> Result<Truth, Stop> {
        self.nested(|exec| exec.condition(condition, item))
    }

    fn condition(&mut self, condition: &[Step], item: &Item) -> Result<Truth, Stop> {
        Ok(match condition {
            [Step::Binary(Operator::And, left, right)] => match self.truth(left, item)? {
                Some(false) => Some(false),
                left => match self.truth(right, item)? {
                    Some(true) => left,
                    right => right,
                },
            },
            [Step::Binary(Operator::Or, left, right)] => match self.truth(left, item)? {
                Some(true) => Some(true),
                left => match self.truth(right, item)? {
                    Some(false) => left,
                    right => right,
                },
            },
            [Step::Not(arg)] => self.truth(arg, item)?.map(|truth| !truth),
            [Step::IsUnknown(arg)] => Some(self.truth(arg, item)?.is_none()),
            [Step::Exists(arg)] => {
                let mut found = if self.lax { Found::one() } else { Found::all() };
                let lax = self.lax;
                soft(self.run(arg, item, &mut found, lax))?
            }
            [Step::Binary(Operator::StartsWith, left, right)] => {
                self.compare_all(left, Some(right), item, false, |_, a, b| {
                    let (Some(text), Some(initial)) = (a.str(), b.and_then(Item::str)) else {
                        return Ok(None);
                    };
                    Ok(Some(text.starts_with(initial)))
                })?
            }
            [Step::LikeRegex { arg, pattern, flags }] => {
                self.compare_all(arg, None, item, false, |_, a, _| match a.str() {
                    Some(text) => matches_path_regex(text, pattern, *flags).map(Some).map_err(Stop::Hard),
                    None => Ok(None),
                })?
            }
            [Step::Binary(operator, left, right)] => {
                let operator = *operator;
                self.compare_all(left, Some(right), item, true, move |exec, a, b| match b {
                    Some(b) => exec.compare(operator, a, b),
                    None => Ok(None),
                })?
            }
            _ => None,
        })
    }

    /// Whether a comparison holds between any item of the left side and any of the right one.
    fn compare_all(
        &mut self,
        left: &[Step],
        right: Option<&[Step]>,
        item: &Item,
        unwrap_right: bool,
        mut compare: impl FnMut(&mut Self, &Item, Option<&Item>) -> Result<Truth, Stop>,
    ) -> Result<Truth, Stop> {
        let Some(left) = soft(self.operand(left, item, true))? else { return Ok(None) };
        let right = match right {
            Some(right) => match soft(self.operand(right, item, unwrap_right))? {
                Some(items) => Some(items),
                None => return Ok(None),
            },
            None => None,
        };
        let (mut any, mut unknown) = (false, false);
        for a in &left {
            let others: Vec<Option<&Item>> = match &right {
                Some(items) => items.iter().map(Some).collect(),
                None => vec![None],
            };
            for b in others {
                match compare(self, a, b)? {
                    None if !self.lax => return Ok(None),
                    None => unknown = true,
                    Some(true) if self.lax => return Ok(Some(true)),
                    Some(true) => any = true,
                    Some(false) => {}
                }
            }
        }
        Ok(match (any, unknown) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        })
    }

    fn compare(&mut self, operator: Operator, a: &Item, b: &Item) -> Result<Truth, Stop> {
        let order = match (a.kind(), b.kind()) {
            (Some(Kind::Null), Some(Kind::Null)) => Ordering::Equal,
            // Null differs from everything else and has no order with it.
            (Some(Kind::Null), _) | (_, Some(Kind::Null)) => return Ok(Some(operator == Operator::NotEqual)),
            (None, None) => match self.compare_times(a, b)? {
                Some(order) => order,
                None => return Ok(None),
            },
            (Some(Kind::Bool), Some(Kind::Bool)) => a.bool().cmp(&b.bool()),
            (Some(Kind::Number), Some(Kind::Number)) => a.number().cmp(&b.number()),
            (Some(Kind::String), Some(Kind::String)) => {
                compare_text(a.str().unwrap_or_default(), b.str().unwrap_or_default())
            }
            _ => return Ok(None),
        };
        Ok(Some(match operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::LessEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            _ => order.is_ge(),
        }))
    }
}

/// Texts compare by their UTF-16 code units, as SQL/JSON has it.
fn compare_text(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Turns an error of the path into `None`.
fn soft<T>(result: Result<T, Stop>) -> Result<Option<T>, Stop> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Stop::Path(_)) => Ok(None),
        Err(hard) => Err(hard),
    }
}
