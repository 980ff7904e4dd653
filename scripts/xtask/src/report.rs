//! What a person, or a script, sees of the work: one line per artifact.
use std::{
    io::{stdout, IsTerminal},
    time::{Duration, Instant},
};

use anyhow::Result;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::{fingerprint::code_hash, Artifact};

pub enum Report {
    /// A line that lives while the work goes on.
    Terminal,
    /// A line when the work is done.
    Plain,
    /// An object when the work is done.
    Json,
}

/// The line of the artifact that is being built.
pub struct Line(ProgressBar);

impl Report {
    pub fn new(json: bool) -> Self {
        match (json, stdout().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Terminal,
            (false, false) => Self::Plain,
        }
    }

    /// Runs `build` under a line of its own and closes the line with what came out.
    pub fn artifact(&self, name: &str, build: impl FnOnce(&Line) -> Result<Artifact>) -> Result<()> {
        let started = Instant::now();
        let line = self.open(name);
        let artifact = build(&line).inspect_err(|_| line.0.finish_and_clear())?;
        line.0.finish_and_clear();

        let hash = format!("0x{}", hex::encode(code_hash(&artifact.wasm)));
        let size = artifact.wasm.len();
        if matches!(self, Self::Json) {
            let object = json!({
                "name": name,
                "path": artifact.path,
                "size": size,
                "code_hash": hash,
                "rebuilt": artifact.rebuilt,
                "seconds": (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            });
            println!("{object}");
            return Ok(());
        }
        let state = match artifact.rebuilt {
            true => format!("built in {:.1} s", started.elapsed().as_secs_f64()),
            false => "unchanged".to_owned(),
        };
        println!(
            "{name:18} {state:16} {:>10}  {hash}",
            HumanBytes(size as u64).to_string()
        );
        Ok(())
    }

    fn open(&self, name: &str) -> Line {
        if !matches!(self, Self::Terminal) {
            return Line(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        if let Ok(style) = ProgressStyle::with_template("{prefix:18} {spinner} {elapsed:>5}  {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Line(bar)
    }
}

impl Line {
    /// Tells what the work is at.
    pub fn step(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }
}
