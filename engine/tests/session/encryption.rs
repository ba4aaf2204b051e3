//! `pg_stat_ssl` tells how a session's connection is encrypted.

use nq_engine::session::{ConnectInfo, Encryption, Rows, Session};
use nq_engine::settings::BaseSettings;

use crate::{EachRows, database, superuser};

fn shown(session: &mut Session) -> String {
    let sql =
        "SELECT concat_ws(' ', ssl, version, cipher, bits) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let query = session.parse_simple(sql).unwrap();
    let mut answer = Vec::new();
    let mut sink = EachRows(|rows: &Rows<'_>| rows.write_data_rows(&mut answer));
    session.run_simple(&query, 0, &mut sink).unwrap();
    session.sync().unwrap();
    // Behind the head of the DataRow message.
    String::from_utf8_lossy(&answer[11..]).into_owned()
}

#[test]
fn sessions_tell_how_they_are_encrypted() {
    let db = database(BaseSettings::default());
    let encryption = Encryption { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384".into(), bits: 256 };
    for (encryption, wanted) in [(None, "f"), (Some(encryption), "t TLSv1.3 TLS_AES_256_GCM_SHA384 256")] {
        let info = ConnectInfo { encryption, ..superuser() };
        assert_eq!(shown(&mut db.connect(info).unwrap()), wanted);
    }
}
