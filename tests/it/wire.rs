//! The wire protocol: a real driver, and raw bytes where a driver would be too polite.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nq_tests::Cluster;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::NQDB;
use crate::client::connect;

fn code(error: &tokio_postgres::Error) -> String {
    error.code().map(|c| c.code().to_owned()).unwrap_or_else(|| error.to_string())
}

#[tokio::test]
async fn extended_protocol_with_binary_values() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    client
        .batch_execute("CREATE TABLE t(a int PRIMARY KEY, b text, c float8, d bool, e int8[])")
        .await
        .unwrap();
    let insert = client.prepare("INSERT INTO t VALUES ($1, $2, $3, $4, $5)").await.unwrap();
    assert_eq!(insert.params(), [Type::INT4, Type::TEXT, Type::FLOAT8, Type::BOOL, Type::INT8_ARRAY]);
    for n in 0..50i32 {
        let array = vec![i64::from(n), i64::MAX];
        let text = (n % 3 != 0).then(|| format!("row {n}"));
        let count = client
            .execute(&insert, &[&n, &text, &(f64::from(n) / 4.0), &(n % 2 == 0), &array])
            .await
            .unwrap();
        assert_eq!(count, 1);
    }
    let rows = client.query("SELECT a, b, c, d, e FROM t WHERE a >= $1 ORDER BY a", &[&48i32]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].get::<_, i32>(0), 49);
    assert_eq!(rows[1].get::<_, Option<String>>(1).as_deref(), Some("row 49"));
    assert_eq!(rows[1].get::<_, f64>(2), 12.25);
    assert!(!rows[1].get::<_, bool>(3));
    assert_eq!(rows[1].get::<_, Vec<i64>>(4), [49, i64::MAX]);
    assert_eq!(rows[0].get::<_, Option<String>>(1), None);
}

#[tokio::test]
async fn errors_leave_the_session_usable() {
    let cluster = Cluster::start(NQDB);
    let mut client = connect(&cluster).await;
    let error = client.query("SELECT * FROM nosuch", &[]).await.unwrap_err();
    assert_eq!(code(&error), "42P01");
    let Some(tokio_postgres::error::ErrorPosition::Original(position)) =
        error.as_db_error().unwrap().position()
    else {
        panic!("no position");
    };
    assert_eq!(*position, 15);
    let transaction = client.transaction().await.unwrap();
    assert_eq!(code(&transaction.query("SELECT 1/0", &[]).await.unwrap_err()), "22012");
    assert_eq!(code(&transaction.query("SELECT 1", &[]).await.unwrap_err()), "25P02");
    transaction.rollback().await.unwrap();
    assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0), 1);
}

#[tokio::test]
async fn several_statements_in_one_simple_query() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    let messages = client
        .simple_query(
            "CREATE TABLE m(a int); INSERT INTO m VALUES (1),(2); SELECT a FROM m ORDER BY a; SELECT 'x'",
        )
        .await
        .unwrap();
    let rows = messages.iter().filter(|m| matches!(m, SimpleQueryMessage::Row(_))).count();
    assert_eq!(rows, 3);
    // One implicit transaction: the first statement is undone by the failure of the last.
    assert_eq!(
        code(&client.simple_query("INSERT INTO m VALUES (3); SELECT 1/0").await.unwrap_err()),
        "22012"
    );
    assert_eq!(client.query_one("SELECT count(*) FROM m", &[]).await.unwrap().get::<_, i64>(0), 2);
}

#[tokio::test]
async fn copy_in_and_out() {
    use std::pin::pin;
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    client.batch_execute("CREATE TABLE c(a int, b text)").await.unwrap();
    {
        let sink = client.copy_in::<_, bytes::Bytes>("COPY c FROM STDIN").await.unwrap();
        let mut sink = pin!(sink);
        futures_util::SinkExt::send(&mut sink, bytes::Bytes::from_static(b"1\tone\n2\t\\N\n3\tth"))
            .await
            .unwrap();
        futures_util::SinkExt::send(&mut sink, bytes::Bytes::from_static(b"ree\n")).await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 3);
    }
    let stream = client.copy_out("COPY (SELECT * FROM c ORDER BY a) TO STDOUT (FORMAT csv)").await.unwrap();
    let chunks: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(stream).await;
    let text: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect();
    assert_eq!(String::from_utf8(text).unwrap(), "1,one\n2,\n3,three\n");
    // The driver wants the header and the first row, or the end, in one message.
    for (condition, wanted) in [("true", vec![1, 2, 3]), ("a > 3", Vec::new())] {
        let sql = format!("COPY (SELECT a FROM c WHERE {condition} ORDER BY a) TO STDOUT (FORMAT binary)");
        let stream = client.copy_out(&sql).await.unwrap();
        let rows = tokio_postgres::binary_copy::BinaryCopyOutStream::new(stream, &[Type::INT4]);
        let rows: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(rows).await;
        let found: Vec<i32> = rows.into_iter().map(|row| row.unwrap().get(0)).collect();
        assert_eq!(found, wanted);
    }
}

#[tokio::test]
async fn what_drivers_send_by_habit() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    // One driver sends its encoding in quotes.
    client.batch_execute("SET client_encoding = '''utf-8'''").await.unwrap();
    let error = client.batch_execute("SET client_encoding = 'no encoding'").await.unwrap_err();
    assert_eq!(code(&error), "22023");
    client
        .batch_execute("CREATE TABLE h(a int2 PRIMARY KEY); UNLISTEN *; CLOSE ALL; RESET ALL")
        .await
        .unwrap();
    let explain = client.prepare("EXPLAIN (ANALYZE, COSTS OFF) SELECT a FROM h WHERE a > $1").await.unwrap();
    assert_eq!(explain.params(), [Type::INT2]);
    assert!(!client.query(&explain, &[&1i16]).await.unwrap().is_empty());
    let all = client.prepare("SELECT * FROM h").await.unwrap();
    client.batch_execute("ALTER TABLE h ADD b text").await.unwrap();
    let error = client.query(&all, &[]).await.unwrap_err();
    let error = error.as_db_error().expect("the server's");
    assert_eq!((error.code().code(), error.routine()), ("0A000", Some("RevalidateCachedQuery")));
}

#[tokio::test]
async fn portals_with_row_limits() {
    let cluster = Cluster::start(NQDB);
    let mut client = connect(&cluster).await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT n FROM generate_series(1, 2500) n", &[]).await.unwrap();
    let mut seen = 0;
    loop {
        let rows = transaction.query_portal(&portal, 1000).await.unwrap();
        for row in &rows {
            seen += 1;
            assert_eq!(row.get::<_, i32>(0), seen);
        }
        if rows.len() < 1000 {
            break;
        }
    }
    assert_eq!(seen, 2500);
}

#[tokio::test]
async fn cancel_interrupts_only_its_session() {
    let cluster = Cluster::start(NQDB);
    let (client, other) = (connect(&cluster).await, connect(&cluster).await);
    let token = client.cancel_token();
    let long = tokio::spawn(async move {
        client.query("SELECT count(*) FROM generate_series(1, 100000000000)", &[]).await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.query_one("SELECT 1", &[]).await.expect("others are not held up");
    token.cancel_query(NoTls).await.unwrap();
    let error =
        tokio::time::timeout(Duration::from_secs(10), long).await.expect("stops").unwrap().unwrap_err();
    assert_eq!(code(&error), "57014");
    other.query_one("SELECT 1", &[]).await.unwrap();
}

/// Connects and completes the start-up by hand.
fn raw(cluster: &Cluster) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", cluster.port())).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let mut packet = ((parameters.len() + 8) as u32).to_be_bytes().to_vec();
    packet.extend_from_slice(&(3u32 << 16).to_be_bytes());
    packet.extend_from_slice(parameters);
    socket.write_all(&packet).unwrap();
    assert_eq!(read_until(&mut socket, b'Z').last().unwrap().0, b'Z');
    socket
}

/// Reads messages up to one of the given type, or to the end of the stream.
fn read_until(socket: &mut TcpStream, kind: u8) -> Vec<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    let mut header = [0; 5];
    while socket.read_exact(&mut header).is_ok() {
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
        let mut body = vec![0; length - 4];
        socket.read_exact(&mut body).unwrap();
        out.push((header[0], body));
        if header[0] == kind {
            break;
        }
    }
    out
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&((body.len() + 4) as u32).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn sqlstate(messages: &[(u8, Vec<u8>)]) -> Option<String> {
    let (_, body) = messages.iter().find(|(kind, _)| *kind == b'E')?;
    let field = body.split(|&b| b == 0).find(|f| f.first() == Some(&b'C'))?;
    Some(String::from_utf8_lossy(&field[1..]).into_owned())
}

#[test]
fn execute_with_the_largest_row_limit() {
    let cluster = Cluster::start(NQDB);
    let mut socket = raw(&cluster);
    let mut bytes = message(b'P', b"\0SELECT 1\0\0\0");
    bytes.extend(message(b'B', b"\0\0\0\0\0\0\0\0"));
    bytes.extend(message(b'E', b"\0\x7f\xff\xff\xff"));
    bytes.extend(message(b'S', b""));
    socket.write_all(&bytes).unwrap();
    let kinds: Vec<u8> = read_until(&mut socket, b'Z').iter().map(|m| m.0).collect();
    assert_eq!(kinds, b"12DCZ");
}

#[test]
fn a_client_that_sends_ahead_leaves_others_their_turns() {
    let cluster = Cluster::start(NQDB);
    let (mut hasty, mut other) = (raw(&cluster), raw(&cluster));
    let mut sender = hasty.try_clone().unwrap();
    let count = 20_000;
    let ahead = std::thread::spawn(move || sender.write_all(&message(b'Q', b"SELECT 1\0").repeat(count)));
    let answered = std::thread::spawn(move || {
        for _ in 0..count {
            read_until(&mut hasty, b'Z');
        }
    });
    let mut turns = 0;
    while !answered.is_finished() {
        other.write_all(&message(b'Q', b"SELECT 2\0")).unwrap();
        read_until(&mut other, b'Z');
        turns += 1;
    }
    answered.join().unwrap();
    ahead.join().unwrap().unwrap();
    assert!(turns > 30, "the other client had {turns} turns");
}

#[test]
fn an_error_skips_to_sync() {
    let cluster = Cluster::start(NQDB);
    let mut socket = raw(&cluster);
    let mut bytes = message(b'P', b"\0SELECT nosuch\0\0\0");
    bytes.extend(message(b'B', b"\0\0\0\0\0\0\0\0"));
    bytes.extend(message(b'E', b"\0\0\0\0\0"));
    bytes.extend(message(b'S', b""));
    bytes.extend(message(b'Q', b"SELECT 7\0"));
    socket.write_all(&bytes).unwrap();
    let first = read_until(&mut socket, b'Z');
    assert_eq!(first.iter().map(|m| m.0).collect::<Vec<_>>(), b"EZ");
    assert_eq!(sqlstate(&first).as_deref(), Some("42703"));
    assert_eq!(read_until(&mut socket, b'Z').iter().map(|m| m.0).collect::<Vec<_>>(), b"TDCZ");
}

#[test]
fn garbage_ends_one_connection_only() {
    let cluster = Cluster::start(NQDB);
    let mut canary = raw(&cluster);
    for bytes in [
        &b"\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"Q\x7f\xff\xff\xff",
        b"B\0\0\0\x05x",
        b"P\0\0\0\x08abcd",
        b"D\0\0\0\x06Xa",
        b"E\0\0\0\x05\x01",
        b"Q\0\0\0\x06\xff\0",
    ] {
        let mut socket = raw(&cluster);
        socket.write_all(bytes).unwrap();
        let answer = read_until(&mut socket, b'E');
        let state = sqlstate(&answer).expect("an error is reported");
        assert!(["08P01", "22021"].contains(&state.as_str()), "{bytes:?}: {state}");
    }
    canary.write_all(&message(b'Q', b"SELECT 1\0")).unwrap();
    assert_eq!(read_until(&mut canary, b'Z').iter().map(|m| m.0).collect::<Vec<_>>(), b"TDCZ");
}

#[test]
fn scram_login_and_refusal() {
    let password = std::env::temp_dir().join(format!("nqdb-pw-{}", std::process::id()));
    std::fs::write(&password, "correct horse\n").unwrap();
    let mut cluster = Cluster::init(NQDB, &["--pwfile", &password.to_string_lossy()]);
    std::fs::remove_file(&password).unwrap();
    cluster.up();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let login = async |user: &str, password: &str| {
            let config = format!(
                "host=127.0.0.1 port={} user={user} password='{password}' dbname=postgres",
                cluster.port()
            );
            let (client, connection) = tokio_postgres::connect(&config, NoTls).await.map_err(|e| code(&e))?;
            tokio::spawn(connection);
            client
                .query_one("SELECT current_user::text", &[])
                .await
                .map(|r| r.get::<_, String>(0))
                .map_err(|e| code(&e))
        };
        assert_eq!(login("postgres", "correct horse").await, Ok("postgres".to_owned()));
        assert_eq!(login("postgres", "wrong").await, Err("28P01".to_owned()));
        assert_eq!(login("nobody", "correct horse").await, Err("28P01".to_owned()));
    });
}

#[test]
fn kill_loses_nothing_that_was_acknowledged() {
    let mut cluster = Cluster::start(NQDB);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        connect(&cluster).await.batch_execute("CREATE TABLE k(a int PRIMARY KEY, b text)").await.unwrap()
    });
    let mut acknowledged = 0i32;
    for _ in 0..3 {
        let next = acknowledged + 1;
        acknowledged = runtime.block_on(async {
            let client = connect(&cluster).await;
            let mut last = next - 1;
            for n in next..next + 200 {
                client.execute("INSERT INTO k VALUES ($1, repeat('x', $1 % 500))", &[&n]).await.unwrap();
                last = n;
            }
            // One more that is never committed.
            client
                .batch_execute(
                    "BEGIN; INSERT INTO k VALUES (-1, 'lost'); UPDATE k SET b = 'lost' WHERE a = 1",
                )
                .await
                .unwrap();
            last
        });
        cluster.kill();
        cluster.up();
        let (rows, lost) = runtime.block_on(async {
            let client = connect(&cluster).await;
            let row = client
                .query_one("SELECT count(*), count(*) FILTER (WHERE a < 0 OR b = 'lost') FROM k", &[])
                .await
                .unwrap();
            (row.get::<_, i64>(0), row.get::<_, i64>(1))
        });
        assert_eq!((rows, lost), (i64::from(acknowledged), 0));
    }
    assert!(cluster.stop().success());
}

fn kinds(messages: &[(u8, Vec<u8>)]) -> String {
    messages.iter().map(|(kind, _)| char::from(*kind)).collect()
}

/// Bind and Execute of the unnamed statement, after a Parse of `text`, with a Sync.
fn execute_and_sync(text: &str) -> Vec<u8> {
    let parse = [b"\0", text.as_bytes(), b"\0\0\0"].concat();
    let bind = message(b'B', b"\0\0\0\0\0\0\0\0");
    [message(b'P', &parse), bind, message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat()
}

/// Clients go on sending data until they have read that the COPY is refused.
#[test]
fn what_is_left_of_a_refused_copy_is_ignored() {
    let cluster = Cluster::start(NQDB);
    let mut socket = raw(&cluster);
    let query = |text: &str| message(b'Q', &[text.as_bytes(), b"\0"].concat());
    let rest = [message(b'd', b"1\n"), message(b'd', b"2\n"), message(b'c', b"")].concat();
    socket.write_all(&query("CREATE TABLE c(a int)")).unwrap();
    read_until(&mut socket, b'Z');

    // Simple protocol, refused by a row, and refused at once.
    socket.write_all(&[query("COPY c FROM STDIN"), message(b'd', b"bad\n"), rest.clone()].concat()).unwrap();
    let replies = read_until(&mut socket, b'Z');
    assert_eq!((kinds(&replies).as_str(), sqlstate(&replies).as_deref()), ("GEZ", Some("22P02")));
    socket.write_all(&[query("COPY nosuch FROM STDIN"), rest.clone(), query("SELECT 1")].concat()).unwrap();
    assert_eq!(kinds(&read_until(&mut socket, b'Z')), "EZ");
    assert_eq!(kinds(&read_until(&mut socket, b'Z')), "TDCZ");

    // Extended protocol, refused by a row: the Sync before the data is part of the COPY, the one behind it ends it.
    let copy = [execute_and_sync("COPY c FROM STDIN"), message(b'd', b"bad\n"), rest.clone()].concat();
    socket.write_all(&[copy, message(b'S', b""), query("SELECT 1")].concat()).unwrap();
    let replies = read_until(&mut socket, b'Z');
    assert_eq!((kinds(&replies).as_str(), sqlstate(&replies).as_deref()), ("12GEZ", Some("22P02")));
    assert_eq!(kinds(&read_until(&mut socket, b'Z')), "TDCZ");

    // Extended protocol, refused at once: every Sync is answered.
    let copy = [execute_and_sync("COPY c(a, a) FROM STDIN"), rest, message(b'S', b"")].concat();
    socket.write_all(&[copy, query("SELECT count(*) FROM c")].concat()).unwrap();
    let replies = read_until(&mut socket, b'Z');
    assert_eq!((kinds(&replies).as_str(), sqlstate(&replies).as_deref()), ("12EZ", Some("42701")));
    assert_eq!(kinds(&read_until(&mut socket, b'Z')), "Z");
    assert_eq!(kinds(&read_until(&mut socket, b'Z')), "TDCZ");
}

/// `pg_terminate_backend` ends a session that waits for its client, and `transaction_timeout` one within a transaction.
#[test]
fn sessions_end_when_they_are_told_to() {
    let cluster = Cluster::start(NQDB);
    let query = |text: &str| message(b'Q', &[text.as_bytes(), b"\0"].concat());
    let (mut admin, mut idle) = (raw(&cluster), raw(&cluster));
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
    admin.write_all(&query(terminate)).unwrap();
    read_until(&mut admin, b'Z');
    let replies = read_until(&mut idle, b'E');
    assert_eq!(sqlstate(&replies).as_deref(), Some("57P01"));
    assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0, "closed");

    let texts = ["BEGIN", "BEGIN; SELECT pg_sleep(30)", "SELECT pg_sleep(30)"];
    for text in texts {
        let mut socket = raw(&cluster);
        socket.write_all(&query("SET transaction_timeout = '200ms'")).unwrap();
        read_until(&mut socket, b'Z');
        socket.write_all(&query(text)).unwrap();
        let replies = read_until(&mut socket, b'E');
        assert_eq!(sqlstate(&replies).as_deref(), Some("25P04"), "{text}");
        assert_eq!(socket.read(&mut [0; 16]).unwrap(), 0, "closed");
    }
    // Each statement of a query has its time.
    let mut socket = raw(&cluster);
    for (text, code) in [
        ("SET statement_timeout = '300ms'", None),
        ("SELECT pg_sleep(0.2); SELECT pg_sleep(0.2)", None),
        ("SELECT 1; SELECT pg_sleep(30)", Some("57014")),
    ] {
        socket.write_all(&query(text)).unwrap();
        assert_eq!(sqlstate(&read_until(&mut socket, b'Z')).as_deref(), code, "{text}");
    }
    // The shorter of the two decides; a transaction that ends in time is left alone.
    let mut socket = raw(&cluster);
    let settings = "SET transaction_timeout = '5s'; SET idle_in_transaction_session_timeout = '200ms'";
    for text in [settings, "BEGIN", "COMMIT", "BEGIN"] {
        socket.write_all(&query(text)).unwrap();
        if text != "BEGIN" {
            read_until(&mut socket, b'Z');
        }
    }
    let replies = read_until(&mut socket, b'E');
    assert_eq!(sqlstate(&replies).as_deref(), Some("25P03"));
}

/// `role` and `session_authorization` among the start-up options are what SET would make of them.
#[tokio::test]
async fn options_do_not_lend_roles() {
    let cluster = Cluster::start(NQDB);
    let admin = connect(&cluster).await;
    admin
        .batch_execute("CREATE ROLE alice LOGIN; CREATE ROLE team; GRANT team TO alice; CREATE ROLE other")
        .await
        .unwrap();
    let config = cluster.config().replace("user=postgres", "user=alice dbname=postgres");
    for (option, expected) in [
        ("role=team", "alice team"),
        ("role=other", "42501"),
        ("role=postgres", "42501"),
        ("role=nosuch", "22023"),
        ("session_authorization=alice", "alice alice"),
        ("session_authorization=postgres", "42501"),
    ] {
        let mut config: tokio_postgres::Config = config.parse().unwrap();
        config.options(format!("-c {option}"));
        let found = match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                let row = client.query_one("SELECT session_user || ' ' || current_user", &[]).await.unwrap();
                row.get::<_, String>(0)
            }
            Err(error) => code(&error),
        };
        assert_eq!(found, expected, "{option}");
    }
    let text = client_text_with_nul(&admin).await;
    assert_eq!(text, "22021");
}

async fn client_text_with_nul(client: &Client) -> String {
    client.query_one("SELECT $1::text", &[&"a\0b"]).await.map_or_else(|e| code(&e), |_| "taken".to_owned())
}
