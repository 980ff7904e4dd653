//! Places where a test can stop a process that was built with the feature `failpoints`: `{role}.{state}.acting`
//! before a step acts, `{role}.{state}.acted` after it acted and before that is stored, and
//! `{role}.{answer}.signed` where an answer to a peer is stored and not yet sent.

/// Reads the environment variable `FAILPOINTS`. Hold on to what it returns: dropping it disarms every point.
#[cfg(feature = "failpoints")]
pub fn arm() -> fail::FailScenario<'static> {
    fail::FailScenario::setup()
}

/// Does what the test configured for this point. It runs where blocking is harmless, because `pause` blocks.
#[cfg(feature = "failpoints")]
pub(crate) async fn reach(name: String) {
    if fail::list().iter().any(|(configured, _)| *configured == name) {
        // Whoever configured it waits for this line.
        tracing::warn!("reached fail point {name}");
    }
    let point = tokio::task::spawn_blocking(move || fail::fail_point!(name.as_str()));
    if let Err(error) = point.await {
        tracing::warn!(%error, "a fail point ended badly");
    }
}

/// Nothing: this build has no fail points.
#[cfg(not(feature = "failpoints"))]
pub(crate) async fn reach(_name: String) {}
