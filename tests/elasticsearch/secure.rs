//! Real servers that want TLS and a password.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use spaniel::item::Verdict;
use spaniel::settings::{ClientTls, Elasticsearch, Secret};

use super::site::{Site, batch, golden_spans};
use super::support::releases::{self, Release};
use super::support::server;

/// What `elasticsearch-users useradd writer -p spans4all -r superuser` of 6.8.23 writes.
const USERS: &str = "writer:$2a$10$SeW5F1LNO6QEvCTKhWdC5uJGjjhmUr3IWddTDbB58kgXrr6rlu9FO\n";
const ROLES: &str = "superuser:writer\n";

const SETTINGS: [&str; 5] = [
    "xpack.security.enabled: true",
    "xpack.security.http.ssl.enabled: true",
    "xpack.security.http.ssl.key: server-key.pem",
    "xpack.security.http.ssl.certificate: server.pem",
    // By itself 6.8 offers only suites with CBC, which rustls does not have; 8 has these anyway.
    "xpack.security.http.ssl.cipher_suites: \
     [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
];

#[test]
fn secure_elasticsearch_6_8() {
    secure(releases::ES_6_8);
}

#[test]
fn secure_elasticsearch_8_19() {
    secure(releases::ES_8_19);
}

fn secure(release: Release) {
    let (ours, others) = (Authority::new(), Authority::new());
    let (certificate, key) = ours.server_pair();
    let files = [
        ("server.pem", certificate.as_str()),
        ("server-key.pem", key.as_str()),
        ("users", USERS),
        ("users_roles", ROLES),
    ];
    let Some(server) = server::own_with(release, &SETTINGS, &files) else { return };
    let write = |change: &dyn Fn(&mut Elasticsearch)| {
        let site = Site::new(&server, "secure", |settings| {
            settings.username = "writer".into();
            settings.password = Secret("spans4all".into());
            settings.tls = ClientTls { enabled: true, ca: Some(ours.path()), ..ClientTls::default() };
            change(settings);
        });
        site.write(&batch(&golden_spans()[..1]))
    };
    let again = |word| vec![Verdict::Again(word)];
    assert_eq!(write(&|settings| settings.password = Secret("wrong".into())), again("unauthorized"));
    assert_eq!(write(&|settings| settings.username.clear()), again("unauthorized"));
    assert_eq!(write(&|settings| settings.tls.ca = Some(others.path())), again("unreachable"));
    assert_eq!(write(&|settings| settings.tls = ClientTls::default()), again("unreachable"));
    assert_eq!(write(&|_| {}), [Verdict::Stored]);
    let trusting = |settings: &mut Elasticsearch| {
        settings.tls.ca = None;
        settings.tls.skip_host_verify = true;
    };
    assert_eq!(write(&trusting), [Verdict::AlreadyThere]);
}

/// An authority of a test's own, its certificate in a file.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("a certificate");
        std::fs::write(folder.path().join("ca.pem"), root.pem()).expect("written");
        Authority { folder, issuer: Issuer::new(params, key) }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for this machine and its key, as PEM.
    fn server_pair(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".into()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}
