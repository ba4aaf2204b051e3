//! LISTEN and NOTIFY between the sessions of a database: one queue, and a place in it for each session that listens.
//!
//! 1. Transactions that notify commit one after the other, under [`Channels::commit_order`]: the queue has the order of commits.
//! 2. An entry stays until every listener has passed it. A session that is not interested is moved on by whoever publishes; only
//!    one that is in a transaction of its own holds the queue up.
//! 3. An entry tells the log position of its commit: a client hears of it when that is durable, as of everything else.
//!
//! Source: PostgreSQL manual, reference pages of LISTEN and NOTIFY.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};
use nq_qsql::bail;
use nq_qsql::error::Result;
use nq_storage::Lsn;
use parking_lot::{Mutex, MutexGuard};

use crate::activity::Backend;

/// What a NOTIFY tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Process id of the session that notifies.
    pub process: i32,
    /// The channel.
    pub channel: Arc<str>,
    /// The payload, perhaps empty.
    pub payload: Arc<str>,
}

impl Notification {
    fn bytes(&self) -> usize {
        self.channel.len() + self.payload.len() + size_of::<Entry>()
    }
}

/// Bytes of notifications that may wait for listeners.
const QUEUE_BYTES: usize = 16 << 20;

struct Entry {
    notification: Notification,
    commit: Lsn,
}

struct Listener {
    backend: Arc<Backend>,
    channels: HashSet<Arc<str>>,
    /// Number of the first entry it has not seen.
    next: u64,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Entry>,
    /// Number of the queue's first entry.
    first: u64,
    bytes: usize,
    listeners: HashMap<i32, Listener>,
}

/// The notifications of a database on their way.
#[derive(Default)]
pub(crate) struct Channels {
    order: Mutex<()>,
    state: Mutex<State>,
}

impl Channels {
    /// Held from before a notifying transaction commits until it has published.
    pub(crate) fn commit_order(&self) -> MutexGuard<'_, ()> {
        self.order.lock()
    }

    /// Refuses notifications for which there is no room.
    ///
    /// # Errors
    /// 54000 `too many notifications in the NOTIFY queue`.
    pub(crate) fn check_room<'a>(&self, news: impl Iterator<Item = &'a Notification>) -> Result<()> {
        let state = self.state.lock();
        if !state.listeners.is_empty()
            && state.bytes + news.map(Notification::bytes).sum::<usize>() > QUEUE_BYTES
        {
            bail!(PROGRAM_LIMIT_EXCEEDED, "too many notifications in the NOTIFY queue");
        }
        Ok(())
    }

    /// Puts what a transaction tells into the queue, and wakes those who listen. The transaction has committed at `commit`.
    pub(crate) fn publish(&self, news: Vec<Notification>, commit: Lsn) {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.listeners.is_empty() {
            return;
        }
        let before = state.end();
        for notification in news {
            state.bytes += notification.bytes();
            state.queue.push_back(Entry { notification, commit });
        }
        let end = state.end();
        let fresh = (before - state.first) as usize;
        for listener in state.listeners.values_mut() {
            let wanted = state
                .queue
                .range(fresh..)
                .any(|entry| listener.channels.contains(&entry.notification.channel));
            if wanted {
                listener.backend.has_mail.store(true, Ordering::Release);
                if let Some(tell) = listener.backend.on_mail.get() {
                    tell();
                }
            } else if listener.next == before {
                listener.next = end;
            }
        }
        state.trim();
    }

    /// What `process` has not yet seen of the channels it listens to, with the log position that makes all of it durable.
    pub(crate) fn take(&self, process: i32) -> (Vec<Notification>, Lsn) {
        let mut state = self.state.lock();
        let (first, end) = (state.first, state.end());
        let state = &mut *state;
        let Some(listener) = state.listeners.get_mut(&process) else { return (Vec::new(), Lsn::NONE) };
        let mut news = Vec::new();
        let mut durable = Lsn::NONE;
        for entry in state.queue.range((listener.next - first) as usize..) {
            if listener.channels.contains(&entry.notification.channel) {
                durable = durable.max(entry.commit);
                news.push(entry.notification.clone());
            }
        }
        listener.next = end;
        state.trim();
        (news, durable)
    }

    /// Sets what a session listens to from now on; nothing: it listens no more.
    pub(crate) fn subscribe(&self, backend: &Arc<Backend>, channels: &[Arc<str>]) {
        let mut state = self.state.lock();
        let end = state.end();
        if channels.is_empty() {
            state.listeners.remove(&backend.pid);
            return state.trim();
        }
        let listener = state.listeners.entry(backend.pid).or_insert_with(|| Listener {
            backend: Arc::clone(backend),
            channels: HashSet::new(),
            next: end,
        });
        listener.channels = channels.iter().cloned().collect();
    }

    /// How full the queue is, 0 .. 1.
    pub(crate) fn usage(&self) -> f64 {
        self.state.lock().bytes as f64 / QUEUE_BYTES as f64
    }
}

impl State {
    fn end(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    /// Forgets what everybody has seen.
    fn trim(&mut self) {
        let seen = self.listeners.values().map(|l| l.next).min().unwrap_or_else(|| self.end());
        while self.first < seen {
            let Some(entry) = self.queue.pop_front() else { return };
            self.bytes -= entry.notification.bytes();
            self.first += 1;
        }
    }
}
