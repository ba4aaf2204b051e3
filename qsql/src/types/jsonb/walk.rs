//! Visiting a value from the outside inwards without recursion.

use super::{Array, Kind, Node, Object};

/// What is met next.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// An array or object begins; its number of elements or fields.
    Begin(Kind, usize),
    /// The key of the value that follows.
    Key(&'a str),
    /// A scalar.
    Scalar(Node<'a>),
    /// The container that began last ends.
    End(Kind),
}

#[derive(Clone, Copy)]
enum Open<'a> {
    Array(Array<'a>, usize),
    /// The next field, and whether its key has been given.
    Object(Object<'a>, usize, bool),
}

/// The steps through a value.
pub struct Walk<'a> {
    root: Option<Node<'a>>,
    open: Vec<Open<'a>>,
}

impl<'a> Walk<'a> {
    /// Starts outside the value.
    pub fn new(root: Node<'a>) -> Self {
        Walk { root: Some(root), open: Vec::new() }
    }

    /// How many containers are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    fn enter(&mut self, node: Node<'a>) -> Step<'a> {
        match node.kind() {
            Kind::Array => {
                let array = node.array();
                self.open.push(Open::Array(array, 0));
                Step::Begin(Kind::Array, array.len())
            }
            Kind::Object => {
                let object = node.object();
                self.open.push(Open::Object(object, 0, false));
                Step::Begin(Kind::Object, object.len())
            }
            _ => Step::Scalar(node),
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if let Some(root) = self.root.take() {
            return Some(self.enter(root));
        }
        let node = match self.open.last_mut()? {
            Open::Array(array, next) if *next < array.len() => {
                *next += 1;
                array.get(*next - 1)
            }
            Open::Object(object, next, keyed) if *next < object.len() => {
                if !*keyed {
                    *keyed = true;
                    return Some(Step::Key(object.key(*next)));
                }
                *keyed = false;
                *next += 1;
                object.value(*next - 1)
            }
            Open::Array(..) => {
                self.open.pop();
                return Some(Step::End(Kind::Array));
            }
            Open::Object(..) => {
                self.open.pop();
                return Some(Step::End(Kind::Object));
            }
        };
        Some(self.enter(node))
    }
}
