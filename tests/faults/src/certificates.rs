//! What a server behind TLS shows, and who vouches for it.

use std::fs;
use std::path::PathBuf;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::date_time_ymd;
use tempfile::TempDir;

/// A certificate for 127.0.0.1 and the authority that has signed it, as files.
#[derive(Debug)]
pub struct Certificates {
    authority: Issuer<'static, KeyPair>,
    key: KeyPair,
    directory: TempDir,
}

impl Certificates {
    /// Makes all of it anew; the certificate is valid.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut authority.distinguished_name;
        name.push(DnType::CommonName, "authority of a test");
        let authority_key = KeyPair::generate().unwrap();
        let own = authority.self_signed(&authority_key).unwrap();
        let certificates = Self {
            authority: Issuer::new(authority, authority_key),
            key: KeyPair::generate().unwrap(),
            directory: tempfile::tempdir().unwrap(),
        };
        fs::write(certificates.authority(), own.pem()).unwrap();
        fs::write(certificates.key(), certificates.key.serialize_pem()).unwrap();
        certificates.renew();
        certificates
    }

    /// Returns the file with the certificate of the authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// Returns the file with the certificate of the server.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// Replaces the certificate by one that is valid; a server reads it when it starts.
    pub fn renew(&self) {
        self.issue(4_000);
    }

    /// Replaces the certificate by one whose time is over.
    pub fn expire(&self) {
        self.issue(2_001);
    }

    fn issue(&self, last_year: i32) {
        let mut certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        certificate.not_before = date_time_ymd(2_000, 1, 1);
        certificate.not_after = date_time_ymd(last_year, 1, 1);
        let signed = certificate.signed_by(&self.key, &self.authority).unwrap();
        fs::write(self.certificate(), signed.pem()).unwrap();
    }
}
