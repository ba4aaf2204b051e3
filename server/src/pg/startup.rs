//! From the first byte to a session: TLS negotiation, the start-up packet, authentication, cancel requests.
//!
//! Everything here runs under `authentication_timeout`, and a client that has not proven who it is costs no session: half-open
//! connections are bounded on their own and the oldest gives way (see [`crate::listen`]).
//!
//! Source: PostgreSQL manual 54.2.1 "Start-up", 54.2.9 "Canceling Requests in Progress", 54.2.10 "SSL Session Encryption".

use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use nq_engine::session::{ConnectInfo, Session};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::sql_err;
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::{GssEncRequest, SslRequest, Startup};
use pgwire::messages::{DecodeContext, Message, ProtocolVersion};

use super::cancel::SECRET_BYTES;
use super::connection::Connection;
use super::encode::{Output, Severity};
use super::frame::{HEADER_BYTES, utf8};
use super::stream::Stream;
use crate::auth::hba::{Method, Origin};
use crate::auth::scram::{self, Exchange};
use crate::listen::Shared;
use crate::runtime_env::aside;
use crate::tls;

/// Longest start-up packet (`MAX_STARTUP_PACKET_LENGTH`), bytes.
const STARTUP_BYTES: usize = 10_000;
/// Minor protocol version that this server speaks.
const MINOR_VERSION: u16 = 2;
/// First byte of a TLS record: the client begins with a handshake, without asking.
const TLS_HANDSHAKE: u8 = 0x16;

/// Who is at the other end of the socket.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// A TCP client.
    Tcp(IpAddr, u16),
    /// A process of this machine with this user id.
    Unix(u32),
}

/// A connection on its way to a session.
pub struct Handshake {
    shared: Arc<Shared>,
    stream: Stream,
    peer: Peer,
    input: BytesMut,
    out: Output,
}

/// Why no session came about.
enum Failure {
    /// The client left, or was a cancel request: nothing to say.
    Quiet,
    /// The client is told.
    Told(SqlError),
}

impl From<std::io::Error> for Failure {
    fn from(_: std::io::Error) -> Self {
        Failure::Quiet
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Failure::Told(error)
    }
}

impl Handshake {
    /// Starts with a fresh socket.
    pub fn new(shared: Arc<Shared>, stream: Stream, peer: Peer) -> Self {
        Handshake { shared, stream, peer, input: BytesMut::new(), out: Output::default() }
    }

    /// Brings the connection to a session; `None` when it came to nothing (the client has been told why).
    pub async fn run(mut self) -> Option<Connection> {
        match self.negotiate().await {
            Ok(session) => Some(Connection::new(self.shared, self.stream, session, self.input, self.out)),
            Err(Failure::Quiet) => None,
            Err(Failure::Told(error)) => {
                self.out.report(Severity::Fatal, &error);
                let _ = self.stream.write_all(&self.out.bytes).await;
                self.stream.shutdown().await;
                None
            }
        }
    }

    async fn negotiate(&mut self) -> Result<Session, Failure> {
        self.direct_tls().await?;
        let (mut asked_tls, mut asked_gss) = (matches!(self.stream, Stream::Tls(_)), false);
        loop {
            let packet = self.packet().await?;
            if SslRequest::is_ssl_request_packet(&packet) && !asked_tls {
                asked_tls = true;
                self.answer_tls_request().await?;
            } else if GssEncRequest::is_gss_enc_request_packet(&packet) && !asked_gss {
                asked_gss = true;
                self.stream.write_all(b"N").await?;
            } else if CancelRequest::is_cancel_request_packet(&packet) {
                self.cancel(packet);
                return Err(Failure::Quiet);
            } else {
                return self.start(packet).await;
            }
        }
    }

    /// Serves a client that opens with a TLS handshake (`sslnegotiation=direct`).
    async fn direct_tls(&mut self) -> Result<(), Failure> {
        if let Stream::Tcp(socket) = &self.stream {
            let mut first = [0];
            if socket.peek(&mut first).await? == 1 && first[0] == TLS_HANDSHAKE {
                if self.shared.tls.is_none() {
                    return Err(Failure::Quiet);
                }
                self.accept_tls(true).await?;
            }
        }
        Ok(())
    }

    async fn answer_tls_request(&mut self) -> Result<(), Failure> {
        if self.shared.tls.is_none() || !matches!(self.stream, Stream::Tcp(_)) {
            return Ok(self.stream.write_all(b"N").await?);
        }
        if !self.input.is_empty() {
            // Bytes sent in the clear before the handshake must not be taken for protected ones (CVE-2021-23214).
            return Err(sql_err!(PROTOCOL_VIOLATION, "received unencrypted data after SSL request")
                .detail("This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.")
                .into());
        }
        self.stream.write_all(b"S").await?;
        self.accept_tls(false).await
    }

    async fn accept_tls(&mut self, direct: bool) -> Result<(), Failure> {
        let Some(tls) = self.shared.tls.clone() else { return Err(Failure::Quiet) };
        match std::mem::replace(&mut self.stream, Stream::Closed) {
            Stream::Tcp(socket) => {
                let secured = tls.acceptor.accept(socket).await?;
                if direct && secured.get_ref().1.alpn_protocol() != Some(b"postgresql") {
                    return Err(Failure::Quiet);
                }
                self.stream = Stream::Tls(Box::new(secured));
                Ok(())
            }
            _ => Err(Failure::Quiet),
        }
    }

    /// Reads one packet without a type byte, length included.
    async fn packet(&mut self) -> Result<BytesMut, Failure> {
        loop {
            if let Some((&[a, b, c, d], _)) = self.input.split_first_chunk::<4>() {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                if !(8..=STARTUP_BYTES).contains(&length) {
                    return Err(sql_err!(PROTOCOL_VIOLATION, "invalid length of startup packet").into());
                }
                if self.input.len() >= length {
                    return Ok(self.input.split_to(length));
                }
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Failure> {
        match self.stream.read(&mut self.input).await? {
            0 => Err(Failure::Quiet),
            _ => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.out.bytes).await?;
        self.out.bytes.clear();
        Ok(())
    }

    fn cancel(&self, mut packet: BytesMut) {
        let context = DecodeContext::default();
        if let Ok(Some(request)) = CancelRequest::decode(&mut packet, &context)
            && let Some(secret) = self.shared.cancel_keys.session(request.pid, &request.secret_key.to_bytes())
        {
            self.shared.database.cancel(request.pid, secret);
        }
    }

    /// The start-up packet proper.
    async fn start(&mut self, packet: BytesMut) -> Result<Session, Failure> {
        let startup = decode_startup(packet)?;
        if startup.protocol_number_major != 3 {
            let (major, minor) = (startup.protocol_number_major, startup.protocol_number_minor);
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{MINOR_VERSION}"
            )
            .into());
        }
        let minor = startup.protocol_number_minor.min(MINOR_VERSION);
        self.negotiate_version(&startup, minor);
        let Parameters { user, database, settings, replication } = parameters(&startup)?;
        self.authenticate(&user, &database).await?;
        if replication {
            return Err(match self.shared.database.login_role(&user) {
                Some(role) if role.can_replicate => SqlError::unsupported("the replication protocol"),
                _ => sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied to start WAL sender")
                    .detail("Only roles with the REPLICATION attribute may start a WAL sender process."),
            }
            .into());
        }
        let (client_addr, client_port) = match self.peer {
            Peer::Tcp(address, port) => (Some(address), i32::from(port)),
            Peer::Unix(_) => (None, -1),
        };
        let server_addr = self.stream.local_address();
        let encryption = self.stream.encryption();
        let info =
            ConnectInfo { user, database, settings, client_addr, client_port, server_addr, encryption };
        let shared = self.shared.clone();
        let name = if info.database.is_empty() { &info.user } else { &info.database };
        let short = shared.database.is_open(name);
        let connect = || shared.database.connect(info);
        let mut session = if short { connect() } else { aside(connect) }?;
        self.out.begin(b'R');
        self.out.i32(0);
        self.out.end();
        for (name, value) in session.take_parameter_status() {
            self.out.parameter(name, &value);
        }
        self.show_key(&session, minor);
        Ok(session)
    }

    /// NegotiateProtocolVersion, when the client asked for more than there is.
    fn negotiate_version(&mut self, startup: &Startup, minor: u16) {
        let unknown: Vec<_> = startup.parameters.keys().filter(|name| name.starts_with("_pq_.")).collect();
        if startup.protocol_number_minor <= MINOR_VERSION && unknown.is_empty() {
            return;
        }
        self.out.begin(b'v');
        self.out.i32(3 << 16 | i32::from(minor));
        self.out.i32(unknown.len() as i32);
        for name in unknown {
            self.out.text(name);
        }
        self.out.end();
    }

    /// BackendKeyData.
    fn show_key(&mut self, session: &Session, minor: u16) {
        let (pid, secret) = session.backend_key();
        let shown = if minor >= 2 {
            let mut bytes = vec![0; SECRET_BYTES];
            self.shared.env.random(&mut bytes);
            bytes
        } else {
            secret.to_be_bytes().to_vec()
        };
        self.out.begin(b'K');
        self.out.i32(pid);
        self.out.bytes.extend_from_slice(&shown);
        self.out.end();
        self.shared.cancel_keys.insert(pid, secret, shown);
    }

    async fn authenticate(&mut self, user: &str, database: &str) -> Result<(), Failure> {
        let origin = match self.peer {
            Peer::Unix(_) => Origin::Local,
            Peer::Tcp(address, _) => Origin::Host { address, tls: matches!(self.stream, Stream::Tls(_)) },
        };
        let shared = self.shared.clone();
        let hba = shared.hba.load();
        match hba.method(origin, database, user, &|role| shared.database.is_member(user, role)) {
            None => Err(hba_refusal("no pg_hba.conf entry for", origin, user, database).into()),
            Some(Method::Reject) => {
                Err(hba_refusal("pg_hba.conf rejects connection for", origin, user, database).into())
            }
            Some(Method::Trust) => Ok(()),
            Some(Method::Peer) => self.check_peer(user),
            Some(Method::Certificate) => self.check_certificate(user),
            Some(Method::Scram) => self.check_password(user).await,
        }
    }

    /// The operating system's user must have the role's name. The user that runs the server, who can read the data files anyway,
    /// may also be the cluster's first superuser.
    fn check_peer(&self, user: &str) -> Result<(), Failure> {
        let Peer::Unix(uid) = self.peer else { return Err(Failure::Quiet) };
        let is_owner = uid == rustix::process::geteuid().as_raw()
            && *user == *self.shared.database.bootstrap_superuser();
        if is_owner || self.shared.os_users.get(&uid).is_some_and(|name| name == user) {
            return Ok(());
        }
        Err(sql_err!(INVALID_AUTHORIZATION_SPECIFICATION, "Peer authentication failed for user \"{user}\"")
            .into())
    }

    fn check_certificate(&self, user: &str) -> Result<(), Failure> {
        if let Stream::Tls(stream) = &self.stream
            && let Some(leaf) = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first())
            && tls::common_name(leaf).as_deref() == Some(user)
        {
            return Ok(());
        }
        Err(sql_err!(
            INVALID_AUTHORIZATION_SPECIFICATION,
            "certificate authentication failed for user \"{user}\""
        )
        .into())
    }

    /// SCRAM-SHA-256. Unknown users, users without a password and wrong passwords look the same from outside.
    async fn check_password(&mut self, user: &str) -> Result<(), Failure> {
        let certificate = match (&self.stream, &self.shared.tls) {
            (Stream::Tls(_), Some(tls)) => Some(tls.certificate_pem.clone()),
            _ => None,
        };
        let mut exchange =
            Exchange::new(certificate.as_deref()).map_err(|e| SqlError::internal(e.to_string()))?;
        self.out.begin(b'R');
        self.out.i32(10);
        for mechanism in exchange.mechanisms() {
            self.out.text(mechanism);
        }
        self.out.bytes.push(0);
        self.out.end();

        let role = self.shared.database.login_role(user);
        let now = nq_engine::clock_time(&*self.shared.env);
        let secret = role
            .filter(|role| role.valid_until.is_none_or(|until| now < until))
            .and_then(|role| scram::parse_verifier(&role.verifier?))
            .unwrap_or_else(|| scram::mock_verifier(user, &self.shared.mock_secret));

        let message = self.password_message().await?;
        let (mechanism, first) = decode_sasl_initial(&message)?;
        if !exchange.mechanisms().contains(&mechanism) {
            return Err(sql_err!(
                PROTOCOL_VIOLATION,
                "client selected an invalid SASL authentication mechanism"
            )
            .into());
        }
        let binds = mechanism.ends_with("-PLUS");
        if binds != first.starts_with(b"p=") {
            return Err(sql_err!(PROTOCOL_VIOLATION, "malformed SCRAM message")
                .detail("The channel-binding flag does not fit the selected mechanism.")
                .into());
        }
        let reply = exchange.first(first, secret).map_err(|e| malformed(&e))?;
        self.sasl_reply(11, &reply);
        let message = self.password_message().await?;
        match exchange.last(&message) {
            Ok(signature) => {
                self.sasl_reply(12, &signature);
                if let Peer::Tcp(address, _) = self.peer {
                    self.shared.throttle.succeeded(address);
                }
                Ok(())
            }
            Err(pgwire::error::PgWireError::InvalidScramMessage(what)) => {
                Err(sql_err!(PROTOCOL_VIOLATION, "malformed SCRAM message").detail(what).into())
            }
            Err(_) => {
                self.wait_after_failure().await;
                Err(sql_err!(INVALID_PASSWORD, "password authentication failed for user \"{user}\"").into())
            }
        }
    }

    async fn wait_after_failure(&self) {
        if let Peer::Tcp(address, _) = self.peer {
            let delay = self.shared.throttle.failed(address, self.shared.env.monotonic_nanos());
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
        }
    }

    fn sasl_reply(&mut self, code: i32, data: &str) {
        self.out.begin(b'R');
        self.out.i32(code);
        self.out.bytes.extend_from_slice(data.as_bytes());
        self.out.end();
    }

    /// Sends what is gathered and reads the body of the client's answer, a `p` message.
    async fn password_message(&mut self) -> Result<BytesMut, Failure> {
        self.flush().await?;
        loop {
            if let Some((&[kind, a, b, c, d], _)) = self.input.split_first_chunk::<HEADER_BYTES>() {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                if kind != b'p' {
                    return Err(sql_err!(
                        PROTOCOL_VIOLATION,
                        "expected SASL response, got message type {kind}"
                    )
                    .into());
                }
                if !(4..=STARTUP_BYTES).contains(&length) {
                    return Err(sql_err!(PROTOCOL_VIOLATION, "invalid message length").into());
                }
                if self.input.len() > length {
                    let mut message = self.input.split_to(1 + length);
                    return Ok(message.split_off(HEADER_BYTES));
                }
            }
            self.read().await?;
        }
    }
}

fn malformed(error: &pgwire::error::PgWireError) -> SqlError {
    sql_err!(PROTOCOL_VIOLATION, "malformed SCRAM message").detail(error.to_string())
}

fn hba_refusal(what: &str, origin: Origin, user: &str, database: &str) -> SqlError {
    let (host, encryption) = match origin {
        Origin::Local => ("[local]".to_owned(), "no encryption"),
        Origin::Host { address, tls } => {
            (address.to_canonical().to_string(), if tls { "SSL encryption" } else { "no encryption" })
        }
    };
    sql_err!(
        INVALID_AUTHORIZATION_SPECIFICATION,
        "{what} host \"{host}\", user \"{user}\", database \"{database}\", {encryption}"
    )
}

/// Decodes a start-up packet after checking what `pgwire`'s decoder takes for granted.
fn decode_startup(mut packet: BytesMut) -> Result<Startup> {
    let malformed =
        || sql_err!(PROTOCOL_VIOLATION, "invalid startup packet layout: expected terminator as last byte");
    if packet.last() != Some(&0) {
        return Err(malformed());
    }
    utf8(&packet[8..])?;
    let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_2);
    context.awaiting_frontend_ssl = false;
    Startup::decode(&mut packet, &context).ok().flatten().ok_or_else(malformed)
}

/// What a start-up packet asks for.
#[derive(Default)]
struct Parameters {
    user: String,
    database: String,
    settings: Vec<(String, String)>,
    /// Whether the client wants to speak the replication protocol.
    replication: bool,
}

/// Splits the start-up parameters into user, database and settings.
#[allow(clippy::type_complexity, reason = "taken apart at once by the only caller")]
fn parameters(startup: &Startup) -> Result<Parameters> {
    let Parameters { mut user, mut database, mut settings, mut replication } = Parameters::default();
    for (name, value) in &startup.parameters {
        match name.as_str() {
            "user" => user.clone_from(value),
            "database" => database.clone_from(value),
            "options" => settings.extend(command_line_options(value)?),
            "replication" if matches!(value.as_str(), "off" | "false" | "no" | "0") => {}
            "replication" => replication = true,
            name if name.starts_with("_pq_.") => {}
            name => settings.push((name.to_owned(), value.clone())),
        }
    }
    if user.is_empty() {
        return Err(sql_err!(
            INVALID_AUTHORIZATION_SPECIFICATION,
            "no PostgreSQL user name specified in startup packet"
        ));
    }
    if database.is_empty() {
        database.clone_from(&user);
    }
    Ok(Parameters { user, database, settings, replication })
}

/// Parses the `options` parameter: `-c name=value`, `-cname=value`, `--name=value`; a backslash keeps a blank.
fn command_line_options(text: &str) -> Result<Vec<(String, String)>> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut escaped) = (String::new(), false);
    for c in text.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            c if c.is_whitespace() && !escaped => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                escaped = false;
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let mut out = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let assignment = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next().unwrap_or_default(),
            Some(rest) => rest.to_owned(),
            None => {
                return Err(sql_err!(
                    SYNTAX_ERROR,
                    "invalid command-line argument for server process: {word}"
                ));
            }
        };
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(sql_err!(SYNTAX_ERROR, "-c {assignment} requires a value"));
        };
        out.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(out)
}

/// Splits a SASLInitialResponse into the mechanism and its first message.
fn decode_sasl_initial(message: &[u8]) -> Result<(&str, &[u8])> {
    let mut body = super::frame::Body::new(message);
    let mechanism = body.text()?;
    let first = body.value()?.unwrap_or_default();
    body.end()?;
    Ok((mechanism, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_split_as_a_shell_would() {
        let parse = |text| command_line_options(text).map_err(|e| e.code().as_str().to_owned());
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(
            parse("-c geqo=off -cwork_mem=1MB --search-path=a\\ b"),
            Ok(vec![pair("geqo", "off"), pair("work_mem", "1MB"), pair("search_path", "a b")])
        );
        assert_eq!(parse("-x"), Err("42601".to_owned()));
        assert_eq!(parse("-c geqo"), Err("42601".to_owned()));
    }
}
