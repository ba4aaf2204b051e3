//! Many sessions at the same rows: what they wait for, and that nothing is lost on the way.

use std::time::Duration;

use futures_util::future::join_all;
use nq_tests::Cluster;
use tokio_postgres::{Client, Error, NoTls};

use crate::NQDB;
use crate::client::connect;

const CLIENTS: i64 = 12;
const ROUNDS: i64 = 40;

fn code(error: &Error) -> &str {
    error.code().map_or("", |code| code.code())
}

async fn accounts(cluster: &Cluster) -> Client {
    let client = connect(cluster).await;
    client
        .batch_execute(
            "CREATE TABLE t(id int PRIMARY KEY, n bigint); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)",
        )
        .await
        .unwrap();
    client
}

async fn sum(client: &Client) -> i64 {
    client.query_one("SELECT sum(n)::bigint FROM t", &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_of_one_row_are_all_counted() {
    let cluster = Cluster::start(NQDB);
    let client = accounts(&cluster).await;
    let work = (0..CLIENTS).map(|_| async {
        let client = connect(&cluster).await;
        let add = client.prepare("UPDATE t SET n = n + $1 WHERE id = 1").await.unwrap();
        for round in 0..ROUNDS {
            match round % 3 {
                0 => assert_eq!(client.execute(&add, &[&1i64]).await.unwrap(), 1),
                1 => client.batch_execute("UPDATE t SET n = n + 1 WHERE id = 1").await.unwrap(),
                _ => {
                    client.batch_execute("BEGIN").await.unwrap();
                    let rows =
                        client.query("UPDATE t SET n = n + 1 WHERE id = 1 RETURNING n", &[]).await.unwrap();
                    assert_eq!(rows.len(), 1);
                    client.batch_execute("COMMIT").await.unwrap();
                }
            }
        }
    });
    join_all(work).await;
    assert_eq!(sum(&client).await, CLIENTS * ROUNDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_have_victims_and_nothing_else_is_lost() {
    let cluster = Cluster::start_with(NQDB, &["deadlock_timeout=50ms"]);
    let client = accounts(&cluster).await;
    let work = (0..4).map(|who: i32| {
        let cluster = &cluster;
        async move {
            let mut client = connect(cluster).await;
            let mut done = 0;
            for round in 0..20 {
                let order = if (who + round) % 2 == 0 { [1, 2] } else { [2, 1] };
                let transaction = client.transaction().await.unwrap();
                let mut outcome = Ok(0);
                for id in order {
                    if outcome.is_ok() {
                        outcome = transaction.execute("UPDATE t SET n = n + 1 WHERE id = $1", &[&id]).await;
                    }
                }
                match outcome {
                    Ok(_) => {
                        transaction.commit().await.unwrap();
                        done += 2;
                    }
                    Err(error) => {
                        assert_eq!(code(&error), "40P01", "{error}");
                        transaction.rollback().await.unwrap();
                    }
                }
            }
            done
        }
    });
    let done: i64 = join_all(work).await.into_iter().sum();
    assert!(done > 0);
    assert_eq!(sum(&client).await, done);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_waits_can_be_cancelled_time_out_and_end() {
    let cluster = Cluster::start(NQDB);
    let holder = accounts(&cluster).await;
    holder.batch_execute("BEGIN; UPDATE t SET n = 1 WHERE id = 1").await.unwrap();

    let waiter = connect(&cluster).await;
    waiter.batch_execute("SET lock_timeout = '40ms'").await.unwrap();
    let error = waiter.execute("UPDATE t SET n = 7 WHERE id = 1", &[]).await.unwrap_err();
    assert_eq!(code(&error), "55P03");
    waiter.batch_execute("SET lock_timeout = 0; SET statement_timeout = '40ms'").await.unwrap();
    let error = waiter.execute("UPDATE t SET n = 7 WHERE id = 1", &[]).await.unwrap_err();
    assert_eq!(code(&error), "57014");
    waiter.batch_execute("SET statement_timeout = 0").await.unwrap();

    let cancel = waiter.cancel_token();
    let (outcome, ()) = tokio::join!(waiter.execute("UPDATE t SET n = 7 WHERE id = 1", &[]), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel_query(NoTls).await.unwrap();
    });
    assert_eq!(code(&outcome.unwrap_err()), "57014");

    let (outcome, ()) = tokio::join!(waiter.execute("UPDATE t SET n = n + 10 WHERE id = 1", &[]), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        holder.batch_execute("COMMIT").await.unwrap();
    });
    assert_eq!(outcome.unwrap(), 1);
    assert_eq!(sum(&holder).await, 11);
}
