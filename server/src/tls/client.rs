//! Client certificates as PostgreSQL takes them.
//!
//! What `webpki` checks, it checks. It knows X.509 version 3 only; `openssl x509 -req` makes certificates of version 1 unless told
//! otherwise, and PostgreSQL's OpenSSL takes them. One of version 1 is accepted when a trusted authority itself signed it: it has
//! no extensions, so that it can neither be an authority nor say what it is for.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_certificate::CapturedX509Certificate;

/// Verifies clients' certificates and that they hold the keys.
pub struct ClientCertificates {
    webpki: Arc<dyn ClientCertVerifier>,
    authorities: Vec<CapturedX509Certificate>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertificates {
    /// Adds certificates of version 1, signed by one of `authorities`, to what `webpki` accepts.
    pub fn new(
        webpki: Arc<dyn ClientCertVerifier>,
        authorities: &[CertificateDer<'_>],
        algorithms: WebPkiSupportedAlgorithms,
    ) -> ClientCertificates {
        let parsed =
            authorities.iter().filter_map(|der| CapturedX509Certificate::from_der(der.to_vec()).ok());
        ClientCertificates { webpki, authorities: parsed.collect(), algorithms }
    }

    fn check_old(
        &self,
        certificate: &CapturedX509Certificate,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < certificate.validity_not_before().timestamp() {
            return Err(CertificateError::NotValidYet);
        }
        if now > certificate.validity_not_after().timestamp() {
            return Err(CertificateError::Expired);
        }
        let signed = |authority: &&CapturedX509Certificate| {
            certificate.issuer_name() == authority.subject_name()
                && certificate.verify_signed_by_certificate(authority).is_ok()
        };
        self.authorities.iter().find(signed).map(|_| ()).ok_or(CertificateError::UnknownIssuer)
    }

    fn check_old_signature(
        &self,
        certificate: &CapturedX509Certificate,
        message: &[u8],
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = certificate.public_key_data();
        let of_scheme = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        let mut algorithms = of_scheme.flat_map(|(_, algorithms)| algorithms.iter());
        match algorithms.any(|a| a.verify_signature(&key, message, signed.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }
}

/// The certificate, if it is of version 1.
fn old(der: &CertificateDer<'_>) -> Option<CapturedX509Certificate> {
    let certificate = CapturedX509Certificate::from_der(der.to_vec()).ok()?;
    let tbs = certificate.tbs_certificate();
    let is_old = tbs.version.is_none_or(|v| v == x509_certificate::rfc5280::Version::V1);
    (is_old && tbs.extensions.is_none()).then_some(certificate)
}

impl ClientCertVerifier for ClientCertificates {
    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match old(leaf) {
            Some(certificate) => {
                self.check_old(&certificate, now)?;
                Ok(ClientCertVerified::assertion())
            }
            None => self.webpki.verify_client_cert(leaf, intermediates, now),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match old(leaf) {
            Some(certificate) => self.check_old_signature(&certificate, message, signed),
            None => self.webpki.verify_tls12_signature(message, leaf, signed),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let legacy = [
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ];
        match old(leaf) {
            // TLS 1.3 forbids these in handshakes.
            Some(_) if legacy.contains(&signed.scheme) => Err(CertificateError::BadSignature.into()),
            Some(certificate) => self.check_old_signature(&certificate, message, signed),
            None => self.webpki.verify_tls13_signature(message, leaf, signed),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificates").field("authorities", &self.authorities.len()).finish()
    }
}
