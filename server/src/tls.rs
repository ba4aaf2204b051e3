//! TLS for the PostgreSQL port: rustls on aws-lc-rs, with the hybrid key exchange X25519MLKEM768 preferred, so that a recording
//! made today does not open to a quantum computer tomorrow.

mod client;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nq_storage::env::{Env, OpenMode, read_full};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use x509_certificate::CapturedX509Certificate;

use client::ClientCertificates;

/// Where the files are: `ssl_cert_file`, `ssl_key_file`, `ssl_ca_file`.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authorities that client certificates are checked against; none are asked for without.
    pub authorities: Option<PathBuf>,
}

/// A loaded certificate, ready to accept.
#[derive(Clone)]
pub struct Tls {
    /// Accepts connections.
    pub acceptor: TlsAcceptor,
    /// The certificate chain for channel binding, PEM.
    pub certificate_pem: Arc<[u8]>,
}

/// A problem with one of the files.
#[derive(Debug)]
pub struct TlsError(String);

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Loads certificate and key.
///
/// # Errors
/// A file that cannot be read or used, named.
pub fn load(env: &dyn Env, files: &TlsFiles) -> Result<Tls, TlsError> {
    let certificate_pem = read_file(env, &files.certificate)?;
    let chain = certificates(&files.certificate, &certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(&read_file(env, &files.key)?)
        .map_err(|e| TlsError(format!("could not load private key file \"{}\": {e}", files.key.display())))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let signer = provider.key_provider;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError(e.to_string()))?;
    let builder = match &files.authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let authorities = certificates(path, &read_file(env, path)?)?;
            let mut roots = RootCertStore::empty();
            for authority in &authorities {
                roots.add(authority.clone()).map_err(|e| bad(path, "root certificate", e))?;
            }
            let algorithms = provider.signature_verification_algorithms;
            let webpki = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|e| bad(path, "root certificate", e))?;
            let verifier = ClientCertificates::new(webpki, &authorities, algorithms);
            builder.with_client_cert_verifier(Arc::new(verifier))
        }
    };
    let key = signer.load_private_key(key).map_err(|e| bad(&files.key, "private key", e))?;
    let certified = CertifiedKey::new(chain, key);
    // A certificate of X.509 version 1 serves, too; what it cannot be is another key's.
    if let Err(error @ rustls::Error::InconsistentKeys(_)) = certified.keys_match() {
        return Err(bad(&files.certificate, "server certificate", error));
    }
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    // No resumption: a ticket would outlive the key exchange that protects it.
    config.send_tls13_tickets = 0;
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), certificate_pem: certificate_pem.into() })
}

/// Returns the common name of a client's certificate, for `cert` authentication.
pub fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    CapturedX509Certificate::from_der(certificate.to_vec()).ok()?.subject_common_name()
}

fn bad(path: &Path, what: &str, error: impl std::fmt::Display) -> TlsError {
    TlsError(format!("could not load {what} file \"{}\": {error}", path.display()))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|e| bad(path, "certificate", e))?;
    if found.is_empty() {
        return Err(bad(path, "certificate", "no certificate found"));
    }
    Ok(found)
}

fn read_file(env: &dyn Env, path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        let file = env.open(path, OpenMode::Read)?;
        let mut bytes = vec![0; file.len()? as usize];
        let count = read_full(&*file, &mut bytes, 0)?;
        bytes.truncate(count);
        Ok::<_, std::io::Error>(bytes)
    };
    read().map_err(|e| TlsError(format!("could not open file \"{}\": {e}", path.display())))
}
