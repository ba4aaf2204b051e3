//! A connected driver.

use nq_tests::Cluster;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Connects as the superuser.
pub(crate) async fn connect(cluster: &Cluster) -> Client {
    connect_to(&cluster.config()).await
}

/// Connects as somebody.
pub(crate) async fn connect_as(cluster: &Cluster, user: &str) -> Client {
    connect_to(&cluster.config().replace("user=postgres", &format!("user={user}"))).await
}

/// Connects with a connection string.
pub(crate) async fn connect_to(config: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(config, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client
}

/// Runs one statement: the first value, or `SQLSTATE message`.
pub(crate) async fn one(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(messages) => messages
            .iter()
            .find_map(|m| match m {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
                _ => None,
            })
            .unwrap_or_default(),
        Err(error) => match error.as_db_error() {
            Some(e) => format!("{} {}", e.code().code(), e.message()),
            None => error.to_string(),
        },
    }
}
