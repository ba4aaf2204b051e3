//! `/health` and `/metrics` on a port of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::listen::Shared;

mod metrics;

/// Serves until the server shuts down.
///
/// # Errors
/// When the address cannot be used.
pub async fn serve(address: SocketAddr, shared: Arc<Shared>) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let mut shutdown = shared.shutdown.subscribe();
    let routes =
        Router::new().route("/health", get(health)).route("/metrics", get(scrape)).with_state(shared);
    tokio::spawn(async move {
        let ended = async move {
            let _ = shutdown.wait_for(|down| *down).await;
        };
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(ended).await {
            tracing::warn!("the HTTP port has failed: {error}");
        }
    });
    Ok(())
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    match shared.database.health() {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", error.message())).into_response(),
    }
}

async fn scrape(State(shared): State<Arc<Shared>>) -> Response {
    let text = metrics::render(&shared.database);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
