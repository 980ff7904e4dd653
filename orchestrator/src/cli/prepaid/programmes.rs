//! `quittance prepaid programmes`, `programme` and `set-programme`.
use std::path::PathBuf;

use clap::Parser;

use super::{render, Output, Write};
use crate::{http::prepaid::programmes::CardProgrammeView, prepaid::programme::ProgrammeFile};

/// Shows the programmes that the institution has to do with.
#[derive(Debug, Parser)]
pub(super) struct List {
    #[command(flatten)]
    output: Output,
}

/// Shows one programme.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    output: Output,
}

/// Says what holds for all cards and merchants from now on. Disputes that are open keep their deadline.
#[derive(Debug, Parser)]
pub(super) struct Set {
    /// A file like the one that `quittance prepaid sample` prints.
    file: PathBuf,
    #[command(flatten)]
    write: Write,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = "/v1/prepaid/programmes";
        self.output
            .show(path, |programmes: &Vec<CardProgrammeView>| {
                render::programmes(programmes)
            })
            .await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.output.path("").await?;
        self.output.show(&path, render::programme).await
    }
}

impl Set {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let programme = ProgrammeFile::load(&self.file)?;
        self.write.act("", &programme).await
    }
}
