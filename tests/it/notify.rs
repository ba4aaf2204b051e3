//! LISTEN and NOTIFY between real connections.

use std::time::Duration;

use futures_util::future::join_all;
use nq_tests::Cluster;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::NQDB;

/// A connection with the notifications that come over it, as `channel:payload`.
async fn connect(cluster: &Cluster) -> (Client, UnboundedReceiver<String>) {
    let (client, mut connection) = tokio_postgres::connect(&cluster.config(), NoTls).await.expect("connects");
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(n) = message {
                let _nobody_listens = tell.send(format!("{}:{}", n.channel(), n.payload()));
            }
        }
    });
    (client, told)
}

/// What has come, once `last` has.
async fn until(told: &mut UnboundedReceiver<String>, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|l| l != last) {
        let next = tokio::time::timeout(Duration::from_secs(20), told.recv()).await;
        all.push(
            next.unwrap_or_else(|_| panic!("{last} does not come, only {all:?}")).expect("is connected"),
        );
    }
    all
}

#[tokio::test]
async fn committed_notifications_come_once_and_in_order() {
    let cluster = Cluster::start(NQDB);
    let (listener, mut told) = connect(&cluster).await;
    let (client, mut own) = connect(&cluster).await;
    listener.batch_execute("LISTEN a; LISTEN \"B\"; LISTEN gone; UNLISTEN gone").await.unwrap();
    client.batch_execute("LISTEN a").await.unwrap();
    let run = async |sql: &str| client.batch_execute(sql).await.unwrap();
    run("NOTIFY a; NOTIFY gone, 'x'; NOTIFY unheard").await;
    run("BEGIN; NOTIFY a, 'rolled back'; ROLLBACK").await;
    run("BEGIN; NOTIFY a, '1'; SAVEPOINT s; NOTIFY a, '2'; NOTIFY \"B\", '3'; ROLLBACK TO s; NOTIFY a, '1'; NOTIFY a, '4'; COMMIT")
        .await;
    run("SELECT pg_notify('B', 'from a function'), pg_notify('b', 'not this one')").await;
    client.execute("SELECT pg_notify($1, $2)", &[&"a", &"end"]).await.unwrap();
    let heard = until(&mut told, "a:end").await;
    assert_eq!(heard, ["a:", "a:1", "a:4", "B:from a function", "a:end"]);
    assert_eq!(until(&mut own, "a:end").await, ["a:", "a:1", "a:4", "a:end"]);
}

#[tokio::test]
async fn a_transaction_hears_nothing_before_its_end() {
    let cluster = Cluster::start(NQDB);
    let (listener, mut told) = connect(&cluster).await;
    let (client, _) = connect(&cluster).await;
    listener.batch_execute("BEGIN; LISTEN never; ROLLBACK; BEGIN; LISTEN a; COMMIT; BEGIN").await.unwrap();
    client.batch_execute("NOTIFY never; NOTIFY a, 'during'").await.unwrap();
    listener.query("SELECT 1", &[]).await.unwrap();
    assert!(told.try_recv().is_err());
    listener.batch_execute("COMMIT").await.unwrap();
    assert_eq!(until(&mut told, "a:during").await, ["a:during"]);
    // An idle connection is told at once.
    client.batch_execute("NOTIFY a, 'idle'").await.unwrap();
    assert_eq!(until(&mut told, "a:idle").await, ["a:idle"]);
    listener.batch_execute("DISCARD ALL").await.unwrap();
    assert!(listener.query("SELECT pg_listening_channels()", &[]).await.unwrap().is_empty());
    client.batch_execute("NOTIFY a, 'too late'").await.unwrap();
    listener.query("SELECT 1", &[]).await.unwrap();
    assert!(told.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_is_that_of_commits() {
    const CLIENTS: usize = 6;
    const EACH: usize = 30;
    let cluster = Cluster::start(NQDB);
    let (listener, mut told) = connect(&cluster).await;
    listener
        .batch_execute("CREATE TABLE counter(n int); INSERT INTO counter VALUES (0); LISTEN c")
        .await
        .unwrap();
    join_all((0..CLIENTS).map(|_| async {
        let (client, _) = connect(&cluster).await;
        for _ in 0..EACH {
            client
                .batch_execute(
                    "BEGIN; UPDATE counter SET n = n + 1; SELECT pg_notify('c', n::text) FROM counter; COMMIT",
                )
                .await
                .unwrap();
        }
    }))
    .await;
    let all = until(&mut told, &format!("c:{}", CLIENTS * EACH)).await;
    let expected: Vec<String> = (1..=CLIENTS * EACH).map(|n| format!("c:{n}")).collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_listener_that_does_not_read_stops_the_notifiers_and_not_the_server() {
    let cluster = Cluster::start(NQDB);
    let (listener, mut told) = connect(&cluster).await;
    let (client, _) = connect(&cluster).await;
    listener.batch_execute("BEGIN; LISTEN a; COMMIT; BEGIN").await.unwrap();
    let fill = "SELECT pg_notify('a', lpad(i::text, 7000, '0')) FROM generate_series(1, 1000) i";
    client.batch_execute(fill).await.unwrap();
    let usage: f64 = client.query_one("SELECT pg_notification_queue_usage()", &[]).await.unwrap().get(0);
    assert!(usage > 0.2 && usage < 1.0, "{usage}");
    client.batch_execute(&fill.replace("1, 1000", "1001, 2000")).await.unwrap();
    let error = client.batch_execute(&fill.replace("1, 1000", "2001, 3000")).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "54000");
    listener.batch_execute("COMMIT").await.unwrap();
    let last = format!("a:{:0>7000}", 2000);
    assert_eq!(until(&mut told, &last).await.len(), 2000);
    client.batch_execute("NOTIFY a, 'again'").await.unwrap();
    assert_eq!(until(&mut told, "a:again").await.len(), 1);
    let usage: f64 = client.query_one("SELECT pg_notification_queue_usage()", &[]).await.unwrap().get(0);
    assert_eq!(usage, 0.0);
}
