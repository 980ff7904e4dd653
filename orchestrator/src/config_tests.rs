use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/quittance/bank-a.toml"))
}

/// The sample with one text replaced.
fn changed(from: &str, to: &str) -> Result<Config, ConfigError> {
    assert!(SAMPLE.contains(from), "the sample has no {from:?}");
    parse(&SAMPLE.replacen(from, to, 1))
}

#[test]
fn the_sample_is_valid_and_relative_paths_start_at_its_directory() {
    let config = parse(Config::sample()).unwrap();
    assert_eq!(config.institution.member, Member(0));
    assert_eq!(config.data_dir, Path::new("/etc/quittance/data"));
    assert_eq!(config.keys.account, "/etc/quittance/keys/account.json");
    assert_eq!(config.peers.len(), 2);
    assert_eq!(config.http.listen, default::listen());
    assert_eq!(config.peer_client.timeout(), Duration::from_secs(10));
}

#[test]
fn every_optional_key_in_the_sample_shows_its_default() {
    let uncommented: String = SAMPLE
        .lines()
        .filter(|line| !line.starts_with("contract_messages"))
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(uncommented.contains("\nretries = 3\n"), "{uncommented}");
    let (shown, defaults) = (parse(&uncommented).unwrap(), parse(SAMPLE).unwrap());
    let comparable = |config: &Config| {
        format!(
            "{:?} {:?} {:?}",
            config.http.listen, config.peer_client, config.settlement
        )
    };
    assert_eq!(comparable(&shown), comparable(&defaults));
    assert!(!shown.http.tls && !shown.http.client_certificates);
}

#[test]
fn development_uris_and_absolute_paths_stay_as_they_are() {
    let config = changed("\"keys/account.json\"", "\"//Alice\"").unwrap();
    assert_eq!(config.keys.account, "//Alice");
    let config = changed("\"keys/ca.pem\"", "\"/etc/ssl/ca.pem\"").unwrap();
    assert_eq!(config.keys.ca, Path::new("/etc/ssl/ca.pem"));
}

#[test]
fn the_webhooks_secret_is_a_file_that_need_not_be_there() {
    let text = "# delivery_webhook_secret = ";
    let config = parse(SAMPLE).unwrap();
    assert_eq!(config.escrow.delivery_webhook_secret, None);
    let config = changed(text, "delivery_webhook_secret = ").unwrap();
    let secret = config.escrow.delivery_webhook_secret.unwrap();
    assert_eq!(secret, Path::new("/etc/quittance/keys/delivery.secret"));
    assert!(parse(SAMPLE.split("[escrow]").next().unwrap()).is_ok(), "no section");
}

#[test]
fn unknown_and_missing_keys_are_named() {
    for (from, to, named) in [
        ("data_dir", "data_directory", "data_directory"),
        ("[http]", "[http]\nport = 80", "port"),
        ("notary = 2", "", "notary"),
        ("[escrow]", "[escrow]\nsecret = \"whsec_\"", "secret"),
        ("role = \"operator\"", "role = \"root\"", "root"),
        ("member = 0", "member = 70000", "70000"),
        ("\nsha256 = \"", "\nsha256 = \"00", "32 bytes"),
    ] {
        let error = changed(from, to).unwrap_err();
        assert!(matches!(error, ConfigError::Parse { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert!(error.to_string().contains("bank-a.toml"), "{error}");
    }
}

#[test]
fn wrong_values_are_named_with_advice() {
    for (from, to, key) in [
        ("name = \"Bank A\"", "name = \" \"", "institution.name"),
        ("ws://127.0.0.1:9944", "http://127.0.0.1:9944", "chain.url"),
        (
            "# client_certificates = false",
            "client_certificates = true",
            "http.client_certificates",
        ),
        ("name = \"back office\"", "name = \"\"", "http.tokens[0].name"),
        ("registry.members", "registry", "http.tokens[0].contract_messages"),
        ("registry.members", "*.members", "http.tokens[0].contract_messages"),
        ("member = 1", "member = 0", "peers[0].member"),
        ("member = 2", "member = 1", "peers[1].member"),
        (
            "https://bank-b.example:8443",
            "https://bank-b.example:8443/quittance",
            "peers[0].url",
        ),
        ("https://bank-b.example:8443", "ftp://bank-b.example", "peers[0].url"),
        (
            "https://bank-b.example:8443",
            "https://user:secret@bank-b.example",
            "peers[0].url",
        ),
        (
            "# timeout_seconds = 10",
            "timeout_seconds = 0",
            "peer_client.timeout_seconds",
        ),
        ("# retries = 3", "retries = 1000", "peer_client.retries"),
        ("notary = 2", "notary = 7", "settlement.notary"),
        (
            "# voucher_lifetime_seconds = 600",
            "voucher_lifetime_seconds = 1",
            "settlement.voucher_lifetime_seconds",
        ),
    ] {
        let error = changed(from, to).unwrap_err();
        let text = error.to_string();
        let ConfigError::Invalid { problems, .. } = error else {
            panic!("{text}");
        };
        assert!(problems.iter().any(|problem| problem.key == key), "{key}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn every_wrong_value_is_reported_at_once() {
    let text = SAMPLE.replace("notary = 2", "notary = 7").replace("ws://", "http://");
    let Err(ConfigError::Invalid { problems, .. }) = parse(&text) else {
        panic!("two values are wrong");
    };
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Path::new("/nowhere/bank.toml")).unwrap_err();
    assert!(
        error.to_string().starts_with("/nowhere/bank.toml can't be read"),
        "{error}"
    );
}

#[test]
fn tokens_permit_the_messages_they_name() {
    let config = parse(SAMPLE).unwrap();
    let token = &config.http.tokens[0];
    assert!(token.permits_message("registry", "members"));
    assert!(token.permits_message("clearing", "anything"));
    assert!(!token.permits_message("registry", "govern"));
    assert!(!token.permits_message("escrow", "propose"));
}
