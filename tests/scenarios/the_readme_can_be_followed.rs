//! Every command of README.md is run, in its order, in one shell, as a reader would.
use std::{
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

/// What a reader has before the first command, and what would take too long or never end.
const PRELUDE: &str = r#"
set -euo pipefail
function scripts/demo { quittance demo "$@"; }    # scripts/demo builds first: built it is
function scripts/test { :; }                      # this is part of it
npm() { :; }                                      # scripts/test has done that
pkill() { :; }                                    # at the end
quittance-node() {                                # never ends by itself
    command quittance-node "$@" --rpc-port "$PORT" --port 0 --no-prometheus > node.log 2>&1 &
    NODE_PROCESS=$!
    until grep -q 'Running JSON-RPC server' node.log; do kill -0 "$NODE_PROCESS"; done
}
finish() {
    [ -z "${D-}" ] || command pkill -f "$D" || true
    [ -z "${NODE_PROCESS-}" ] || kill "$NODE_PROCESS"
}
trap finish EXIT
"#;
/// The one block that a reader has to complete: it writes, checks and runs a configuration of its own.
const TO_BE_COMPLETED: &str = "quittance config sample";

#[test]
fn every_command_of_the_readme_works() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(repository.join("README.md")).unwrap();
    let port = quittance::devnet::free_port().unwrap().to_string();
    let mut script = PRELUDE.to_owned();
    let mut blocks = 0;
    for block in readme.split("```bash\n").skip(1) {
        let commands = block.split("```").next().unwrap();
        if !commands.starts_with(TO_BE_COMPLETED) && !commands.starts_with("cargo build --release") {
            script.push_str(&commands.replace("9944", &port));
            blocks += 1;
        }
    }
    assert!(blocks > 8, "the README's commands were not found");

    let directory = tempfile::tempdir().unwrap();
    for name in ["scripts", "tests"] {
        symlink(repository.join(name), directory.path().join(name)).unwrap();
    }
    let target = quittance_tests::target_dir();
    let programs = target.join("debug");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-x", "-c", &script])
        .current_dir(directory.path())
        .env("CARGO_TARGET_DIR", target)
        .env("PATH", path)
        .env("PORT", port)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(25).collect();
    assert!(
        output.status.success(),
        "the README's commands fail; last, latest first:\n{}",
        last.join("\n")
    );
}
