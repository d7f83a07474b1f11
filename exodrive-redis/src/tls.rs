//! Sockets that prove whom they lead to.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::Error;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Whose certificates are trusted.
///
/// That is read again for each connection, which is rare, so that a renewed authority needs no
/// restart of the service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    /// The authorities of the operating system when there is no file.
    pub(crate) authorities: Option<PathBuf>,
}

impl Tls {
    /// Performs the handshake with `host` over `socket`.
    pub(crate) async fn wrap(
        &self,
        host: &str,
        socket: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let file = self.authorities.clone();
        let config = spawn_blocking(move || config(file.as_deref())).await??;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, socket).await;
        stream.map_err(|error| presentable(&error).map_or(error, io::Error::other))
    }
}

fn config(file: Option<&Path>) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let unreadable = || io::Error::other("unreadable file of certificate authorities");
            for authority in CertificateDer::pem_file_iter(file).map_err(|_| unreadable())? {
                let added = roots.add(authority.map_err(|_| unreadable())?);
                added.map_err(|_| unreadable())?;
            }
        }
        None => {
            // One that cannot be read is one not trusted, which the handshake will tell.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The failure of a handshake in words that the other side did not choose.
fn presentable(error: &io::Error) -> Option<&'static str> {
    let error: &(dyn StdError + 'static) = error.get_ref()?;
    Some(match error.downcast_ref()? {
        Error::InvalidCertificate(_) => "the certificate of the server is not trusted",
        _ => "the TLS handshake failed",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_an_error_and_not_an_empty_trust() {
        let missing = config(Some(Path::new("/nonexistent"))).unwrap_err();
        assert!(missing.to_string().contains("certificate authorities"));
    }

    #[test]
    fn shows_nothing_that_the_other_side_chose() {
        let error = Error::General("canary".to_owned());
        let shown = presentable(&io::Error::other(error)).unwrap();
        assert_eq!(shown, "the TLS handshake failed");
        assert!(presentable(&io::ErrorKind::TimedOut.into()).is_none());
    }
}
