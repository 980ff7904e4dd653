use protocol::settlement::Asset;

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
        .filter(|line| !line.starts_with("contract_messages") && !line.starts_with("# policy"))
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(uncommented.contains("\nretries = 3\n"), "{uncommented}");
    let (shown, defaults) = (parse(&uncommented).unwrap(), parse(SAMPLE).unwrap());
    let comparable = |config: &Config| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            config.http.listen,
            config.peer_client,
            config.settlement,
            config.windows,
            config.credit,
            config.reconciliation
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
fn the_audit_page_is_a_folder_that_need_not_be_there() {
    let config = parse(SAMPLE).unwrap();
    assert_eq!((config.http.audit_page, config.http.audit_node_url), (None, None));
    let config = changed("# audit_page = ", "audit_page = ").unwrap();
    assert_eq!(config.http.audit_page.unwrap(), Path::new("/etc/quittance/audit-page"));
    let wrong = changed("# audit_node_url = \"wss:", "audit_node_url = \"https:").unwrap_err();
    assert!(wrong.to_string().contains("http.audit_node_url"), "{wrong}");
}

#[test]
fn unknown_and_missing_keys_are_named() {
    for (from, to, named) in [
        ("data_dir", "data_directory", "data_directory"),
        ("[http]", "[http]\nport = 80", "port"),
        ("notaries = [2]", "", "notaries"),
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
        ("notaries = [2]", "notaries = [7]", "settlement.notaries"),
        ("notaries = [2]", "notaries = []", "settlement.notaries"),
        ("notaries = [2]", "notaries = [2, 2]", "settlement.notaries"),
        (
            "# notary_patience_percent = 10",
            "notary_patience_percent = 51",
            "settlement.notary_patience_percent",
        ),
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
    let text = SAMPLE
        .replace("notaries = [2]", "notaries = [7]")
        .replace("ws://", "http://");
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

#[test]
fn cut_offs_and_holidays_are_read_and_wrong_ones_named() {
    let config = changed("# cut_offs = []", "cut_offs = [\"11:30\", \"16:00\"]").unwrap();
    assert_eq!(
        config.windows.cut_offs,
        ["11:30", "16:00"].map(|text| text.parse().unwrap())
    );
    let wrong = changed("# cut_offs = []", "cut_offs = [\"4 pm\"]").unwrap_err();
    assert!(wrong.to_string().contains("4 pm"), "{wrong}");
    let wrong = changed("# holidays = []", "holidays = [\"25 December\"]").unwrap_err();
    assert!(wrong.to_string().contains("25 December"), "{wrong}");
    let wrong = changed("# alarm_percent = 80", "alarm_percent = 0").unwrap_err();
    assert!(wrong.to_string().contains("windows.alarm_percent"), "{wrong}");
}

/// The sample with these endpoints.
fn with_endpoints(text: &str) -> Result<Config, ConfigError> {
    parse(&format!("{SAMPLE}\n{text}"))
}

#[test]
fn who_is_told_has_a_name_an_address_and_a_secret_in_one_place() {
    let good =
        "[[webhooks.endpoints]]\nname = \"books\"\nurl = \"https://books.example/q\"\nsecret_file = \"keys/b\"\n";
    let config = with_endpoints(good).unwrap();
    let [endpoint] = config.webhooks.endpoints.as_slice() else {
        panic!("one endpoint: {:?}", config.webhooks);
    };
    assert_eq!(
        endpoint.secret_file.as_deref(),
        Some(Path::new("/etc/quittance/keys/b"))
    );
    assert_eq!(config.webhooks.give_up_after_seconds, 259_200);
    for (from, to, key) in [
        ("https://books.example/q", "books.example", "webhooks.endpoints[0].url"),
        ("https://books", "https://me:word@books", "webhooks.endpoints[0].url"),
        ("secret_file = \"keys/b\"", "", "webhooks.endpoints[0].secret_file"),
        (
            "secret_file",
            "secret_env = \"B\"\nsecret_file",
            "webhooks.endpoints[0].secret_file",
        ),
        ("\"books\"", "\"\"", "webhooks.endpoints[0].name"),
    ] {
        let error = with_endpoints(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    let error = with_endpoints(&format!("{good}{good}")).unwrap_err().to_string();
    assert!(error.contains("webhooks.endpoints[1].name"), "{error}");
}

#[test]
fn what_is_told_is_private_by_https_or_on_this_machine() {
    let endpoint = |url: &str| WebhookEndpoint {
        name: "books".into(),
        url: url.into(),
        secret_file: None,
        secret_env: Some("SECRET".into()),
    };
    for private in [
        "https://books.example/q",
        "http://127.0.0.1:81",
        "http://[::1]/",
        "http://localhost:81/q",
    ] {
        assert!(endpoint(private).is_private(), "{private}");
    }
    for open in [
        "http://books.example/q",
        "http://10.0.0.1/",
        "http://localhost.example/",
    ] {
        assert!(!endpoint(open).is_private(), "{open}");
    }
}

/// The sample with these chains to give credit on.
fn with_credit(text: &str) -> Result<Config, ConfigError> {
    parse(&format!("{SAMPLE}\n{text}"))
}

#[test]
fn a_credit_node_lists_its_chains() {
    assert!(parse(SAMPLE).unwrap().credit.chains.is_empty(), "no credit by default");
    let good = "[[credit.chains]]\nurl = \"ws://127.0.0.1:9944\"\ndeployment = \"deployment.json\"\n\
                [[credit.chains]]\nurl = \"wss://other.example\"\ndeployment = \"/etc/other.json\"\nmember = 7\n";
    let config = with_credit(good).unwrap();
    let [home, other] = config.credit.chains.as_slice() else {
        panic!("two chains: {:?}", config.credit);
    };
    assert_eq!(home.deployment, Path::new("/etc/quittance/deployment.json"));
    assert_eq!((home.member, other.member), (None, Some(Member(7))));
    assert_eq!(other.deployment, Path::new("/etc/other.json"));

    let error = with_credit(&good.replace("wss://", "https://"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("credit.chains[1].url"), "{error}");
    let error = with_credit(&good.replace("member = 7", "node = 7"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("node"), "{error}");
    let error = with_credit(&good.replacen("deployment = \"deployment.json\"\n", "", 1))
        .unwrap_err()
        .to_string();
    assert!(error.contains("deployment"), "{error}");
}

/// The sample with the section that begins so taken as it stands.
fn with_section(header: &str) -> Config {
    let (before, after) = SAMPLE.split_once(&format!("#{header}")).unwrap();
    let (section, rest) = after.split_once("\n\n").unwrap();
    let taken: String = section
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    parse(&format!("{before}{header}{taken}\n{rest}")).unwrap()
}

#[test]
fn the_sample_s_chains_to_give_credit_on_can_be_taken_as_they_stand() {
    let config = with_section("[[credit.chains]]");
    assert_eq!(config.credit.chains.len(), 1);
    assert_eq!(config.credit.chains[0].url, config.chain.url);
}

#[test]
fn the_sample_s_cas_of_persons_can_be_taken_as_they_stand() {
    let persons = with_section("[credit.persons]").credit.persons.unwrap();
    assert_eq!(persons.ca, Path::new("/etc/quittance/keys/persons-ca.pem"));
    assert_eq!(persons.crls, [Path::new("/etc/quittance/keys/persons-ca.crl")]);
}

#[test]
fn that_nothing_counts_as_revoked_must_be_said() {
    assert!(parse(SAMPLE).unwrap().credit.persons.is_none());
    let good = "[credit.persons]\nca = \"ca.pem\"\ncrls = []\n";
    let persons = with_credit(good).unwrap().credit.persons.unwrap();
    assert_eq!(persons.ca, Path::new("/etc/quittance/ca.pem"));
    assert!(persons.crls.is_empty());
    for (from, to, named) in [
        ("crls = []\n", "", "crls"),
        ("ca = \"ca.pem\"\n", "", "ca"),
        ("crls", "crl = []\ncrls", "crl"),
    ] {
        let error = with_credit(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(&format!("`{named}`")), "{error}");
    }
}

/// The sample with these lines in the section about limits.
fn with_score(text: &str) -> Result<Config, ConfigError> {
    changed("[credit.score]", &format!("[credit.score]\n{text}"))
}

#[test]
fn how_limits_are_computed_is_configured_for_all_assets_and_for_some() {
    let token = format!("0x{}", "07".repeat(32));
    let own = format!("[[credit.score.assets]]\nasset = \"{token}\"\nbase = \"1\"\ncap = \"9\"\n");
    let good = format!("window_days = 30\nbase = \"5\"\nlate_percent = 300\n{own}");
    let rules = with_score(&good).unwrap().credit.score.rules();
    let (native, token) = (
        rules.of(Asset::Native),
        rules.of(token.parse::<crate::assets::AssetName>().unwrap().0),
    );
    assert_eq!((native.window_days, native.base, native.late_percent), (30, 5, 300));
    assert_eq!((token.window_days, token.base, token.cap), (30, 1, 9));
    let unsaid = CreditScore::default();
    assert_eq!(
        (native.cap, native.on_time_percent),
        (unsaid.cap, unsaid.on_time_percent)
    );

    for (wrong, key) in [
        (good.replace("= 30\n", "= 0\n"), "credit.score.window_days"),
        (good.replace("= 300", "= 10001"), "credit.score.late_percent"),
        (good.replace("\"5\"", "\"1000000000000001\""), "credit.score.base"),
        (good.replace("\"1\"", "\"10\""), "credit.score.assets[0].base"),
        (format!("{good}{own}"), "credit.score.assets[1].asset"),
        (good.replace("late_percent", "tardy_percent"), "tardy_percent"),
        (good.replace("\"9\"", "9"), "cap"),
    ] {
        let error = with_score(&wrong).unwrap_err().to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
}
