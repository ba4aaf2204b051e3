//! What a session listens to, and what its transaction is about to tell; see [`crate::notify`] for how it travels.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashSet;
use nq_qsql::bail;
use nq_qsql::error::Result;

use super::Session;
use super::transaction::Block;
use crate::database::Home;
use crate::notify::Notification;

/// Bytes of the longest channel name (`NAMEDATALEN - 1`).
const CHANNEL_BYTES: usize = 63;
/// A payload is shorter than this (`NOTIFY_PAYLOAD_MAX_LENGTH`).
const PAYLOAD_BYTES: usize = 8000;

/// A change of what is listened to; it counts when its transaction commits.
enum Change {
    Listen(Arc<str>),
    Unlisten(Arc<str>),
    UnlistenAll,
}

/// A session's end of LISTEN and NOTIFY.
pub(crate) struct Mailbox {
    process: i32,
    /// What is listened to, in the order of the LISTENs.
    channels: Vec<Arc<str>>,
    changes: Vec<Change>,
    outgoing: Vec<Notification>,
    /// Channels and payloads in `outgoing`: a transaction tells each thing once.
    said: HashSet<(Arc<str>, Arc<str>)>,
}

/// How far a transaction had come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MailMark {
    changes: usize,
    outgoing: usize,
}

impl Mailbox {
    pub(crate) fn new(process: i32) -> Mailbox {
        Mailbox {
            process,
            channels: Vec::new(),
            changes: Vec::new(),
            outgoing: Vec::new(),
            said: HashSet::new(),
        }
    }

    /// LISTEN.
    pub(crate) fn listen(&mut self, channel: &str) {
        self.changes.push(Change::Listen(channel.into()));
    }

    /// UNLISTEN of one channel, or of all.
    pub(crate) fn unlisten(&mut self, channel: Option<&str>) {
        self.changes.push(channel.map_or(Change::UnlistenAll, |name| Change::Unlisten(name.into())));
    }

    /// NOTIFY.
    ///
    /// # Errors
    /// 22023 for a name or a payload of the wrong length.
    pub(crate) fn notify(&mut self, channel: &str, payload: &str) -> Result<()> {
        if channel.is_empty() {
            bail!(INVALID_PARAMETER_VALUE, "channel name cannot be empty");
        }
        if channel.len() > CHANNEL_BYTES {
            bail!(INVALID_PARAMETER_VALUE, "channel name too long");
        }
        if payload.len() >= PAYLOAD_BYTES {
            bail!(INVALID_PARAMETER_VALUE, "payload string too long");
        }
        let (channel, payload): (Arc<str>, Arc<str>) = (channel.into(), payload.into());
        if self.said.insert((Arc::clone(&channel), Arc::clone(&payload))) {
            self.outgoing.push(Notification { process: self.process, channel, payload });
        }
        Ok(())
    }

    /// What is listened to.
    pub(crate) fn channels(&self) -> &[Arc<str>] {
        &self.channels
    }

    /// Whether the transaction has something to tell or to change.
    pub(crate) fn is_idle(&self) -> bool {
        self.changes.is_empty() && self.outgoing.is_empty()
    }

    pub(crate) fn mark(&self) -> MailMark {
        MailMark { changes: self.changes.len(), outgoing: self.outgoing.len() }
    }

    /// Forgets what came after `mark`.
    pub(crate) fn rollback_to(&mut self, mark: MailMark) {
        self.changes.truncate(mark.changes);
        for untold in self.outgoing.drain(mark.outgoing..) {
            self.said.remove(&(untold.channel, untold.payload));
        }
    }

    /// What the transaction tells.
    pub(crate) fn outgoing(&self) -> &[Notification] {
        &self.outgoing
    }

    /// The transaction has committed: what it changed counts now. Returns what it tells.
    fn commit(&mut self) -> (bool, Vec<Notification>) {
        let changed = !self.changes.is_empty();
        for change in self.changes.drain(..) {
            match change {
                Change::Listen(name) if !self.channels.contains(&name) => self.channels.push(name),
                Change::Listen(_) => {}
                Change::Unlisten(name) => self.channels.retain(|c| *c != name),
                Change::UnlistenAll => self.channels.clear(),
            }
        }
        self.said.clear();
        (changed, std::mem::take(&mut self.outgoing))
    }
}

impl Session {
    /// Lets the LISTENs of a transaction that has committed at `commit` count, and tells what it notified.
    pub(crate) fn deliver_mail(&mut self, home: &Home, commit: super::Lsn) {
        let (changed, news) = self.host.mailbox.commit();
        if changed {
            home.channels.subscribe(&self.backend, self.host.mailbox.channels());
        }
        if !news.is_empty() {
            home.channels.publish(news, commit);
        }
    }

    /// Notifications for the client, oldest first. There are none while a transaction is open. They are told once the log is
    /// durable as far as [`Session::durable_lsn_to_await`] says afterwards.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        if self.transaction.block != Block::None || !self.backend.has_mail.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        let (news, durable) = self.home.channels.take(self.backend.pid);
        self.await_durable(durable);
        news
    }

    /// Has `tell` called whenever notifications wait for the session. Only the first call counts.
    pub fn on_mail(&self, tell: Box<dyn Fn() + Send + Sync>) {
        let _ = self.backend.on_mail.set(tell);
    }
}
