//! `quittance deploy` finds what it made before.
use quittance::devnet::{Network, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_network_on_the_same_chain_finds_the_contracts_and_institutions_of_the_first() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut one = Network::start(Options::built(first.path().to_owned()).unwrap(), &|_| ())
        .await
        .unwrap();
    let members = one.ledger().await.unwrap().institutions().await.unwrap();
    for institution in [&mut one.originator, &mut one.home, &mut one.notary] {
        institution.kill().await.unwrap();
    }

    let options = Options {
        url: Some(one.url.clone()),
        ..Options::built(second.path().to_owned()).unwrap()
    };
    let two = Network::start(options, &|_| ()).await.unwrap();
    assert_eq!(two.deployment, one.deployment, "the same contracts");
    let again = two.ledger().await.unwrap().institutions().await.unwrap();
    assert_eq!(again.len(), members.len(), "the same institutions");
    for (now, then) in again.iter().zip(&members) {
        assert_eq!(
            (now.member, now.id, now.signing_key),
            (then.member, then.id, then.signing_key)
        );
        assert_ne!(
            now.certificate, then.certificate,
            "with the certificates that were issued anew"
        );
    }
}
