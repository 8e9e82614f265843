//! gRPC over TLS, and with certificates on both sides, by grpc-go.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use crate::stored::{Client, House};
use crate::{jaeger, otlp, zipkin};

/// An authority, and a folder with a server's pair and a client's.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        let authority = Authority { folder, issuer: Issuer::new(params, key) };
        authority.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
        authority.issue("client", ExtendedKeyUsagePurpose::ClientAuth);
        authority
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The flags of a listener: TLS, and whose clients it takes.
    fn flags(&self, listener: &str, mutual: bool) -> Vec<String> {
        let flag = |name: &str, value: &str| format!("--{listener}.tls.{name}={value}");
        let mut flags = vec![
            flag("enabled", "true"),
            flag("cert", &self.text("server.pem")),
            flag("key", &self.text("server.key")),
        ];
        flags.extend(mutual.then(|| flag("client-ca", &self.text("ca.pem"))));
        flags
    }
}

/// The clients of gRPC, and what the flags of their listeners begin with.
const CLIENTS: [(&Client, &str); 3] =
    [(&jaeger::GRPC, "collector.grpc"), (&otlp::GRPC, "collector.otlp.grpc"), (&zipkin::GRPC, "collector.zipkin")];

fn house(authority: &Authority, mutual: bool) -> House {
    let flags: Vec<String> = CLIENTS.iter().flat_map(|(_, listener)| authority.flags(listener, mutual)).collect();
    House::new(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The address by the name that the certificate has.
fn named(house: &House, client: &Client) -> String {
    house.spaniel.address(client.listener).replace("127.0.0.1", "localhost")
}

#[test]
fn over_tls() {
    let authority = Authority::new();
    let house = house(&authority, false);
    for (client, _) in CLIENTS {
        house.check_at(client, &named(&house, client), &["--ca", &authority.text("ca.pem")]);
    }
}

#[test]
fn over_tls_with_a_certificate_of_the_client() {
    let authority = Authority::new();
    let house = house(&authority, true);
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(|name| authority.text(name));
    for (client, _) in CLIENTS {
        house.check_at(client, &named(&house, client), &["--ca", &ca, "--cert", &cert, "--key", &key]);
    }
}

/// That the tests above can fail: one who shows nothing, and one who trusts another authority.
#[test]
fn strangers_are_turned_away() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let house = house(&authority, true);
    let [ours, theirs] = [&authority, &stranger].map(|authority| authority.text("ca.pem"));
    let [cert, key] = ["client.pem", "client.key"].map(|name| stranger.text(name));
    for (client, _) in CLIENTS {
        let address = named(&house, client);
        for arguments in [&["--ca", &ours][..], &["--ca", &ours, "--cert", &cert, "--key", &key], &["--ca", &theirs]] {
            let Some(mut command) = client.language.program(client.program) else { return };
            let output = command.arg(&address).args(arguments).output().unwrap();
            assert!(!output.status.success(), "{}: {arguments:?}", client.program);
        }
    }
    let books = house.spaniel.settled_books();
    assert!(books["spans"].as_object().unwrap().values().all(|page| page["received"] == 0), "{books}");
}
