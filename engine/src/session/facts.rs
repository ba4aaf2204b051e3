//! What the catalog's views show of the session itself.

use nq_qsql::func::Host;

use super::Session;
use super::host::{Modes, SessionHost};
use super::transaction::isolation_name;
use crate::catalog::system::{SessionFacts, SettingFact};
use crate::settings::{Definition, Source, auto, definition};

impl SessionHost {
    /// The parameters that are shown, with their present values.
    pub(crate) fn setting_facts(&self) -> Vec<SettingFact> {
        let superuser = self.is_superuser();
        let file = self.db.dir.join(auto::FILE_NAME).display().to_string();
        let fact = |definition: &'static Definition| {
            let (source, reset) = self.settings.source(definition);
            let setting = match definition.name {
                "transaction_isolation"
                | "transaction_read_only"
                | "transaction_deferrable"
                | "data_directory" => self.setting(definition.name).unwrap_or_default(),
                _ => self.settings.value(definition).plain(),
            };
            let base = self.settings.base();
            let line = base.auto_line(definition).filter(|_| source == Source::Configuration && superuser);
            SettingFact {
                definition,
                setting,
                source: source.as_str(),
                reset: reset.plain(),
                file: line.map(|line| (file.clone(), line)),
                pending_restart: base.waits_for_restart(definition),
            }
        };
        definition::all().iter().filter(|d| d.category != "Hidden").map(fact).collect()
    }
}

impl Session {
    /// What functions can ask of the transaction, now.
    pub(crate) fn modes(&self) -> Modes {
        Modes {
            isolation: isolation_name(self.isolation()),
            read_only: self.read_only(),
            deferrable: self.deferrable(),
            xid: self.transaction.txn.as_ref().and_then(nq_storage::Txn::xid).unwrap_or(0),
        }
    }

    /// The facts, now. Costs some time: asked for only by plans that read system relations.
    pub(crate) fn facts(&mut self) -> SessionFacts {
        self.host.modes = self.modes();
        let settings = self.host.setting_facts();
        let statements = self
            .statements
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, p)| {
                let results = p.columns.iter().flat_map(|c| c.iter().map(|c| c.ty.oid)).collect();
                (name.clone(), p.source.text.clone(), p.params.clone(), results, p.from_sql, p.time)
            })
            .collect();
        let cursors = self
            .portals
            .iter()
            .filter_map(|(name, portal)| {
                let c = portal.cursor.as_ref()?;
                Some((name.clone(), portal.source.text.clone(), c.holdable, c.binary, c.scrollable, c.time))
            })
            .collect();
        SessionFacts { settings, statements, cursors, now: self.host.statement_time }
    }
}
