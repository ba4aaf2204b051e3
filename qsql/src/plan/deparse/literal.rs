//! Constants.

use super::printer::Printer;
use crate::types::{DataType, Datum, IoContext, io_text, oid};

/// Whether a constant shows its type.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Label {
    Never,
    /// Unless its spelling says it.
    Needed,
    Always,
}

impl Printer<'_> {
    pub(super) fn constant(&mut self, value: &Datum, ty: DataType, label: Label) {
        if value.is_null() {
            self.put("NULL");
            if label != Label::Never {
                self.put("::");
                self.type_text(ty);
            }
            return;
        }
        let plain = IoContext::default();
        let Ok(text) = io_text::to_text(value, ty.oid, self.io.unwrap_or(&plain)) else {
            self.put("?");
            return;
        };
        let digit = text.starts_with(|c: char| c.is_ascii_digit());
        let bare = match ty.oid {
            oid::BOOL => Some(if text == "t" { "true" } else { "false" }),
            oid::INT4 if digit => Some(text.as_str()),
            // An integer would read back as one.
            oid::NUMERIC if digit && text.contains(['.', 'e', 'E']) => Some(text.as_str()),
            _ => None,
        };
        match bare {
            Some(bare) => self.put(bare),
            None => self.quoted(&text),
        }
        let said = match ty.oid {
            oid::BOOL | oid::UNKNOWN => true,
            oid::NUMERIC => bare.is_some() && ty.typmod < 0,
            _ => bare.is_some(),
        };
        if label == Label::Always || label == Label::Needed && !said {
            self.put("::");
            self.type_text(ty);
        }
    }

    /// A string literal. Backslashes mean themselves in a standard literal; what is to read back in any session escapes them.
    fn quoted(&mut self, text: &str) {
        let doubled = text.replace('\'', "''");
        if self.io.is_none() && doubled.contains('\\') {
            self.put(&format!("E'{}'", doubled.replace('\\', "\\\\")));
        } else {
            self.put(&format!("'{doubled}'"));
        }
    }
}
