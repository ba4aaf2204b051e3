//! Cancel keys: which session a CancelRequest means.
//!
//! Protocol 3.0 clients get the session's own 4-byte secret, 3.2 clients one of [`SECRET_BYTES`].

use dashmap::DashMap;

/// Length of the secret for protocol 3.2, as PostgreSQL 18's.
pub const SECRET_BYTES: usize = 32;

/// The keys of the living sessions, by process id.
#[derive(Default)]
pub struct CancelKeys {
    keys: DashMap<i32, Key>,
}

struct Key {
    shown: Vec<u8>,
    session: i32,
}

impl CancelKeys {
    /// Notes the secret that the client of session (`pid`, `session`) was shown.
    pub fn insert(&self, pid: i32, session: i32, shown: Vec<u8>) {
        self.keys.insert(pid, Key { shown, session });
    }

    /// Forgets a session.
    pub fn remove(&self, pid: i32) {
        self.keys.remove(&pid);
    }

    /// Returns the session's own secret when the presented one is right. Takes the same time for every wrong secret of the right length.
    pub fn session(&self, pid: i32, presented: &[u8]) -> Option<i32> {
        let key = self.keys.get(&pid)?;
        let differs = key.shown.iter().zip(presented).fold(0, |d, (a, b)| d | (a ^ b));
        (key.shown.len() == presented.len() && differs == 0).then_some(key.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret() {
        let keys = CancelKeys::default();
        keys.insert(7, 99, vec![1, 2, 3, 4]);
        assert_eq!(keys.session(7, &[1, 2, 3, 4]), Some(99));
        for wrong in [&[1, 2, 3][..], &[1, 2, 3, 5], &[1, 2, 3, 4, 5], &[]] {
            assert_eq!(keys.session(7, wrong), None);
        }
        assert_eq!(keys.session(8, &[1, 2, 3, 4]), None);
        keys.remove(7);
        assert_eq!(keys.session(7, &[1, 2, 3, 4]), None);
    }
}
