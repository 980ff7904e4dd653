use std::slice::from_ref;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    PKCS_ECDSA_P256_SHA256,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::identity::{DevelopmentCa, PersonRequest, Validity};

const ANNA: AccountId = AccountId([0xa1; 32]);
const BEN: AccountId = AccountId([0xbe; 32]);
const DAY: u64 = 24 * 3_600_000;

fn now() -> Timestamp {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap() * 1000
}

fn anna() -> PersonRequest {
    PersonRequest {
        name: "Anna Payer".to_owned(),
        account: ANNA,
        organization: Some("Payer & Daughters".to_owned()),
        country: Some("DE".to_owned()),
        validity: Validity::days(90),
    }
}

/// A development CA, and what an institution knows of it.
struct World {
    files: TempDir,
    ca: DevelopmentCa,
    persons: Persons,
}

impl World {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::create(files.path()).unwrap();
        let persons = Persons::load(&ca.certificate_path(), &[ca.crl_path()]).unwrap();
        Self { files, ca, persons }
    }

    /// Anna's certificate, with something else about it.
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = anna().params().unwrap();
        change(&mut params);
        self.ca.sign(&params).unwrap().0.pem()
    }

    fn refusal(&self, pem: &str) -> PersonError {
        self.persons.verify(pem, &ANNA, now()).unwrap_err()
    }
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

#[test]
fn a_person_is_who_the_certificate_says() {
    let world = World::new();
    let not_after = OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
    let pem = world.issue(|params| {
        params.serial_number = Some(SerialNumber::from_slice(&[0x8f, 0x01]));
        params.not_after = not_after;
    });
    let person = world.persons.verify(&pem, &ANNA, now()).unwrap();
    let der = certificates_from_pem(pem.as_bytes()).unwrap().remove(0);
    let development = "Quittance development, not for production";
    let expected = Person {
        account: ANNA,
        fingerprint: Sha256::digest(&der).into(),
        subject: format!("CN=Anna Payer, O=Payer & Daughters, OU={development}, C=DE"),
        common_name: Some("Anna Payer".to_owned()),
        organization: Some("Payer & Daughters".to_owned()),
        country: Some("DE".to_owned()),
        issuer: format!("CN=Quittance development CA, O={development}"),
        serial: "0x8f01".to_owned(),
        expires_at: 4_000_000_000_000,
    };
    assert_eq!(person, expected);
    let json = serde_json::to_string(&person).unwrap();
    assert_eq!(serde_json::from_str::<Person>(&json).unwrap(), person);
    assert!(json.contains(&to_hex(&[0xa1; 32])), "{json}");
}

#[test]
fn a_subject_may_say_less() {
    let world = World::new();
    let pem = world.issue(|params| params.distinguished_name = DistinguishedName::new());
    let person = world.persons.verify(&pem, &ANNA, now()).unwrap();
    assert_eq!(
        (person.common_name, person.organization, person.country),
        (None, None, None)
    );
}

#[test]
fn a_certificate_counts_only_while_it_is_valid() {
    let world = World::new();
    let today = OffsetDateTime::now_utc();
    let expired = world.issue(|params| params.not_after = today - Duration::minutes(1));
    assert_eq!(world.refusal(&expired).code(), "certificate-expired");
    let early = world.issue(|params| params.not_before = today + Duration::hours(1));
    assert_eq!(world.refusal(&early).code(), "certificate-not-yet-valid");
    let in_two_hours = now() + 2 * 3_600_000;
    assert!(world.persons.verify(&early, &ANNA, in_two_hours).is_ok());
}

#[test]
fn a_certificate_of_another_ca_is_untrusted_whatever_that_calls_itself() {
    let (world, other) = (World::new(), World::new());
    assert_eq!(
        world.refusal(&other.issue(|_| ())).code(),
        "certificate-untrusted",
        "the same name, another key"
    );
    let root = Authority::new("Other CA", None);
    let pem = root.issue(|_| ());
    assert_eq!(world.refusal(&pem).code(), "certificate-untrusted", "another name");
}

#[test]
fn a_revocation_counts_without_a_restart() {
    let world = World::new();
    let issued = world.ca.issue_person(&anna()).unwrap();
    let pem = std::fs::read_to_string(&issued.certificate).unwrap();
    let other = world.issue(|_| ());
    assert!(world.persons.verify(&pem, &ANNA, now()).is_ok());

    world.ca.revoke(&issued.certificate).unwrap();
    assert_eq!(world.refusal(&pem).code(), "certificate-revoked");
    assert!(
        world.persons.verify(&other, &ANNA, now()).is_ok(),
        "only the revoked one"
    );
    world.ca.renew_crl().unwrap();
    assert_eq!(world.refusal(&pem).code(), "certificate-revoked");
}

#[test]
fn without_any_crl_nothing_counts_as_revoked() {
    let world = World::new();
    let issued = world.ca.issue_person(&anna()).unwrap();
    world.ca.revoke(&issued.certificate).unwrap();
    let pem = std::fs::read_to_string(&issued.certificate).unwrap();
    let persons = Persons::load(&world.ca.certificate_path(), &[]).unwrap();
    assert!(persons.verify(&pem, &ANNA, now()).is_ok());
}

#[test]
fn a_crl_that_went_missing_or_is_broken_lets_nobody_in_until_it_is_back() {
    let world = World::new();
    let pem = world.issue(|_| ());
    let crl = world.ca.crl_path();
    let aside = world.files.path().join("aside");
    std::fs::rename(&crl, &aside).unwrap();
    let error = world.refusal(&pem);
    assert_eq!(error.code(), "revocation-unknown");
    assert!(matches!(error, PersonError::Crl(CrlError::Read { .. })), "{error}");

    std::fs::write(&crl, "half a CRL").unwrap();
    let error = world.refusal(&pem);
    assert_eq!(error.code(), "revocation-unknown");
    assert!(matches!(error, PersonError::Crl(CrlError::Malformed { .. })), "{error}");

    std::fs::rename(&aside, &crl).unwrap();
    assert!(world.persons.verify(&pem, &ANNA, now()).is_ok());
}

#[test]
fn an_expired_crl_tells_nothing() {
    let world = World::new();
    let pem = world.issue(|_| ());
    assert!(world.persons.verify(&pem, &ANNA, now() + 29 * DAY).is_ok());
    let error = world.persons.verify(&pem, &ANNA, now() + 31 * DAY).unwrap_err();
    assert!(matches!(error, PersonError::CrlExpired), "{error}");
    assert_eq!(error.code(), "revocation-unknown");
}

#[test]
fn a_crl_of_another_ca_tells_nothing_even_when_that_has_the_same_name() {
    let (world, other) = (World::new(), World::new());
    let persons = Persons::load(&world.ca.certificate_path(), &[other.ca.crl_path()]).unwrap();
    let error = persons.verify(&world.issue(|_| ()), &ANNA, now()).unwrap_err();
    assert!(matches!(error, PersonError::RevocationUnknown(_)), "{error}");
    assert_eq!(error.code(), "revocation-unknown");
}

#[test]
fn the_certificate_must_bind_the_account_that_signs() {
    let world = World::new();
    let pem = world.issue(|_| ());
    let error = world.persons.verify(&pem, &BEN, now()).unwrap_err();
    assert_eq!(error.code(), "certificate-of-another-account");
    let text = error.to_string();
    assert!(
        text.contains(&to_hex(ANNA.as_ref())) && text.contains(&to_hex(BEN.as_ref())),
        "{text}"
    );
}

#[test]
fn the_certificate_must_bind_one_account() {
    let world = World::new();
    let none = world.issue(|params| params.subject_alt_names.clear());
    assert_eq!(world.refusal(&none).code(), "certificate-without-account");
    let site = world.issue(|params| params.subject_alt_names = vec![uri("https://anna.example"), uri("urn:quittance")]);
    assert_eq!(world.refusal(&site).code(), "certificate-without-account");

    for second in [
        account_uri(&BEN),
        account_uri(&ANNA),
        account_uri(&BEN).replace("urn", "URN"),
    ] {
        let two = world.issue(|params| params.subject_alt_names.push(uri(&second)));
        assert_eq!(
            world.refusal(&two).code(),
            "certificate-of-several-accounts",
            "{second}"
        );
    }
    let named = world.issue(|params| params.subject_alt_names.push(uri("https://anna.example")));
    assert!(
        world.persons.verify(&named, &ANNA, now()).is_ok(),
        "other names don't matter"
    );

    for wrong in [
        account_uri(&ANNA).replace("0x", ""),
        account_uri(&ANNA)[..80].to_owned(),
        account_uri(&ANNA) + "a1",
        account_uri(&ANNA).replace("0x", "0x0x"),
        ACCOUNT_URI.to_owned(),
    ] {
        let malformed = world.issue(|params| params.subject_alt_names = vec![uri(&wrong)]);
        assert_eq!(world.refusal(&malformed).code(), "certificate-malformed", "{wrong}");
    }
}

#[test]
fn the_certificate_must_be_for_signing_and_for_clients() {
    let world = World::new();
    type Change = fn(&mut CertificateParams);
    let wrong: [(Change, &str); 3] = [
        (
            |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
            "a server's",
        ),
        (
            |params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment],
            "for encryption",
        ),
        (
            |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            "a CA's",
        ),
    ];
    for (change, whose) in wrong {
        assert_eq!(
            world.refusal(&world.issue(change)).code(),
            "certificate-usage",
            "{whose}"
        );
    }
    let unrestricted = world.issue(|params| params.extended_key_usages.clear());
    assert!(world.persons.verify(&unrestricted, &ANNA, now()).is_ok());
}

#[test]
fn what_is_no_certificate_is_malformed() {
    let world = World::new();
    let key = KeyPair::generate().unwrap().serialize_pem();
    let nonsense = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let half = world.issue(|_| ());
    let half = &half[..half.len() / 2];
    for garbage in ["", "Anna", key.as_str(), nonsense, half] {
        let error = world.refusal(garbage);
        assert_eq!(error.code(), "certificate-malformed", "{garbage}: {error}");
    }
}

#[test]
fn four_certificates_and_16_kib_are_enough() {
    let world = World::new();
    let pem = world.issue(|_| ());
    assert!(world.persons.verify(&pem.repeat(4), &ANNA, now()).is_ok());
    let error = world.refusal(&pem.repeat(5));
    assert_eq!(error.code(), "certificate-malformed");
    assert!(error.to_string().contains("more than 4"), "{error}");

    let room = MAX_TEXT - pem.len();
    assert!(world
        .persons
        .verify(&(pem.clone() + &"\n".repeat(room)), &ANNA, now())
        .is_ok());
    let error = world.refusal(&(pem + &"\n".repeat(room + 1)));
    assert_eq!(error.code(), "certificate-malformed");
    assert!(error.to_string().contains("16384"), "{error}");
}

/// A CA with ECDSA keys, below another one or by itself.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str, parent: Option<&Self>) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(7.into());
        Self(match parent {
            Some(parent) => CertifiedIssuer::signed_by(params, key(), &parent.0).unwrap(),
            None => CertifiedIssuer::self_signed(params, key()).unwrap(),
        })
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = anna().params().unwrap();
        change(&mut params);
        params.signed_by(&key(), &self.0).unwrap().pem()
    }

    /// Its CRL, with the certificates of these numbers.
    fn crl(&self, numbers: &[u64]) -> String {
        let today = OffsetDateTime::now_utc();
        let revoked = |number: &u64| RevokedCertParams {
            serial_number: (*number).into(),
            revocation_time: today,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: today,
            next_update: today + Duration::days(1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

#[test]
fn every_ca_of_a_chain_must_tell_what_it_revoked() {
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let root = Authority::new("Root", None);
    let branch = Authority::new("Branch", Some(&root));
    let ca = write("root.pem", &root.0.pem());
    let leaf = branch.issue(|_| ());
    let pem = leaf.clone() + &branch.0.pem();
    let verify = |crls: &[PathBuf], pem: &str| Persons::load(&ca, crls).unwrap().verify(pem, &ANNA, now());
    let code = |crls: &[PathBuf], pem: &str| verify(crls, pem).unwrap_err().code();

    assert_eq!(code(&[], &leaf), "certificate-untrusted", "the branch isn't presented");
    assert_eq!(verify(&[], &pem).unwrap().issuer, "CN=Branch");

    let (of_root, of_branch) = (write("root.crl", &root.crl(&[])), write("branch.crl", &branch.crl(&[])));
    assert_eq!(code(from_ref(&of_root), &pem), "revocation-unknown");
    assert_eq!(code(from_ref(&of_branch), &pem), "revocation-unknown");
    assert!(verify(&[of_root, of_branch.clone()], &pem).is_ok());
    let without_the_branch = write("later.crl", &root.crl(&[7]));
    assert_eq!(code(&[without_the_branch, of_branch], &pem), "certificate-revoked");
    let both = write("both.crl", &(root.crl(&[]) + &branch.crl(&[])));
    assert!(verify(&[both], &pem).is_ok(), "two CRLs in a file");
}

#[test]
fn the_cas_and_their_crls_must_be_there_from_the_start() {
    let world = World::new();
    let nowhere = world.files.path().join("nowhere");
    let (ca, crl) = (world.ca.certificate_path(), world.ca.crl_path());
    assert!(matches!(
        Persons::load(&nowhere, from_ref(&crl)),
        Err(PersonsError::Ca(CertificateError::Read { .. }))
    ));
    assert!(matches!(
        Persons::load(&ca, &[crl, nowhere]),
        Err(PersonsError::Crl(CrlError::Read { .. }))
    ));
    assert!(world.persons.is_development());
}
