//! Whatever answers, or nothing: no payment is lost, none is taken twice.
use super::*;

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_kept_for_later() {
    for (status, attempts) in [
        (StatusCode::SERVICE_UNAVAILABLE, 2),
        (StatusCode::TOO_MANY_REQUESTS, 2),
        (StatusCode::BAD_GATEWAY, 2),
        (StatusCode::INTERNAL_SERVER_ERROR, 1),
        (StatusCode::FORBIDDEN, 1),
    ] {
        let shop = Shop::answering(move |attempt, order| match attempt {
            0 => problem(status),
            _ => agreeable(order),
        })
        .await;
        let sent = shop.till().pay(&shop.card(), &sale(100)).await.unwrap();
        assert_eq!(shop.heard().len(), attempts, "{status}");
        assert_eq!(sent.trouble.is_none(), attempts == 2, "{status}");
        let sent = shop.till().send(|_| {}).await.unwrap();
        assert_eq!(sent.len(), usize::from(attempts == 1), "{status}");
        assert!(shop.till().queue().waiting().is_empty(), "{status}");
    }
}

#[tokio::test]
async fn the_acquirers_refusal_is_told_in_its_words() {
    let shop = Shop::answering(|_, _| problem(StatusCode::FORBIDDEN)).await;
    let sent = shop.till().pay(&shop.card(), &sale(100)).await.unwrap();
    let refused = Failure::Rejected {
        code: "not-our-terminal".into(),
        detail: "the issuer adds it".into(),
    };
    assert_eq!(sent.trouble, Some(Trouble::Failed(refused)));
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_none() {
    let garbage: [fn() -> Response; 7] = [
        || "approved".into_response(),
        || Json(json!({ "kind": "approved" })).into_response(),
        || Json(json!({ "kind": "declined", "code": "mood", "reason": "no" })).into_response(),
        || answer(&approved(101)),
        || answer(&approved(59)),
        || answer(&returned(100)),
        || Redirect::temporary("http://127.0.0.1:9/").into_response(),
    ];
    for (number, garbage) in garbage.into_iter().enumerate() {
        let shop = Shop::answering(move |_, _| garbage()).await;
        let partial = Sale {
            least: Some(60),
            ..sale(100)
        };
        let sent = shop.till().pay(&shop.card(), &partial).await.unwrap();
        assert!(
            matches!(sent.trouble, Some(Trouble::Failed(Failure::Unclear(_)))),
            "{number}: {:?}",
            sent.trouble
        );
        assert_eq!(shop.till().queue().waiting().len(), 1, "{number}");
    }
}

#[tokio::test]
async fn a_line_that_is_cut_is_tried_again_until_patience_ends() {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let shop = Shop::closed();
    shop.settle_on(&format!("http://{}", listener.local_addr().unwrap()));
    let cut = Arc::new(Mutex::new(0));
    let counted = cut.clone();
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            drop(line);
            *counted.lock().unwrap() += 1;
        }
    });
    let mut till = shop.till_with(Some(Duration::from_secs(2)));
    let sent = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert!(
        matches!(sent.trouble, Some(Trouble::Failed(Failure::Passing(_)))),
        "{sent:?}"
    );
    assert!(*cut.lock().unwrap() > 1);
    assert_eq!(till.queue().waiting().len(), 1);
}

#[tokio::test]
async fn patience_ends_with_a_payment_that_is_still_pending() {
    let shop = Shop::answering(|_, _| answer(&OrderAnswer::Pending)).await;
    let mut till = shop.till_with(Some(Duration::from_secs(1)));
    let sent = till.pay(&shop.card(), &sale(100)).await.unwrap();
    assert_eq!(sent.trouble, Some(Trouble::Pending));
    assert!(shop.heard().len() > 1);
}

#[tokio::test]
async fn a_terminal_killed_before_it_sends_sends_the_same_order_with_the_next_command() {
    let shop = Shop::closed();
    let sent = shop.till_with(ONCE).pay(&shop.card(), &named(100)).await.unwrap();
    assert!(sent.trouble.is_some());

    shop.settle_on(&shop.serve(|_, order| agreeable(order)).await);
    let mut till = shop.till();
    let caught_up = till.catch_up().await.unwrap();
    assert_eq!(caught_up[0].entry.answer(), Some(&approved(100)));
    assert_eq!(shop.heard()[0].1, sent.entry.order);
    // The cashier repeats the command that was killed.
    let again = till.pay(&shop.card(), &named(100)).await.unwrap();
    assert_eq!(again.entry, caught_up[0].entry);
    assert_eq!((shop.heard().len(), shop.next_counter()), (1, 2));
}

#[tokio::test]
async fn a_terminal_killed_after_it_sent_asks_again_and_gets_the_same_answer() {
    let shop = Shop::answering(|attempt, order| match attempt {
        // It was carried out, and the terminal never heard.
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => agreeable(order),
    })
    .await;
    shop.till().pay(&shop.card(), &named(100)).await.unwrap();
    let again = shop.till().pay(&shop.card(), &named(100)).await.unwrap();
    assert_eq!(again.entry.answer(), Some(&approved(100)));
    let heard = shop.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].1, heard[1].1);
}

#[tokio::test]
async fn a_payment_goes_over_tls_to_whom_the_ca_vouches_for_and_to_nobody_else() {
    let shop = Shop::closed();
    let files = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::create(&files.path().join("ca")).unwrap();
    let request = CertificateRequest {
        name: "Acquirer".to_owned(),
        lei: protocol::Lei(*b"5493001KJTIIGC8Y1R12"),
        dns: vec![],
        ip: vec![[127, 0, 0, 1].into()],
    };
    let issued = ca.issue(&request).unwrap();
    let certificate = Certificate::load(&issued.certificate, &issued.key).unwrap();
    let server = tls::server_config(&certificate, &ca.authorities().unwrap(), false).unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/terminal/v1/orders", post(|| async { answer(&approved(100)) }));
    let config = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(server));
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(server.serve(router.into_make_service()));

    let other = DevelopmentCa::create(&files.path().join("other")).unwrap();
    for (authority, is_trusted) in [(&other, false), (&ca, true)] {
        fs::copy(authority.certificate_path(), shop.till_directory().join("ca.pem")).unwrap();
        let settings = Settings {
            ca: Some("ca.pem".into()),
            ..shop.settings(&url)
        };
        settings.save(&shop.till_directory()).unwrap();
        let sent = shop.till_with(ONCE).pay(&shop.card(), &named(100)).await.unwrap();
        assert_eq!(sent.trouble.is_none(), is_trusted, "{:?}", sent.trouble);
    }
}
