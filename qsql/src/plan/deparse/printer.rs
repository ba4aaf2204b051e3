//! The text that grows: its lines and their indentation.

use super::{Layout, Names};
use crate::plan::expr::Expr;
use crate::types::IoContext;

/// Columns of one level of indentation.
pub const INDENT: i32 = 8;
/// Columns of a continued list, and of the arms of a CASE.
pub const INDENT_LIST: i32 = 4;
/// Deeper levels than this many columns are drawn closer.
const INDENT_LIMIT: i32 = 40;

/// Prints expressions, and whatever else is made of them.
pub struct Printer<'a> {
    pub(super) names: &'a dyn Names,
    /// How constants are printed; `None`: so that they read back the same in any session.
    pub(super) io: Option<&'a IoContext<'a>>,
    /// The text is to be stored.
    pub(super) stored: bool,
    layout: Layout,
    indent: i32,
    out: String,
}

impl<'a> Printer<'a> {
    /// Prints on one line, for machines.
    pub fn new(names: &'a dyn Names) -> Self {
        Printer { names, io: None, stored: false, layout: Layout::default(), indent: 0, out: String::new() }
    }

    /// Prints for people.
    pub fn shown(names: &'a dyn Names, io: &'a IoContext<'a>, layout: Layout) -> Self {
        Printer { names, io: Some(io), stored: false, layout, indent: 0, out: String::new() }
    }

    /// Returns the text.
    pub fn finish(self) -> String {
        self.out
    }

    /// The text of one expression.
    pub(super) fn text(mut self, e: &Expr) -> String {
        self.expr(e);
        self.out
    }

    /// Whether parentheses are left out where they are not needed.
    pub fn pretty(&self) -> bool {
        self.layout.pretty
    }

    /// Whether there are lines.
    pub fn lines(&self) -> bool {
        self.layout.lines
    }

    /// Appends text.
    pub fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Appends an identifier, quoted where it has to be.
    pub fn ident(&mut self, name: &str) {
        self.out.push_str(&super::quote_identifier(name));
    }

    /// Appends a key word, on a new line where there are lines: `before` and `after` change the indentation, `plus` is for
    /// this line alone.
    pub fn keyword(&mut self, word: &str, before: i32, after: i32, plus: i32) {
        if !self.layout.lines {
            self.put(word);
            return;
        }
        self.indent += before;
        self.trim_end();
        self.out.push('\n');
        let columns = match self.indent {
            few if few < INDENT_LIMIT => few.max(0),
            many => (INDENT_LIMIT + (many - INDENT_LIMIT) / (INDENT / 2)) % INDENT_LIMIT,
        };
        self.out.extend(std::iter::repeat_n(' ', (columns + plus).max(0) as usize));
        self.put(word);
        self.indent = (self.indent + after).max(0);
    }

    /// Moves the indentation of the lines to come.
    pub fn shift(&mut self, columns: i32) {
        if self.layout.lines {
            self.indent += columns;
        }
    }

    /// Prints with the indentation put back afterwards.
    pub fn indented<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.indent;
        let result = work(self);
        self.indent = before;
        result
    }

    /// Prints a part into a text of its own.
    pub fn aside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> (String, T) {
        let before = std::mem::take(&mut self.out);
        let result = work(self);
        (std::mem::replace(&mut self.out, before), result)
    }

    /// The length of the line that is being printed.
    pub fn line_len(&self) -> usize {
        self.out.len() - self.out.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Takes spaces off the end.
    pub fn trim_end(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
    }

    /// Prints items with separators between them.
    pub fn separated<T>(&mut self, items: &[T], separator: &str, mut print: impl FnMut(&mut Self, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(separator);
            }
            print(self, item);
        }
    }

    /// Prints expressions with commas between them.
    pub fn list(&mut self, items: &[Expr]) {
        self.separated(items, ", ", |p, e| p.expr(e));
    }
}
