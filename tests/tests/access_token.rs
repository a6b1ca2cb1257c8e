//! Access tokens of an identity provider, and everything that looks like one (T-31).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::Channel;
use waystation_api::v1;
use waystation_api::v1::case_service_client::CaseServiceClient;
use waystation_storage::testing::on_both;
use waystation_tests::authority::{Authority, Pair, connect, place, signing_pair};
use waystation_tests::{Bearing, SECURE, STATION, Server, account, base64, run};

const ISSUER: &str = "https://login.qingzhen.example";
const AUDIENCE: &str = "waystation-qinglongshan";
/// Longest the test waits for a replaced file to be taken over.
const PATIENCE: Duration = Duration::from_secs(30);

fn base64url(bytes: &[u8]) -> String {
    base64(bytes).replace('+', "-").replace('/', "_").replace('=', "")
}

#[expect(clippy::disallowed_methods, reason = "tokens are judged by the machine's clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("is later");
    i64::try_from(since.as_secs()).expect("is not that late")
}

struct Issuer {
    key: Vec<u8>,
    jwk: Value,
}

impl Issuer {
    fn new(kid: &str) -> Self {
        let (key, [x, y]) = signing_pair();
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": base64url(&x), "y": base64url(&y) });
        Self { key, jwk }
    }

    fn token(&self, header: &Header, claims: &Value) -> String {
        let signed = encode(header, claims, &EncodingKey::from_ec_der(&self.key));
        format!("Bearer {}", signed.expect("signs"))
    }
}

fn header(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("at+jwt".into());
    header.kid = Some(kid.into());
    header
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "worker-1", "iat": now(), "exp": now() + 300 })
}

/// The claims with one changed; `null` takes it away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let object = claims.as_object_mut().expect("is an object");
    match value {
        Value::Null => object.remove(name),
        value => object.insert(name.into(), value),
    };
    claims
}

async fn list(channel: &Channel, authorization: &str) -> Result<(), tonic::Status> {
    let request = v1::ListCasesRequest {
        station: STATION.into(),
        ..Default::default()
    };
    let mut cases = CaseServiceClient::with_interceptor(channel.clone(), Bearing::new(authorization));
    cases.list_cases(request).await.map(drop)
}

#[test]
fn an_access_token_is_taken_exactly_as_it_must_be() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        for id in ["worker-1", "worker-2"] {
            account(&database.url, id, "CASE_WORKER");
        }
        let close = ["accounts", "disable", "--database", &database.url, "--id", "worker-2"];
        assert!(run(&close).status.success());
        let directory = tempfile::tempdir().expect("makes a directory");
        let (site, clients) = (Authority::new("servers"), Authority::new("devices"));
        let own = site.server(2);
        let (issuer, stranger) = (Issuer::new("one"), Issuer::new("one"));
        let file = |name: &str, text: &str| place(directory.path(), name, text).display().to_string();
        let keys = file("keys.json", &json!({ "keys": [&issuer.jwk] }).to_string());
        let (certificate, key) = (file("server.pem", &own.certificate), file("server.key", &own.key));
        let authorities = file("clients.pem", &clients.certificate);
        let server = Server::serve_with(
            &database.url,
            &[
                SECURE,
                "--tls-cert",
                &certificate,
                "--tls-key",
                &key,
                "--client-ca",
                &authorities,
                "--oidc-issuer",
                ISSUER,
                "--oidc-audience",
                AUDIENCE,
                "--oidc-keys",
                &keys,
            ],
        );
        let connect = async |shown: Option<&Pair>| connect(&server.address, &site, shown).await.expect("connects");
        let channel = connect(None).await;
        let good = issuer.token(&header("one"), &claims());
        list(&channel, &good).await.expect("is as it must be");
        let several = with("aud", json!(["elsewhere", AUDIENCE]));
        list(&channel, &issuer.token(&header("one"), &several))
            .await
            .expect("names it among others");

        let (point, none) = (
            issuer.jwk["x"].as_str().expect("is text"),
            base64url(br#"{"alg":"none","typ":"at+jwt","kid":"one"}"#),
        );
        let unsigned = format!("Bearer {none}.{}.", base64url(claims().to_string().as_bytes()));
        let mut symmetric = header("one");
        symmetric.alg = Algorithm::HS256;
        let symmetric = encode(&symmetric, &claims(), &EncodingKey::from_secret(point.as_bytes())).expect("signs");
        let identity_token = {
            let mut header = header("one");
            header.typ = Some("JWT".into());
            header
        };
        let nameless = Header {
            kid: None,
            ..header("one")
        };
        let demanding = Header {
            crit: Some(vec!["exp".into()]),
            ..header("one")
        };
        let mut altered = good.clone();
        altered.replace_range(
            good.len() - 6..good.len() - 5,
            if good.as_bytes()[good.len() - 6] == b'A' {
                "B"
            } else {
                "A"
            },
        );
        let claimed = |name: &str, value: Value| issuer.token(&header("one"), &with(name, value));
        let refused = [
            ("unsigned", unsigned),
            ("signed with what everybody knows", format!("Bearer {symmetric}")),
            ("an identity token", issuer.token(&identity_token, &claims())),
            ("without a key id", issuer.token(&nameless, &claims())),
            ("of an unknown key", issuer.token(&header("two"), &claims())),
            ("with demands", issuer.token(&demanding, &claims())),
            (
                "of another key by the same id",
                stranger.token(&header("one"), &claims()),
            ),
            ("altered", altered),
            ("cut", good[..good.len() - 20].to_owned()),
            ("no aud", claimed("aud", Value::Null)),
            ("other aud", claimed("aud", json!("elsewhere"))),
            ("no iss", claimed("iss", Value::Null)),
            ("other iss", claimed("iss", json!("https://elsewhere.example"))),
            ("no sub", claimed("sub", Value::Null)),
            ("sub of nobody", claimed("sub", json!("nobody"))),
            ("sub of a closed account", claimed("sub", json!("worker-2"))),
            ("no exp", claimed("exp", Value::Null)),
            ("expired", with_times(&issuer, now() - 400, now() - 100)),
            ("too long a life", with_times(&issuer, now(), now() + 3_600)),
            (
                "issued in the future",
                with_times(&issuer, now() + 3_000, now() + 3_300),
            ),
            ("not yet", claimed("nbf", json!(now() + 100))),
            ("no iat", claimed("iat", Value::Null)),
            (
                "bound to a certificate that is not shown",
                claimed("cnf", json!({ "x5t#S256": "AAAA" })),
            ),
            ("bound in another way", claimed("cnf", json!({ "jkt": "AAAA" }))),
        ];
        for (what, token) in refused {
            let refused = list(&channel, &token).await.expect_err(what);
            assert_eq!(refused.code(), Code::Unauthenticated, "{what}: {refused}");
            assert!(!refused.message().contains("ey"), "{what}: {refused}");
        }

        // Bound to the certificate of a device: good with it and with no other.
        let (device, other) = (clients.client(11, ""), clients.client(12, ""));
        let bound = claimed("cnf", json!({ "x5t#S256": device.thumbprint() }));
        list(&connect(Some(&device)).await, &bound).await.expect("is its own");
        for channel in [&channel, &connect(Some(&other)).await] {
            assert_eq!(
                list(channel, &bound).await.expect_err("is stolen").code(),
                Code::Unauthenticated
            );
        }

        // The provider changes its keys while the server runs.
        let next = Issuer::new("two");
        place(
            directory.path(),
            "keys.json",
            &json!({ "keys": [&next.jwk] }).to_string(),
        );
        let token = next.token(&header("two"), &claims());
        let taken = tokio::time::timeout(PATIENCE, async {
            while list(&channel, &token).await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        taken.await.expect("is taken over in time");
        assert_eq!(
            list(&channel, &good).await.expect_err("is gone").code(),
            Code::Unauthenticated
        );
    });
}

fn with_times(issuer: &Issuer, iat: i64, exp: i64) -> String {
    let mut claims = with("iat", json!(iat));
    claims["exp"] = json!(exp);
    issuer.token(&header("one"), &claims)
}

#[test]
fn a_set_of_keys_that_verifies_nothing_is_said_at_the_start() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let database = format!("sqlite:{}", directory.path().join("log.db").display());
    assert!(run(&["migrate", "--database", &database]).status.success());
    account(&database, "worker-1", "CASE_WORKER");
    let secret = json!({ "kty": "oct", "kid": "one", "k": "AAAA" });
    let encrypting = json!({ "use": "enc", "kty": "EC", "crv": "P-256", "kid": "one", "x": "AA", "y": "AA" });
    for keys in [
        "",
        "{}",
        r#"{"keys":[]}"#,
        &json!({ "keys": [secret] }).to_string(),
        &json!({ "keys": [encrypting] }).to_string(),
    ] {
        let file = place(directory.path(), "keys.json", keys).display().to_string();
        let serve = [
            "serve",
            "--database",
            &database,
            "--listen",
            "127.0.0.1:0",
            "--oidc-issuer",
            ISSUER,
        ];
        let out = run(&[&serve[..], &["--oidc-audience", AUDIENCE, "--oidc-keys", &file]].concat());
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(8), "{keys}: {said}");
        assert!(said.contains("JWK Set"), "{keys}: {said}");
    }
}
