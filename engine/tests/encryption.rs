//! `pg_stat_ssl` tells how a session's connection is encrypted.

use std::path::Path;

use nq_engine::session::{ConnectInfo, CopySpec, Encryption, Flow, Format, ResultSink, Rows, Session};
use nq_engine::settings::BaseSettings;
use nq_engine::{Config, Database};
use nq_qsql::error::Result;
use nq_qsql::plan::physical::OutputColumn;
use nq_storage::env::sim::SimEnv;

/// The DataRow messages of an answer.
#[derive(Default)]
struct Answer(Vec<u8>);

impl ResultSink for Answer {
    fn describe(&mut self, _columns: &[OutputColumn], _formats: &[Format]) {}

    fn rows(&mut self, rows: &Rows<'_>) -> Result<Flow> {
        rows.write_data_rows(&mut self.0)?;
        Ok(Flow::More)
    }

    fn copy_out(&mut self, _spec: &CopySpec) {}

    fn copy_data(&mut self, _data: &[u8]) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn copy_end(&mut self) {}
}

fn shown(session: &mut Session) -> String {
    let sql =
        "SELECT concat_ws(' ', ssl, version, cipher, bits) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let query = session.parse_simple(sql).unwrap();
    let mut answer = Answer::default();
    session.run_simple(&query, 0, &mut answer).unwrap();
    session.sync().unwrap();
    String::from_utf8_lossy(&answer.0[11..]).into_owned()
}

#[test]
fn sessions_tell_how_they_are_encrypted() {
    let env = SimEnv::new(7);
    Database::create(env.clone(), Path::new("/db"), "postgres", None).unwrap();
    let config = Config { settings: BaseSettings::default(), background: false };
    let db = Database::open(env, Path::new("/db"), config).unwrap();
    let encryption = Encryption { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384".into(), bits: 256 };
    for (encryption, wanted) in [(None, "f"), (Some(encryption), "t TLSv1.3 TLS_AES_256_GCM_SHA384 256")] {
        let info = ConnectInfo { user: "postgres".into(), encryption, ..ConnectInfo::default() };
        assert_eq!(shown(&mut db.connect(info).unwrap()), wanted);
    }
}
