//! The `quittance` command.
#![forbid(unsafe_code)]

#[tokio::main]
async fn main() -> std::process::ExitCode {
    quittance::cli::main().await
}
